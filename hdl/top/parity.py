"""Parity of registers, which tells in the same cycle that a bit of them has flipped.

A register that is written in a hundred places has one next value. What the blocks assign is copied there, and one bit
a block keeps the parity of all its registers' next values. The check is of the registers as they stand, so a flip is
seen before anything follows from the new state. Two flips in one block in the same cycle are not seen. Synthesis finds
no enable of a register whose next value is also used elsewhere, so these registers have no clock gates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from amaranth.hdl import Cat, Fragment, Signal, Value
from amaranth.hdl._ast import Assign, Concat, Part, Slice, Switch, SwitchValue

from oxmc.hdl.ram import Ram

UNCHECKED = frozenset({"lfsr", "log_prior", "log_likelihood", "acceptance", "tally", "samples"})
"""Blocks of draws, sums and statistics, where a flip is one more draw, one wrong decision or a wrong report; `samples`
has a memory alone."""

DATA = frozenset({"result_tag"})
"""Registers without parity: the label in it may be that of a sample memory that was never read, which is no bit that a
simulator knows."""


def registers_checked(fragment: Fragment) -> Iterator[Signal]:
    """Give the block in `fragment`, without those within, parity. Yields a signal a clock, high while it is wrong."""
    for domain in [name for name in fragment.statements if name != "comb"]:
        written = _written(fragment.statements[domain])
        nexts = {id(register): (register, _next(register)) for register in written}
        copied = [_retargeted(statement, nexts) for statement in fragment.statements[domain]]
        pairs = nexts.values()
        kept = [(register, following) for register, following in pairs if register.name not in DATA]
        init = sum(int(register.init & (2 ** len(register) - 1)).bit_count() for register, _ in kept) & 1
        parity, upset = Signal(init=init, name=f"{domain}_parity"), Signal(name=f"{domain}_upset")
        fragment.add_statements(domain, parity.eq(Cat(following for _, following in kept).xor()))
        fragment.add_statements("comb", [following.eq(register) for register, following in pairs], copied)
        fragment.add_statements("comb", upset.eq(Cat(register for register, _ in kept).xor() ^ parity))
        yield upset


def memories_checked(fragment: Fragment) -> Iterator[Signal]:
    """What the memories in `fragment` and within say of the word that they have read."""
    for origin in fragment.origins or ():
        if isinstance(origin, Ram) and origin.parity:
            yield origin.upset
    for inner, *_ in fragment.subfragments:
        yield from memories_checked(inner)


def checked(elaboratable: Any, platform: Any, upset: Signal, *, memories: bool) -> Fragment:
    """The chip in `elaboratable`, whose blocks have parity, and `upset` high while that of any is wrong.

    With `memories` it includes what their words say.
    """
    fragment = Fragment.get(elaboratable, platform)
    found: list[Signal] = []
    for block, name, *_ in fragment.subfragments:
        if name not in UNCHECKED:
            found += registers_checked(block)
        if memories:
            found += memories_checked(block)
    fragment.add_statements("comb", upset.eq(Cat(found).any()))
    return fragment


def _next(register: Signal) -> Signal:
    return Signal(register.shape(), name=f"{register.name}_next")


def _written(statements: Iterable[Any]) -> Iterator[Signal]:
    """The registers that the statements assign, each once."""
    seen: dict[int, Signal] = {}
    for statement in statements:
        seen |= {id(signal): signal for signal in statement._lhs_signals()}
    yield from seen.values()


def _retargeted(statement: Any, nexts: dict[int, tuple[Signal, Signal]]) -> Any:
    """The statement, which assigns the next values in place of the registers. Raises `TypeError` for one of no kind
    that a block has."""
    if isinstance(statement, Assign):
        return Assign(_target(statement.lhs, nexts), statement.rhs)
    if isinstance(statement, Switch):
        cases = [
            (patterns, [_retargeted(inner, nexts) for inner in statements], place)
            for patterns, statements, place in statement.cases
        ]
        return Switch(statement.test, cases, src_loc=statement.src_loc)
    raise TypeError(f"parity must be of assignments, not of {statement!r}")


def _target(value: Value, nexts: dict[int, tuple[Signal, Signal]]) -> Value:
    """What is assigned in place of `value`."""
    if isinstance(value, Signal):
        return nexts[id(value)][1]
    if isinstance(value, Slice):
        return Slice(_target(value.value, nexts), value.start, value.stop)
    if isinstance(value, Concat):
        return Concat([_target(part, nexts) for part in value.parts])
    if isinstance(value, Part):
        return Part(_target(value.value, nexts), value.offset, value.width, stride=value.stride)
    if isinstance(value, SwitchValue):
        return SwitchValue(value.test, [(patterns, _target(inner, nexts)) for patterns, inner in value.cases])
    raise TypeError(f"parity must be of registers, not of {value!r}")
