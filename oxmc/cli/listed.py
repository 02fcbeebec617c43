"""`oxmc list`."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from importlib import resources
from typing import Annotated, Any

import typer

from oxmc.cli import options
from oxmc.cli.config_page import limits, text_of
from oxmc.pymodels.config import CARDS, DEFAULT_PRESET, KEYS, TASKS, Config, like_of, preset, presets_of
from oxmc.pymodels.errors import InputError

Entry = dict[str, Any]
LONG = 20
"""Letters from which on a column wraps."""
HEADERS = {
    "model": "neurons by layer", "train_samples": "training points", "test_samples": "test points",
    "what": "what it is", "like": "other keys as", "low_us": "lowest, uS", "high_us": "highest, uS",
    "current_low_ua": "at SET, uA", "current_high_ua": "at SET, uA", "gate_low_v": "at gate, V",
    "gate_high_v": "at gate, V",
}  # fmt: skip
"""What a column is called that is not called by a key, which `--set` takes."""


def _tasks() -> list[Entry]:
    return [{"task": task, **_sizes(preset(task, DEFAULT_PRESET)), "what": _what(task)} for task in TASKS]


def _sizes(config: Config) -> Entry:
    points = {"train_samples": config.train_samples, "test_samples": config.test_samples}
    return {"model": _model(config), **points}


def _model(config: Config) -> str:
    """Neurons by layer: features, hidden ones if any, outputs."""
    layers = (config.features, config.hidden, config.outputs)
    return "-".join(str(neurons) for neurons in layers if neurons)


def _what(task: str) -> str:
    """The first sentence of a task's module, which need not be imported for it."""
    source = resources.files("oxmc.pymodels.tasks").joinpath(f"{task}.py").read_text("utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]


def _presets() -> list[Entry]:
    return [
        {"task": task, "preset": name, "like": like_of(task, name), **_preset(preset(task, name))}
        for task in TASKS
        for name in presets_of(task)
    ]


def _preset(config: Config) -> Entry:
    shown = ("rows", "burn_in", "scale_per_us", "prior_sigma_us", "verify", "temper", "extrapolate")
    return {"model": _model(config), **{key: getattr(config, key) for key in shown}}


def _keys() -> list[Entry]:
    return [
        {
            "key": name, "default": field.default, "values": limits(field), "unit": field.metadata["unit"],
            "meaning": field.metadata["doc"],
        }
        for name, field in KEYS.items()
    ]  # fmt: skip


def _cards() -> list[Entry]:
    from oxmc.pymodels.oxram.devices import load_card

    found = []
    for card in map(load_card, CARDS):
        low_us, high_us = (round(end, 6) for end in card.range_us)
        ends = {"low_us": low_us, "current_low_ua": card.current_low_ua, "gate_low_v": card.gate_low_v}
        ends |= {"high_us": high_us, "current_high_ua": card.current_high_ua, "gate_high_v": card.gate_high_v}
        found.append({"card": card.name, **ends, "what": card.about})
    return found


KINDS: dict[str, Callable[[], list[Entry]]] = {"tasks": _tasks, "presets": _presets, "keys": _keys, "cards": _cards}


def list_(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help=f"{', '.join(KINDS)}.", autocompletion=options.one_of(KINDS))
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list and nothing else.")] = False,
) -> None:
    """List the tasks, presets, configuration keys or device cards."""
    if kind not in KINDS:
        raise InputError(f"KIND must be one of {', '.join(KINDS)}, not {kind!r}")
    entries = KINDS[kind]()
    if as_json:
        print(json.dumps(entries, indent=2))
        return
    from oxmc.cli import console

    console.wide().print(_table(entries))


def _table(entries: list[Entry]) -> Any:
    """A column a name; numbers to the right, long texts wrapped."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name, value in entries[0].items():
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        is_short = max(len(text_of(entry[name])) for entry in entries) <= LONG
        table.add_column(
            HEADERS.get(name, name), justify="right" if is_number else "left", no_wrap=is_short, overflow="fold"
        )
    for entry in entries:
        table.add_row(*map(text_of, entry.values()))
    return table
