"""Memory macros of the chip: what each is, what its module is called, and its Verilog.

Every geometry is a module of its own without parameters, as memory compilers make them and as timing tools read them.
Nothing here needs Amaranth.
"""

from __future__ import annotations

import dataclasses
import re

BLACK_BOX = "OXMC_BLACK_BOX"
HEAD = f"""\
// Simple dual-port memories: one synchronous write port with lanes, one synchronous read port that holds its output.
// With SYNTHESIS defined (yosys defines it by itself) they are black boxes, unless OXMC_INFER_MEMORIES asks for the
// behavioural bodies. Reading and writing one address in the same cycle returns the old word.
`ifdef SYNTHESIS
`ifndef OXMC_INFER_MEMORIES
`define {BLACK_BOX}
`endif
`endif
"""
TAIL = f"""\
`ifdef {BLACK_BOX}
`undef {BLACK_BOX}
`endif
"""


@dataclasses.dataclass(frozen=True, order=True)
class Geometry:
    """`depth` words of `width` bits, written in lanes of `lane_bits`, of which the last may be narrower."""

    depth: int
    width: int
    lane_bits: int

    @property
    def lanes(self) -> int:
        return -(-self.width // self.lane_bits)

    @property
    def address_bits(self) -> int:
        return max(1, (self.depth - 1).bit_length())

    def module(self, chip: str) -> str:
        """The name of its module in the chip `chip`: CHIP_ram_DEPTHxWIDTH, and _LANEBITS where it has several lanes."""
        return f"{chip}_ram_{self.depth}x{self.width}" + (f"_{self.lane_bits}" if self.lanes > 1 else "")


def geometry_of(module: str) -> Geometry | None:
    """The geometry that a module's name tells, None for a module that is no memory."""
    found = re.search(r"_ram_(\d+)x(\d+)(?:_(\d+))?$", module)
    if not found:
        return None
    depth, width, lane_bits = found.groups()
    return Geometry(int(depth), int(width), int(lane_bits or width))


def memory_verilog(module: str, *, words: int | None = None, cleared: bool = False) -> str:
    """The memory `module`, between `HEAD` and `TAIL`.

    `words` cuts the words that its body holds; with `cleared` it starts at zero, as gates need it, which spread an X
    where the RTL would not.
    """
    geometry = geometry_of(module)
    assert geometry is not None, module
    width, address = f"[{geometry.width - 1}:0]", f"[{geometry.address_bits - 1}:0]"
    depth = min(words or geometry.depth, geometry.depth)
    return f"""\

`ifdef {BLACK_BOX}
(* blackbox *)
`endif
module {module} (
    input  wire clk,
    input  wire [{geometry.lanes - 1}:0] write_lanes,
    input  wire {address} write_address,
    input  wire {width} write_data,
    input  wire read_enable,
    input  wire {address} read_address,
    output reg  {width} read_data
);
`ifndef {BLACK_BOX}
    reg {width} mem [0:{depth - 1}];
{_zero(depth) if cleared else ""}
    always @(posedge clk) begin
{_writes(geometry)}        if (read_enable) read_data <= mem[read_address];
    end
`endif
endmodule
"""


def _writes(geometry: Geometry) -> str:
    """A statement for each lane."""
    lines = ""
    for lane in range(geometry.lanes):
        low = lane * geometry.lane_bits
        bits = "" if geometry.lanes == 1 else f"[{min(low + geometry.lane_bits, geometry.width) - 1}:{low}]"
        lines += f"        if (write_lanes[{lane}]) mem[write_address]{bits} <= write_data{bits};\n"
    return lines


def _zero(depth: int) -> str:
    return f"""
    integer i;
    initial begin
        read_data = 0;
        for (i = 0; i < {depth}; i = i + 1) mem[i] = 0;
    end
"""
