"""Python's share of the compiled coupling: the files of its modules, the blocks of random draws, and the results.

The array's arithmetic runs in `oxram_array.v`, the host in `host_rom.v`. Both read load/*.hex of the run's folder at
the start and write final/*.hex at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from oxmc.pymodels.events import ARRAY_EVENTS, PHASES, PULSE_EVENTS, QUANTITY_OF
from oxmc.pymodels.formats import HOST_WORD_BITS, Formats
from oxmc.pymodels.interface import ADDRESS_BITS, Space, Status, address
from oxmc.pymodels.job import COUNTED, Job
from oxmc.pymodels.oxram import bulk_draws
from oxmc.pymodels.oxram.bulk_draws import MIN_NS, RESET, SET
from oxmc.pymodels.oxram.cells import UNFORMED, Cells
from oxmc.pymodels.streams import lfsr_seed
from oxmc.tb.cosim.program import command, commands, load_words

LOAD, FINAL = "load", "final"
"""Folders of the files that the modules read and write."""
BLOCK_WORDS, LEAST_BLOCK = 256, 8
"""Draws of a row handed over at once, and the fewest of each cell: larger blocks draw more than is used, smaller ones
wake Python more often, since one cell that needs more asks for its whole row."""
ROWS_AHEAD = 16
"""Rows whose first draws are made at once."""
KERNELS_AFTER = 3000
"""Blocks by numpy before the kernels are loaded: as many as take about as long as that, 0.2 ms each against 0.6 s."""
FAULT_MODES = ("permanent", "each_set", "each_read")
"""In the order of their numbers in the array module."""
WRITE = 1 << (ADDRESS_BITS + HOST_WORD_BITS)
"""Flag of a write in the host's program."""


