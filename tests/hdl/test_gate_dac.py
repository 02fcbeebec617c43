"""Runs the gate DAC bench: every read code on many LUTs and geometries, and a bench that can fail."""

from __future__ import annotations

import pytest
from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In
from benches import on_simulators

from oxmc.hdl import gate_dac
from oxmc.hdl.gate_dac import GateDac
from oxmc.pymodels.config import resolve
from oxmc.pymodels.formats import Formats
from oxmc.tb.blocks.run_bench import Mutation, run_bench

GATE_CODES = pytest.mark.testpoint(
    "gate codes",
    "nearest LUT entry of every read code, ties, clamps, banks and latency against a search in plain integers; "
    "targets of verified cells; both simulators, odd geometries",
)
GATE_DAC_BENCH_CAN_FAIL = pytest.mark.testpoint(
    "gate DAC bench can fail", "wrong nearest entry, bank or clamp; a silent design"
)
ENDS_OF_THE_GATE_LUT = pytest.mark.testpoint(
    "ends of the gate LUT",
    "a look-up says at once whether its gate code is near an end, for LUTs of 2 to 64 codes; wrong ends are caught",
)

pytestmark = pytest.mark.cosim


class LoadableGateDac(wiring.Component):
    """A `GateDac` and the write port of its LUT, which the chip connects to the host."""

    def __init__(self, formats: Formats):
        self.dac = GateDac(formats)
        lut = self.dac.lut
        load = {"load": In(1), "load_address": In(lut.address_bits), "load_data": In(lut.width)}
        super().__init__({**self.dac.signature.members, **load})

    def elaborate(self, platform):
        m = Module()
        m.submodules.dac = dac = self.dac
        for name, member in dac.signature.members.items():
            inside, outside = getattr(dac, name), getattr(self, name)
            m.d.comb += inside.eq(outside) if member.flow is In else outside.eq(inside)
        m.d.comb += [
            dac.lut.write_lanes.eq(self.load),
            dac.lut.write_address.eq(self.load_address),
            dac.lut.write_data.eq(self.load_data),
        ]
        return m


def bench(
    simulator: str,
    seed: int,
    *,
    outputs: int = 1,
    features: int = 16,
    read_bits: int = 8,
    gate_codes: int = 21,
    gate_dacs: int = 1,
    verify: str = "off",
    mutate: Mutation = None,
) -> None:
    shape = dict(read_bits=read_bits, gate_codes=gate_codes, gate_dacs=gate_dacs)
    formats = Formats(resolve("cancer", "paper").replace(outputs=outputs, features=features, verify=verify, **shape))
    parameters = dict(shape, cells=formats.set_groups * gate_dacs, verify=verify, seed=seed)
    run_bench(LoadableGateDac(formats), "gate_dac", "oxmc.tb.blocks.gate_dac", simulator, parameters, mutate=mutate)


ODD = dict(outputs=3, features=5, read_bits=5, gate_codes=64)


@GATE_CODES
@on_simulators("shape", ["paper", "odd"], "odd")
def test_gate_dac(simulator: str, shape: str, seed: int) -> None:
    bench(simulator, seed, **({} if shape == "paper" else ODD))


@GATE_CODES
@pytest.mark.parametrize(
    ("features", "read_bits", "gate_codes"),
    [(1, 3, 2), (1, 3, 64), (5, 6, 32), (128, 8, 33)],
    ids=["smallest", "more_gates_than_codes", "power_of_two", "wide_row"],
)
def test_gate_dac_geometries(features: int, read_bits: int, gate_codes: int, seed: int) -> None:
    bench("icarus", seed, features=features, read_bits=read_bits, gate_codes=gate_codes)


@GATE_CODES
@pytest.mark.parametrize(
    ("features", "gate_dacs"), [(15, 8), (2, 4), (3, 8)], ids=["part_of_a_row", "a_row_at_once", "more_than_a_row"]
)
def test_gate_dac_of_several_cells(features: int, gate_dacs: int, seed: int) -> None:
    bench("icarus", seed, features=features, read_bits=6, gate_dacs=gate_dacs)


@GATE_CODES
@pytest.mark.parametrize("verify", ["cell", "pair"])
def test_gate_dac_of_verified_programming(verify: str, seed: int) -> None:
    bench("icarus", seed, outputs=2, features=3, read_bits=6, verify=verify)


@ENDS_OF_THE_GATE_LUT
@pytest.mark.parametrize("gate_codes", [2, 3, 4, 5, 64])
def test_ends_of_short_and_long_luts(gate_codes: int, seed: int) -> None:
    """With up to four gate codes each is near an end."""
    bench("icarus", seed, features=3, read_bits=5, gate_codes=gate_codes, verify="pair")


@ENDS_OF_THE_GATE_LUT
@pytest.mark.parametrize("edge", [1, 3])
def test_bench_catches_wrong_ends(edge: int, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_dac, "EDGE", edge)
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", seed, features=3, gate_codes=7, verify="pair")


@GATE_DAC_BENCH_CAN_FAIL
@pytest.mark.parametrize(
    "mutate",
    [
        ("$signed(s1) <= $signed", "$signed(s1) < $signed"),
        ("read_data != low_value", "1'b1"),
        ("code != low_value", "1'b0"),
        ("high != 5'h15", "high != 5'h14"),
        ("bank ^ keep", "bank"),
        ("if (keep) begin", "if (keep & ~fetch) begin"),
        ("reg [5:0] mem", "reg [4:0] mem"),
    ],
    ids=["ties_up", "equal_entries_up", "no_upper_clamp", "last_entry_ignored", "late_swap", "lost_swap", "lost_clamp"],
)
def test_bench_catches_a_wrong_design(mutate: tuple[str, str], seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", seed, mutate=mutate)


@GATE_DAC_BENCH_CAN_FAIL
@pytest.mark.parametrize(
    ("verify", "mutate"),
    [("cell", ("assign target = ", "assign target = ~")), ("pair", ("if (read_enable)", "if (1'b1)"))],
    ids=["wrong_target", "answer_does_not_hold"],
)
def test_bench_catches_a_wrong_answer(verify: str, mutate: tuple[str, str], seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", seed, features=3, read_bits=6, verify=verify, mutate=mutate)


@GATE_DAC_BENCH_CAN_FAIL
@pytest.mark.parametrize(
    "mutate",
    [("storing << cell_s[1:0]", "storing << 2'h0"), ("[16:12]", "[4:0]")],
    ids=["one_lane_for_all", "one_lane_twice"],
)
def test_bench_catches_wrong_lanes(mutate: tuple[str, str], seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", seed, features=6, read_bits=6, gate_dacs=4, mutate=mutate)


@GATE_DAC_BENCH_CAN_FAIL
@pytest.mark.parametrize(
    "mutate",
    [("if (build) begin", "if (1'b0) begin"), ("& code;", "1'b0;"), ("if (read_enable)", "if (1'b0)")],
    ids=["build_never_begins", "build_never_ends", "memories_never_answer"],
)
def test_bench_catches_a_silent_design(mutate: tuple[str, str], seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", seed, mutate=mutate)
