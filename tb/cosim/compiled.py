"""Python's share of the compiled coupling: what its modules start from, and what they leave.

The array's arithmetic and its draws are in `oxram_array.v`, the host in `host_rom.v`. Both read load/*.hex of the run's
folder at the start and write final/*.hex at the end.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import numpy as np

from oxmc.pymodels.errors import RunError
from oxmc.pymodels.events import ARRAY_EVENTS, PHASES, PULSE_EVENTS, QUANTITY_OF
from oxmc.pymodels.formats import HOST_WORD_BITS, Formats
from oxmc.pymodels.interface import ADDRESS_BITS, Space, Status, address
from oxmc.pymodels.job import COUNTED, Job
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.oxram.bulk_draws import MIN_NS, NORMAL_KNOTS
from oxmc.pymodels.oxram.cells import Cells
from oxmc.pymodels.oxram.circuit import Circuit
from oxmc.pymodels.oxram.devices import load_card
from oxmc.tb.cosim.chip_outcome import check_counts, outcome_of
from oxmc.tb.cosim.event_word import Pin
from oxmc.tb.cosim.program import command, job_commands, job_words

LOAD, FINAL = "load", "final"
"""Folders of the files that the modules read and write."""
OWNER = "owner"
"""A link that leads nowhere once the process that wants a run is gone; a plain file where the system cannot say."""
REFUSED = "refused"
"""File in which the top leaves the event of a pulse that the compiled array refused: its registers in hexadecimal."""
KEPT = ("event_word", "event_inputs", "event_mask", "event_gates", "event_trim", "cycle")
FAULT_MODES = ("permanent", "each_set", "each_read")
"""In the order of their numbers in the array module."""
WORD = (1 << 64) - 1
WRITE = 1 << (ADDRESS_BITS + HOST_WORD_BITS)
"""Flag of a write in the host's program."""


def kept_event(file: Path) -> Any:
    """The top's registers as they were at a refused pulse."""
    numbers = (int(word, 16) for word in file.read_text().split())
    return SimpleNamespace(**{name: Pin(number) for name, number in zip(KEPT, numbers, strict=True)})


def write_hex(path: Path, values: Iterable[int]) -> None:
    """One value >= 0 a line, for $readmemh."""
    numbers = tuple(values)
    path.write_text("%x\n" * len(numbers) % numbers)  # one format for all takes a third of the time of one for each


def read_hex(path: Path) -> list[str]:
    """The values that $writememh wrote, still as text: what was never written is no number on Icarus."""
    return re.sub(r"//.*|@.*", "", path.read_text()).split()


def _read_array(path: Path) -> np.ndarray:
    return np.array([int(word, 16) for word in read_hex(path)], np.int64)


def _bits(values: Sequence[float]) -> list[int]:
    """Numbers in double precision as the 64 bits of each."""
    bits: list[int] = np.array(values, np.float64).view(np.uint64).tolist()
    return bits


def write_load(folder: Path, job: Job, array: Cells) -> None:
    """Write what the modules start from: the law and population of `array` before any SET, the host's program."""
    effects = array.effects
    (folder / LOAD).mkdir()
    (folder / FINAL).mkdir()
    program = [WRITE | where << HOST_WORD_BITS | data for where, data in _writes(job)]
    program += [where << HOST_WORD_BITS for where in _reads(job)]
    files: dict[str, Iterable[int]] = {
        "program": program,
        "length": [len(program)],
        "settings": [
            array.rows,
            array.steps[-1],
            array.read_step_ns,
            array.form_current_na,
            MIN_NS,
            array.steps[0],
            0 if job.stored is None else job.stored.sets,
        ],
        "pins": _bits([*map(array.watts_of, ARRAY_EVENTS), 1 / job.config.clock_hz]),
        "median_ns": array.gates.median_ns,
        "sd_ns": array.gates.sd_ns,
        "current_na": array.gates.current_na,
        "lcs_ns": array.lcs_table,
        "device_q16": array.device_q16.ravel().tolist(),
        "stuck": array.stuck.ravel().tolist(),
        "conductance_ns": array.conductance_ns.ravel().tolist(),
        "state": array.state.ravel().tolist(),
        "effects": [
            FAULT_MODES.index(job.config.fault_mode),
            effects.lcs_below,
            effects.hcs_below,
            effects.hcs_ns,
            effects.noise_q16,
            effects.relax_q16,
            effects.fail_below,
            effects.rho_q16 & WORD,
            effects.rest_q16,
            int(effects.bends.size > 1),
        ],
        "bends": effects.bends.ravel().view(np.uint64).tolist(),
        "keys": array.key,
        "normal_knots": NORMAL_KNOTS,
    }
    if array.circuit is not None:
        files |= _circuit_files(array.circuit)
    for name, values in files.items():
        write_hex(folder / LOAD / f"{name}.hex", values)


