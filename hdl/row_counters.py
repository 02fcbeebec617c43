"""How often the chain stayed at each stored row: C_n."""

from __future__ import annotations

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.hdl.ram import Ram
from oxmc.pymodels.formats import Formats

LOST_BITS = 24


class RowCounters(wiring.Component):
    """One saturating counter a row, kept in memory; the current row's counts in a register and is stored once.

    `begin` starts a row at 1, `bump` adds a rejection, `store` writes the counter of `row` to memory,
    `store_zero` a 0 for a row that was skipped. A count that saturation loses is counted in `lost`, `count` is the
    running one. `restart` forgets all of it. `total` sums the counters that are fetched with `vote`, a cycle after
    their fetch, from `restart` or `begin_vote` on.

    Latency: 1 cycle from `fetch` to `counter`.
    """

    def __init__(self, formats: Formats):
        self.formats = formats
        self.memory = Ram.of(formats, "counters")
        super().__init__(
            {
                "restart": In(1),  # a training begins: the running count, `lost` and `total` start at 0
                "begin": In(1),  # a row is accepted: its count starts at 1
                "bump": In(1),  # a proposal is rejected: the current row's count goes up
                "store": In(1),  # the count is written to the memory, at `row`
                "store_zero": In(1),  # 0 is written to the memory, at `row`: that row was skipped
                "row": In(formats.row_bits),  # row whose counter is written
                "begin_vote": In(1),  # an inference begins: `total` starts at 0
                "vote": In(1),  # `counter` is added to `total`
                "fetch": In(1),  # asks for the counter of `fetch_row`
                "fetch_row": In(formats.row_bits),  # row whose counter is asked for
                "counter": Out(formats.config.counter_bits),  # counter last asked for, a cycle after `fetch`
                "count": Out(formats.config.counter_bits),  # count of the current row; 0 before the first is accepted
                "total": Out(formats.total_bits),  # sum of the counters that voted
                "lost": Out(LOST_BITS),  # counts that saturation lost in this training; saturates
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = self.memory
        count = Signal.like(self.count)
        total = Signal.like(self.total)
        lost = Signal.like(self.lost)
        m.d.comb += [
            memory.write_lanes.eq(self.store | self.store_zero),
            memory.write_address.eq(self.row),
            memory.write_data.eq(Mux(self.store_zero, 0, count)),
            memory.read_enable.eq(self.fetch),
            memory.read_address.eq(self.fetch_row),
            self.counter.eq(memory.read_data),
            self.count.eq(count),
            self.total.eq(total),
            self.lost.eq(lost),
        ]
        with m.If(self.begin):
            m.d.sync += count.eq(1)
        with m.Elif(self.bump):
            with m.If(count.all()):
                m.d.sync += lost.eq(lost + ~lost.all())
            with m.Else():
                m.d.sync += count.eq(count + 1)
        with m.If(self.restart):
            m.d.sync += [count.eq(0), lost.eq(0)]
        with m.If(self.restart | self.begin_vote):
            m.d.sync += total.eq(0)
        with m.Elif(self.vote):
            m.d.sync += total.eq(total + memory.read_data)
        return m
