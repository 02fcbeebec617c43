"""The twin's joules by hand: V I t of each pulse of a training, replayed on the array model, volts by the paper."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from oxmc.pymodels.config import Config, parse_setting, resolve
from oxmc.pymodels.formats import formats_of
from oxmc.pymodels.job import Job
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.oxram.array import OxramArray
from oxmc.pymodels.oxram.devices import load_card
from oxmc.pymodels.tasks import load_task
from oxmc.pymodels.tasks.jobs import make_job
from oxmc.pymodels.twin.chain import arithmetic, devices_of, new_chain, run_twin, training_data
from oxmc.pymodels.twin.kernel import step
from oxmc.pymodels.twin.programming import clear_array
from oxmc.pymodels.twin.state import ACCEPTED, ATTEMPTS, EVALS, ROW
from oxmc.run.books import CONSERVATION_LIMIT
from oxmc.tb.cosim.program import lut_codes

pytestmark = pytest.mark.testpoint(
    "the twin's joules pulse by pulse",
    "V I t of each pulse of a training, replayed on the array model, volts by the paper; a forgotten pulse is noticed",
)

SET_V, RESET_V, READ_V = 2.0, 2.6, 0.4
"""Dalgaty et al., Nature Electronics 4 (2021), Methods: the 16k array. Inputs go up to the READ voltage."""
PULSE_S = 100e-9
CASES = {
    "toy": "wide", "cancer": "paper", "cancer verified, hard samples first": "wide", "wine, three outputs": "wide"
}  # fmt: skip
Pulse = tuple[str, int, Any]
"""Operation, row, and with what: mask of a RESET, (cell, gate) of a SET, cell of a READ, (segment, codes) else."""


def job_of(name: str, seed: int) -> Job:
    task = name.replace(",", "").split()[0]
    keys = dict(parse_setting(text) for text in ("burn_in=1", "train_samples=24", "test_samples=6", "max_proposals=30"))
    config = resolve(task, CASES[name], settings=keys, rows=5)
    return make_job(config, load_task(task, config, seed), seed)


def training_pulses(job: Job) -> Iterator[Pulse]:
    """Those of the chain, in order, from what the twin says of each of its steps."""
    config, formats = job.config, formats_of(job.config)
    array = OxramArray(config, load_card(config.card), job.seed)
    devices, chain = devices_of(array), new_chain(config, config.rows, job.seed)
    chip, codes = arithmetic(formats, np.array(lut_codes(formats))), job.codes[: config.train_samples]
    data, whole_row = training_data(config, codes, job.labels), 2**formats.cells - 1
    clear_array(devices, chain)
    yield from (("reset", row, whole_row) for row in range(config.rows))
    ended = False
    while not ended:
        row, order, evaluated = int(chain.place[ROW]), chain.order.copy(), int(chain.tally[EVALS])
        ended = step(chip, devices, chain, data)
        done: set[int] = set()
        for cell, gate, _ in chain.programmed[: chain.place[ATTEMPTS]].tolist():
            if cell in done:
                yield "reset", row, 1 << cell
            done.add(cell)
            yield "set", row, (cell, gate)
            yield "read", row, cell
        for number in range(int(chain.tally[EVALS]) - evaluated):
            yield "eval", row, (number % formats.segments, codes[order[number // formats.segments]])
        if not chain.seen_last[ACCEPTED]:
            yield "reset", row, whole_row


def voting_pulses(job: Job, outcome: Outcome) -> Iterator[Pulse]:
    """Each voting row's evaluations of the test points."""
    for row in range(min(job.config.burn_in, outcome.last_row), outcome.last_row + 1):
        for codes in job.codes[job.config.train_samples :]:
            for segment in range(job.config.outputs):
                yield "eval", row, (segment, codes)


def joules_of(array: OxramArray, pulse: Pulse) -> tuple[float, int]:
    """V I t of a pulse by the conductances it meets, and the cells or segments that it counts as; the array acts."""
    operation, row, what = pulse
    cells_ns = array.conductance_ns[row]
    if operation == "reset":
        chosen = [cell for cell in range(array.cells) if what >> cell & 1]
        before = cells_ns[chosen].sum()
        array.reset(row, what, 1)
        return RESET_V**2 * float(before + cells_ns[chosen].sum()) / 2 * 1e-9 * PULSE_S, len(chosen)
    if operation == "set":
        array.set(row, *what, 1)
        return SET_V * float(array.gates.current_na[what[1]]) * 1e-9 * PULSE_S, 1
    if operation == "read":
        array.read(row, what, 1)
        return READ_V**2 * float(cells_ns[what]) * 1e-9 * PULSE_S, 1
    segment, codes = what
    volts = np.repeat(codes, 2) * READ_V / (2 ** (array.config.input_bits - 1) - 1)
    pairs = array.segments[segment]
    return float((cells_ns[2 * pairs.start : 2 * pairs.stop] * volts**2).sum()) * 1e-9 * PULSE_S, 1


def check_by_hand(job: Job, outcome: Outcome, dropped: str = "") -> None:
    """Joules and counts of an outcome are those of its pulses; the first pulse of kind `dropped` is forgotten."""
    array = OxramArray(job.config, load_card(job.config.card), job.seed)
    for phase, pulses in (("train", training_pulses(job)), ("infer", voting_pulses(job, outcome))):
        joules: dict[str, list[float]] = {}
        counts: Counter[str] = Counter()
        for pulse in pulses:
            found, cells = joules_of(array, pulse)
            joules.setdefault(pulse[0], []).append(found)
            counts[pulse[0]] += cells
        if dropped in joules:
            joules[dropped].pop(0)
        for operation, expected in outcome.joules[phase].items():
            due = math.fsum(joules.get(operation, ()))
            assert due == pytest.approx(expected, rel=CONSERVATION_LIMIT, abs=0.0), (phase, operation)
            assert counts[operation] == outcome.counts[phase][operation], (phase, operation)
    assert np.array_equal(array.conductance_ns, outcome.conductance_ns)  # the replay was that training


def twin(job: Job) -> Outcome:
    config: Config = job.config
    return run_twin(config, job.seed, job.codes, job.labels, np.array(lut_codes(formats_of(config))), 0)


@pytest.mark.parametrize("name", CASES)
def test_the_twins_joules_are_those_of_its_pulses(name: str, seed: int) -> None:
    job = job_of(name, seed)
    check_by_hand(job, twin(job))


@pytest.mark.parametrize("operation", ["reset", "set", "read", "eval"])
def test_a_forgotten_pulse_is_noticed(operation: str, seed: int) -> None:
    job = job_of("toy", seed)
    with pytest.raises(AssertionError, match=operation):
        check_by_hand(job, twin(job), operation)