def _circuit_files(circuit: Circuit) -> dict[str, Iterable[int]]:
    """What `oxram_circuit.vh` reads; signed numbers in two's complement."""
    signed = [
        circuit.untrimmed_q16,
        circuit.read_q16,
        circuit.read_code2,
        circuit.curve_q16,
        circuit.limit_ns,
        circuit.bent,
        circuit.shaped,
    ]
    return {
        "column": _bits(circuit.column.tolist()),
        "reach": _bits(circuit.reach.tolist()),
        "circuit": [*_bits([circuit.line]), *(int(value) % 2**64 for value in signed)],
        "gains_q16": circuit.gains_q16.tolist(),
        "trims_q16": [value % 2**64 for value in circuit.trims_q16.tolist()],
        "thresholds": [value % 2**64 for value in circuit.thresholds.ravel().tolist()],
    }


def load_for(job: Job, folder: Path) -> Cells:
    """Make `folder` ready for a simulation that has no Python; its array as it starts."""
    array = Cells(job.config, load_card(job.config.card), job.seed, formed=not job.config.form)
    array.restore(job.stored)
    write_load(folder, job, array)
    process = Path(f"/proc/{os.getpid()}/stat")
    if process.exists():
        (folder / OWNER).symlink_to(process)
    else:
        (folder / OWNER).touch()
    return array


def _writes(job: Job) -> list[tuple[int, int]]:
    return job_words(job) + [command(value) for value in job_commands(job)]


def _reads(job: Job) -> list[int]:
    status = [address(Space.STATUS, register) for register in Status]
    return status + [address(Space.COUNTERS, row) for row in range(job.config.rows)]


def read_answers(folder: Path, rows: int = 0) -> tuple[dict[Status, int], np.ndarray]:
    """What the host read back: the status registers and the counters of the filled rows, int64 [last row + 1], or of
    all `rows` of a ring."""
    words = read_hex(folder / FINAL / "answers.hex")
    status = {register: int(word, 16) for register, word in zip(Status, words[: len(Status)], strict=True)}
    filled = words[len(Status) :][: rows or status[Status.LAST_ROW] + 1]
    return status, np.array([int(word, 16) for word in filled], np.int64)


def read_results(folder: Path, formats: Formats) -> tuple[np.ndarray, np.ndarray]:
    """Classes int64 [test] and sums int64 [test, outputs] of the inference."""
    bits, label_bits = formats.response_sum_bits, formats.label_bits
    words = _read_array(folder / FINAL / "results.hex")
    totals = words & ((1 << bits) - 1)
    last = words >> (bits + label_bits) == 1
    classes = (words >> bits & ((1 << label_bits) - 1))[last]
    return classes, (totals - (totals >> (bits - 1) << bits)).reshape(-1, formats.config.outputs)


def read_counts(folder: Path) -> dict[str, dict[str, int]]:
    """Events by phase, as the co-simulation top counted them."""
    counts = _read_array(folder / FINAL / "counts.hex").reshape(len(PHASES), len(COUNTED)).tolist()
    return {phase: dict(zip(COUNTED, row, strict=True)) for phase, row in zip(PHASES, counts, strict=True)}


def read_array(folder: Path, array: Cells) -> None:
    """Bring `array`, as it was loaded, to the state and books of the compiled one."""
    for name in ("conductance_ns", "set_count", "state"):
        getattr(array, name)[:] = _read_array(folder / FINAL / f"{name}.hex").reshape(array.rows, array.cells)
    events = (*ARRAY_EVENTS, *PULSE_EVENTS)
    books = _read_array(folder / FINAL / "books.hex").reshape(len(PHASES), -1).tolist()
    for phase, book in zip(PHASES, books, strict=True):
        array.counts[phase] = dict(zip(events, book, strict=False))
        for event, quantity in zip(ARRAY_EVENTS, book[len(events) :], strict=True):
            array.quantities[phase][QUANTITY_OF[event]] = quantity
    joules = iter(_read_array(folder / FINAL / "joules.hex").view(np.float64).tolist())
    for phase in PHASES:
        array.joules[phase] = {event: next(joules) for event in ARRAY_EVENTS}


def read_outcome(folder: Path, job: Job, array: Cells) -> Outcome:
    """The outcome of a run that `array` was loaded for. Raises `RunError` where chip and array do not count alike, or
    the chip was upset."""
    read_array(folder, array)
    counts = read_counts(folder)
    check_counts(counts, array)
    status, counters = read_answers(folder, job.config.rows if job.config.ring else 0)
    classes, sums = read_results(folder, Formats(job.config))
    cycles = sum(events["cycle"] for events in counts.values())
    return outcome_of(array, status, counters, classes, sums, cycles, counts)


def explain_refusal(pins: Any, job: Job, folder: Path) -> NoReturn:
    """Let the array model say what is wrong with the pulse that the compiled array refused.

    `pins` has the top's registers at that pulse. Raises `ArrayError`, or `RunError` where the model finds nothing.
    """
    from oxmc.pymodels.oxram.array import OxramArray
    from oxmc.tb.cosim.pulses import Pulses

    array = OxramArray(job.config, load_card(job.config.card), job.seed, formed=not job.config.form)
    array.restore(job.stored)
    read_array(folder, array)
    Pulses(pins, array).act(pins.event_word.value.to_unsigned())
    cycle = pins.cycle.value.to_unsigned()
    raise RunError(f"array model must refuse what the compiled array did in clock cycle {cycle}")
