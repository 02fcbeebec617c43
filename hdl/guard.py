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

    With `parity` a flipped bit is an upset, too.
    """

    def __init__(self, *, parity: bool = False) -> None:
        self.parity = parity
        flipped = {"flipped": In(1)}  # parity of registers or of a word that was read is wrong, after an upset
        super().__init__(
            {
                "refused": In(len(Error) - 1),  # a transfer is refused: one bit for each `Error` but STATE
                "illegal": In(1),  # a state machine is in no state, after an upset
                **(flipped if parity else {}),
                "clear": In(len(Error)),  # bits of `errors` that the host clears
                "errors": Out(len(Error)),  # the register ERRORS: what went wrong since each bit was cleared
                "irq": Out(1),  # `errors` is not 0
                "abort": In(1),  # the command ABORT, for one cycle
                "starting": In(1),  # a command that starts something, for one cycle: ends `stopped`
                "busy": In(1),  # a command runs
                # the running pulse
                "pulsing": In(1),  # a pulse runs on the array
                "latch": In(1),  # last cycle of the running pulse
                "halt": Out(1),  # state machines leave for idle, at the end of a pulse; none follows
                "stopped": Out(1),  # ABORT or an upset stopped the last command, or is stopping it
            }
        )

    def elaborate(self, platform):
        m = Module()
        raised = Signal(len(Error))
        upset = self.illegal | self.flipped if self.parity else self.illegal
        m.d.comb += [
            raised.eq(self.refused),
            raised[Error.STATE].eq(upset),
            self.irq.eq(self.errors.any()),
            self.halt.eq((upset | (self.stopped & self.busy)) & (self.latch | ~self.pulsing)),
        ]
        with m.If((raised | self.clear).any()):
            m.d.sync += self.errors.eq((self.errors & ~self.clear) | raised)
        with m.If(upset | (self.abort & self.busy)):
            m.d.sync += self.stopped.eq(1)
        with m.Elif(self.starting):
            m.d.sync += self.stopped.eq(0)
        return m
