"""Joules of a training on this machine's processor, by the compiled sampler in real numbers, over the chip's."""

from __future__ import annotations

from typing import Any

import numpy as np

from oxmc.energy.parts import bounds
from oxmc.energy.published import CPU_J, SOURCE
from oxmc.pymodels.config import preset
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.job import Job
from oxmc.pymodels.tasks import load_task
from oxmc.pymodels.tasks.jobs import make_job
from oxmc.pymodels.twin.chain import run_twin
from oxmc.run.result import NODES, ledger_of, phases_of
from oxmc.speed.cpu_energy import SHORTEST_S, float_training, measure
from oxmc.tb.cosim.program import load_word_count, lut_codes

TASK, SEED = "cancer", 0
CASES = ("paper", "wide")


def chip_joules(job: Job) -> dict[str, dict[str, float]]:
    """What the chip takes for a training with its test points, by node: total, low and high; the twin counts."""
    formats = Formats(job.config)
    words = load_word_count(formats, len(job.codes))
    outcome = run_twin(job.config, job.seed, job.codes, job.labels, np.array(lut_codes(formats)), words)
    return {node: bounds(ledger_of(job.config, phases_of(outcome), node)) for node in NODES}


def measure_processor(power_w: float) -> dict[str, dict[str, Any]]:
    """Both presets of the cancer task. Raises `InputError` for a power that is none."""
    record = {}
    for name in CASES:
        config = preset(TASK, name)
        found = measure(float_training(TASK, config, SEED), power_w=power_w, shortest_s=SHORTEST_S)
        chip = chip_joules(make_job(config, load_task(TASK, config, SEED), SEED))
        chip_j = {node: ends["total"] for node, ends in chip.items()}
        record[f"{TASK} {name}"] = found.as_json() | {
            "chip_j": chip_j,
            "chip_bounds_j": {node: [ends["low"], ends["high"]] for node, ends in chip.items()},
            "chip_source": "counts of the twin times the cost tables, as oxmc energy shows them",
            "over_chip": found.over(chip_j),
            "paper_cpu_j": CPU_J,
            "paper_source": SOURCE,
        }
    return record