def block_size(cells: int) -> int:
    """Draws of each cell in a block for rows of `cells`."""
    return max(LEAST_BLOCK, BLOCK_WORDS // cells)


class BlockDraws:
    """Blocks of draws for rows of `cells` under key (k0, k1), the same from numpy and from the kernels.

    A short training is over before numpy has cost as much as loading a compiler; a long one goes over to the kernels,
    which are ten times as fast.
    """

    def __init__(self, k0: int, k1: int, cells: int):
        self.key, self.cells, self.block = (k0, k1), cells, block_size(cells)
        self.by_numpy = 0

    def words(self, row: int, counts: np.ndarray) -> np.ndarray:
        """`draw_words` of a row, whose cells have seen int64 `counts` [cells] SETs."""
        if self.by_numpy < KERNELS_AFTER:
            self.by_numpy += 1
            return draw_words(*self.key, row * self.cells, counts, self.block)
        from oxmc.pymodels.oxram.block_draws import block_words

        return block_words(*self.key, row * self.cells, counts, self.block)


def draw_words(k0: int, k1: int, first: int, counts: np.ndarray, block: int) -> np.ndarray:
    """The next `block` draws of a row's cells, uint32 [cells * block], cell by cell, under key (k0, k1).

    `first` is the global index of the row's first cell, int64 `counts` [cells] the SETs they have seen. Word k: the
    LCS table's entry that a RESET after the k-th SET finds, in the top byte, over that SET's normal variate in Q16.
    """
    if counts.any():
        return _words(k0, k1, first + np.arange(counts.size), counts, block).ravel()
    group, place = divmod(first // counts.size, ROWS_AHEAD)
    return _first_words(k0, k1, group, counts.size, block)[place]


@lru_cache(maxsize=2)
def _first_words(k0: int, k1: int, group: int, cells: int, block: int) -> np.ndarray:
    """The first draws of the `ROWS_AHEAD` rows of a group, uint32 [rows, cells * block]: together they cost less."""
    numbers = np.arange(ROWS_AHEAD * cells)
    return _words(k0, k1, group * len(numbers) + numbers, 0 * numbers, block).reshape(ROWS_AHEAD, -1)


def _words(k0: int, k1: int, cells: np.ndarray, counts: np.ndarray, block: int) -> np.ndarray:
    """The same of any cells, by their global indices, uint32 [cells, block]."""
    k = counts[:, None] + 1 + np.arange(block)
    drawn, found = bulk_draws.words(cells[:, None], k, np.array([SET, RESET])[:, None, None], (k0, k1))
    return ((found >> 24 << 24) | (bulk_draws.normals_q16(drawn) & 0xFFFFFF)).astype(np.uint32)


def write_hex(path: Path, values: Iterable[int]) -> None:
    """One value >= 0 a line, for $readmemh."""
    path.write_text("".join(f"{value:x}\n" for value in values))


def read_hex(path: Path) -> list[str]:
    """The values that $writememh wrote, still as text: what was never written is no number on Icarus."""
    return [word for line in path.read_text().splitlines() if not line.startswith(("//", "@")) for word in line.split()]


def _read_array(path: Path) -> np.ndarray:
    return np.array([int(word, 16) for word in read_hex(path)], np.int64)


def _bits(values: Sequence[float]) -> list[int]:
    """Numbers in double precision as the 64 bits of each."""
    bits: list[int] = np.array(values, np.float64).view(np.uint64).tolist()
    return bits


def _formed_ns(job: Job, array: Cells) -> np.ndarray:
    """What FORM leaves of each cell that waits for it, int64 [rows, cells] in nS; 0 where none does."""
    waiting = array.state == UNFORMED
    if not waiting.any():
        return np.zeros_like(array.conductance_ns)
    from oxmc.pymodels.oxram.array import OxramArray

    model = OxramArray(job.config, array.card, job.seed, formed=False)
    for row, cell in np.argwhere(waiting).tolist():
        model.form(row, cell, 0, job.config.cycles(job.config.set_pulse_s))
    return np.where(waiting, model.conductance_ns, 0)


def write_load(folder: Path, job: Job, array: Cells) -> None:
    """Write what the modules start from: the law and population of `array` before any SET, the host's program."""
    formats, effects = Formats(job.config), array.effects
    (folder / LOAD).mkdir()
    (folder / FINAL).mkdir()
    program = [WRITE | where << HOST_WORD_BITS | data for where, data in _writes(formats, job)]
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
        ],
        "pins": _bits([*map(array.watts_of, ARRAY_EVENTS), 1 / job.config.clock_hz]),
        "median_ns": array.gates.median_ns,
        "sd_ns": array.gates.sd_ns,
        "current_na": array.gates.current_na,
        "lcs_ns": array.lcs_table,
        "device_q16": array.device_q16.ravel(),
        "stuck": array.stuck.ravel(),
        "conductance_ns": array.conductance_ns.ravel(),
        "state": array.state.ravel(),
        "low_ns": array.lcs_population(*array.key, array.state.size, array.lcs_table),
        "formed_ns": _formed_ns(job, array).ravel(),
        "effects": [
            FAULT_MODES.index(job.config.fault_mode),
            effects.lcs_below,
            effects.hcs_below,
            effects.hcs_ns,
            effects.noise_q16,
            effects.relax_q16,
            *array.key,
        ],
        "normal_knots": bulk_draws.NORMAL_KNOTS,
    }
    for name, values in files.items():
        write_hex(folder / LOAD / f"{name}.hex", values)


def _writes(formats: Formats, job: Job) -> list[tuple[int, int]]:
    words = load_words(formats, job.codes, job.labels, lfsr_seed(job.seed, job.config.lfsr_bits))
    return words + [command(value) for value in commands(job.config)]


def _reads(job: Job) -> list[int]:
    status = [address(Space.STATUS, register) for register in Status]
    return status + [address(Space.COUNTERS, row) for row in range(job.config.rows)]


def read_answers(folder: Path) -> tuple[dict[Status, int], np.ndarray]:
    """What the host read back: the status registers and the counters of the filled rows, int64 [last row + 1]."""
    words = read_hex(folder / FINAL / "answers.hex")
    status = {register: int(word, 16) for register, word in zip(Status, words[: len(Status)], strict=True)}
    filled = words[len(Status) :][: status[Status.LAST_ROW] + 1]
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
