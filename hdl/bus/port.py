"""Registers that a chip has behind a bus: what it is, its interrupt, and its results in a queue."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from oxmc.hdl.host import HostBus
from oxmc.hdl.inference import result_layout
from oxmc.pymodels.formats import HOST_WORD_BITS, Formats
from oxmc.pymodels.interface import (
    PORT_INDEX,
    Irq,
    Port,
    ResultBit,
    Space,
    address,
    port_constants,
)

RESULTS = 4
"""Results that the queue holds. The chip waits with the next one, whose evaluations take far longer than a transfer."""
NUMBER_BITS = max(Port).bit_length()


class BusPort(wiring.Component):
    """Answers for the registers `Port` and hands all other transfers to the host port.

    What it does not take goes there, too: the host port has none of these addresses, so that it refuses the transfer
    and says so in ERRORS. `irq` is high while a bit of IRQ_STATUS is there whose bit in IRQ_ENABLE is set.

    Latency: combinational; its own registers end a transfer in its first cycle.
    """

    def __init__(self, formats: Formats, version: int):
        self.formats, self.version = formats, version
        super().__init__(
            {
                "bus": Out(HostBus()),  # transfers of the bus as words
                "host": In(HostBus()),  # those of them that are the chip's
                "result": In(stream.Signature(result_layout(formats))),  # the chip's results
                "error": In(1),  # the chip's ERRORS register is not 0
                "busy": In(1),  # a command runs
                "waiting": In(1),  # an episode waits for the host
                "irq": Out(1),  # something is to be served that the host wants to be told of
            }
        )

    def _elaborate_results(self, m: Module) -> dict[Port, Value]:
        """The queue, and what its registers read as."""
        payload, layout = self.result.payload, result_layout(self.formats)
        m.submodules.fifo = fifo = SyncFIFO(width=layout.size, depth=RESULTS)
        head = layout(Mux(fifo.r_rdy, fifo.r_data, 0))
        m.d.comb += [
            fifo.w_data.eq(payload),
            fifo.w_en.eq(self.result.valid),
            self.result.ready.eq(fifo.w_rdy),
            fifo.r_en.eq(self.own & ~self.bus.write & (self.number == Port.RESULT)),
        ]
        total = Signal(64)
        rest = Signal(HOST_WORD_BITS)
        m.d.comb += [
            total.eq(head.sum),
            rest.eq(head.winner),
            rest[ResultBit.LAST].eq(head.last),
            rest[ResultBit.VALID].eq(fifo.r_rdy),
        ]
        self.waits = fifo.r_rdy
        return {
            Port.RESULT_SUM: total[:HOST_WORD_BITS],
            Port.RESULT_SUM_HIGH: total[HOST_WORD_BITS:],
            Port.RESULT: rest,
            Port.RESULT_COUNT: fifo.level,
        }

    def _elaborate_interrupt(self, m: Module) -> dict[Port, Value]:
        enable = Signal(len(Irq))
        status = Signal(len(Irq))
        causes = {Irq.ERROR: self.error, Irq.IDLE: ~self.busy, Irq.WAITING: self.waiting, Irq.RESULT: self.waits}
        m.d.comb += [
            status.eq(Cat(causes[irq] for irq in sorted(causes))),
            self.irq.eq((status & enable).any()),
        ]
        with m.If(self.own & self.bus.write):
            m.d.sync += enable.eq(self.bus.write_data)
        return {Port.IRQ_ENABLE: enable, Port.IRQ_STATUS: status}

    def _elaborate_transfer(self, m: Module, words: dict[Port, Value]) -> None:
        """Which transfers are answered here, and with what."""
        bus, host = self.bus, self.host
        base = address(Space.SETTINGS, PORT_INDEX) >> NUMBER_BITS
        readable = Signal()
        writable = Signal()
        answer = Signal(HOST_WORD_BITS)
        with m.Switch(self.number):
            for port in Port:
                with m.Case(port):
                    m.d.comb += [readable.eq(1), answer.eq(words[port])]
        m.d.comb += [
            self.number.eq(bus.address[:NUMBER_BITS]),
            writable.eq((self.number == Port.IRQ_ENABLE) & ~bus.write_data[len(Irq) :].any()),
            self.own.eq(bus.valid & (bus.address[NUMBER_BITS:] == base) & Mux(bus.write, writable, readable)),
            host.valid.eq(bus.valid & ~self.own),
            host.write.eq(bus.write),
            host.address.eq(bus.address),
            host.write_data.eq(bus.write_data),
            bus.ready.eq(self.own | host.ready),
            bus.error.eq(host.error),
            bus.read_data.eq(Mux(self.own & ~bus.write, answer, host.read_data)),
        ]

    def elaborate(self, platform):
        m = Module()
        self.own = Signal()  # the transfer is answered here
        self.number = Signal(NUMBER_BITS)  # which of the registers it would be
        words: dict[Port, Value] = dict(port_constants(self.formats, self.version))
        words |= self._elaborate_results(m)
        words |= self._elaborate_interrupt(m)
        self._elaborate_transfer(m, words)
        return m
