"""A block under inputs that may do anything, what is assumed of them, and what must hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from amaranth import ClockDomain, ClockSignal, Elaboratable, Module, ResetSignal, Signal, Value
from amaranth.asserts import AnyConst
from amaranth.hdl import Assert, Assume, Cover, Fragment
from amaranth.hdl._ir import PortDirection  # `convert` asks for it, but nothing public has it
from amaranth.lib.wiring import Component, In

from oxmc.hdl.ram import Naming

PLATFORM = Naming("formal")


def signals_within(fragment: Any) -> Iterator[Signal]:
    """What a fragment drives itself, without its submodules."""
    for domain in fragment.statements.values():
        for statement in domain:
            yield from statement._lhs_signals()


class Bench(Elaboratable):
    """Inputs that nobody drives are free in each cycle, the reset among them. Registers of the bench are reset, too.

    Raises `LookupError` for an inner signal that is not there.
    """

    def __init__(self) -> None:
        self.m = Module()
        self.m.domains.sync = self._domain = ClockDomain()
        self._free: dict[str, Signal] = {}
        self._fragments: dict[int, Any] = {}
        self.started = Signal()
        self.m.d.sync += self.started.eq(1)

    def add(self, name: str, block: Component, changed: Callable[[Any], Any] = lambda block: block) -> Any:
        """Build a block; `changed` wraps it, as `ResetInserter` does."""
        fragment = self._fragments[id(block)] = Fragment.get(changed(block), PLATFORM)
        self.m.submodules[name] = fragment
        for path, member, value in block.signature.flatten(block):
            if member.flow == In:
                self._free["_".join((name, *map(str, path)))] = Value.cast(value)
        return block

    def fragment(self, block: Component) -> Any:
        """What the block was elaborated to."""
        return self._fragments[id(block)]

    def inner(self, block: Component, name: str) -> Signal:
        """A signal of the block that is no port, or of one within, by "submodule.signal"."""
        fragment, (*path, name) = self.fragment(block), name.split(".")
        for step in path:
            fragment = next(inner for inner, inner_name, _ in fragment.subfragments if inner_name == step)
        found = {signal.name: signal for signal in signals_within(fragment) if isinstance(signal, Signal)}
        if name not in found:
            raise LookupError(f"an inner signal must be one of {', '.join(sorted(found))}, not {name}")
        return found[name]

    def state_names(self, block: Component, name: str) -> dict[str, int]:
        """Of a state machine: each state and its code."""
        attributes = self.inner(block, name).attrs
        return {label: int(key.removeprefix("enum_value_"), 2) for key, label in attributes.items() if "value" in key}

    def state(self, block: Component, name: str) -> Callable[..., Value]:
        """Of a state machine: whether it is in one of the named states."""
        state = self.inner(block, name)
        codes = self.state_names(block, name)

        def is_in(*names: str) -> Value:
            return Value.cast(state).matches(*(codes[name] for name in names))

        return is_in

    def drive(self, target: Any, value: Any) -> None:
        """Take an input from the free ones."""
        target = Value.cast(target)
        self._free = {name: signal for name, signal in self._free.items() if signal is not target}
        self.m.d.comb += target.eq(value)

    def free(self, name: str, shape: Any = 1) -> Signal:
        """An input of the bench."""
        self._free[name] = signal = Signal(shape, name=name)
        return signal

    def release(self, name: str, signal: Signal) -> None:
        """An inner signal that others drive in the chip is free here."""
        self._free[name] = signal

    def any_constant(self, name: str, shape: Any) -> Signal:
        """A value that is chosen once."""
        signal = Signal(shape, name=name)
        self.m.d.comb += signal.eq(AnyConst(shape))
        return signal

    def past(self, value: Any) -> Signal:
        """The value a cycle ago, 0 in the first cycle."""
        value = Value.cast(value)
        kept = Signal(value.shape(), name=f"past_{len(self._free)}_{id(value) % 9973}")
        self.m.d.sync += kept.eq(value)
        return kept

    def steady(self, value: Any, when: Any = 1) -> None:
        """Assume that an input keeps its value while `when` holds in both cycles."""
        self.given(~self.started | ~(self.past(when) & when) | (value == self.past(value)))

    def must(self, condition: Any) -> None:
        self.m.d.comb += Assert(condition, src_loc_at=1)

    def given(self, condition: Any) -> None:
        self.m.d.comb += Assume(condition, src_loc_at=1)

    def reached(self, condition: Any) -> None:
        self.m.d.comb += Cover(condition, src_loc_at=1)

    def never_reset(self) -> None:
        self.given(~ResetSignal())

    def ports(self) -> dict[str, Any]:
        free = {name: (signal, PortDirection.Input) for name, signal in self._free.items()}
        clock = {"clk": (self._domain.clk, PortDirection.Input), "rst": (self._domain.rst, PortDirection.Input)}
        return clock | free

    def elaborate(self, platform: Any) -> Module:
        return self.m


__all__ = ["Bench", "ClockSignal"]
