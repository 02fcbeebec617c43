"""Energy of trainings beside the paper's: bands, what would have to differ, `wide` against `paper`, where it goes.

    python -m oxmc.studies.energy TABLE [--data FILE --subject 208] [--repeats 20]

TABLE is `paper`, `ratio` or `parts`. Joules are means over the repeats: counts of all of them added up, so that bands
are those of the cost table's figures; the spread over the repeats stands apart. `ecg` needs `--data`.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from oxmc.energy.interval import Band, ratio_band, uncertainty
from oxmc.energy.ledger import Ledger
from oxmc.energy.parts import HEADLINE, ledger_of_part
from oxmc.energy.published import PAPER_J, compare
from oxmc.pymodels.config import resolve
from oxmc.pymodels.events import PHASES
from oxmc.pymodels.tasks import NO_SOURCE, DataSource, fit_config, load_task
from oxmc.pymodels.tasks.jobs import make_job
from oxmc.run.result import ledger_of, phases_of
from oxmc.run.train import Request, run_engine
from oxmc.studies.estimates import estimate
from oxmc.studies.tables import Row, parser, show
from oxmc.studies.trainings import seeds_of

NODES_OF: dict[str, list[str]] = {}
for _task, _node in PAPER_J:
    NODES_OF.setdefault(_task, []).append(_node)
SHOWN = 5
"""Components named of a training."""


@dataclasses.dataclass(frozen=True)
class Series:
    """Trainings of one preset: the ledger of their mean at each node, and values and joules of each training."""

    ledgers: dict[str, Ledger]
    values: np.ndarray
    training_j: dict[str, np.ndarray]

    def training(self, node: str) -> Ledger:
        return ledger_of_part(self.ledgers[node], HEADLINE)


def mean_ledger(ledger: Ledger, runs: int) -> Ledger:
    """A ledger of `runs` runs' added counts, in joules a run."""

    return Ledger(
        tuple(
            dataclasses.replace(line, energy_j=line.energy_j / runs, low=line.low / runs, high=line.high / runs)
            for line in ledger.lines
        )
    )


@cache
def series(
    task: str, preset: str, seeds: tuple[int, ...], source: DataSource, settings: tuple[tuple[str, Any], ...] = ()
) -> Series:
    """Trainings on the twin, each with a split of its own; `settings` are keys that differ from the preset's."""
    keys = dict(settings)
    config = fit_config(task, resolve(task, preset, settings=keys), tuple(keys), source)
    nodes = NODES_OF[task]
    request = Request(task=task, preset=preset, engine="twin", seed=0, config=config, out=Path())
    added: dict = {phase: {"events": {}, "quantities": {}} for phase in PHASES}
    values: list[float] = []
    training_j: dict[str, list[float]] = {node: [] for node in nodes}
    for seed in seeds:
        dataset = load_task(task, config, seed, source)
        outcome = run_engine(make_job(config, dataset, seed), request, Path(), None)
        rewards = outcome.rewards
        values.append(float(rewards.mean() if rewards.size else (outcome.classes == dataset.test_t).mean()))
        phases = phases_of(outcome)
        for node in nodes:
            training_j[node].append(ledger_of_part(ledger_of(config, phases, node), HEADLINE).total_j)
        for phase, kinds in phases.items():
            for kind, row in kinds.items():
                for name, count in row.items():
                    added[phase][kind][name] = added[phase][kind].get(name, 0) + count
    ledgers = {node: mean_ledger(ledger_of(config, added, node), len(seeds)) for node in nodes}
    return Series(ledgers, np.array(values), {node: np.array(joules) for node, joules in training_j.items()})


