"""Timing of word, bit and source line pulses and of conversions."""

from __future__ import annotations

from amaranth import ClockDomain, ClockSignal, Module, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.pymodels.formats import Formats, bits_for
from oxmc.pymodels.interface import ArrayOp


class Pulse(wiring.Component):
    """Drives each pulse for exactly its width in cycles and says when a converter's answer is there.

    `op` is what follows, IDLE for nothing; it is taken at the end of a cycle without a pulse and of a pulse's last one,
    so that a commander names each pulse a cycle ahead. `running` is the pulse on the pins: its commander holds the
    address fields and moves on in the cycle where `latch` is high, the last of the pulse. `tag` is captured there and
    comes back with the answer, `result_valid`, the conversion time later; pulses and conversions overlap. With every
    width at one cycle no counter is built. All but the lowest bit of the tag is captured only where it is `wide`, so
    that evaluations which need no more clock no more.

    `running` and the four pins are flip-flops with nothing behind them, in a domain of their own that `rst` clears at
    once: they neither glitch nor wait for a clock edge. All else is cleared by the first edge under `rst`.

    Latency: width cycles from the one after `op` is taken to `latch`, conversion cycles from there to `result_valid`.
    """

    def __init__(self, formats: Formats, *, tag_bits: int):
        config = formats.config
        self.formats, self.tag_bits = formats, tag_bits
        self.widths = {
            ArrayOp.FORM: config.cycles(config.set_pulse_s),
            ArrayOp.SET: config.cycles(config.set_pulse_s),
            ArrayOp.RESET: config.cycles(config.reset_pulse_s),
            ArrayOp.READ: config.cycles(config.read_pulse_s),
            ArrayOp.EVAL: config.cycles(config.eval_pulse_s),
        }
        self.conversion = config.cycles(config.conversion_s)
        super().__init__(
            {
                "op": In(ArrayOp),  # pulse that begins with the next cycle; IDLE: none
                "tag": In(tag_bits),  # what the answer will belong to; taken with `latch`
                "wide": In(1),  # all bits of `tag` are taken, else the lowest
                "running": Out(ArrayOp),  # pulse on the pins
                "latch": Out(1),  # last cycle of the running pulse
                "wl": Out(1),  # pin: word line, in every pulse
                "bl": Out(1),  # pin: bit line, in a RESET
                "sl": Out(1),  # pin: source line, in FORM, SET and READ
                "inputs_on": Out(1),  # pin: input drivers, in an EVAL
                "converting": Out(1),  # a conversion runs: its answer is still to come
                "result_valid": Out(1),  # the answer stands on the array's `data`, for one cycle
                "result_is_eval": Out(1),  # the answer is an EVAL's, else a READ's
                "result_tag": Out(tag_bits),  # the tag that was taken with its pulse
            }
        )

    def _elaborate_width(self, m: Module) -> None:
        longest = max(self.widths.values())
        if longest == 1:
            m.d.comb += self.latch.eq(self.wl)
            return
        elapsed = Signal(range(longest))
        with m.Switch(self.running):
            for op, width in self.widths.items():
                with m.Case(op):
                    m.d.comb += self.latch.eq(elapsed == width - 1)
            with m.Default():  # after an upset: a pulse of no command ends, or no ABORT could
                m.d.comb += self.latch.eq(self.wl)
        with m.If(self.latch):
            m.d.sync += elapsed.eq(0)
        with m.Elif(self.wl):
            m.d.sync += elapsed.eq(elapsed + 1)

    def _elaborate_conversion(self, m: Module) -> None:
        left = Signal(bits_for(self.conversion))
        answers = Signal()
        m.d.comb += [
            answers.eq(self.latch & ((self.running == ArrayOp.READ) | self.inputs_on)),
            self.converting.eq(left != 0),
            self.result_valid.eq(left == 1),
        ]
        with m.If(answers):
            m.d.sync += [
                left.eq(self.conversion),
                self.result_tag[0].eq(self.tag[0]),
                self.result_is_eval.eq(self.inputs_on),
            ]
            with m.If(self.wide):
                m.d.sync += self.result_tag[1:].eq(self.tag[1:])
        with m.Elif(self.converting):
            m.d.sync += left.eq(left - 1)

    def _elaborate_pins(self, m: Module) -> None:
        m.domains.pins = ClockDomain(async_reset=True, local=True)
        m.d.comb += [ClockSignal("pins").eq(ClockSignal()), ResetSignal("pins").eq(ResetSignal())]
        with m.If((~self.wl | self.latch) & (self.op != self.running)):  # else no clock for them in a whole sweep
            m.d.pins += [
                self.running.eq(self.op),
                self.wl.eq(self.op != ArrayOp.IDLE),
                self.bl.eq(self.op == ArrayOp.RESET),
                self.sl.eq((self.op == ArrayOp.FORM) | (self.op == ArrayOp.SET) | (self.op == ArrayOp.READ)),
                self.inputs_on.eq(self.op == ArrayOp.EVAL),
            ]

    def elaborate(self, platform):
        m = Module()
        self._elaborate_pins(m)
        self._elaborate_width(m)
        self._elaborate_conversion(m)
        return m
