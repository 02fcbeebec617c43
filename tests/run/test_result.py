"""From outcome to run.json: the digest by hand, and checks that notice what does not add up."""

from __future__ import annotations

import dataclasses
import hashlib
import struct
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import RunError
from oxmc.pymodels.events import ARRAY_EVENTS, PHASES, PULSE_EVENTS
from oxmc.pymodels.job import Job
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.tasks import Dataset, load_task
from oxmc.pymodels.tasks.jobs import make_job
from oxmc.run.result import check_inference, run_record, state_sha256
from oxmc.run.train import Request, run_engine
from oxmc.tb.cosim.chip_outcome import check_counts

RUN_JSON = pytest.mark.testpoint("run.json", "digest by hand; a true record; every proposal is in a counter")
RUN_JSON_CHECKS = pytest.mark.testpoint(
    "run.json checks", "wrong class, sum, counter, operation or energy fails the run"
)

CONFIG = Config(rows=5, features=3, train_samples=10, test_samples=4, burn_in=1)


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> tuple[Job, Outcome, Dataset]:
    dataset = load_task("cancer", CONFIG, 1)
    job, folder = make_job(CONFIG, dataset, 1), tmp_path_factory.mktemp("twin")
    request = Request(task="cancer", preset="paper", engine="twin", seed=1, config=CONFIG, out=folder)
    return job, run_engine(job, request, folder, None), dataset


def record(training: tuple[Job, Outcome, Dataset], **changes: Any) -> dict[str, Any]:
    job, outcome, dataset = training
    changed = dataclasses.replace(outcome, **changes)
    return run_record(job, changed, dataset, engine="twin", preset="paper", task="cancer", wall_s=2.0)


def moved(table: dict[str, dict[str, Any]], phase: str, name: str, value: Any) -> dict[str, dict[str, Any]]:
    return {**table, phase: {**table[phase], name: value}}


@RUN_JSON
def test_digest_by_hand() -> None:
    """Filled rows' conductances, then counters, as little-endian signed 64-bit integers; what follows is left out."""
    conductance, counters = np.array([[1, 2], [-3, 2**40], [9, 9]]), np.array([7, 8])
    words = struct.pack("<6q", 1, 2, -3, 2**40, 7, 8)
    assert state_sha256(conductance, counters) == hashlib.sha256(words).hexdigest()
    for kind in (np.dtype(">i8"), np.dtype(object)):
        assert state_sha256(conductance.astype(kind), counters.astype(kind)) == hashlib.sha256(words).hexdigest()
    assert state_sha256(np.asfortranarray(conductance), counters) == hashlib.sha256(words).hexdigest()
    for other in (conductance + 1, conductance[::-1]):
        assert state_sha256(other, counters) != state_sha256(conductance, counters)
    assert state_sha256(conductance, counters + 1) != state_sha256(conductance, counters)


@RUN_JSON
def test_a_true_record(training: tuple[Job, Outcome, Dataset]) -> None:
    _, outcome, dataset = training
    run = record(training)
    right = sum(int(found == true) for found, true in zip(outcome.classes, dataset.test_t, strict=True))
    assert run["result"]["value"] == right / 4
    assert run["result"]["state_sha256"] == state_sha256(outcome.conductance_ns, outcome.counters)
    assert run["chain"]["counter_max"] == max(outcome.counters)
    assert run["time"]["cycles_per_s"] == outcome.cycles / 2.0
    for kind, table in (("events", outcome.counts), ("quantities", outcome.quantities)):
        assert run[kind] == {name: sum(table[phase][name] for phase in PHASES) for name in run[kind]}


@RUN_JSON
def test_every_proposal_is_in_a_counter(training: tuple[Job, Outcome, Dataset]) -> None:
    """A row's counter starts at 1 and gains one a rejection, so counters, lost counts and row 0 make the proposals."""
    _, outcome, _ = training
    assert outcome.counters.sum() + outcome.lost_counts == outcome.proposals + 1


