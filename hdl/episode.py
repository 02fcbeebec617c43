"""The trainer that learns from rewards: an episode in which a proposed row acts takes the place of its sweep."""

from __future__ import annotations

from amaranth import Module
from amaranth.lib.wiring import In, Out

from oxmc.hdl.ring.ring_trainer import RingTrainer
from oxmc.hdl.trainer import Trainer
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import ArrayOp


class EpisodeTrainer(Trainer):
    """OBSERVE waits for the host. `step` evaluates sample 0, the observation, and the action leaves; `done` decides.

    Latency: a step takes outputs * eval + conversion + 1 cycles after `step` while `taken` is high; `done` 1 to
    `decide`. An episode has at least one step.
    """

    def __init__(self, formats: Formats):
        super().__init__(
            formats,
            {
                "waiting": Out(1),  # an observation and `step` are waited for, or `done`
                "step": In(1),  # the host's STEP: the observation stands in sample 0
                "done": In(1),  # the host's DONE: the episode is over
                "acting": Out(1),  # the action is there, until `taken`
                "taken": In(1),  # the result stream takes the action in this cycle
            },
        )

    def _open_sweep(self, m: Module) -> None:
        """Wait for an observation."""
        self._go(m, "OBSERVE")

    def _elaborate_sweep(self, m: Module) -> None:
        """States of an episode: wait, evaluate the observation output by output, act."""
        output = self.part
        m.d.comb += [
            self.command.segment.eq(output),
            self.last_output.eq(output == self.formats.config.outputs - 1),
            self.fetch_index.eq(0),
        ]
        with m.State("OBSERVE"):
            m.d.comb += self.waiting.eq(1)
            with m.If(self.step):
                m.d.comb += self.fetch_sample.eq(1)
                self._go(m, "EVAL", ArrayOp.EVAL)
            with m.Elif(self.done):
                m.next = "DECIDE"
        with m.State("EVAL"):
            m.d.comb += self.command.op.eq(ArrayOp.EVAL)
            with m.If(self.command.latch):
                with m.If(self.last_output):
                    m.d.sync += output.eq(0)
                    self._go(m, "SETTLE")
                with m.Else():
                    m.d.sync += output.eq(output + 1)
        with m.State("SETTLE"):  # the last conversion, then the action leaves
            with m.If(~self.waits):
                m.d.comb += self.acting.eq(1)
                with m.If(self.taken):
                    m.next = "OBSERVE"


def trainer_of(formats: Formats) -> Trainer:
    """The trainer that a configuration asks for."""
    if formats.rewards:
        return EpisodeTrainer(formats)
    return RingTrainer(formats) if formats.config.ring else Trainer(formats)
