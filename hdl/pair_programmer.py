"""Verified programming of a row, pair by pair, until each difference is the current row's."""

from __future__ import annotations

from amaranth import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.hdl.array_command import ArrayCommand
from oxmc.hdl.ram import Ram
from oxmc.hdl.safe import SAFE_PORTS, safe_fsm
from oxmc.pymodels.blocks import SEEN_BITS
from oxmc.pymodels.formats import Formats, bits_for
from oxmc.pymodels.interface import TRIES_BITS, ArrayOp

SEEN_TOP = 5


class PairProgrammer(wiring.Component):
    """Closes the loop on w = g+ - g-: only the difference matters, so one side absorbs the other's error.

    Per pair of target w: SET and READ the side that aims lower, at common_mode - |w| / 2; then the other, aimed so that
    the difference to what was just read is w. While it is off by more than `window` and tries are left, RESET, SET and
    READ that one side again, or the other side where the wanted gate code lies near the LUT's end, `near_end`. Every
    read error moves a code offset of that device, with gain 1, 1/2, 1/4, 1/4, then 1/8, rounded half up (rounding down
    would drag small errors to one side) and held to one full scale; `fresh` forgets the offsets.

    The current row's differences stand in one bank of a memory, the proposed row's fill the other; `keep` swaps them.
    The two final read codes of a pair leave on `push` and `push_code`, g+ with the last answer, g- in the next cycle,
    which fetches the next pair's difference. An answer that ends one side's first attempt fetches the other's offset.

    Latency: a pair takes 4 + 2 (set + read + conversion) cycles, a repeat 2 + reset + set + read + conversion, a change
    of side 3 more; they begin in the cycle after `start`.

    What an answer is compared with is kept from the subtractors until the answer is there.
    """

    def __init__(self, formats: Formats):
        self.formats = formats
        config = formats.config
        self.pair_bits = bits_for(formats.pairs - 1)
        self.differences = Ram.of(formats, "pairs")
        self.offsets = Ram.of(formats, "offsets")
        super().__init__(
            {
                "start": In(1),  # the trainer asks for a row to be written, for one cycle
                "fresh": In(1),  # forget the devices' offsets: at a row's first proposal, or at each
                "busy": Out(1),  # a row is being written
                **SAFE_PORTS,
                "done": Out(1),  # the row is written, with the second push of its last pair
                "window": In(config.read_bits),  # how far a difference may be from its target, in read codes
                "tries": In(TRIES_BITS),  # repeats that a pair may have
                "common_mode": In(config.read_bits),  # mean of a pair's two conductances, as a read code
                "command": Out(ArrayCommand(formats, "valid", "cell", "mask")),  # to the array
                "answer": In(1),  # the answer to a READ is there
                "code": In(config.read_bits),  # read code of that answer
                # code map of the gate DAC controller
                "lookup": Out(1),  # asks for the gate code of `lookup_code`
                "lookup_code": Out(config.read_bits),  # read code that is aimed at
                "near_end": In(1),  # with `lookup`: its gate code is closer than 2 to an end of the LUT
                # differences of the proposed row
                "store": In(1),  # a pair of the proposed row is known
                "store_pair": In(self.pair_bits),  # number of that pair
                "difference": In(signed(config.read_bits + 1)),  # g+ - g- of that pair, in read codes
                "keep": In(1),  # the proposed row is accepted: its differences become the targets
                # read codes of a finished pair
                "push": Out(1),  # a final read code is given: g+, then g- in the next cycle
                "push_code": Out(config.read_bits),  # the final read code that is given
                "pair": Out(self.pair_bits),  # pair at work
                "next_pair": Out(self.pair_bits),  # pair whose difference is fetched next
                "fetch_cell": Out(formats.cell_bits),  # cell whose offset is fetched
                # strobes for observers
                "pair_fetch": Out(1),  # a difference is fetched
                "offset_fetch": Out(1),  # an offset is fetched
                "offset_store": Out(1),  # an offset is stored
            }
        )

    def elaborate(self, platform):
        m = Module()
        formats, read_bits = self.formats, self.formats.config.read_bits
        m.submodules.differences = self.differences
        m.submodules.offsets = self.offsets
        bank = Signal()
        self.tried = Signal(TRIES_BITS)
        self.first_attempt = Signal()  # of the side at work in this pair
        self.work_high = Signal()
        self.high_done = Signal()
        self.switched = Signal()
        self.read_low = Signal(read_bits)
        self.read_high = Signal(read_bits)
        difference = self.differences.read_data.as_signed()
        self.wanted = Signal(read_bits)
        self.high_is_plus = Signal()
        m.d.comb += [
            self.wanted.eq(abs(difference)),
            self.high_is_plus.eq(difference >= 0),
            self.command.cell.eq(Cat(self.work_high ^ self.high_is_plus, self.pair)[: formats.cell_bits]),
            self.command.valid.eq(self.start | self.busy),
            self.command.mask.eq(1 << self.command.cell),
            self.fetch_cell.eq(self.command.cell),
            self.differences.write_lanes.eq(self.store),
            self.differences.write_address.eq(Cat(self.store_pair, ~bank)),
            self.differences.write_data.eq(self.difference),
            self.differences.read_enable.eq(self.pair_fetch),
            self.differences.read_address.eq(Cat(self.next_pair, bank ^ self.keep)),
        ]
        with m.If(self.keep):
            m.d.sync += bank.eq(~bank)
        target = self._elaborate_target(m)
        error = self._elaborate_learning(m, target)
        self._elaborate_sequence(m, error)
        return m

    def _elaborate_target(self, m: Module) -> Signal:
        """What the side at work is aimed at, before its device's offset: one sum, and not below zero."""
        shape = signed(self.formats.config.read_bits + 2)
        target = Signal(shape)
        base = Signal(shape)
        step = Signal(shape)
        exact = Signal(shape)
        with m.If(self.work_high):
            m.d.comb += [base.eq(self.read_low), step.eq(self.wanted)]
        with m.Elif(self.high_done):
            m.d.comb += [base.eq(self.read_high), step.eq(-self.wanted)]
        with m.Else():
            m.d.comb += [base.eq(self.common_mode), step.eq(-(self.wanted >> 1))]
        m.d.comb += exact.eq(base + step)
        with m.If(self.work_high | self.high_done | (exact >= 0)):
            m.d.comb += target.eq(exact)
        return target

    def _elaborate_learning(self, m: Module, target: Signal) -> Signal:
        """Offsets, and how many SETs each has learned from, by device; forgotten at a fresh row's first attempts.

        The error that an answer shows, which is the pair's once the other side is done.
        """
        read_bits = self.formats.config.read_bits
        top = 2**read_bits - 1
        forget = Signal()
        offset = Signal(signed(read_bits + 1))
        seen = Signal(SEEN_BITS)
        now_seen = Signal(SEEN_BITS)
        due = Signal.like(target)
        read = Signal.like(self.code)
        error = Signal(signed(read_bits + 3))
        share = Signal.like(error)
        half = Signal()
        moved = Signal(signed(read_bits + 4))
        aimed = Signal(signed(read_bits + 3))
        with m.If(self.answer):
            m.d.comb += [due.eq(target), read.eq(self.code)]
        m.d.comb += [
            forget.eq(self.fresh & self.first_attempt),
            self.offsets.read_enable.eq(self.offset_fetch),
            self.offsets.read_address.eq(self.fetch_cell),
            Cat(offset, seen).eq(Mux(forget, 0, self.offsets.read_data)),
            aimed.eq(target + offset),
            self.lookup_code.eq(Mux(aimed < 0, 0, Mux(aimed > top, top, aimed))),
            now_seen.eq(Mux(seen == SEEN_TOP, SEEN_TOP, seen + 1)),
            error.eq(due - read),
            moved.eq(offset + share + half),
            self.offset_store.eq(self.answer),
            self.offsets.write_lanes.eq(self.offset_store),
            self.offsets.write_address.eq(self.command.cell),
            self.offsets.write_data.eq(
                Cat(Mux(moved < -top, -top, Mux(moved > top, top, moved))[: read_bits + 1], now_seen)
            ),
        ]
        with m.Switch(now_seen):  # a gain's share of the error, and the highest bit that it drops, to round
            with m.Case(1):
                m.d.comb += share.eq(error)
            for case, shift in (([2], 1), ([SEEN_TOP], 3), ([], 2)):
                with m.Case(*case) if case else m.Default():
                    m.d.comb += [share.eq(error >> shift), half.eq(error[shift - 1])]
        return error

    def _elaborate_sequence(self, m: Module, error: Signal) -> None:
        last_pair = Signal()
        close = Signal()
        plus = Signal.like(self.code)
        minus = Signal.like(self.code)
        m.d.comb += [
            last_pair.eq(self.pair == self.formats.pairs - 1),
            self.next_pair.eq(Mux(self.busy & ~last_pair, self.pair + 1, 0)),
            close.eq(abs(error) <= self.window),
            plus.eq(Mux(self.high_is_plus, self.read_high, self.read_low)),
            minus.eq(Mux(self.high_is_plus, self.read_low, self.read_high)),
        ]

        def begin_pair() -> None:
            m.d.comb += self.pair_fetch.eq(1)
            m.d.sync += [
                self.pair.eq(self.next_pair),
                self.tried.eq(0),
                self.first_attempt.eq(1),
                self.work_high.eq(0),
                self.high_done.eq(0),
                self.switched.eq(0),
            ]
            m.next = "OFFSET"

        def pulse(op: ArrayOp) -> None:
            """Leave for the state of a pulse."""
            m.d.comb += self.command.op.eq(op)
            m.next = op.name

        with safe_fsm(m, self, "pair_state") as fsm:
            m.d.comb += self.busy.eq(~fsm.ongoing("IDLE"))
            with m.State("IDLE"):
                with m.If(self.start):
                    begin_pair()
            with m.State("OFFSET"):
                m.d.comb += self.offset_fetch.eq(1)
                m.next = "AIM"
            with m.State("AIM"):
                m.d.comb += self.lookup.eq(1)
                with m.If(self.first_attempt):
                    pulse(ArrayOp.SET)
                with m.Elif(self.near_end & ~self.switched):
                    m.next = "SWITCH"
                with m.Else():
                    pulse(ArrayOp.RESET)
            with m.State("SWITCH"):
                m.d.sync += [self.work_high.eq(~self.work_high), self.switched.eq(1)]
                m.next = "OFFSET"
            with m.State("RESET"):
                with m.If(self.command.latch):
                    pulse(ArrayOp.SET)
            with m.State("SET"):
                with m.If(self.command.latch):
                    pulse(ArrayOp.READ)
            with m.State("READ"):
                with m.If(self.command.latch):
                    m.next = "ANSWER"
            with m.State("ANSWER"):
                with m.If(self.answer):
                    m.d.sync += self.switched.eq(0)
                    with m.If(self.work_high):
                        m.d.sync += [self.read_high.eq(self.code), self.high_done.eq(1)]
                    with m.Else():
                        m.d.sync += self.read_low.eq(self.code)
                    with m.If(self.first_attempt & ~self.work_high):
                        m.d.comb += [self.offset_fetch.eq(1), self.fetch_cell.eq(self.command.cell ^ 1)]
                        m.d.sync += self.work_high.eq(1)
                        m.next = "AIM"
                    with m.Elif(close | (self.tried == self.tries)):
                        m.d.comb += [
                            self.push.eq(1),
                            self.push_code.eq(Mux(self.work_high == self.high_is_plus, self.code, plus)),
                        ]
                        m.next = "PUSH"
                    with m.Else():
                        m.d.sync += [self.tried.eq(self.tried + 1), self.first_attempt.eq(0)]
                        m.next = "OFFSET"
            with m.State("PUSH"):
                m.d.comb += [self.push.eq(1), self.push_code.eq(minus)]
                with m.If(last_pair):
                    m.d.comb += self.done.eq(1)
                    m.d.sync += self.pair.eq(0)
                    m.next = "IDLE"
                with m.Else():
                    begin_pair()
