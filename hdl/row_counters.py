"""How often the chain stayed at each stored row: C_n."""

from __future__ import annotations

from typing import Any

from amaranth import Module, Mux, Signal, Value
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

    Of a ring of rows `store` writes the count as it is after a `begin` or `bump` of the same cycle, `put` is the host's
    write, and `resume` goes on with the counter that was fetched in that cycle.

    Latency: 1 cycle from `fetch` to `counter`, 2 from `resume` to the `count`.
    """

    def __init__(self, formats: Formats):
        self.formats = formats
        self.memory = Ram.of(formats, "counters")
        ring = {
            "resume": In(1),  # an adaptation begins: the counter fetched in this cycle is the running count
            "put": In(1),  # `put_count` is written to the memory, at `put_row`
            "put_row": In(formats.row_bits),  # row whose counter the host writes
            "put_count": In(formats.config.counter_bits),  # the counter that the host writes
        }
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
                **(ring if formats.config.ring else {}),
            }
        )

    def _writes(self, count: Signal) -> list[Any]:
        """What the memory's write port is given."""
        stores, row, stored = self.store | self.store_zero, self.row, Value.cast(count)
        if self.formats.config.ring:
            stored = Mux(self.begin, 1, Mux(self.bump & ~count.all(), count + 1, count))
        data = Mux(self.store_zero, 0, stored)
        if self.formats.config.ring:
            stores, row, data = stores | self.put, Mux(self.put, self.put_row, row), Mux(self.put, self.put_count, data)
        memory = self.memory
        return [memory.write_lanes.eq(stores), memory.write_address.eq(row), memory.write_data.eq(data)]

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = self.memory
        count = Signal.like(self.count)
        total = Signal.like(self.total)
        lost = Signal.like(self.lost)
        m.d.comb += [
            *self._writes(count),
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
        if self.formats.config.ring:
            resumed = Signal()
            m.d.sync += resumed.eq(self.resume)
            with m.If(resumed):
                m.d.sync += count.eq(memory.read_data)
        with m.If(self.restart | self.begin_vote):
            m.d.sync += total.eq(0)
        with m.Elif(self.vote):
            m.d.sync += total.eq(total + memory.read_data)
        return m
