"""State machines that an upset cannot hold: whoever is in a state that does not exist goes home and says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from amaranth import Module
from amaranth.lib.wiring import In, Out

SAFE_PORTS: dict[str, Any] = {
    "halt": In(1),  # the chip is stopped: leave for the idle state
    "illegal": Out(1),  # the state register holds an encoding without a state, after an upset
}
"""Ports of a block with such a state machine."""


@contextmanager
def safe_fsm(m: Module, block: Any, name: str, home: str = "IDLE") -> Iterator[Any]:
    """`m.FSM` that goes to state `home` at `block.halt`, unless it is IDLE or there, and from every unused encoding.

    One attribute keeps synthesis from encoding the states anew, which would take the unused encodings for impossible
    and drop the way back. The others name the states in the Verilog, as those of an enumeration are: views of waves
    take them from there.
    """
    with m.FSM(name=name) as fsm:
        yield fsm
    state, states = fsm.state, len(fsm.encoding)
    codes = {f"enum_value_{code:0{len(state)}b}": label for label, code in fsm.encoding.items()}
    state.attrs.update(fsm_encoding="none", enum_base_type=name, **codes)
    if states < 2 ** len(state):
        m.d.comb += block.illegal.eq(state >= states)
    leaves = block.halt & (state != fsm.encoding["IDLE"])
    if home != "IDLE":
        leaves &= state != fsm.encoding[home]
    with m.If(leaves | block.illegal):
        m.d.sync += state.eq(fsm.encoding[home])
