"""The chip's memories from SRAM macros of SkyWater's 130 nm process: which, how many, and the modules around them.

The macros are OpenRAM's 1rw1r: port 0 writes, port 1 reads. They read in the second half of a cycle, hold no output,
and ask that no word be written and read at once. A memory of the chip holds its output, and reads the old word where
the same is written. So a write waits a cycle, and a read of the word that waits is answered from there.
"""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Iterable, Iterator

from oxmc.hdl.memory import Geometry, geometry_of, memory_verilog


@dataclasses.dataclass(frozen=True)
class Sram:
    """A macro: words, bits of a word, bits of a part that is written alone, outline in um as its LEF has it."""

    name: str
    words: int
    bits: int
    width_um: float
    height_um: float

    @property
    def masks(self) -> int:
        return self.bits // 8

    @property
    def address_bits(self) -> int:
        return (self.words - 1).bit_length()

    @property
    def area_um2(self) -> float:
        return self.width_um * self.height_um


SRAMS = (
    Sram("sky130_sram_1kbyte_1rw1r_32x256_8", 256, 32, 479.78, 397.5),
    Sram("sky130_sram_2kbyte_1rw1r_32x512_8", 512, 32, 683.1, 416.54),
    Sram("sky130_sram_1kbyte_1rw1r_8x1024_8", 1024, 8, 455.3, 446.46),
)
"""Source: github.com/VLSIDA/sky130_sram_macros, names and SIZE of the LEF files at commit 965df15."""
REGISTER_UM2 = 60.0
"""um2 a bit of flip-flops with their multiplexers: Yosys takes 42 um2 of our cells for a bit of 64 words of 6, and rows
are filled to 70 %. Where a memory's bits come to less than its macros, these do not pay."""


@dataclasses.dataclass(frozen=True)
class Part:
    """Bits `low` to `low + width - 1` of a memory, written by one lane: `columns` x `banks` of a macro."""

    lane: int
    low: int
    width: int
    sram: Sram
    columns: int
    banks: int

    @property
    def area_um2(self) -> float:
        return self.columns * self.banks * self.sram.area_um2


