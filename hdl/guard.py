"""What went wrong, and how the chip is stopped: the ERRORS register, the interrupt, ABORT and upsets."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.pymodels.interface import Error


class Guard(wiring.Component):
    """Keeps each error until the host clears its bit; `irq` is high while there is one.

    `abort` stops a busy chip, `illegal`, an upset of a state machine, any: all machines get `halt` in the last cycle of
    the running pulse, or at once where none runs; no other pulse begins then.
    `stopped` stays until `starting`, the next command that starts something.

    Latency: 1 cycle from `refused` or `illegal` to `errors`, 1 from `abort` to the earliest `halt`.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "refused": In(len(Error) - 1),
                "illegal": In(1),
                "clear": In(len(Error)),  # errors that the host clears
                "errors": Out(len(Error)),
                "irq": Out(1),
                "abort": In(1),
                "starting": In(1),
                "busy": In(1),  # the chip is
                # the running pulse
                "pulsing": In(1),  # there is one
                "latch": In(1),  # it is in its last cycle
                "halt": Out(1),
                "stopped": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        raised = Signal(len(Error))
        m.d.comb += [
            raised.eq(self.refused),
            raised[Error.STATE].eq(self.illegal),
            self.irq.eq(self.errors.any()),
            self.halt.eq((self.illegal | (self.stopped & self.busy)) & (self.latch | ~self.pulsing)),
        ]
        with m.If((raised | self.clear).any()):
            m.d.sync += self.errors.eq((self.errors & ~self.clear) | raised)
        with m.If(self.illegal | (self.abort & self.busy)):
            m.d.sync += self.stopped.eq(1)
        with m.Elif(self.starting):
            m.d.sync += self.stopped.eq(0)
        return m
