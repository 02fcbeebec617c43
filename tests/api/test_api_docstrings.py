"""Each public docstring says shapes, units and sources; what the project cites as "the paper" is named in full."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import oxmc
import oxmc.cocotb
from oxmc.api.energy import Energy
from oxmc.api.many import Runs, Sweep
from oxmc.pymodels.config import KEYS
from oxmc.pymodels.outcome import Outcome

pytestmark = pytest.mark.testpoint(
    "docstrings of the API",
    "each public function, class and property, also of what they return, says the shape of every array, the unit of "
    "every quantity, and the paper or page that it rests on; a docstring that lacks one of these is found",
)

RETURNED = {"Energy": Energy, "Outcome": Outcome, "Runs": Runs, "Sweep": Sweep}
"""Classes that a user gets from public functions, and does not import."""
ARRAY = re.compile(r"\b(?:ArrayLike|ndarray|DataFrame|Dataset|DataTree)\b|\bPoints\b")
SHAPE = re.compile(r"\[[a-z]\w*(?: \+ \w+)?(?:, [a-z]\w*(?: \+ \w+)?)*\]|of any shape")
"""A name for each dimension, [n, columns]."""
UNITS = {"us": "uS", "ns": "nS", "ua": "uA", "j": "J|[Jj]oules", "s": "s|seconds", "v": "V", "hz": "Hz", "ohm": "ohm"}
"""What a name ends in, and the unit that then stands in the words."""
QUANTITY = re.compile(rf"[a-z]\w*_({'|'.join(UNITS)})")
IN_UNITS = {r"\bconductances?\b": "uS|nS", r"\bEnergy\b|\bLedger\b|\b_j\b": "J|[Jj]oules", r"\bvoltages?\b": "V"}
"""What is told or returned, and the unit that then stands in the words."""
RESTS = re.compile(r"\bvotes?\b|\bacceptance rule\b|\bposterior\b|\bC_n\b|\brewards?\b|\bEq \d|\bpreset `paper`")
SOURCE = re.compile(r"\bthe paper\b|\bDalgaty\b|docs/reference/[\w-]+\.md")
NAMED = {
    "Config": "Dalgaty", "Energy": "docs/reference/energy.md", "Run.energy": "docs/reference/energy.md",
    "Run.ledgers": "docs/reference/energy.md", "Run.baseline": "scikit-learn", "Run.predict": "Eq 8 of the paper",
    "Host": "docs/reference/ports.md", "Host.infer": "Eq 8 of the paper", "Command": "docs/reference/ports.md",
    "Setting": "docs/reference/ports.md", "OxramArray": "docs/reference/cards.md", "Task": "scikit-learn",
    "calibrate": "docs/reference/cards.md", "verilog": "docs/reference/verilog.md",
}  # fmt: skip
"""Sources that follow from no word of a docstring."""
AS_OF = re.compile(r"(?:as for|Raises as|those of) `(?:oxmc\.)?(\w+)`")
"""A docstring that leaves arguments or errors to another one's."""


@dataclasses.dataclass(frozen=True)
class Member:
    """A public function, class or property: its docstring, its names and the text of its types."""

    name: str
    words: str
    names: tuple[str, ...]
    types: str


def flat(each: Any) -> str:
    return " ".join((inspect.getdoc(each) or "").split())


def function_of(each: Any) -> Any:
    """The function behind a method or property; None for anything else."""
    for kind, inner in ((property, "fget"), (functools.cached_property, "func"), (classmethod, "__func__")):
        if isinstance(each, kind):
            return getattr(each, inner)
    return each if inspect.isfunction(each) else None


def of_function(name: str, function: Any) -> Member:
    signature = inspect.signature(function)
    return Member(name, flat(function), (name.rpartition(".")[2], *signature.parameters), str(signature))


def of_class(name: str, cls: type) -> Iterator[Member]:
    """The class, whose fields or constructor it documents, and what is public in it."""
    if dataclasses.is_dataclass(cls):
        fields = [field for field in dataclasses.fields(cls) if "doc" not in field.metadata]
        types = " ".join(str(field.type) for field in fields)
        yield Member(name, flat(cls), tuple(field.name for field in fields), types)
    else:
        made = vars(cls).get("__init__")
        parameters = inspect.signature(made).parameters if inspect.isfunction(made) else {}
        yield Member(name, flat(cls), tuple(parameters), " ".join(str(each) for each in parameters.values()))
    for key, value in vars(cls).items():
        if not key.startswith("_") and (function := function_of(value)) is not None:
            yield of_function(f"{name}.{key}", function)


