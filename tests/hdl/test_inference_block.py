"""Runs the inference bench: one and several outputs on both simulators, odd widths, and benches that can fail."""

from __future__ import annotations

from typing import Any

import pytest
from amaranth import Const, Module, Signal
from amaranth.lib.wiring import Component, In, connect, flipped
from benches import on_simulators
from rewired import Change, rewired

from oxmc.hdl.inference import Inference
from oxmc.hdl.softmax.softmax_inference import inference_of
from oxmc.pymodels.config import resolve
from oxmc.pymodels.formats import Formats
from oxmc.tb.blocks.run_bench import Mutation, run_bench

INFERENCE_BLOCK = pytest.mark.testpoint(
    "inference block",
    "sums of counter times response per output, class by sign or largest sum, burn-in, latency; both "
    "simulators, odd geometries",
)
INFERENCE_BENCH_CAN_FAIL = pytest.mark.testpoint("inference bench can fail", "wrong sums, widths, bins or winner")

pytestmark = pytest.mark.cosim


class LoadableInference(Component):
    """An inference with the write port of its response table, as the chip gives it to the host."""

    def __init__(self, inference: Inference):
        self.inference, table = inference, inference.table
        write = {"write": In(1), "write_address": In(table.address_bits), "write_data": In(table.width)}
        super().__init__({**inference.signature.members, **write})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.inference = inference = self.inference
        for name, member in inference.signature.members.items():
            inner, outer = getattr(inference, name), getattr(self, name)
            if member.is_signature:
                connect(m, inner, flipped(outer))
            else:
                m.d.comb += inner.eq(outer) if member.flow == In else outer.eq(inner)
        for end in ("address", "data"):
            m.d.comb += getattr(inference.table, f"write_{end}").eq(getattr(self, f"write_{end}"))
        m.d.comb += inference.table.write_lanes.eq(self.write)
        return m


def bench(simulator: str, seed: int, *, mistake: Change | None = None, mutate: Mutation = None, **changes: Any) -> None:
    """One geometry; pulse widths are the bench's own, so that one build serves all of them."""
    formats = Formats(resolve("cancer", "paper").replace(**changes))
    config = formats.config
    shape = {
        name: getattr(config, name) for name in "hidden outputs adc_bits table_bits response_bits counter_bits".split()
    }
    shape |= dict(sum_bits=formats.response_sum_bits, label_bits=formats.label_bits)
    shape |= dict(row_capacity=2**formats.row_bits, sample_capacity=2**formats.sample_bits)
    inference = rewired(inference_of(formats), *mistake) if mistake else inference_of(formats)
    parameters = dict(shape=shape, seed=seed, inferences=20)
    top = LoadableInference(inference)
    run_bench(top, "inference", "oxmc.tb.blocks.inference", simulator, parameters, mutate=mutate)


ODD: dict[str, Any] = dict(outputs=3, adc_bits=6, table_bits=4, response_bits=5, counter_bits=3)


@INFERENCE_BLOCK
@on_simulators("shape", ["paper", "odd"], "odd")
def test_inference(simulator: str, shape: str, seed: int) -> None:
    bench(simulator, seed, **({} if shape == "paper" else ODD))


@INFERENCE_BLOCK
@pytest.mark.parametrize(
    "changes",
    [
        dict(outputs=3),
        dict(outputs=4, adc_bits=2, table_bits=2, response_bits=2, counter_bits=1),
        dict(outputs=2, adc_bits=12, table_bits=5, response_bits=12, counter_bits=16),
        dict(hidden=3, outputs=1),
        dict(hidden=1, outputs=3, adc_bits=6, table_bits=4, response_bits=5, counter_bits=3),
        dict(outputs=1, adc_bits=9, table_bits=9, rows=300, burn_in=0, train_samples=1500),
        dict(outputs=2, adc_bits=4, table_bits=4, response_bits=2, counter_bits=2),
    ],
    ids=lambda changes: "-".join(map(str, changes.values())),
)
def test_odd_geometries(changes: dict[str, Any], seed: int) -> None:
    bench("icarus", seed, **changes)


class NarrowFormats(Formats):
    """Sums that wrap at full scale."""

    @property
    def response_sum_bits(self) -> int:
        return super().response_sum_bits - 1


MISTAKES: dict[str, Change] = {
    "never evaluates": ("command.op", Signal.like),
    "never adds": ("answer", lambda _: Const(0)),
    "does not wait for the last answer": ("command.converting", lambda _: Const(0)),
    "ignores the burn-in": ("burn_in", lambda _: Const(0)),
    "wraps": ("formats", lambda formats: NarrowFormats(formats.config)),
}


@INFERENCE_BENCH_CAN_FAIL
@pytest.mark.parametrize("mistake", MISTAKES)
def test_bench_catches_an_inference_that(mistake: str, seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", seed, mistake=MISTAKES[mistake], **ODD)


@INFERENCE_BENCH_CAN_FAIL
@pytest.mark.parametrize(
    ("outputs", "mutate"),
    [
        (3, ("> $signed(best)", ">= $signed(best)")),  # the highest output wins a tie
        (3, ("$signed(total) > $signed(best)", "total > best")),  # negative sums look large
        (3, ("$signed(response) *", "response *")),
        (1, (">= $signed(1'h0)", "> $signed(1'h0)")),  # a sum of 0 is class 0
        (3, ("assign voting = ", "assign voting = adding | ")),  # each output's and point's counters are a vote
    ],
)
def test_bench_catches_a_wrong_design(outputs: int, mutate: Mutation, seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", seed, mutate=mutate, outputs=outputs)


@INFERENCE_BENCH_CAN_FAIL
@pytest.mark.parametrize(
    "mistake",
    [
        ("hidden", Signal.like),
        ("command.converting", lambda _: Const(0)),  # waits neither for the hidden layer nor for the last answer
        ("answer", lambda _: Const(0)),
    ],
    ids=["hidden", "converting", "answer"],
)
def test_bench_catches_a_network_that_is_wrong(mistake: Change, seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", seed, mistake=mistake, **ODD | dict(hidden=2))


@INFERENCE_BENCH_CAN_FAIL
def test_bench_catches_bins_in_the_wrong_order(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setattr(
        "oxmc.hdl.inference.table_index", lambda code, adc_bits, table_bits: code[adc_bits - table_bits :]
    )
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", seed)
