"""State machines that an upset cannot hold: whoever is in a state that does not exist goes home and says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from amaranth import Module
from amaranth.lib.wiring import In, Out

SAFE_PORTS: dict[str, Any] = {"halt": In(1), "illegal": Out(1)}
"""Ports of a block with such a state machine: `halt` ends what it does, `illegal` says that its state had no name."""


@contextmanager
def safe_fsm(m: Module, block: Any, name: str, home: str = "IDLE") -> Iterator[Any]:
    """`m.FSM` that goes to state `home` at `block.halt`, unless it is IDLE or there, and from every unused encoding.

    The attribute keeps synthesis from encoding the states anew, which would take the unused encodings for impossible
    and drop the way back.
    """
    with m.FSM(name=name) as fsm:
        yield fsm
    state, states = fsm.state, len(fsm.encoding)
    state.attrs["fsm_encoding"] = "none"
    if states < 2 ** len(state):
        m.d.comb += block.illegal.eq(state >= states)
    leaves = block.halt & (state != fsm.encoding["IDLE"])
    if home != "IDLE":
        leaves &= state != fsm.encoding[home]
    with m.If(leaves | block.illegal):
        m.d.sync += state.eq(fsm.encoding[home])
