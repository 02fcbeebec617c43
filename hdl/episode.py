"""The trainer's states that let a proposed row act, in place of its sweep over the samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from amaranth import Module
from amaranth.lib.wiring import In, Out

from oxmc.hdl.array_port import ArrayOp

if TYPE_CHECKING:
    from oxmc.hdl.trainer import Trainer

EPISODE_PORTS: dict[str, Any] = {
    "waiting": Out(1),  # for the host: an observation and `step`, or `done`
    "step": In(1),
    "done": In(1),
    "acting": Out(1),  # the action stands, until it is `taken`
    "taken": In(1),
}
"""Ports of a trainer that learns from rewards."""


def elaborate_episode(trainer: Trainer, m: Module) -> None:
    """OBSERVE waits for the host. `step` evaluates sample 0, the observation, and the action leaves; `done` decides.

    A step takes outputs * eval + conversion + 1 cycles after `step` while `taken` is high; `done` 1 to `decide`. An
    episode has at least one step.
    """
    output = trainer.part
    m.d.comb += [
        trainer.segment.eq(output),
        trainer.last_output.eq(output == trainer.formats.config.outputs - 1),
        trainer.fetch_index.eq(0),
    ]
    with m.State("OBSERVE"):
        m.d.comb += trainer.waiting.eq(1)
        with m.If(trainer.step):
            m.d.comb += [trainer.fetch_sample.eq(1), trainer.op.eq(ArrayOp.EVAL)]
            m.next = "EVAL"
        with m.Elif(trainer.done):
            m.next = "DECIDE"
    with m.State("EVAL"):
        m.d.comb += trainer.op.eq(ArrayOp.EVAL)
        with m.If(trainer.latch):
            with m.If(trainer.last_output):
                m.d.comb += trainer.op.eq(ArrayOp.IDLE)
                m.d.sync += output.eq(0)
                m.next = "SETTLE"
            with m.Else():
                m.d.sync += output.eq(output + 1)
    with m.State("SETTLE"):  # the last conversion, then the action leaves
        with m.If(~trainer.converting):
            m.d.comb += trainer.acting.eq(1)
            with m.If(trainer.taken):
                m.next = "OBSERVE"
