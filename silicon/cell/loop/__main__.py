"""`python -m oxmc.silicon.cell.loop`: train the chip's RTL on a circuit, and count where the array model differs."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
from collections import Counter
from pathlib import Path

import numpy as np

from oxmc.pymodels.config import Config, preset
from oxmc.pymodels.errors import InputError, RunError
from oxmc.pymodels.job import JOB_VARIABLE, OWNER_VARIABLE, Job
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.tasks import load_task
from oxmc.pymodels.tasks.jobs import make_job
from oxmc.silicon.cell.__main__ import SELECTORS
from oxmc.silicon.cell.loop.array import Answer
from oxmc.silicon.cell.loop.bench import RESULT, SELECTOR_VARIABLE
from oxmc.silicon.cell.loop.decisions import Decision
from oxmc.silicon.cell.selector import Selector
from oxmc.tb.cosim.simulator import Simulation
from oxmc.tb.cosim.twin import twin_of

SMALL = {
    "rows": 8, "features": 4, "train_samples": 60, "test_samples": 40, "burn_in": 1, "scale_per_us": 0.06,
    "prior_sigma_us": 20.0, "adc_bits": 5, "table_bits": 5, "input_bits": 5, "input_range": 2.75, "eval_range": 6.0,
    "conditions": "real", "auto_zero_bits": 7,
}  # fmt: skip
"""What is changed of cancer's preset `paper`: four features, 8 rows, the converters of `wide`, all effects."""


BIT = 256
"""Costs are in 8 fraction bits."""


@dataclasses.dataclass(frozen=True)
class Loop:
    """What came of a training in the loop, and the twin's of the same job."""

    answers: list[Answer]
    decisions: list[Decision]
    outcome: Outcome
    twin: Outcome

    def lines(self, labels: np.ndarray) -> list[str]:
        """The lines of a Markdown table."""
        apart = sum(one.accepted != one.model_accepted for one in self.decisions)
        off = [one.likelihood - one.model_likelihood for one in self.decisions]
        accuracies = [np.mean(of.classes == labels) for of in (self.outcome, self.twin)]
        found = {
            **{f"{op}s in {phase}, codes apart": self._apart(op, phase) for op, phase in self._kinds()},
            "decisions, those apart": f"{len(self.decisions)}, {apart}",
            "cost of a row, circuit less model, bits: mean, sd": f"{np.mean(off) / BIT:.3f}, {np.std(off) / BIT:.3f}",
            "least margin of a decision, bits": f"{min(abs(one.margin) for one in self.decisions[1:]) / BIT:.3f}",
            "proposals, twin's own training": f"{self.outcome.proposals}, {self.twin.proposals}",
            "accuracy, twin's own": f"{accuracies[0]:.3f}, {accuracies[1]:.3f}",
        }
        return [f"| {name} | {value} |" for name, value in found.items()]

    def _kinds(self) -> list[tuple[str, str]]:
        return list(dict.fromkeys((one.op, one.phase) for one in self.answers))

    def _apart(self, op: str, phase: str) -> str:
        steps = Counter(one.circuit - one.model for one in self.answers if (one.op, one.phase) == (op, phase))
        total, apart = sum(steps.values()), {step: count for step, count in sorted(steps.items()) if step}
        return f"{total}, {sum(apart.values())}" + (f" ({_steps(apart)})" if apart else "")


def _steps(apart: dict[int, int]) -> str:
    return ", ".join(f"{step:+d}: {count}" for step, count in apart.items())


def small_job(seed: int, **changes: object) -> Job:
    config: Config = preset("cancer", "paper").replace(**SMALL | changes)
    return make_job(config, load_task("cancer", config, seed), seed)


def run_loop(job: Job, chosen: Selector, folder: Path) -> Loop:
    """The training on Icarus. Raises `InputError` without it or ngspice, `RunError` where it fails."""
    folder.mkdir(parents=True, exist_ok=True)
    models = folder / "selector.spice"
    models.write_text(chosen.models)
    job.save(folder / "job.npz")
    simulation = Simulation(job.config, "icarus")
    simulation.module = "oxmc.silicon.cell.loop.bench"
    simulation.build()
    own = {JOB_VARIABLE: str(folder.absolute()), OWNER_VARIABLE: str(os.getpid())}
    simulation.run(folder, own | {SELECTOR_VARIABLE: str(models.absolute())})
    found = json.loads((folder / RESULT).read_text())
    return Loop(
        [Answer(**one) for one in found["answers"]],
        [Decision(**one) for one in found["decisions"]],
        Outcome.load(folder / "outcome.npz"),
        twin_of(job),
    )


def main() -> None:
    options = argparse.ArgumentParser(prog="loop", description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--selector", choices=SELECTORS, default="sky130", help="the transistor (default sky130)")
    options.add_argument("--seed", type=int, nargs="+", default=[1], help="seeds of trainings (default 1)")
    options.add_argument("--folder", type=Path, default=Path("build/cell/loop"), help="where a training is kept")
    given = options.parse_args()
    try:
        for seed in given.seed:
            job = small_job(seed)
            found = run_loop(job, SELECTORS[given.selector](), given.folder / str(seed))
            print(f"\n| seed {seed} | |\n|---|---|")
            print("\n".join(found.lines(job.labels[job.config.train_samples :])), flush=True)
    except (InputError, RunError) as error:
        options.error(str(error))


if __name__ == "__main__":
    main()
