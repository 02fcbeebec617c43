"""Runs the trainer bench: several geometries on both simulators, and benches that can fail."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from amaranth import Const, Module, Signal, Value
from benches import on_each_simulator

from hdl.trainer import Trainer
from pymodels.config import resolve
from pymodels.fixed import Formats
from tb.simulator import run_bench

pytestmark = pytest.mark.cosim


class Rewired(Trainer):
    """A trainer whose inside sees `change(port)` in place of one port, or drives it in place of that port."""

    def __init__(self, formats: Formats, port: str, change: Callable[[Value], Value]):
        super().__init__(formats)
        self.port, self.change = port, change

    def elaborate(self, platform) -> Module:
        setattr(self, self.port, self.change(getattr(self, self.port)))
        return super().elaborate(platform)


def formats_of(outputs: int, features: int) -> Formats:
    return Formats(resolve("cancer", "paper").replace(outputs=outputs, features=features))


def bench(simulator: str, trainer: Trainer, seed: int, *, trainings: int = 15) -> None:
    """One geometry; pulse widths are the bench's own, so that one build serves all of them."""
    formats = trainer.formats
    parameters = dict(outputs=formats.config.outputs, features=formats.config.features, seed=seed, trainings=trainings)
    parameters |= dict(row_capacity=2**formats.row_bits, sample_capacity=2**formats.sample_bits)
    run_bench(trainer, "trainer", "tb.benches.trainer", simulator, parameters)


@on_each_simulator
@pytest.mark.parametrize(("outputs", "features"), [(1, 16), (3, 2)])
def test_trainer(simulator: str, outputs: int, features: int, seed: int) -> None:
    bench(simulator, Trainer(formats_of(outputs, features)), seed)


def test_one_pair_a_row(seed: int) -> None:
    """The smallest row; it is quick enough for the full height of the array and the full sample memory."""
    bench("icarus", Trainer(formats_of(1, 1)), seed)


@pytest.mark.parametrize(("outputs", "features"), [(2, 1), (16, 1)])
def test_odd_geometries(outputs: int, features: int, seed: int) -> None:
    bench("icarus", Trainer(formats_of(outputs, features)), seed, trainings=3)


MISTAKES: dict[str, tuple[str, Callable[[Value], Value]]] = {
    "never commands a pulse": ("valid", Signal.like),
    "never finishes": ("latch", lambda _: Const(0)),
    "decides before the draw ends": ("drawing", lambda _: Const(0)),
    "decides before the last answer": ("converting", lambda _: Const(0)),
    "one proposal too many": ("max_proposals", lambda limit: limit + 1),
    "stops one row early": ("last_row", lambda row: row - 1),
    "stops one sample early": ("last_sample", lambda sample: sample - 1),
    "accepts everything": ("accept", lambda _: Const(1)),
    "tests row 0, too": ("first", Signal.like),
    "draws for row 0": ("opens_first", Signal.like),
    "forgets the label": ("label", lambda _: Const(0, 2)),
    "stores no counter": ("store", Signal.like),
    "fetches the wrong cell's gate code": ("fetch_cell", Signal.like),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_bench_catches_a_trainer_that(mistake: str, seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", Rewired(formats_of(3, 2), *MISTAKES[mistake]), seed)