@RUN_JSON_CHECKS
def test_a_wrong_class_is_noticed(training: tuple[Job, Outcome, Dataset]) -> None:
    job, outcome, _ = training
    check_inference(job, outcome)
    classes, sums = outcome.classes.copy(), outcome.sums.tolist()
    classes[2] = 1 - classes[2]
    message = (
        f"inference of test point 2 must be class {1 - classes[2]} with sums {sums[2]}, not {classes[2]} with {sums[2]}"
    )
    with pytest.raises(RunError) as caught:
        record(training, classes=classes)
    assert str(caught.value) == message


@RUN_JSON_CHECKS
def test_a_wrong_sum_is_noticed(training: tuple[Job, Outcome, Dataset]) -> None:
    """Off by one, though the class stays."""
    sums = training[1].sums.copy()
    sums[3, 0] += 1 if sums[3, 0] >= 0 else -1
    with pytest.raises(RunError, match=r"^inference of test point 3 must be class"):
        record(training, sums=sums)


@RUN_JSON_CHECKS
def test_a_lost_count_of_a_row_is_noticed(training: tuple[Job, Outcome, Dataset]) -> None:
    counters = training[1].counters.copy()
    counters[-1] += 1
    with pytest.raises(RunError, match=r"^inference of test point \d must be class"):
        record(training, counters=counters)


QUANTITY = {
    "set": "set_current_na_cycles",
    "reset": "reset_conductance_ns_cycles",
    "read": "read_conductance_ns_cycles",
    "eval": "eval_conductance_code2_ns_cycles",
}


@RUN_JSON_CHECKS
@pytest.mark.parametrize("event", QUANTITY)
def test_a_dropped_operation_is_noticed(training: tuple[Job, Outcome, Dataset], event: str) -> None:
    counts = moved(training[1].counts, "train", event, 0)
    quantity = training[1].quantities["train"][QUANTITY[event]]
    message = f"{QUANTITY[event]} is {quantity} in phase train, but no {event} was counted there"
    with pytest.raises(RunError) as caught:
        record(training, counts=counts)
    assert str(caught.value) == message


@RUN_JSON_CHECKS
@pytest.mark.parametrize("factor", [0, 2])
@pytest.mark.parametrize("event", QUANTITY)
def test_energy_dropped_or_doubled_is_noticed(training: tuple[Job, Outcome, Dataset], event: str, factor: int) -> None:
    """Relative to the array's own integral both are 100 % off."""
    quantities = training[1].quantities
    value = factor * quantities["train"][QUANTITY[event]]
    with pytest.raises(RunError) as caught:
        record(training, quantities=moved(quantities, "train", QUANTITY[event], value))
    assert str(caught.value) == "array energy of ledger and pins must agree to 1e-09, not to 1"


@RUN_JSON_CHECKS
def test_one_nanoampere_is_noticed(training: tuple[Job, Outcome, Dataset]) -> None:
    quantities = training[1].quantities
    value = quantities["train"]["set_current_na_cycles"]
    assert value < 1e9  # so that one unit is more than the limit of 1e-9
    with pytest.raises(RunError, match="^array energy of ledger and pins must agree to 1e-09, not to "):
        record(training, quantities=moved(quantities, "train", "set_current_na_cycles", value + 1))


@RUN_JSON_CHECKS
@pytest.mark.parametrize("change", [-1, 1])
@pytest.mark.parametrize("event", [*ARRAY_EVENTS, *PULSE_EVENTS])
def test_chip_and_array_count_alike(event: str, change: int) -> None:
    """A strobe dropped or doubled in any phase."""
    counts = {phase: dict.fromkeys((*ARRAY_EVENTS, *PULSE_EVENTS), 10) for phase in PHASES}
    array: Any = SimpleNamespace(counts=counts)
    check_counts(counts, array)
    for phase in PHASES:
        with pytest.raises(RunError) as caught:
            check_counts(moved(counts, phase, event, 10 + change), array)
        assert str(caught.value) == (
            f"event {event} in phase {phase} must count alike in chip ({10 + change}) and array (10)"
        )
