"""Power lost in any cycle: what the array has kept, what the chip says, and the training that follows."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import numpy as np

from oxmc.pymodels.formats import HOST_WORD_BITS, Formats
from oxmc.pymodels.interface import ArrayOp, Command, Error, Setting, Space, State, Status, address
from oxmc.pymodels.job import Job
from oxmc.pymodels.oxram.array import OxramArray
from oxmc.pymodels.oxram.devices import load_card
from oxmc.pymodels.streams import lfsr_seed
from oxmc.pymodels.twin.chain import arithmetic, devices_of, new_chain, training_data
from oxmc.pymodels.twin.inference import predict
from oxmc.pymodels.twin.kernel import train_chain
from oxmc.pymodels.twin.prepare import prepare
from oxmc.pymodels.twin.state import CURRENT, PROPOSALS
from oxmc.tb.cosim.compiled import WRITE
from oxmc.tb.cosim.program import Word, command, commands, load_words, lut_codes, setting
from oxmc.tb.upsets.simulation import Ending, UpsetSimulation, prepared, write_program

FIRST_CYCLE = 6
"""After the reset at power-up."""
ASKED = 3
"""Words that the host reads before it loads anything."""


@dataclasses.dataclass(frozen=True)
class Cut:
    """A loss of power: `before` as the array was, `after` as the reset left it, `end` of the training that followed."""

    before: Ending
    after: Ending
    end: Ending


def _program(job: Job) -> list[int]:
    """What the host plays at each power-up: it asks what is left, tries to go on, then loads and trains anew."""
    formats = Formats(job.config)

    def write(*words: Word) -> list[int]:
        return [WRITE | where << HOST_WORD_BITS | data for where, data in words]

    def read(register: Status) -> list[int]:
        return [address(Space.STATUS, register) << HOST_WORD_BITS]

    refused = setting(Setting.CLEAR_ERRORS, 2 ** len(Error) - 1)
    goes_on = write(command(Command.TRAIN)) + read(Status.ERRORS) + write(refused)
    goes_on += write(command(Command.INFER)) + read(Status.ERRORS) + write(refused)
    words = load_words(formats, job.codes, job.labels, lfsr_seed(job.seed, job.config.lfsr_bits))
    anew = write(*words, *(command(what) for what in commands(job.config)))
    status = [word for register in Status for word in read(register)]
    counters = [address(Space.COUNTERS, row) << HOST_WORD_BITS for row in range(job.config.rows)]
    return read(Status.STATE) + goes_on + anew + status + counters + read(Status.ERRORS)


def cuts(job: Job, simulation: UpsetSimulation, cycles: list[int], seed: int) -> list[Cut]:
    """Power lost in each of the `cycles`, ascending; all state of the chip is random then, by `seed`."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        prepared(job, folder)
        write_program(folder, _program(job))
        plan = [f"{number} {cycle} cut {seed + number}" for number, cycle in enumerate(cycles)]
        endings = [ending for _, ending in simulation.play(folder, plan)]
    assert None not in endings and len(endings) == 3 * len(cycles)
    found = [ending for ending in endings if ending is not None]
    return [Cut(*found[place : place + 3]) for place in range(0, len(found), 3)]


@dataclasses.dataclass(frozen=True)
class Left:
    """What the twin makes of a training on an array that was used before."""

    conductance_ns: np.ndarray
    counters: np.ndarray
    sums: np.ndarray
    proposals: int


def twin_on(job: Job, conductance_ns: np.ndarray, set_count: np.ndarray) -> Left:
    """A training by the twin on an array int64 [rows, cells] that is not fresh."""
    config, formats = job.config, Formats(job.config)
    array = OxramArray(config, load_card(config.card), job.seed)
    array.conductance_ns[:], array.set_count[:] = conductance_ns, set_count
    devices = devices_of(array)
    lut, _ = prepare(formats, array, devices, np.array(lut_codes(formats)))
    chain = new_chain(config, config.rows, job.seed)
    train, test = np.split(job.codes, [config.train_samples])
    train_chain(arithmetic(formats, lut), devices, chain, training_data(config, train, job.labels))
    last = int(chain.place[CURRENT])
    counters = chain.counters[: last + 1]
    _, sums = predict(config, array.conductance_ns[: last + 1], counters, test, circuit=array.circuit)
    return Left(array.conductance_ns, counters, sums, int(chain.place[PROPOSALS]))


def check_array(cut: Cut, right: np.ndarray) -> None:
    """The array is what it was but for the cells under a cut SET or RESET, and stored rows are those of the undisturbed
    training, int64 [rows, cells]. Raises `AssertionError`."""
    moved = (cut.before.conductance_ns != cut.after.conductance_ns).any(axis=1)
    writes = cut.before.op in (ArrayOp.SET.value, ArrayOp.RESET.value)
    allowed = {cut.before.row} if writes else set()
    assert set(np.flatnonzero(moved).tolist()) <= allowed, f"rows {np.flatnonzero(moved)} moved, {allowed} may have"
    assert (cut.before.set_count == cut.after.set_count).all(), "a cell was SET while there was no power"
    stored = np.flatnonzero(cut.before.set_count[: cut.before.row].any(axis=1))
    assert (cut.after.conductance_ns[stored] == right[stored]).all(), "a stored row is not what it was"


def check_chip(cut: Cut) -> None:
    """The chip is idle, has nothing to go on with, and says so to a host that tries. Raises `AssertionError`."""
    state, train, infer = cut.end.answers[:ASKED]
    assert state & ~(1 << State.PHASE) == 0, f"STATE must be 0 after power-up, not {state:#x}"
    assert train == infer == 1 << Error.PROTOCOL, f"TRAIN and INFER must be out of turn, not {train:#x} {infer:#x}"


def check_training(cut: Cut, job: Job) -> None:
    """The training after it has the twin's bits. Raises `AssertionError`."""
    twin, formats = twin_on(job, cut.after.conductance_ns, cut.after.set_count), Formats(job.config)
    answers = cut.end.answers[ASKED:]
    counters = answers[len(Status) :][: len(twin.counters)]
    assert cut.end.ended and not cut.end.refused
    assert answers[Status.ERRORS] == answers[-1] == 0 and answers[Status.PROPOSALS] == twin.proposals
    assert list(counters) == twin.counters.tolist()
    assert np.array_equal(cut.end.conductance_ns, twin.conductance_ns)
    words, bits = np.array(cut.end.results, np.int64) & (1 << formats.response_sum_bits) - 1, formats.response_sum_bits
    assert (words - (words >> bits - 1 << bits)).tolist() == twin.sums.ravel().tolist()