def members() -> Iterator[Member]:
    public = {name: getattr(module, name) for module in (oxmc, oxmc.cocotb) for name in module.__all__}
    for name, each in {**public, **RETURNED}.items():
        if not inspect.isclass(each):
            yield of_function(name, each)
        elif not issubclass(each, Exception):
            yield from of_class(name, each)


def has_unit(unit: str, words: str) -> bool:
    return re.search(rf"(?<!')\b(?:{unit})\b", words) is not None


def lacking(member: Member, others: dict[str, str]) -> list[str]:
    """What the docstring of a member does not say; `others` has those that it may refer to, by name."""
    words = member.words
    while (told := AS_OF.findall(words)) and (more := [others[name] for name in told if others[name] not in words]):
        words = " ".join([words, *more])
    found = [] if member.words else ["docstring"]
    if len(SHAPE.findall(words)) < len(ARRAY.findall(member.types)):
        found.append("shape")
    named = [*member.names, *re.findall(r"`(\w+)`", member.words)]
    units = [UNITS[match[1]] for match in map(QUANTITY.fullmatch, named) if match]
    told_of = f"{member.words} {member.types}"
    units += [unit for quantity, unit in IN_UNITS.items() if re.search(quantity, told_of)]
    found += [f"unit {unit}" for unit in units if not has_unit(unit, words)]
    if RESTS.search(member.words) and not SOURCE.search(words):
        found.append("source")
    if member.name in NAMED and NAMED[member.name] not in words:
        found.append(f"source {NAMED[member.name]}")
    return found


ALL = list(members())
WORDS = {member.name.rpartition(".")[2]: member.words for member in ALL}
WORDS |= {member.name: member.words for member in ALL}  # `train` is `oxmc.train`, not the method of `Host`


@pytest.mark.parametrize("member", ALL, ids=lambda member: member.name)
def test_shapes_units_and_sources_are_said(member: Member) -> None:
    assert lacking(member, WORDS) == []


def test_sources_are_of_members() -> None:
    assert set(NAMED) <= {member.name for member in ALL}


def test_the_paper_is_named_in_full() -> None:
    for module in (oxmc, oxmc.cocotb):
        assert "Dalgaty et al., Nature Electronics 4, 151-161 (2021)" in flat(module)


def test_keys_have_the_unit_of_their_name() -> None:
    wrong = [
        name
        for name, key in KEYS.items()
        if (match := QUANTITY.fullmatch(name)) and not has_unit(UNITS[match[1]], key.metadata["unit"])
    ]
    assert wrong == []


@dataclasses.dataclass
class Bare:
    """Weights, and what a pulse is."""

    weights: np.ndarray
    pulse_s: float

    @property
    def w_us(self) -> np.ndarray:
        """Weights [rows, pairs]."""
        return self.weights

    def infer(self, X: np.ndarray) -> np.ndarray:
        """Let the rows vote on points [n, columns]."""
        return X

    def program(self, row: int) -> None:
        """Leave a conductance in a row."""

    def again(self, X: np.ndarray) -> None:
        """Arguments as for `infer`."""

    def silent(self) -> None:
        pass


def test_what_is_not_said_is_found() -> None:
    bare = {member.name: member for member in of_class("Bare", Bare)}
    words = {name.rpartition(".")[2]: member.words for name, member in bare.items()}
    assert {name: lacking(member, words) for name, member in bare.items()} == {
        "Bare": ["shape", "unit s|seconds"],
        "Bare.w_us": ["unit uS"],
        "Bare.infer": ["shape", "source"],
        "Bare.program": ["unit uS|nS"],
        "Bare.again": [],
        "Bare.silent": ["docstring"],
    }
    whole = dataclasses.replace(bare["Bare.infer"], words="Rows vote (Eq 8 of the paper) on X [n, columns]: [n].")
    assert lacking(whole, words) == []
    assert lacking(dataclasses.replace(whole, name="Host.infer", words="X [n, columns] to [n]."), words) == [
        "source Eq 8 of the paper"
    ]
    assert lacking(dataclasses.replace(whole, words=whole.words.replace("of the paper", "")), words) == ["source"]
    assert not has_unit(UNITS["s"], "the card's voltage") and has_unit(UNITS["s"], "0.1 s")
