"""Runs the trainer bench: several geometries and options on both simulators, and benches that can fail."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
from amaranth import Const, Module, Signal
from benches import EFFORT, on_simulators
from rewired import Change, rewired

from oxmc.hdl.trainer import Trainer
from oxmc.pymodels.config import resolve
from oxmc.pymodels.formats import Formats
from oxmc.tb.blocks.run_bench import run_bench

SEQUENCER = pytest.mark.testpoint(
    "sequencer",
    "order, addresses and cycle budget of a training with random answers; early rejection, sample order, "
    "skipped rows, programmers; both simulators, odd geometries",
)
TRAINER_BENCH_CAN_FAIL = pytest.mark.testpoint(
    "trainer bench can fail", "mistakes in order, addresses, limits and every option"
)

pytestmark = pytest.mark.cosim


PLAIN = dict(
    hidden=0, verify="off", verify_memory="row", early_rejection=False, sample_order="given", reject_limit=0,
    init="lowest", gate_dacs=1,
)  # fmt: skip
OPTIONS: dict[str, dict[str, Any]] = {
    "early": dict(early_rejection=True),
    "hard first": dict(sample_order="hard_first"),
    "row skip": dict(reject_limit=5),
    "random row 0": dict(init="random"),
    "two DACs": dict(gate_dacs=2, early_rejection=True),
    "cells": dict(verify="cell", reject_limit=5),
    "pairs afresh": dict(verify="pair", verify_memory="proposal", early_rejection=True),
    "hidden": dict(hidden=3),
    "one hidden": dict(hidden=1, early_rejection=True),
    "all": dict(verify="pair", early_rejection=True, sample_order="hard_first", reject_limit=5),
}
OPTIONS["hidden all"] = OPTIONS["all"] | dict(hidden=2)


def bench(
    simulator: str,
    outputs: int,
    features: int,
    seed: int,
    options: Mapping[str, Any] = MappingProxyType({}),
    *,
    trainings: int = 6 * EFFORT,
    mistake: Change | None = None,
) -> None:
    """One geometry; pulse widths are the bench's own, so that one build serves all of them."""
    options = PLAIN | dict(options)
    formats = Formats(resolve("cancer", "paper").replace(outputs=outputs, features=features, **options))
    parameters = dict(outputs=outputs, features=features, seed=seed, trainings=trainings, options=options)
    parameters |= dict(row_capacity=2**formats.row_bits, sample_capacity=2**formats.sample_bits)
    trainer = rewired(Trainer(formats), *mistake) if mistake else Trainer(formats)
    run_bench(trainer, "trainer", "oxmc.tb.blocks.trainer", simulator, parameters)


@SEQUENCER
@on_simulators(
    "outputs, features, options", [(1, 16, "plain"), (3, 2, "all"), (2, 2, "hidden all")], (2, 2, "hidden all")
)
def test_trainer(simulator: str, outputs: int, features: int, options: str, seed: int) -> None:
    bench(simulator, outputs, features, seed, OPTIONS.get(options, {}))


@SEQUENCER
@pytest.mark.parametrize("options", [name for name in OPTIONS if not name.endswith("all")])
def test_options(options: str, seed: int) -> None:
    bench("icarus", 2, 1, seed, OPTIONS[options])


@SEQUENCER
def test_many_rejections(seed: int) -> None:
    """More in a row than the count of them holds: the row is not taken for a fresh one."""
    bench("icarus", 1, 1, seed, dict(verify="pair", reject_limit=255), trainings=3)


@SEQUENCER
def test_one_pair_a_row(seed: int) -> None:
    """The smallest row; it is quick enough for the full height of the array and the full sample memory."""
    bench("icarus", 1, 1, seed)


@SEQUENCER
@pytest.mark.parametrize(("outputs", "features"), [(2, 1), (3, 2), (4, 2)])
def test_odd_geometries(outputs: int, features: int, seed: int) -> None:
    bench("icarus", outputs, features, seed, trainings=3)


@SEQUENCER
@pytest.mark.parametrize(("outputs", "features", "gate_dacs"), [(3, 2, 8), (1, 3, 8)])
def test_parallel_dacs(outputs: int, features: int, gate_dacs: int, seed: int) -> None:
    """A last group of what is left, and one group for the whole row."""
    bench("icarus", outputs, features, seed, dict(gate_dacs=gate_dacs), trainings=5)


def with_one_dac(formats: Formats) -> Formats:
    return Formats(formats.config.replace(gate_dacs=1))


def draws(open_first: Any) -> Any:
    """`Trainer._open_first` that asks for a draw."""

    def opened(m: Module) -> None:
        open_first(m)
        m.d.comb += open_first.__self__.draw.eq(1)

    return opened


MISTAKES: dict[str, tuple[str, Change]] = {
    "never commands a pulse": ("plain", ("command.op", Signal.like)),
    "decides before the draw ends": ("plain", ("drawing", lambda _: Const(0))),
    "decides before the last answer": ("plain", ("command.converting", lambda _: Const(0))),
    "makes one proposal too many": ("plain", ("max_proposals", lambda limit: limit + 1)),
    "draws for row 0": ("plain", ("_open_first", draws)),
    "draws no u": ("plain", ("draw", Signal.like)),
    "forgets the label": ("plain", ("label", lambda _: Const(0, 2))),
    "fetches the wrong cell's gate code": ("plain", ("fetch_cell", Signal.like)),
    "names no current row": ("plain", ("current_row", Signal.like)),
    "evaluates what is hopeless": ("early", ("hopeless", lambda _: Const(0))),
    "gives up on every row": ("early", ("hopeless", lambda _: Const(1))),
    "never stops early": ("early", ("exceeds", lambda _: Const(0))),
    "compares ahead of the prior": ("early", ("adding", lambda _: Const(0))),
    "compares ahead of the draw": ("early", ("drawing", lambda _: Const(0))),
    "looks up no order": ("hard first", ("fetch_order", Signal.like)),
    "looks up one position": ("hard first", ("order_position", Signal.like)),
    "draws no gate code": ("random row 0", ("draw", Signal.like)),
    "takes a gate code too early": ("random row 0", ("drawing", lambda _: Const(0))),
    "SETs a cell at a time": ("two DACs", ("formats", with_one_dac)),
    "fetches the first group again": ("two DACs", ("fetch_cell", Signal.like)),
    "never leaves a row": ("row skip", ("reject_limit", lambda _: Const(0, 8))),
    "leaves a row too late": ("row skip", ("reject_limit", lambda limit: limit + 1)),
    "stores no zero": ("row skip", ("store_zero", Signal.like)),
    "waits for no programmer": ("cells", ("programmed", lambda _: Const(1))),
    "waits for ever": ("cells", ("programmed", lambda _: Const(0))),
    "never says fresh": ("all", ("fresh", Signal.like)),
    "takes hidden neurons for outputs": ("hidden", ("hidden", Signal.like)),
    "does not wait for the hidden layer": ("hidden", ("command.converting", lambda _: Const(0))),
    "evaluates outputs after a stop": ("one hidden", ("exceeds", lambda _: Const(0))),
}


@TRAINER_BENCH_CAN_FAIL
@pytest.mark.parametrize("mistake", MISTAKES)
def test_bench_catches_a_trainer_that(mistake: str, seed: int) -> None:
    options, change = MISTAKES[mistake]
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", 2, 1, seed, OPTIONS.get(options, {}), trainings=3, mistake=change)