def paper_line(task: str, node: str, found: Series) -> Row:
    """`paper` at a node beside the paper's own figure."""
    comparison = compare(task, node, found.ledgers[node])
    assert comparison is not None
    whole, analogue, drivers, cells = comparison.counted
    enough = [f"{lever.name} x {lever.factor:.2g}" for lever in comparison.levers if lever.factor is not None]
    held = [part.name for part in comparison.counted if part.inside]
    return {
        "task, node": f"{task}, {node}",
        "paper, uJ": comparison.paper_j * 1e6,
        "training, uJ": round(whole.energy_j * 1e6, 2),
        "band": _band(whole.band),
        "in the band of": ", ".join(held) or "none",
        "array and converters": f"{analogue.energy_j * 1e6:.2f}, x {analogue.times:.2f}",
        "array and drivers": f"{drivers.energy_j * 1e6:.2f}, x {drivers.times:.2f}",
        "cells": f"{cells.energy_j * 1e6:.2f}, x {cells.times:.2f}",
        "cells meet it at pulses of": f"{100 * comparison.cells_factor:.0f} ns",
        "one figure alone": "; ".join(enough) or "none",
        "all figures": f"x {1 / whole.times:.2g}",
    }


def ratio_line(task: str, node: str, paper: Series, wide: Series) -> Row:
    """`wide` over `paper` in the training, with the band of shared errors, and over the whole run."""
    band = ratio_band(uncertainty(paper.training(node)), uncertainty(wide.training(node)))
    rows = {"paper": paper, "wide": wide}
    joules = {f"{name}, uJ": str(estimate(found.training_j[node] * 1e6)) for name, found in rows.items()}
    totals = [found.ledgers[node].total_j for found in (paper, wide)]
    return {
        "task, node": f"{task}, {node}",
        **{f"{name}: median, mean": f"{np.median(f.values):.4g}, {f.values.mean():.4g}" for name, f in rows.items()},
        **joules,
        "wide / paper": f"{wide.training(node).total_j / paper.training(node).total_j:.3f}",
        "band of the ratio": f"{band.low:.3f} to {band.high:.3f}",
        "with the test": f"{totals[1] / totals[0]:.3f}",
    }


def parts_line(task: str, node: str, preset: str, found: Series) -> Row:
    """Where a training's joules went."""
    training = found.training(node)
    ranked = sorted(training.by_component().items(), key=lambda part: -part[1])
    shares = [f"{name} {joules / training.total_j:.0%}" for name, joules in ranked[:SHOWN]]
    phases = found.ledgers[node].by_phase()
    return {
        "task, preset, node": f"{task}, {preset}, {node}",
        "training, uJ": f"{training.total_j * 1e6:.3g}",
        "of which": ", ".join(shares),
        "test, uJ": f"{phases.get('infer', 0.0) * 1e6:.3g}",
    }


def _band(band: Band) -> str:
    return f"{band.low * 1e6:.3g} to {band.high * 1e6:.3g}"


def lines(table: str, tasks: Sequence[str], seeds: Sequence[int], source: DataSource) -> list[Row]:
    """The lines of a table for `tasks`, at the nodes of which the paper has a figure."""
    made = []
    for task in tasks:
        chosen = source if task == "ecg" else NO_SOURCE
        paper = series(task, "paper", tuple(seeds), chosen)
        wide = series(task, "wide", tuple(seeds), chosen) if table != "paper" else paper
        for node in NODES_OF[task]:
            if table == "paper":
                made.append(paper_line(task, node, paper))
            elif table == "ratio":
                made.append(ratio_line(task, node, paper, wide))
            else:
                made += [parts_line(task, node, name, found) for name, found in (("paper", paper), ("wide", wide))]
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__, seed=20000, repeats=20)
    options.add_argument("table", choices=("paper", "ratio", "parts"))
    options.add_argument("--task", action="append", choices=NODES_OF, help="only this task; again for more")
    options.add_argument("--data", type=Path, help="recordings of ecg, which is left out without them")
    options.add_argument("--subject", type=int, default=208, help="that ecg is tested on (default 208)")
    given = options.parse_args(arguments)
    tasks = [task for task in given.task or NODES_OF if task != "ecg" or given.data]
    if len(tasks) < len(given.task or NODES_OF):
        print("ecg is left out: it needs --data", file=sys.stderr)
    source = DataSource(data=given.data, subject=given.subject) if given.data else NO_SOURCE
    show(lines(given.table, tasks, seeds_of(given.seed, given.repeats), source), given.json)


if __name__ == "__main__":
    main()
