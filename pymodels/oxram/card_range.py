"""Where a configuration leaves what its device card is known for: refused, or, where that was asked for, marked.

A card is known for the medians of its law, for the ages of its endurance and for what its `ranges` say. A value beyond
is refused unless `extrapolate` is true or the card's own `beyond` names the key; then every output says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from oxmc.pymodels.config import KEYS, Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.oxram.card import Card
from oxmc.pymodels.oxram.card_file import load_card

ROUNDING = 1e-6
"""A value this much, relatively, beyond an end is that end."""


class Known(NamedTuple):
    """A configuration key, its value in a configuration, and from where to where a card is known for it."""

    key: str
    value: float
    low: float
    high: float

    @property
    def within(self) -> bool:
        """Whether the value lies there, rounding aside."""
        return self.low - ROUNDING * abs(self.low) <= self.value <= self.high + ROUNDING * abs(self.high)

    def __str__(self) -> str:
        unit = KEYS[self.key].metadata["unit"]
        return f"{self.low:g} to {self.high:g}" + (f" {unit}" if unit not in ("", "1") else "")


def knowns(card: Card, config: Config) -> Iterator[Known]:
    """Each key that the card limits. Those at 0 that mean the card's own end, or nothing, are left out."""
    for key in ("lut_low_us", "lut_high_us"):
        if getattr(config, key):
            yield Known(key, getattr(config, key), *card.range_us)
    if card.endurance is not None:
        yield Known("age_cycles", config.age_cycles, 0.0, card.endurance.cycles[-1])
    for key, reach in card.ranges.items():
        yield Known(key, getattr(config, key), reach.low, reach.high)


def outside(card: Card, config: Config) -> list[Known]:
    """What lies outside the card's range."""
    return [known for known in knowns(card, config) if not known.within]


def check_range(card: Card, config: Config) -> None:
    """Raises `InputError` for the first value outside the card's range, unless that was asked for."""
    for known in [] if config.extrapolate else outside(card, config):
        if known.key not in card.beyond:
            raise InputError(
                f"{known.key} must be from {known}, the range of card {card.name}, unless extrapolate is true, "
                f"not {known.value:g}"
            )


def marks(card: Card, config: Config) -> list[str]:
    """A sentence for each value outside the card's range, empty where all is known."""
    return [
        f"extrapolated: {known.key} = {known.value:g} lies outside {known}, what card {card.name} is known for"
        + (f" ({card.beyond[known.key]})" if known.key in card.beyond else "")
        for known in outside(card, config)
    ]


def _own(card: Card) -> dict[str, Any]:
    """Configuration keys that a card has a value for: how its devices differ and scatter."""
    skewed = card.distribution is not None and card.distribution.kind != "normal"
    own = {
        "d2d_spread": card.d2d_spread,
        "set_distribution": "card" if skewed else None,
        "cycle_correlation": card.cycle_correlation,
        "set_failure": card.set_failure,
    }
    return {key: value for key, value in own.items() if value is not None}


def card_keys(keys: Mapping[str, Any], given: Collection[str]) -> dict[str, Any]:
    """Configuration keys that follow from a card that was chosen, but for those `given`."""
    if "card" not in given:
        return {}
    return {key: value for key, value in _own(load_card(keys["card"])).items() if key not in given}


NOT_SIMULATED = ("relaxation", "noise", "temperature")
"""Tables of a card that no array has yet."""


def left_out(card: Card, config: Config) -> list[str]:
    """What the card says of its devices and this configuration leaves out, a sentence each."""
    found = [f"card {card.name} has {name}, which is not simulated" for name in NOT_SIMULATED if getattr(card, name)]
    own = {key: value for key, value in _own(card).items() if key != "d2d_spread" and value}
    off = [key for key, value in own.items() if getattr(config, key) in ("normal", 0.0)]
    return found + [f"card {card.name} has {key} = {own[key]}, which is off" for key in off]