def parts(geometry: Geometry) -> list[Part]:
    """What a memory is made of, the least area a lane; empty where flip-flops are smaller."""
    found = []
    for lane in range(geometry.lanes):
        low = lane * geometry.lane_bits
        width = min(geometry.lane_bits, geometry.width - low)
        choices = (
            Part(lane, low, width, sram, -(-width // sram.bits), -(-geometry.depth // sram.words)) for sram in SRAMS
        )
        found.append(min(choices, key=lambda part: part.area_um2))
    registers = geometry.depth * geometry.width * REGISTER_UM2
    return found if sum(part.area_um2 for part in found) < registers else []


COLUMNS = "module instances bits macro macros columns banks used_share area_um2".split()


def sram_list(modules: dict[str, int]) -> str:
    """CSV of memories and macros, a line a module and kind of macro; `modules` has the instances of each module.

    `bits`, `macros`, `columns`, `banks` and `area_um2` are of one instance, `used_share` of the macros' bits.
    """
    file = io.StringIO()
    table = csv.writer(file, lineterminator="\n")
    table.writerow(COLUMNS)
    for module, instances in modules.items():
        geometry = geometry_of(module)
        assert geometry is not None
        found = parts(geometry)
        for sram in dict.fromkeys(part.sram for part in found):
            of = [part for part in found if part.sram == sram]
            bits = geometry.depth * sum(part.width for part in of)
            count = sum(part.columns * part.banks for part in of)
            share = bits / (count * sram.words * sram.bits)
            columns, area = sum(part.columns for part in of), f"{count * sram.area_um2:.0f}"
            table.writerow([module, instances, bits, sram.name, count, columns, of[0].banks, f"{share:.3f}", area])
        if not found:
            bits = geometry.depth * geometry.width
            table.writerow([module, instances, bits, "flip-flops", 0, 0, 0, 1, f"{bits * REGISTER_UM2:.0f}"])
    return file.getvalue()


def sram_verilog(modules: Iterable[str]) -> str:
    """A module for each memory, in place of the black box of the same name."""
    return HEAD + "".join(map(_module, modules))


HEAD = """\
// Memories from OpenRAM's SRAM macros for SkyWater's 130 nm process, in place of black boxes of the same names; small
// ones are flip-flops. Macros and their sizes: memories_sky130.csv. A write waits a cycle; a read of the word that
// waits is answered from there, so that no macro reads and writes one word at once.
"""


def _module(module: str) -> str:
    geometry = geometry_of(module)
    assert geometry is not None
    found = parts(geometry)
    if not found:
        return memory_verilog(module).replace("`ifdef OXMC_BLACK_BOX\n(* blackbox *)\n`endif\n", "")
    return MODULE.format(
        module=module,
        lanes=geometry.lanes - 1,
        address=geometry.address_bits - 1,
        width=geometry.width - 1,
        parts="".join(line for part in found for line in _part(part, geometry)),
    )


MODULE = """
module {module} (
    input  wire clk,
    input  wire [{lanes}:0] write_lanes,
    input  wire [{address}:0] write_address,
    input  wire [{width}:0] write_data,
    input  wire read_enable,
    input  wire [{address}:0] read_address,
    output wire [{width}:0] read_data
);
    reg [{lanes}:0] waiting;  // lanes of the write that waits
    reg [{address}:0] waiting_address;
    reg [{width}:0] waiting_data;
    reg [{address}:0] last_address;
    wire meet = waiting_address == read_address;

    always @(posedge clk) begin
        waiting <= write_lanes;
        if (|write_lanes) begin
            waiting_address <= write_address;
            waiting_data <= write_data;
        end
        if (read_enable) last_address <= read_address;
    end
{parts}endmodule
"""


def _part(part: Part, geometry: Geometry) -> Iterator[str]:
    """One lane: its macros, the choice between their outputs and the word that waited, and what it holds."""
    sram, tag, wide = part.sram, f"_{part.lane}", part.columns * part.sram.bits
    high = part.low + part.width - 1
    pad = f"{{{wide - part.width}'b0, " if wide > part.width else "{"
    yield LANE.format(
        tag=tag,
        lane=part.lane,
        top=part.width - 1,
        wide=wide - 1,
        pad=pad,
        data=f"waiting_data[{high}:{part.low}]",
        read_data=f"read_data[{high}:{part.low}]",
        banks=part.banks - 1,
        choice=_choice(part, geometry),
    )
    for bank in range(part.banks):
        for column in range(part.columns):
            yield MACRO.format(
                sram=sram.name,
                tag=f"{tag}_{bank}_{column}",
                lane=tag,
                write=f"waiting[{part.lane}]{_is_bank('waiting_address', part, geometry, bank)}",
                read=f"read{tag}{_is_bank('read_address', part, geometry, bank)}",
                masks=f"{sram.masks}'b{'1' * sram.masks}",
                write_address=_inner("waiting_address", part, geometry),
                read_address=_inner("read_address", part, geometry),
                slice=f"{(column + 1) * sram.bits - 1}:{column * sram.bits}",
                whole=f"{bank * wide + (column + 1) * sram.bits - 1}:{bank * wide + column * sram.bits}",
            )


LANE = """
    wire [{wide}:0] word{tag} = {pad}{data}}};
    wire read{tag} = read_enable && !(waiting[{lane}] && meet);
    wire [({banks}+1)*({wide}+1)-1:0] found{tag};
    wire [{wide}:0] chosen{tag} = found{tag}{choice};
    reg fresh{tag};  // the macros' outputs are those of the last read
    reg [{top}:0] held{tag};
    assign {read_data} = fresh{tag} ? chosen{tag}[{top}:0] : held{tag};
    always @(posedge clk) begin
        fresh{tag} <= read{tag};
        if (read_enable && !read{tag}) held{tag} <= word{tag}[{top}:0];
        else if (fresh{tag}) held{tag} <= chosen{tag}[{top}:0];
    end
"""
MACRO = """\
    {sram} macro{tag} (
        .clk0(clk), .csb0(!({write})), .web0(1'b0), .wmask0({masks}), .addr0({write_address}),
        .din0(word{lane}[{slice}]), .dout0(),
        .clk1(clk), .csb1(!({read})), .addr1({read_address}), .dout1(found{lane}[{whole}])
    );
"""


def _bank_bits(part: Part, geometry: Geometry) -> str:
    """The address bits that choose the bank, "" where there is one."""
    low, high = part.sram.address_bits, geometry.address_bits - 1
    return "" if part.banks == 1 else f"[{high}:{low}]"


def _is_bank(address: str, part: Part, geometry: Geometry, bank: int) -> str:
    bits = _bank_bits(part, geometry)
    return f" && {address}{bits} == {bank}" if bits else ""


def _choice(part: Part, geometry: Geometry) -> str:
    bits, wide = _bank_bits(part, geometry), part.columns * part.sram.bits
    return f"[last_address{bits} * {wide} +: {wide}]" if bits else ""


def _inner(address: str, part: Part, geometry: Geometry) -> str:
    """An address within a bank."""
    inner, own = part.sram.address_bits, geometry.address_bits
    if own < inner:
        return f"{{{inner - own}'b0, {address}}}"
    return address if own == inner else f"{address}[{inner - 1}:0]"
