"""Each effect of the circuit around the cells alone, and all of them: accuracy and joules against ideal conditions.

Trainings of a pair have the split, devices and noise of one seed. `--out` writes the page docs/measurements/circuit.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from oxmc.pymodels.config import Config, parse_setting, preset
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.whole import write_file
from oxmc.studies.estimates import estimate, paired
from oxmc.studies.tables import Row, as_markdown, parser, show
from oxmc.studies.trainings import NODE, TASK, accuracies, seeds_of, trainings

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


def measure(base: Config, effects: Mapping[str, Mapping[str, Any]], seeds: Sequence[int]) -> list[Row]:
    """A line an effect, the first of them what the others are held against."""
    lines: list[Row] = []
    reference: list[float] = []
    for name, keys in effects.items():
        runs = trainings(base.replace(**keys), seeds)
        found = accuracies(runs)
        reference = reference or found
        lines.append(
            {
                "effect": name,
                "accuracy": estimate(found),
                "to ideal, paired": paired(found, reference),
                "least": min(found),
                "proposals": round(sum(run.proposals for run in runs) / len(runs)),
                f"uJ, {NODE}": round(sum(run.energy_uj for run in runs) / len(runs), 3),
            }
        )
    return lines


def page(lines: Sequence[Row], name: str, repeats: int) -> str:
    """The page of docs/measurements."""
    return f"""# What the circuit around the cells costs

Task `{TASK}`, preset `{name}`, {repeats} trainings a line on the twin, each with its own split, devices, chip and
noise, the same in every line. What the effects are: [design.md](../design.md#the-array-as-a-circuit). Joules are the
ledger's mean for {NODE}; the array's share of an evaluation follows from the conductances alone, an upper bound behind
wires. An auto-zero has 7 bits over +-10 mV. Written by

    python -m oxmc.studies.circuit --preset {name} --repeats {repeats} --out docs/measurements/circuit.md

{as_markdown(lines)}
"""


def main(arguments: Sequence[str] | None = None) -> None:
    chosen = parser(__doc__, seed=20000, repeats=200)
    chosen.add_argument("--preset", default="best", help="what is changed (default best)")
    chosen.add_argument("--try", action="append", metavar="KEY=VALUE,...", help="a change to measure instead")
    chosen.add_argument("--out", type=Path, help="page to write")
    given = chosen.parse_args(arguments)
    tried, effects = getattr(given, "try"), EFFECTS
    try:
        if tried:
            changes = {text: dict(parse_setting(part) for part in text.split(",")) for text in tried}
            effects = {"ideal": {}, **changes}
        lines = measure(preset(TASK, given.preset), effects, seeds_of(given.seed, given.repeats))
    except InputError as error:
        chosen.error(str(error))
    show(lines, given.json)
    if given.out is not None:
        write_file(given.out, page(lines, given.preset, given.repeats))


if __name__ == "__main__":
    main()
