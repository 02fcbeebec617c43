"""Changes of the configuration, one at a time, against the preset they start from: accuracy, SETs, energy.

Without `--try` these are the options of the chain, each taken from `wide` or each added to `plain`. Differences are
paired: both trainings of a pair have the split, devices and noise of one seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from oxmc.pymodels.config import Config, parse_setting, preset
from oxmc.pymodels.errors import InputError
from oxmc.studies.estimates import estimate, paired
from oxmc.studies.tables import Row, parser, show
from oxmc.studies.trainings import TASK, accuracies, mean_costs, references, seeds_of, trainings

CARD_LUT = {"extrapolate": False, "lut_low_us": 0.0, "lut_high_us": 0.0, "gate_codes": 21, "read_range_us": 128.0}
WIDE_LUT = {"extrapolate": True, "lut_low_us": 10.0, "lut_high_us": 200.0, "gate_codes": 48, "read_range_us": 256.0}
HARD_FIRST = {"early_rejection": True, "sample_order": "hard_first"}
PAIR = {"verify": "pair", "verify_tries": 6}
FORMATS: dict[str, dict[str, Any]] = {
    **{f"counter_bits {bits}": {"counter_bits": bits} for bits in (4, 6, 8, 12)},
    **{f"adc_bits, table_bits {bits}": {"adc_bits": bits, "table_bits": bits} for bits in (4, 5, 6, 8)},
    **{f"input_bits {bits}": {"input_bits": bits} for bits in (4, 5, 6, 8)},
}
"""Among them those of the presets: counters of 8 bits, the others of 5, whose lines must show no difference."""

OPTIONS: dict[str, dict[str, dict[str, Any]]] = {
    "wide": {
        "verify off": {"verify": "off"},
        "verify cell": {"verify": "cell"},
        "verify_memory proposal": {"verify_memory": "proposal"},
        "early_rejection off": {"early_rejection": False},
        "sample_order given": {"sample_order": "given"},
        "reject_limit 0": {"reject_limit": 0},
        "card's LUT": CARD_LUT,
        **FORMATS,
    },
    "plain": {
        "verify pair": PAIR,
        "verify pair, verify_memory proposal": PAIR | {"verify_memory": "proposal"},
        "verify pair, wide LUT": PAIR | WIDE_LUT,
        "verify cell": {"verify": "cell"},
        "early_rejection": {"early_rejection": True},
        "early_rejection, hard_first": HARD_FIRST,
        "reject_limit 31": {"reject_limit": 31},
        "wide LUT": WIDE_LUT,
        **FORMATS,
    },
    "paper": {"rows 128": {"rows": 128, "burn_in": 16}, "rows 96": {"rows": 96, "burn_in": 12}},
}


def compare(base: Config, variants: Mapping[str, Mapping[str, Any]], name: str, seeds: Sequence[int]) -> list[Row]:
    """The lines of one preset: itself, then each change to it."""
    from_base = trainings(base, seeds)
    reference = references(base, seeds)
    lines = []
    for change, keys in {name: {}, **variants}.items():
        runs = trainings(base.replace(**keys), seeds) if keys else from_base
        lines.append(
            {
                "chain": f"{name}: {change}" if keys else name,
                "accuracy": estimate(accuracies(runs)),
                f"to {name}": paired(accuracies(runs), accuracies(from_base)),
                "to logistic regression": paired(accuracies(runs), reference),
                **mean_costs(runs),
            }
        )
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    chosen = parser(__doc__, seed=20000, repeats=100)
    chosen.add_argument("--preset", default="wide", choices=OPTIONS, help="what is changed (default wide)")
    chosen.add_argument("--try", action="append", metavar="KEY=VALUE,...", help="a change to measure instead")
    chosen.add_argument("--set", action="append", metavar="KEY=VALUE", default=[], help="a key of all lines")
    given = chosen.parse_args(arguments)
    seeds, tried = seeds_of(given.seed, given.repeats), getattr(given, "try")
    changes: Mapping[str, Mapping[str, Any]] = OPTIONS[given.preset]
    try:
        if tried:
            changes = {text: dict(parse_setting(setting) for setting in text.split(",")) for text in tried}
        base = preset(TASK, given.preset).replace(**dict(parse_setting(text) for text in given.set))
        lines = compare(base, changes, given.preset, seeds)
    except InputError as error:
        chosen.error(str(error))
    show(lines, given.json)


if __name__ == "__main__":
    main()
