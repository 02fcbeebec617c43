"""Memories of SRAM macros: each equals the memory that it stands in for, under traffic that meets itself."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import random_chips as tools

from oxmc.hdl.memory import HEAD, TAIL, geometry_of, memory_verilog
from oxmc.ip.sky130 import SRAMS, Sram, parts, sram_list, sram_verilog
from oxmc.tb.cosim.simulator import use_simulator

pytestmark = pytest.mark.testpoint(
    "memories of macros",
    "wrappers of banked SRAM macros have the memory's words in each cycle, reads that meet writes included, on macros "
    "that hold nothing and forbid such a meeting; a wrapper without its detour is found; counts and waste by hand",
)
MODULES = [f"x_ram_{shape}" for shape in ("21x8", "512x8", "700x33", "1024x31", "1024x129_32", "2048x10", "600x40_24")]


def macro_verilog(sram: Sram) -> str:
    """A macro by its published interface: takes all at the rising edge and acts at the falling one."""
    return f"""
module {sram.name} (
    input clk0, csb0, web0, input [{sram.masks - 1}:0] wmask0, input [{sram.address_bits - 1}:0] addr0,
    input [{sram.bits - 1}:0] din0, output [{sram.bits - 1}:0] dout0,
    input clk1, csb1, input [{sram.address_bits - 1}:0] addr1, output reg [{sram.bits - 1}:0] dout1
);
    reg [{sram.bits - 1}:0] mem [0:{sram.words - 1}];
    reg writes, reads;
    reg [{sram.address_bits - 1}:0] to, from;
    reg [{sram.bits - 1}:0] word;
    always @(posedge clk0) begin
        {{writes, to, word}} = {{!csb0 && !web0 && &wmask0, addr0, din0}};
        if (!csb0 && !csb1 && addr0 == addr1) $display("met");
    end
    always @(posedge clk1) begin {{reads, from}} = {{!csb1, addr1}}; #1 dout1 = {sram.bits}'bx; end
    always @(negedge clk0) if (writes) mem[to] = word;
    always @(negedge clk1) if (reads) dout1 <= #3 mem[from];
endmodule
"""


BENCH = """
module bench_{at};
    reg clk = 0, read_enable = 0;
    reg [{lanes}:0] write_lanes = 0;
    reg [{address}:0] write_address = 0, read_address = 0;
    reg [{width}:0] write_data = 0;
    wire [{width}:0] found, wanted;
    integer i, k, wrong = 0, seed = {at};
    {module} mapped(clk, write_lanes, write_address, write_data, read_enable, read_address, found);
    {model} model(clk, write_lanes, write_address, write_data, read_enable, read_address, wanted);
    always #50 clk = !clk;
    initial begin
        for (i = 0; i < {depth} + 1500; i = i + 1) begin  // all words, then some that meet and some from all banks
            for (k = 0; k < {width} + 1; k = k + 32) write_data = {{write_data, $random(seed)}};
            write_lanes = i < {depth} ? -1 : $random(seed) & $random(seed);
            write_address = i < {depth} ? i : $unsigned($random(seed)) % 4 * {depth} / 4;
            read_enable = i >= {depth} && $unsigned($random(seed)) % 4 != 0;
            read_address = $unsigned($random(seed)) % 4 * {depth} / 4;
            @(posedge clk) #95 if (i > {depth} + 4 && found !== wanted) wrong = wrong + 1;
        end
        $display("{module} %0d", wrong);
        $finish(0);
    end
endmodule
"""


def bench(folder: Path, module: str, mapped: str) -> list[str]:
    """What the simulation prints: how many cycles differ, and a line wherever a macro reads the word that it writes."""
    use_simulator("icarus")
    geometry = geometry_of(module)
    assert geometry is not None
    model = module.replace("x_", "model_")
    text = BENCH.format(
        at=1, module=module, model=model, depth=geometry.depth, lanes=geometry.lanes - 1, width=geometry.width - 1,
        address=geometry.address_bits - 1,
    )  # fmt: skip
    text += mapped + HEAD + memory_verilog(model) + TAIL + "".join(map(macro_verilog, SRAMS))
    (folder / "bench.v").write_text("`timescale 1ns / 1ps\n" + text)
    assert tools.tool(folder, "iverilog", "-g2005", "-s", "bench_1", "-o", "bench", "bench.v") == ""
    return tools.tool(folder, "vvp", "-n", "bench").splitlines()


@pytest.mark.cosim
@pytest.mark.parametrize("module", MODULES)
def test_a_wrapper_is_the_memory(module: str, tmp_path: Path) -> None:
    assert bench(tmp_path, module, sram_verilog([module])) == [f"{module} 0"]


@pytest.mark.cosim
def test_mistakes_are_found(tmp_path: Path) -> None:
    """A read of the word that waits, the output that is held, the bank of the last read."""
    right = sram_verilog(["x_ram_2048x10"])
    for old, new in (
        ("&& !(waiting[0] && meet)", ""),
        ("<= word_0[9:0]", "<= 0"),
        ("else if (fresh_0) held_0 <= chosen", "else if (fresh_0) held_0 <= ~chosen"),
        ("last_address[10:10] *", "read_address[10:10] *"),
    ):
        assert old in right, old
        assert bench(tmp_path, "x_ram_2048x10", right.replace(old, new)) != ["x_ram_2048x10 0"], old


def test_counts_and_waste() -> None:
    """Of the samples of `cancer` (1,024 words of 129 bits in lanes of 32), by hand."""
    rows = list(csv.DictReader(sram_list({"x_ram_1024x129_32": 1, "x_ram_21x8": 2}).splitlines()))
    big, small, registers = rows
    assert (big["macro"], big["macros"], big["banks"]) == ("sky130_sram_2kbyte_1rw1r_32x512_8", "8", "2")
    assert float(big["used_share"]) == 1 and int(big["area_um2"]) == round(8 * 683.1 * 416.54)
    assert (small["macro"], float(small["used_share"])) == ("sky130_sram_1kbyte_1rw1r_8x1024_8", 0.125)
    assert (registers["macro"], registers["instances"], registers["area_um2"]) == ("flip-flops", "2", "10080")


def test_lanes_have_macros_of_their_own() -> None:
    """So that every write of a macro is whole, which its detour asks for."""
    geometry = geometry_of("x_ram_600x40_24")
    assert geometry is not None
    assert [(part.lane, part.low, part.width) for part in parts(geometry)] == [(0, 0, 24), (1, 24, 16)]
