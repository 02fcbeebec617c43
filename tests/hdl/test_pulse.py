"""Runs the pulse bench: pulses of one cycle, of uneven widths and of the lab's 1 us, and a bench that can fail."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from benches import on_simulators

from oxmc.hdl.pulse import Pulse
from oxmc.hdl.verilog.netlist import component_verilog
from oxmc.pymodels.config import resolve
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import ArrayOp
from oxmc.tb.blocks.run_bench import Mutation, run_bench

PULSES = pytest.mark.testpoint(
    "pulses",
    "pins, widths, latch, conversion time and tag of every command; both simulators, widths of several cycles",
)
PULSE_BENCH_CAN_FAIL = pytest.mark.testpoint("pulse bench can fail", "wrong widths or pins; a silent design")

pytestmark = pytest.mark.cosim

TAG_BITS = 5
ONE_CYCLE: dict[str, str] = {}
UNEVEN = dict(set_pulse_s="250e-9", reset_pulse_s="100e-9", read_pulse_s="410e-9", eval_pulse_s="300e-9",
              conversion_s="270e-9")  # fmt: skip
"""At 10 MHz, rounded up: SET and FORM 3 cycles, RESET 1, READ 5, EVAL 3, conversion 3."""
LAB = dict(
    clock_hz="100e6", **{f"{name}_s": "1e-6" for name in ("set_pulse", "reset_pulse", "read_pulse", "eval_pulse")}
)
"""The lab's 1 us pulses at 100 MHz: 100 cycles, and a conversion of 10."""


def bench(simulator: str, changes: dict[str, str], seed: int, **options: Mutation) -> None:
    """`changes` are decimal text, from which widths are reckoned as exact fractions."""
    exact = {"clock_hz": "10e6", "conversion_s": "100e-9"} | {
        f"{name}_pulse_s": "100e-9" for name in ("set", "reset", "read", "eval")
    }
    exact |= changes

    def cycles(name: str) -> int:
        return math.ceil(Fraction(exact[name]) * Fraction(exact["clock_hz"]))

    pulse_of = {"FORM": "set", "RESET": "reset", "SET": "set", "READ": "read", "EVAL": "eval"}
    widths = [(ArrayOp[op].value, cycles(f"{name}_pulse_s")) for op, name in pulse_of.items()]
    formats = Formats(resolve("cancer", "paper").replace(**{name: float(text) for name, text in exact.items()}))
    pulses = 300 if max(width for _, width in widths) < 20 else 20
    parameters = dict(widths=widths, conversion=cycles("conversion_s"), tag_bits=TAG_BITS, seed=seed, pulses=pulses)
    component = Pulse(formats, tag_bits=TAG_BITS)
    run_bench(component, "pulse", "oxmc.tb.blocks.pulse", simulator, parameters, **options)


@PULSES
@on_simulators("widths", ["one cycle", "uneven"], "uneven")
def test_pulse(simulator: str, widths: str, seed: int) -> None:
    bench(simulator, UNEVEN if widths == "uneven" else ONE_CYCLE, seed)


@PULSES
@pytest.mark.parametrize(
    "changes",
    [
        LAB,
        LAB | {"conversion_s": "1e-6"},
        {"reset_pulse_s": "201e-9"},
        {"eval_pulse_s": "200e-9", "conversion_s": "1e-9"},
        {"read_pulse_s": "200e-9", "eval_pulse_s": "200e-9", "conversion_s": "200e-9"},
    ],
    ids=["lab", "lab_slow_conversion", "long_reset", "long_eval", "two_cycles"],
)
def test_pulse_widths(changes: dict[str, str], seed: int) -> None:
    bench("icarus", changes, seed)


@PULSES
def test_one_cycle_widths_build_no_counter() -> None:
    def text(**changes: float) -> str:
        formats = Formats(resolve("cancer", "paper").replace(**changes))
        return component_verilog(Pulse(formats, tag_bits=TAG_BITS), "pulse")

    assert "elapsed" in text(set_pulse_s=200e-9)
    assert "elapsed" not in text()


@PULSE_BENCH_CAN_FAIL
@pytest.mark.parametrize(
    "mutate",
    [
        ("elapsed == 3'h4", "elapsed == 3'h3"),
        ("assign result_valid = left == 1'h1", "assign result_valid = left == 2'h2"),
        ("if (answers)", "if (wl & ~latch)"),
        ("if (wide) begin", "if (1'b1) begin"),
        ("= ~ wl;", "= 1'b0;"),
        ("op == 2'h3", "op == 3'h7"),
    ],
    ids=["short_read", "early_answer", "no_capture_at_latch", "always_wide", "no_first_pulse", "set_without_pins"],
)
def test_bench_catches_a_wrong_design(mutate: tuple[str, str], seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", UNEVEN, seed, mutate=mutate)


@PULSE_BENCH_CAN_FAIL
def test_bench_catches_a_silent_design(seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", ONE_CYCLE, seed, mutate=("assign result_valid =", "assign result_valid = 1'b0 &"))
