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


def card_keys(keys: Mapping[str, Any], given: Collection[str]) -> dict[str, Any]:
    """Configuration keys that follow from a card that was chosen, but for those `given`: how its devices differ."""
    if "card" not in given or "d2d_spread" in given:
        return {}
    spread = load_card(keys["card"]).d2d_spread
    return {} if spread is None else {"d2d_spread": spread}
