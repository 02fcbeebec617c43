"""Runs the trainer bench: several geometries on both simulators, and benches that can fail."""

from __future__ import annotations

import pytest
from amaranth import Const, Signal
from benches import on_each_simulator
from rewired import Change, rewired

from hdl.trainer import Trainer
from pymodels.config import resolve
from pymodels.fixed import Formats
from tb.simulator import run_bench

pytestmark = pytest.mark.cosim


def bench(
    simulator: str, outputs: int, features: int, seed: int, *, trainings: int = 15, mistake: Change | None = None
) -> None:
    """One geometry; pulse widths are the bench's own, so that one build serves all of them."""
    formats = Formats(resolve("cancer", "paper").replace(outputs=outputs, features=features))
    parameters = dict(outputs=outputs, features=features, seed=seed, trainings=trainings)
    parameters |= dict(row_capacity=2**formats.row_bits, sample_capacity=2**formats.sample_bits)
    trainer = rewired(Trainer(formats), *mistake) if mistake else Trainer(formats)
    run_bench(trainer, "trainer", "tb.benches.trainer", simulator, parameters)


@on_each_simulator
@pytest.mark.parametrize(("outputs", "features"), [(1, 16), (3, 2)])
def test_trainer(simulator: str, outputs: int, features: int, seed: int) -> None:
    bench(simulator, outputs, features, seed)


def test_one_pair_a_row(seed: int) -> None:
    """The smallest row; it is quick enough for the full height of the array and the full sample memory."""
    bench("icarus", 1, 1, seed)


@pytest.mark.parametrize(("outputs", "features"), [(2, 1), (4, 2)])
def test_odd_geometries(outputs: int, features: int, seed: int) -> None:
    bench("icarus", outputs, features, seed, trainings=3)


MISTAKES: dict[str, Change] = {
    "never commands a pulse": ("valid", Signal.like),
    "decides before the draw ends": ("drawing", lambda _: Const(0)),
    "decides before the last answer": ("converting", lambda _: Const(0)),
    "makes one proposal too many": ("max_proposals", lambda limit: limit + 1),
    "draws for row 0": ("opens_first", Signal.like),
    "forgets the label": ("label", lambda _: Const(0, 2)),
    "fetches the wrong cell's gate code": ("fetch_cell", Signal.like),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_bench_catches_a_trainer_that(mistake: str, seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", 3, 2, seed, mistake=MISTAKES[mistake])
