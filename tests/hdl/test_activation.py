"""Runs the Activation bench on three geometries, and proves that it can fail."""

from __future__ import annotations

from typing import Any

import pytest
from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In
from benches import on_each_simulator

from oxmc.hdl.activation import Activation
from oxmc.pymodels.config import Config
from oxmc.pymodels.formats import Formats
from oxmc.tb.blocks.run_bench import run_bench

ACTIVATION = pytest.mark.testpoint(
    "activation",
    "every cycle's input lanes against plain integers, for every code of every neuron, gaps, a reloaded table; "
    "sigmoids in real numbers; spare lanes are zero; both simulators, other geometries",
)
ACTIVATION_BENCH_CAN_FAIL = pytest.mark.testpoint(
    "activation bench can fail",
    "bins in the wrong order, a table or register never used, the wrong neuron's register",
)

pytestmark = pytest.mark.cosim

ECG = Formats(Config(features=10, hidden=9))
WIDE = Formats(Config(features=2, hidden=16, adc_bits=6, table_bits=4, input_bits=5, hidden_eval_range=3.0))
SMALLEST = Formats(Config(features=3, hidden=1, adc_bits=2, table_bits=2, input_bits=2))


class LoadableActivation(wiring.Component):
    """The block with its table's write port brought out; the chip wires that to the host."""

    def __init__(self, formats: Formats):
        self.block = Activation(formats)
        table = self.block.table
        write = {"write": In(1), "write_address": In(table.address_bits), "write_data": In(table.width)}
        super().__init__({**dict(self.block.signature.members.items()), **write})

    def elaborate(self, platform):
        m = Module()
        m.submodules.block = self.block
        for name, member in self.block.signature.members.items():
            inner, outer = getattr(self.block, name), getattr(self, name)
            m.d.comb += inner.eq(outer) if member.flow is In else outer.eq(inner)
        m.d.comb += [
            self.block.table.write_lanes.eq(self.write),
            self.block.table.write_address.eq(self.write_address),
            self.block.table.write_data.eq(self.write_data),
        ]
        return m


def bench(simulator: str, formats: Formats, seed: int, **options: Any) -> None:
    c = formats.config
    parameters = dict(
        hidden=c.hidden,
        lanes=max(c.hidden, c.features),
        adc_bits=c.adc_bits,
        table_bits=c.table_bits,
        input_bits=c.input_bits,
        hidden_eval_range=c.hidden_eval_range,
        table=formats.activation_table,
        seed=seed,
    )
    run_bench(LoadableActivation(formats), "activation", "oxmc.tb.blocks.activation", simulator, parameters, **options)


@ACTIVATION
@on_each_simulator
def test_activation(simulator: str, seed: int) -> None:
    bench(simulator, ECG, seed)


@ACTIVATION
@pytest.mark.parametrize("formats", [WIDE, SMALLEST], ids=["wide", "smallest"])
def test_activation_of_other_geometries(formats: Formats, seed: int) -> None:
    bench("icarus", formats, seed)


@ACTIVATION_BENCH_CAN_FAIL
def test_bench_catches_bins_in_the_wrong_order(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr(
        "oxmc.hdl.activation.table_index", lambda code, adc_bits, table_bits: code[adc_bits - table_bits :]
    )
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", ECG, seed)


MISTAKES = {
    "never files": ("if (looked_up) begin", "if (1'b0) begin"),
    "files under the neuron that comes next": ("casez (looked_up_neuron)", "casez (neuron)"),
    "files what was looked up before": ("if (looked_up) begin", "if (valid) begin"),
}


@ACTIVATION_BENCH_CAN_FAIL
@pytest.mark.parametrize("mistake", MISTAKES)
def test_bench_catches_an_activation_that(mistake: str, seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", ECG, seed, mutate=MISTAKES[mistake])
