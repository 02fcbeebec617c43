"""What a figure is made of: parts that are measured, a judge and a picture."""

from __future__ import annotations

import dataclasses
import importlib
import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oxmc.paper.claim import Line
from oxmc.pymodels.errors import InputError
from oxmc.run.request import MOST_SUBJECT, integer

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MEASURE = "oxmc.paper.measure"
Values = dict[str, Any]
"""What a part found, as JSON has it: lists that grow with more trainings, and single values."""


@dataclasses.dataclass(frozen=True)
class Part:
    """One call of a function of `oxmc.paper.measure`, `module:name`, with arguments as JSON has them."""

    function: str
    arguments: str

    @classmethod
    def of(cls, function: str, /, **arguments: Any) -> Part:
        return cls(function, json.dumps(arguments, sort_keys=True))

    def call(self) -> Values:
        module, _, name = self.function.partition(":")
        found: Values = getattr(importlib.import_module(f"{MEASURE}.{module}"), name)(**json.loads(self.arguments))
        return found


@dataclasses.dataclass(frozen=True)
class Size:
    """How much is measured: the quick page or the full one, and where recordings of heartbeats lie."""

    quick: bool
    data: Path | None = None
    subject: int = 208

    def of(self, quick: int, full: int) -> int:
        return quick if self.quick else full

    @classmethod
    def asked(cls, quick: bool, data: Path | None, subject: object) -> Size:
        """What a user asks for. Raises `InputError` for recordings that are none, or a subject without any."""
        if data is None:
            if subject is not None:
                raise InputError(f"--subject must come with --data, which is not there, not {subject!r}")
            return cls(quick)
        if not data.exists():
            raise InputError(f"--data must be a file or folder of recordings, not {str(data)!r}")
        record = cls.subject if subject is None else integer("--subject", subject, 0, MOST_SUBJECT)
        return cls(quick, data.absolute(), record)


Plan = dict[str, list[Part]]
"""The parts of a figure by name; results of several parts of a name are joined, list by list."""
Results = Mapping[str, Values]


@dataclasses.dataclass(frozen=True)
class Entry:
    """A figure of the paper by its number. `notes` gives sentences that depend on the results.

    What the paper's text says of it stands in figures.toml under the same number.
    """

    id: str
    _: dataclasses.KW_ONLY
    plan: Callable[[Size], Plan]
    judge: Callable[[Results], Sequence[Line]]
    draw: Callable[[Results], Figure]
    notes: Callable[[Results], Sequence[str]] = lambda results: ()

    @property
    def text(self) -> dict[str, str]:
        """`title`, `says` (in our words, with the paper's pages) and `ours` (how the same is made here)."""
        return texts()[self.id]


@cache
def texts() -> dict[str, dict[str, str]]:
    """figures.toml by number."""
    text = (resources.files("oxmc.paper") / "figures.toml").read_text(encoding="utf-8")
    return {figure.pop("id"): figure for figure in tomllib.loads(text)["figure"]}


def joined(values: Sequence[Values]) -> Values:
    """Lists one after the other; what is no list is that of the first."""
    first = values[0]
    return {
        key: [item for value in values for item in value[key]] if isinstance(first[key], list) else first[key]
        for key in first
    }
