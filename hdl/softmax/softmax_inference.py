"""Bayesian model averaging of the softmax of the stored rows (Eq 8)."""

from __future__ import annotations

from typing import Any

from amaranth import Array, Module, Mux, Signal
from amaranth.lib.wiring import In

from oxmc.hdl.inference import Inference
from oxmc.hdl.network_inference import NetworkInference
from oxmc.hdl.softmax.softmax_likelihood import below
from oxmc.pymodels.formats import SHARE_BITS, Formats


class SoftmaxInference(NetworkInference):
    """As `NetworkInference`, but a row's responses are the shares of its outputs, which add up to 1 but for roundings.

    The share of an output is 2^-d, d being how far its power is below the log2 of the sum of all of them. So nothing is
    divided: once the likelihood has folded the row's last output, the powers, kept until then, are taken from that sum
    one after the other, while the next row is evaluated.

    Latency: a point takes 1 cycle to fetch, rows * outputs * eval, or with a hidden layer rows * ((hidden + outputs) *
    eval + conversion + 1), conversion + outputs + 2 to settle, and, while `ready` is high, 1 an output.
    """

    def _answer_ports(self) -> dict[str, Any]:
        formats = self.formats
        return {
            "folding": In(1),  # the power of an output that answered is there and joins the sum
            "output": In(formats.output_bits),  # number of that output
            "last": In(1),  # it is the row's last
            "power": In(formats.likelihood_bits),  # log2 of its exp(S V.w), in 2^-POWER_FRACTION_BITS
            "log_sum": In(formats.log_sum_bits),  # log2 of the sum of 2^power of the row's outputs up to this one
        }

    def _elaborate_share(self, m: Module, clear: Signal) -> None:
        """After a row's last output the shares are looked up, an output a cycle; each is there in the next cycle."""
        outputs = self.formats.config.outputs
        number = Signal(self.formats.output_bits)
        powers = Array(Signal.like(self.power, name=f"power_{k}") for k in range(outputs))
        level = Signal.like(self.log_sum)
        self.sharing = Signal()
        m.submodules.memory = self.table
        m.d.comb += [
            self.table.read_enable.eq(self.sharing),
            self.table.read_address.eq(below((level - powers[number])[1 : len(level)], SHARE_BITS)),
        ]
        with m.If(self.folding):
            m.d.sync += powers[self.output].eq(self.power)
        with m.If(clear):
            m.d.sync += self.sharing.eq(0)
        with m.Elif(self.folding & self.last):  # the last share of the row before is looked up in this cycle at latest
            m.d.sync += [self.sharing.eq(1), number.eq(0), level.eq(self.log_sum)]
        with m.Elif(self.sharing):
            m.d.sync += number.eq(number + 1)
            with m.If(number == outputs - 1):
                m.d.sync += self.sharing.eq(0)

    def _elaborate_sums(self, m: Module, totals: list[Signal], clear: Signal) -> None:
        """Each share times its row's counter, which the next row's answers push out before the last one is added."""
        self._elaborate_share(m, clear)
        self.opens = self.folding & (self.output == 0)
        self.unsettled = Signal()
        added = Signal(self.formats.output_bits)
        counter = Signal.like(self.counter)
        weight = Signal.like(self.counter)
        chosen = Array(totals)
        total = Signal.like(totals[0])
        m.d.comb += [
            self.unsettled.eq(self.command.converting | self.folding | self.sharing),
            total.eq(chosen[added] + self.table.read_data * weight),
        ]
        m.d.sync += self.adding.eq(self.sharing)
        with m.If(self.folding & self.last):
            m.d.sync += counter.eq(self.counter)
        with m.If(self.sharing):
            m.d.sync += weight.eq(counter)
        with m.If(clear):
            m.d.sync += [*(each.eq(0) for each in totals), added.eq(0)]
        with m.Elif(self.adding):
            m.d.sync += [
                chosen[added].eq(total),
                added.eq(Mux(added == self.formats.config.outputs - 1, 0, added + 1)),
            ]


def inference_of(formats: Formats) -> Inference:
    """The inference block that a configuration asks for."""
    if formats.softmax:
        return SoftmaxInference(formats)
    return NetworkInference(formats) if formats.config.hidden else Inference(formats)
