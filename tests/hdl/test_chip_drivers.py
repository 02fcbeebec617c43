"""The chip's top is wires only: each signal is driven in one place, without a condition and without a register."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from amaranth import Cat, Module, Signal, Value
from amaranth.hdl import Fragment
from amaranth.lib.wiring import Component, In
from test_chip import VARIANTS
from test_chip_system import CHIPS

from oxmc.hdl.chip import Chip
from oxmc.hdl.ram import Naming
from oxmc.hdl.top.core import Connect
from oxmc.pymodels.config import Config
from oxmc.pymodels.formats import Formats

pytestmark = pytest.mark.testpoint(
    "the chip's top is wires",
    "each signal driven in one place, without a condition or a register; every input of every block driven; the "
    "order of the wiring methods means nothing; counter-examples of each",
)

ALL = VARIANTS | CHIPS
"""Between them all options."""

IDLE_INPUTS = {
    "trainer.hopeless": lambda it: not it.early_rejection,
    "trainer.exceeds": lambda it: not it.early_rejection,
    "trainer.programmed": lambda it: it.verify == "off",
    "trainer.reject_limit": lambda it: not it.reject_limit,
    "control.stepped": lambda it: it.acceptance != "reward",
    "control.status_skipped": lambda it: not it.reject_limit,
    "control.lut_entry": lambda it: not it.calibrate,
    "gate_dac.fetch_entry": lambda it: not it.calibrate,
    "gate_dac.entry_index": lambda it: not it.calibrate,
}
"""Inputs that blocks have for an option, and where nobody drives them."""


def bits_of(target: Any) -> Iterator[tuple[int, int]]:
    """The bits that an assignment drives, each by its signal and position."""
    parts = getattr(target, "parts", None)
    if isinstance(target, Signal):
        yield from ((id(target), bit) for bit in range(len(target)))
    elif parts is not None:
        for part in parts:
            yield from bits_of(part)
    elif hasattr(target, "start"):
        yield from list(bits_of(target.value))[target.start : target.stop]
    else:
        raise AssertionError(f"the top must drive signals or bits of them, not {target!r}")


def statements_of(chip: Chip) -> dict[str, list[Any]]:
    """The top module's own statements, by domain."""
    return dict(Fragment.get(chip, Naming("chip")).statements)


def refusals(statements: dict[str, Iterable[Any]]) -> list[str]:
    """What is no plain wire: registers, conditions, signals that are driven twice."""
    clocked = [statement for domain in statements if domain != "comb" for statement in statements[domain]]
    found = [f"a register: {statement!r}" for statement in clocked]
    driven: set[tuple[int, int]] = set()
    for statement in statements.get("comb", ()):
        if not hasattr(statement, "lhs"):
            found.append(f"a condition: {statement!r}")
            continue
        bits = set(bits_of(statement.lhs))
        if bits & driven:
            found.append(f"driven twice: {statement!r}")
        driven |= bits
    return found


def undriven(chip: Chip) -> set[str]:
    """Inputs of the top's blocks that nobody drives, as BLOCK.PORT."""
    driven = {bit for statement in statements_of(chip)["comb"] for bit in bits_of(statement.lhs)}
    found = set()
    for name, block in vars(chip).items():
        if isinstance(block, Component):
            for path, member, value in block.signature.flatten(block):
                if member.flow == In and not driven.issuperset(bits_of(Value.cast(value))):
                    found.add(f"{name}.{'_'.join(map(str, path))}")
    return found


def chip_of(config: Config, kind: type[Chip] = Chip) -> Chip:
    return kind(Formats(config), observed=True)


@pytest.mark.parametrize("variant", ALL)
def test_the_top_is_wires_alone(variant: str) -> None:
    assert refusals(statements_of(chip_of(ALL[variant]))) == []


@pytest.mark.parametrize("variant", ALL)
def test_every_input_of_every_block_is_driven(variant: str) -> None:
    config = ALL[variant]
    assert undriven(chip_of(config)) == {name for name, where in IDLE_INPUTS.items() if where(config)}


@pytest.mark.parametrize("variant", ALL)
def test_the_order_of_the_methods_means_nothing(variant: str) -> None:
    there, back = (statements_of(chip_of(ALL[variant], kind))["comb"] for kind in (Chip, Backwards))
    assert sorted(map(repr, there)) == sorted(map(repr, back))
    assert [*map(repr, there)] != [*map(repr, back)]


class Backwards(Chip):
    """Wired in the reverse order."""

    def _build_all(self, m: Module) -> list[Connect]:
        return super()._build_all(m)[::-1]


class Overriding(Chip):
    """A second method drives a bit of what another one drives."""

    def _connect_samples(self, m: Module) -> None:
        super()._connect_samples(m)
        m.d.comb += self.pulse.tag[1].eq(0)


class Joined(Chip):
    """Two methods drive an input of an interface, one of them as a part of more."""

    def _connect_samples(self, m: Module) -> None:
        super()._connect_samples(m)
        m.d.comb += Cat(Signal(), self.trainer.command.converting).eq(3)


class Choosing(Chip):
    """What is wired depends on the trainer."""

    def _connect_samples(self, m: Module) -> None:
        with m.If(self.trainer.busy):
            super()._connect_samples(m)


class Keeping(Chip):
    """Logic at the top."""

    def _connect_samples(self, m: Module) -> None:
        super()._connect_samples(m)
        m.d.sync += Signal(name="kept").eq(self.trainer.busy)


class Forgetting(Chip):
    """Samples lead nowhere."""

    def _connect_samples(self, m: Module) -> None:
        pass


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Overriding, "driven twice: (eq (sig tag) "),
        (Joined, "driven twice: (eq (sig command__converting) "),
        (Choosing, "a condition: "),
        (Keeping, "a register: (eq (sig kept) (sig busy))"),
    ],
)
def test_what_is_no_plain_wire_is_refused(kind: type[Chip], said: str) -> None:
    found = refusals(statements_of(chip_of(VARIANTS["plain"], kind)))
    assert len(found) == 1 and said in found[0]


def test_a_forgotten_wire_is_seen() -> None:
    chip = chip_of(VARIANTS["plain"], Forgetting)
    assert {"sample_path.word", "samples.read_address", "samples.read_enable"} <= undriven(chip)
