"""The device card of a run: checked before it, kept with it, found again by whoever reads the run.

A card of a user's own may be changed or lost later, so that a copy lies in the run directory, under its own name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from oxmc.pymodels.config import CARDS, Config
from oxmc.pymodels.errors import InputError, RunError
from oxmc.pymodels.files import read_bytes
from oxmc.pymodels.oxram.card import Card
from oxmc.pymodels.oxram.card_file import MOST_BYTES, load_card, read_card
from oxmc.pymodels.oxram.card_range import left_out, marks
from oxmc.pymodels.whole import write_file

FOLDER = "cards"


def card_record(config: Config) -> dict[str, Any]:
    """run.json's `card`: what it is, what it is known for, and what of this configuration lies outside of that."""
    card = load_card(config.card)
    return {
        "name": card.name,
        "sha256": card.sha256,
        "about": card.about,
        "range_us": [round(end, 6) for end in card.range_us],
        "current_ua": [card.current_low_ua, card.current_high_ua],
        "gate_v": [card.gate_low_v, card.gate_high_v],
        "extrapolated": marks(card, config),
        "left_out": left_out(card, config),
    }


def same_card(config: Config, card: Card) -> None:
    """Raises `RunError` unless the card is still what it was when the training began."""
    if load_card(config.card).sha256 != card.sha256:
        raise RunError(f"card {config.card!r} must stay as it is while a training runs, and has changed")


def keep_card(run: dict[str, Any], folder: Path) -> None:
    """Copy the card of a run.json into its run directory, unless it is one of the project's. Raises `RunError`."""
    name = run["config"]["card"]
    if name in CARDS:
        return
    content = read_bytes(Path(name), "card must name a readable TOML file", MOST_BYTES)
    if read_card(Path(name).stem, content).sha256 != run["card"]["sha256"]:
        raise RunError(f"card {name!r} must stay as it is while a training runs, and has changed")
    place = folder / FOLDER / Path(name).name
    place.parent.mkdir(exist_ok=True)
    write_file(place, content)


def with_kept_card(config: Config, path: Path) -> Config:
    """The configuration of the run at `path`, whose card is the copy that lies there."""
    if config.card in CARDS:
        return config
    folder = path if path.is_dir() else path.parent
    return config.replace(card=str(folder / FOLDER / Path(config.card).name))


def check_sent_card(config: Config, sha256: str) -> None:
    """Raises `InputError` on a worker that finds another card under the same name."""
    if load_card(config.card).sha256 != sha256:
        raise InputError(f"card must be the same file on each worker, which {config.card!r} is not")
