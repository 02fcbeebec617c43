"""Gate DAC controller: conductance read from a cell -> nearest LUT entry -> gate code of its successor."""

from __future__ import annotations

from amaranth import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.hdl.ram import Ram
from oxmc.hdl.safe import SAFE_PORTS, safe_fsm
from oxmc.pymodels.formats import Formats, bits_for

EDGE = 2
"""A gate code closer to the LUT's ends than this leaves verified programming no room."""


def present(formats: Formats, cell: Value) -> Value:
    """The gate DACs that have a cell in the group that begins at `cell`, a bit each: none past the end of a row."""
    dacs, left = formats.config.gate_dacs, formats.cells - formats.last_group
    return Mux(cell == formats.last_group, Const(2**left - 1, dacs), Const(2**dacs - 1, dacs))


class GateDac(wiring.Component):
    """LUT-driven gate DAC controller.

    The LUT holds the conductance (read code) that each gate code gives, in non-decreasing order. `build` searches it
    once for every possible read code and keeps the answers in a code map, so that a look-up during training is one
    memory access instead of a search: nearest entry, ties and equal entries to the lowest gate code; a read code
    outside the LUT's span is marked as clamped. `mapped` is high while the code map is that of the LUT as it stands.

    While a proposed row is read, its look-ups fill one bank of the gate code memory; the other bank keeps serving the
    current row's successors. `keep` swaps them when the proposal is accepted.

    With the Hastings correction or cell-wise verification the read code is kept beside its gate code, the `target` of
    the row to come; for the correction the answer to a look-up shows in `found` and `found_code` while it is `storing`.
    With pair-wise verification there is no gate code memory: `gate` is the answer to the last look-up. Whether that
    answer will lie within `EDGE` of the LUT's end, `near_end` says with the look-up, so that a pulse can follow at
    once: gate codes rise with read codes, and a build keeps the read codes at which the ends' neighbourhoods end.

    With several gate DACs `gate` and `clamped` are those of the whole group of the cell last fetched, the first cell's
    in the lowest bits; a look-up writes the lane of its cell. The correction takes a cell at a time: `own` is its gate
    code.

    Latency: 2 cycles from `lookup` to the stored gate code, 1 from `fetch` to `gate`; a build takes
    1 + 2^read_bits + 2 gate_codes cycles.
    """

    def __init__(self, formats: Formats):
        config = formats.config
        self.formats = formats
        self.lut = Ram.of(formats, "lut")
        self.map = Ram.of(formats, "map")
        correction = {
            "found": Out(formats.gate_bits),  # gate code that the last look-up found, while `storing`
            "found_code": Out(config.read_bits),  # read code that was looked up
        }
        own = {"own": Out(formats.gate_bits)}  # gate code of the cell last fetched, out of its group's
        pair = {"near_end": Out(1)}  # with `lookup`: its gate code is closer than 2 to an end of the LUT
        super().__init__(
            {
                **(correction if config.hastings else {}),
                **(pair if config.verify == "pair" else {}),
                **(own if config.hastings and config.gate_dacs > 1 else {}),
                "build": In(1),  # the command BUILD_MAP: search the LUT for each read code
                "fetch_entry": In(1),  # the host asks for an entry of the LUT
                "entry_index": In(formats.gate_bits),  # gate code of that entry
                "busy": Out(1),  # a build runs
                "mapped": Out(1),  # the code map is that of the LUT as it stands
                **SAFE_PORTS,
                "lookup": In(1),  # a read code is looked up
                "lookup_code": In(config.read_bits),  # the read code that is looked up
                "lookup_cell": In(formats.cell_bits),  # cell of the proposed row that it belongs to
                "fetch": In(1),  # asks for the gate code of `fetch_cell`, there a cycle later
                "fetch_cell": In(formats.cell_bits),  # cell of the next row; with several gate DACs, its whole group
                "keep": In(1),  # the proposed row is accepted: its gate codes become the current row's
                "gate": Out(formats.gates_bits),  # gate codes last fetched, one a gate DAC; with pairs last found
                "clamped": Out(config.gate_dacs),  # one bit a gate code: its read code lay outside the LUT
                "target": Out(config.read_bits),  # read code kept beside the gate code that was fetched
                "storing": Out(1),  # the gate code of the look-up a cycle ago is stored
                "searching": Out(1),  # a build reads an entry, for observers
                "mapping": Out(1),  # a build writes an answer, for observers
            }
        )

    @property
    def cell_gate(self) -> Signal:
        """Gate code of the cell that was fetched, where the correction asks for it."""
        return self.gate if self.formats.config.gate_dacs == 1 else self.own

    def _elaborate_build(self, m: Module) -> None:
        """Two pointers walk up read codes and LUT entries together: `low` is the first of the largest entries not above
        the code, `high` the next entry above it."""
        config, formats = self.formats.config, self.formats
        code = Signal(config.read_bits)
        high = Signal(bits_for(config.gate_codes))
        low = Signal(formats.gate_bits)
        low_value = Signal(config.read_bits)
        have_low = Signal()
        have_high = Signal()
        entry = self.lut.read_data
        low_is_nearer = Signal()
        m.d.comb += [
            have_high.eq(high != config.gate_codes),
            low_is_nearer.eq((code - low_value) <= (entry - code)),
            self.lut.read_address.eq(high),
            self.map.write_address.eq(code),
        ]
        if config.calibrate:  # the host reads what the calibration found
            with m.If(self.fetch_entry):
                m.d.comb += [self.lut.read_enable.eq(1), self.lut.read_address.eq(self.entry_index)]
        with m.If(self.lut.write_lanes | self.build):
            m.d.sync += self.mapped.eq(0)
        with safe_fsm(m, self, "build_state") as fsm:
            m.d.comb += self.busy.eq(~fsm.ongoing("IDLE"))
            with m.State("IDLE"):
                with m.If(self.build):
                    m.d.sync += [code.eq(0), high.eq(0), have_low.eq(0)]
                    m.next = "FETCH"
            with m.State("FETCH"):
                m.d.comb += [self.searching.eq(have_high), self.lut.read_enable.eq(have_high)]
                m.next = "COMPARE"
            with m.State("COMPARE"):
                with m.If(have_high & (entry <= code)):
                    with m.If(~have_low | (entry != low_value)):
                        m.d.sync += [low.eq(high), low_value.eq(entry), have_low.eq(1)]
                    m.d.sync += high.eq(high + 1)
                    m.next = "FETCH"
                with m.Else():
                    m.d.comb += [self.mapping.eq(1), self.map.write_lanes.eq(1)]
                    with m.If(~have_low):
                        m.d.comb += self.map.write_data.eq(Cat(high[: formats.gate_bits], 1))
                    with m.Elif(have_high):
                        nearest = Mux(low_is_nearer, low, high[: formats.gate_bits])
                        m.d.comb += self.map.write_data.eq(Cat(nearest, 0))
                    with m.Else():
                        m.d.comb += self.map.write_data.eq(Cat(low, code != low_value))
                    m.d.sync += code.eq(code + 1)
                    with m.If(code.all()):
                        m.d.sync += self.mapped.eq(1)
                        m.next = "IDLE"

    def elaborate(self, platform):
        m = Module()
        m.submodules.lut = self.lut
        m.submodules.code_map = self.map
        self._elaborate_build(m)
        m.d.comb += [
            self.map.read_enable.eq(self.lookup),
            self.map.read_address.eq(self.lookup_code),
        ]
        if self.formats.config.verify == "pair":
            m.d.comb += Cat(self.gate, self.clamped).eq(self.map.read_data)
            self._elaborate_ends(m)
        else:
            self._elaborate_codes(m)
        return m

    def _elaborate_ends(self, m: Module) -> None:
        """The last read codes whose gate code is close to the lower end, and not close to the upper one."""
        code, gate = self.map.write_address, self.map.write_data[: self.formats.gate_bits]
        low_end = Signal.like(code)
        high_begin = Signal.like(code)
        with m.If(self.mapping & (gate < EDGE)):
            m.d.sync += low_end.eq(code)
        with m.If(self.mapping & (gate <= self.formats.config.gate_codes - 1 - EDGE)):
            m.d.sync += high_begin.eq(code)
        m.d.comb += self.near_end.eq((self.lookup_code <= low_end) | (self.lookup_code > high_begin))

    def _elaborate_codes(self, m: Module) -> None:
        """Gate codes of the current row in one bank, of the proposed row in the other."""
        formats, found, kept = self.formats, [self.map.read_data], [self.gate, self.clamped]
        dacs, lane_bits = formats.config.gate_dacs, formats.lane_bits
        if formats.config.verify == "cell" or formats.config.hastings:
            code = Signal.like(self.lookup_code)
            with m.If(self.lookup):
                m.d.sync += code.eq(self.lookup_code)
            found, kept = [*found, code], [*kept, self.target]
            if formats.config.hastings:
                m.d.comb += [self.found.eq(self.map.read_data), self.found_code.eq(code)]
        width = len(Cat(found))
        m.submodules.codes = codes = Ram.of(formats, "gate_codes")
        bank = Signal()
        cell = Signal(formats.cell_bits)
        m.d.sync += self.storing.eq(self.lookup)
        with m.If(self.lookup):
            m.d.sync += cell.eq(self.lookup_cell)
        with m.If(self.keep):
            m.d.sync += bank.eq(~bank)
        m.d.comb += [
            codes.write_lanes.eq(self.storing << cell[:lane_bits] if dacs > 1 else self.storing),
            codes.write_address.eq(Cat(cell[lane_bits:], ~bank)),
            codes.write_data.eq(Cat(found).replicate(dacs)),
            codes.read_enable.eq(self.fetch),
            codes.read_address.eq(Cat(self.fetch_cell[lane_bits:], bank ^ self.keep)),
        ]
        if dacs == 1:
            m.d.comb += Cat(kept).eq(codes.read_data)
            return
        words = [codes.read_data.word_select(lane, width) for lane in range(dacs)]
        m.d.comb += [
            self.gate.eq(Cat(word[: formats.gate_bits] for word in words)),
            self.clamped.eq(Cat(word[formats.gate_bits] for word in words)),
        ]
        if formats.config.hastings:
            lane = Signal(lane_bits)
            with m.If(self.fetch):
                m.d.sync += lane.eq(self.fetch_cell)
            own_clamped = Signal()
            m.d.comb += Cat(self.own, own_clamped, self.target).eq(codes.read_data.word_select(lane, width))
