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
                "restart": In(1),
                "begin": In(1),
                "bump": In(1),
                "store": In(1),
                "store_zero": In(1),
                "row": In(formats.row_bits),
                "begin_vote": In(1),
                "vote": In(1),
                "fetch": In(1),
                "fetch_row": In(formats.row_bits),  # whose counter is asked for
                "counter": Out(formats.config.counter_bits),
                "count": Out(formats.config.counter_bits),
                "total": Out(formats.total_bits),
                "lost": Out(LOST_BITS),
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
