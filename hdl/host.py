"""The host port: setting registers, commands and read-back by the address map of `oxmc.pymodels.interface`."""

from __future__ import annotations

from amaranth import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.pymodels.formats import HOST_WORD_BITS, Formats
from oxmc.pymodels.interface import (
    ADDRESS_BITS,
    INDEX_BITS,
    Command,
    Error,
    Setting,
    Space,
    Status,
    Words,
    built_commands,
    memory_words,
    setting_limits,
    strobe_limits,
)


class HostBus(wiring.Signature):
    """One word a transfer, seen from the chip; none waits for longer than its second cycle.

    The cycle in which `ready` is high ends a transfer: the first of a write, the second of a read, which answers on
    `read_data`. A transfer that is refused ends in its first, with `error` beside `ready`, and changes nothing but its
    bit in the ERRORS register. Until its end the transfer stays as it is.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "valid": In(1),  # a transfer is asked for; held until `ready`
                "write": In(1),  # the transfer is a write, else a read
                "address": In(ADDRESS_BITS),  # space in the upper 3 bits, index below
                "write_data": In(HOST_WORD_BITS),  # the word to be written
                "ready": Out(1),  # last cycle of the transfer: the first of a write, the second of a read
                "error": Out(1),  # with `ready`: the transfer is refused and changes nothing but ERRORS
                "read_data": Out(HOST_WORD_BITS),  # answer of a read, with `ready`; else 0
            }
        )


class Host(wiring.Component):
    """Decodes host transfers: holds the settings, raises command and memory strobes for one cycle, reads back.

    Every address does one thing or is refused; a value that does not fit is refused, not cut. While the chip is `busy`
    it takes status reads, ABORT and CLEAR_ERRORS, and where it is `waiting` in an episode samples and that episode's
    commands. `refused` has one strobe a bit of `Error` but the last. TRAIN needs a code map (`mapped`), INFER rows
    (`trained`) and a test point, DONE a step (`stepped`). Counters past the last row, of a ring those past its end,
    and all before any training (`counted`), read as 0.

    Latency: writes act at the end of their cycle; reads take 2 cycles.
    """

    def __init__(self, formats: Formats):
        self.formats = formats
        settings = {
            setting.name.lower(): Out(high.bit_length(), init=2 ** high.bit_length() - 1 if low else 0)
            for setting, (low, high) in setting_limits(formats).items()
        }
        commands = {command.name.lower(): Out(1) for command in built_commands(formats)}
        status = {f"status_{register.name.lower()}": In(HOST_WORD_BITS) for register in Status}
        super().__init__(
            {
                "bus": Out(HostBus()),  # of the host
                "busy": In(1),  # a command runs
                "waiting": In(1),  # an episode waits for STEP or DONE
                "mapped": In(1),  # the code map is that of the LUT: TRAIN may come
                "trained": In(1),  # there are rows that can vote: INFER may come
                "stepped": In(1),  # the episode had a step: DONE may come
                **settings,
                **commands,
                **status,
                "seed_low": Out(1),  # `bus.write_data` is the seed's low word, for one cycle
                "seed_high": Out(1),  # `bus.write_data` is the seed's high word, for one cycle
                "clear_errors": Out(len(Error)),  # bits of ERRORS that the host clears, for one cycle
                "refused": Out(len(Error) - 1),  # why a transfer is refused: one bit for each `Error` but STATE
                "starting": Out(1),  # a command that starts something is taken, for one cycle
                "writing": Out(1),  # a write is taken, for one cycle
                "space": Out(Space),  # space of the transfer: the upper bits of its address
                "index": Out(INDEX_BITS),  # index of the transfer: the lower bits of its address
                "fetch_counter": Out(1),  # asks for the counter of row `index`, for one cycle
                "counted": In(1),  # there is a current row; without one counters read as 0
                "counter": In(formats.config.counter_bits),  # counter of that row, a cycle after `fetch_counter`
                "fetch_lut": Out(1),  # asks for the LUT's entry of gate code `index`, for one cycle
                "lut_entry": In(formats.config.read_bits),  # that entry, a read code, a cycle after `fetch_lut`
            }
        )

    def elaborate(self, platform):
        m = Module()
        bus = self.bus
        self.readable = Signal()
        self.writable = Signal()
        self.fits = Signal()
        self.is_command = Signal()
        self.known = Signal()
        self.possible = Signal()
        self.always = Signal()  # taken at any time
        self.no_point = Signal()  # an INFER that all else allows, of no test point
        m.d.comb += [self.index.eq(bus.address[:INDEX_BITS]), self.space.eq(bus.address[INDEX_BITS:])]
        self._elaborate_settings(m)
        self._elaborate_commands(m)
        self._elaborate_memories(m)
        self._elaborate_transfer(m)
        self._elaborate_answer(m)
        return m

    def _zero_above(self, width: int) -> Value:
        """Whether a written word fits into `width` bits; each is one stage on top of the next wider."""
        if not hasattr(self, "_zeros"):
            self._zeros: dict[int, Value] = {}
        if width >= HOST_WORD_BITS:
            return Value.cast(1)
        if width not in self._zeros:
            self._zeros[width] = ~self.bus.write_data[width] & self._zero_above(width + 1)
        return self._zeros[width]

    def _at_most(self, high: int) -> Value:
        fits = self._zero_above(high.bit_length())
        return fits if high.bit_count() == high.bit_length() else fits & (self.bus.write_data <= high)

    def _elaborate_settings(self, m: Module) -> None:
        """Registers, and what acts when it is written; COMMAND apart."""
        data = self.bus.write_data

        def at(setting: Setting) -> Value:
            return (self.space == Space.SETTINGS) & (self.index == setting)

        for setting, (low, high) in setting_limits(self.formats).items():
            register = getattr(self, setting.name.lower())
            with m.If(at(setting)):
                fits = self._at_most(high)
                m.d.comb += [self.writable.eq(1), self.fits.eq(fits & (data >= low) if low else fits)]
            with m.If(at(setting) & self.writing):
                m.d.sync += register.eq(data)
        for setting, high in strobe_limits(self.formats).items():
            strobe = getattr(self, setting.name.lower())
            with m.If(at(setting)):
                m.d.comb += [self.writable.eq(1), self.fits.eq(self._at_most(high))]
                m.d.comb += strobe.eq(self.writing.replicate(len(strobe)) & (data if len(strobe) > 1 else 1))
        m.d.comb += self.is_command.eq(at(Setting.COMMAND))
        with m.If(at(Setting.CLEAR_ERRORS)):
            m.d.comb += self.always.eq(1)

    def _elaborate_commands(self, m: Module) -> None:
        """Which command it is, whether the chip has it and whether it can take it now."""
        data, starts = self.bus.write_data, []
        no_test = self.last_test <= self.last_sample
        may = {
            Command.TRAIN: ~self.waiting & self.mapped,
            Command.ADAPT: ~self.waiting & self.mapped,
            Command.INFER: ~self.waiting & self.trained & ~no_test,
            Command.STEP: self.waiting,
            Command.DONE: self.waiting & self.stepped,
            Command.ABORT: Value.cast(1),
        }
        small, low_bits = self._zero_above(max(Command).bit_length()), max(Command).bit_length()
        for command in built_commands(self.formats):
            strobe = getattr(self, command.name.lower())
            with m.If(self.is_command & small & (data[:low_bits] == command)):
                m.d.comb += [self.known.eq(1), self.possible.eq(may.get(command, ~self.waiting))]
                m.d.comb += strobe.eq(self.writing)
                if command == Command.INFER:
                    m.d.comb += self.no_point.eq(~self.waiting & self.trained & no_test)
                if command == Command.ABORT:
                    m.d.comb += self.always.eq(1)
                elif command not in (Command.STEP, Command.DONE):
                    starts.append(strobe)
        m.d.comb += self.starting.eq(Cat(starts).any())
        with m.If(self.is_command):
            m.d.comb += [self.writable.eq(1), self.fits.eq(self.known & self.possible)]

    def _elaborate_memories(self, m: Module) -> None:
        """Which indices of a memory exist, and which words fit there."""
        for space, parts in memory_words(self.formats).items():
            for words in parts:
                with m.If((self.space == space) & self._exists(words)):
                    m.d.comb += [self.writable.eq(1), self.fits.eq(self._word_fits(words))]
        counters = (self.space == Space.COUNTERS) & (self.index < self.formats.row_capacity)
        entries = (self.space == Space.LUT) & (self.index < self.formats.config.gate_codes)
        status = (self.space == Space.STATUS) & (self.index < len(Status))
        self.counting, self.looking = counters, entries if self.formats.config.calibrate else Value.cast(0)
        self.fetched = counters
        if self.formats.config.parity == "all":  # a row without a counter has no word, whose parity could be right
            self.fetched = counters & self._has_counter()
        m.d.comb += self.readable.eq(status | self.counting | self.looking)

    def _has_counter(self) -> Value:
        """Whether the row `index` is one of the last training's, or of the ring."""
        row_bits = self.formats.row_bits
        last = self.last_row if self.formats.config.ring else self.status_last_row[:row_bits]
        return self.counted & (self.index[:row_bits] <= last)

    def _exists(self, words: Words) -> Value:
        end, stride_bits = words.first + words.depth * words.stride, (words.stride - 1).bit_length()
        inside = (self.index >= words.first) & (self.index < end) if words.first else self.index < end
        return inside & (self.index[:stride_bits] < words.lanes) if words.lanes < words.stride else inside

    def _word_fits(self, words: Words) -> Value:
        if words.signed:
            signs = self.bus.write_data[words.width - 1 :]
            return signs.all() | ~signs.any()
        fits = self._zero_above(words.top_width)
        lane = self.index[: (words.stride - 1).bit_length()]
        return fits if words.lanes == 1 else fits | (lane != words.lanes - 1)

    def _elaborate_transfer(self, m: Module) -> None:
        """One cycle of a write, two of a read; what is refused ends at once."""
        bus = self.bus
        writes = Signal()
        reads = Signal()
        takes = Signal()
        answering = Signal()
        attempted = Signal()
        from_memory = Signal()
        in_episode = self.waiting & (self.is_command | (self.space == Space.SAMPLES))
        m.d.comb += [
            writes.eq(bus.valid & bus.write & ~answering),
            reads.eq(bus.valid & ~bus.write),
            takes.eq(~self.busy | self.always | in_episode),
            attempted.eq(writes & self.writable & takes),
            from_memory.eq(reads & self.readable & (self.space != Space.STATUS)),
            self.writing.eq(attempted & self.fits),
            bus.error.eq(self.refused.any() & bus.valid),
            bus.ready.eq(writes | answering | bus.error),
            self.fetch_counter.eq(reads & ~answering & ~self.busy & self.fetched),
            self.fetch_lut.eq(reads & ~answering & ~self.busy & self.looking),
        ]
        m.d.sync += answering.eq(reads & ~answering & ~bus.error)
        self.answering = answering
        errors = {
            Error.COMMAND: attempted & self.is_command & ~self.known,
            Error.ADDRESS: (writes & ~self.writable) | (reads & ~self.readable),
            Error.VALUE: attempted & (self.no_point | (~self.is_command & ~self.fits)),
            Error.BUSY: (writes & self.writable & ~takes) | (from_memory & self.busy),
            Error.PROTOCOL: (attempted & self.known & ~self.possible & ~self.no_point) | (answering & ~reads),
        }
        m.d.comb += self.refused.eq(Cat(errors[error] for error in sorted(errors)))

    def _elaborate_answer(self, m: Module) -> None:
        """What a read answers in its second cycle."""
        data = self.bus.read_data
        with m.If(self.answering & ~self.bus.error):
            with m.If(self.counting):
                with m.If(self._has_counter()):
                    m.d.comb += data.eq(self.counter)
            with m.Elif(self.looking):
                m.d.comb += data.eq(self.lut_entry)
            with m.Else():
                with m.Switch(self.index[: max(Status).bit_length()]):
                    for register in Status:
                        with m.Case(register):
                            m.d.comb += data.eq(getattr(self, f"status_{register.name.lower()}"))
