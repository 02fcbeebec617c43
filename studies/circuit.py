"""Each effect of the circuit around the cells alone, and all of them: results and joules against ideal conditions.

Trainings of a pair have the split, devices and noise of one seed; `--out` keeps each, and the next call goes on
from it. The table is that of docs/measurements/circuit.md.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from oxmc.pymodels.config import TASKS, Config, parse_setting, preset
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.tasks import NO_SOURCE, DataSource
from oxmc.studies.estimates import estimate, paired
from oxmc.studies.records import Records, digest
from oxmc.studies.tables import Row, finish, study_parser
from oxmc.studies.trainings import NODE, TASK, seeds_of, training

ZERO = {"auto_zero_bits": 7}
EFFECTS: dict[str, dict[str, Any]] = {
    "ideal": {},
    "offset spread 2 mV": {"front_end_offset_sd_v": 0.002},
    "offset spread 2 mV, auto-zero": {"front_end_offset_sd_v": 0.002, **ZERO},
    "offset +5 mV": {"front_end_offset_v": 0.005},
    "offset +5 mV, auto-zero": {"front_end_offset_v": 0.005, **ZERO},
    "offset -5 mV": {"front_end_offset_v": -0.005},
    "offset -5 mV, auto-zero": {"front_end_offset_v": -0.005, **ZERO},
    "wires of 5 ohm": {"line_ohm": 5.0},
    "wires of 20 ohm": {"line_ohm": 20.0},
    "front end of 200 ohm": {"front_end_ohm": 200.0},
    "front end of 1 kohm": {"front_end_ohm": 1000.0},
    "selectors of 1 kohm": {"selector_ohm": 1000.0},
    "selectors that saturate at 300 uA": {"selector_limit_ua": 300.0},
    "curvature 15 %": {"iv_curvature": 0.15},
    "DAC mismatch 3 %": {"dac_mismatch": 0.03},
    "ADC bow 0.25 LSB": {"adc_inl_lsb": 0.25},
    "ADC widths 0.25 LSB": {"adc_dnl_lsb": 0.25},
    "read noise 3 %": {"read_noise": 0.03},
    "relaxation 5 %": {"relaxation": 0.05},
    "real": {"conditions": "real"},
    "real, auto-zero": {"conditions": "real", **ZERO},
}
"""What each line changes of the preset."""


def measure(config: Config, seed: int, task: str, source: DataSource) -> Row:
    """What a line needs of a training; joules of the whole."""
    run = training(config, seed, task=task, source=source)
    return {"result": run.accuracy, "proposals": run.proposals, "uJ": run.energy_uj}


def rounds(
    configs: Mapping[str, Config], seeds: Sequence[int], task: str, source: DataSource, records: Records, seconds: float
) -> dict[str, list[Row]]:
    """Trainings by line: all lines of a seed before the next, so that each stop leaves pairs. A third seed and more are
    begun within `seconds` of CPU time only."""
    found: dict[str, list[Row]] = {name: [] for name in configs}
    for number, seed in enumerate(seeds):
        if number > 1 and time.process_time() > seconds:
            break
        for name, config in configs.items():
            key = (task, source.subject, digest(config), seed)
            found[name].append(records.of(key, measure, config, seed, task, source))
    return found


def lines(found: Mapping[str, Sequence[Row]]) -> list[Row]:
    """A line an effect, the first of them what the others are held against."""
    values = {name: [run["result"] for run in runs] for name, runs in found.items()}
    reference = next(iter(values.values()))
    return [
        {
            "effect": name,
            "result": estimate(values[name]),
            "to ideal, paired": paired(values[name], reference),
            "least": min(values[name]),
            "proposals": round(estimate(run["proposals"] for run in runs).mean),
            f"uJ, {NODE}": round(estimate(run["uJ"] for run in runs).mean, 3),
        }
        for name, runs in found.items()
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    options = study_parser(__doc__, seed=20000, repeats=200)
    options.add_argument("--task", default=TASK, choices=TASKS, help=f"what is learned (default {TASK})")
    options.add_argument("--preset", default="wide", help="what is changed (default wide)")
    options.add_argument("--data", type=Path, help="recordings of ecg")
    options.add_argument("--subject", type=int, help="the recording that ecg tests")
    options.add_argument("--try", action="append", metavar="KEY=VALUE,...", help="a change to measure instead")
    options.add_argument("--seconds", type=float, default=math.inf, help="of CPU time after which no seed is begun")
    given = options.parse_args(arguments)
    tried, effects = getattr(given, "try"), EFFECTS
    source = NO_SOURCE if given.data is None else DataSource(data=given.data, subject=given.subject)
    try:
        if tried:
            changes = {text: dict(parse_setting(part) for part in text.split(",")) for text in tried}
            effects = {"ideal": {}, **changes}
        base, seeds = preset(given.task, given.preset), seeds_of(given.seed, given.repeats)
        configs = {name: base.replace(**keys) for name, keys in effects.items()}
        found = rounds(configs, seeds, given.task, source, Records(given.out), given.seconds)
    except InputError as error:
        options.error(str(error))
    finish(lines(found), given)


if __name__ == "__main__":
    main()
