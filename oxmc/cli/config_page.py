"""`python -m oxmc.cli.config_page` prints `docs/reference/config.md` from the table of configuration keys."""

from __future__ import annotations

import dataclasses
from typing import Any

from oxmc.pymodels.config import KEYS, TASKS, like_of, preset, presets_of

HEAD = """\
# Configuration keys

Printed by `python -m oxmc.cli.config_page` from `pymodels/config.py`; do not edit. Each key is set by a preset, then a
TOML file (`--config FILE`), then `--set KEY=VALUE`, later ones winning. A value outside its range, a key that does not
exist and keys that contradict each other are errors. The presets of each task follow below the keys.
"""
PRESETS_HEAD = """
## Presets

Where a preset of a task leaves the default, which is cancer's `paper`. How each constant was chosen stands in
`pymodels/presets/`. Training takes `best` unless told otherwise. A preset may be another one but for some keys; all
keys are shown.
"""


def text_of(value: Any) -> str:
    """A value as TOML and the command line write it."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def limits(field: dataclasses.Field) -> str:
    """The values a key may take."""
    if field.metadata["choices"]:
        return ", ".join(
            (*field.metadata["choices"], *(["FILE" + field.metadata["file"]] * bool(field.metadata["file"])))
        )
    if isinstance(field.default, bool):
        return "true, false"
    return f"{text_of(field.metadata['low'])} to {text_of(field.metadata['high'])}"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def config_page() -> str:
    """The whole of `docs/reference/config.md`."""
    lines = [HEAD, _row("key", "default", "range or choices", "unit", "meaning"), "|---" * 5 + "|"]
    for name, field in KEYS.items():
        meta = field.metadata
        lines.append(_row(f"`{name}`", text_of(field.default), limits(field), meta["unit"], meta["doc"]))
    lines.append(PRESETS_HEAD)
    for task in TASKS:
        lines += [f"### {task}\n", *_presets(task), ""]
    return "\n".join(lines)


def _presets(task: str) -> list[str]:
    """A table of the keys that any preset of a task sets; empty where one leaves the default."""
    configs = {name: preset(task, name) for name in presets_of(task)}
    lines = [_row("key", *configs), "|---" * (1 + len(configs)) + "|"]
    lines.append(_row("over the keys of", *(like_of(task, name) for name in configs)))
    for name, field in KEYS.items():
        values = [getattr(config, name) for config in configs.values()]
        if any(value != field.default for value in values):
            lines.append(_row(name, *("" if value == field.default else text_of(value) for value in values)))
    return lines


if __name__ == "__main__":
    print(config_page(), end="")
