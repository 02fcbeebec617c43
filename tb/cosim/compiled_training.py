"""The cocotb test behind `oxmc train --coupling compiled`: load, hand over draws, read back at the end."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, ValueChange

from oxmc.pymodels.errors import RunError
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.job import JOB_VARIABLE, SECONDS, Job
from oxmc.pymodels.oxram.cells import Cells
from oxmc.pymodels.oxram.devices import load_card
from oxmc.tb.cosim.compiled import BlockDraws, read_answers, read_array, read_counts, read_results, write_load
from oxmc.tb.cosim.simulated import check_counts, outcome_of, report_progress

DRAWS_VARIABLE = "OXMC_DRAWS"
"""Names a file that keeps all blocks of draws, for the bench without Python."""


def hand_over_draws(dut: Any, draws: BlockDraws) -> None:
    """Write the next draws of the row that asks for them; they are due at the next rising clock edge."""
    row = dut.request_row.value.to_unsigned()
    counts = np.frombuffer(dut.request_counts.value.to_unsigned().to_bytes(4 * draws.cells, "little"), "<u4")
    words = draws.words(row, counts.astype(np.int64)).astype("<u4").tobytes()
    dut.draws.value = int.from_bytes(words, "little")
    kept = os.environ.get(DRAWS_VARIABLE)
    if kept:
        with open(kept, "ab") as file:
            file.write(words)


def explain_refusal(dut: Any, job: Job, folder: Path) -> None:
    """Let the array model say what is wrong with the pulse that the compiled array refused. Raises `ArrayError`."""
    from oxmc.pymodels.oxram.array import OxramArray
    from oxmc.tb.cosim.port import ArrayModel

    array = OxramArray(job.config, load_card(job.config.card), job.seed, formed=not job.config.form)
    read_array(folder, array)
    ArrayModel(dut, array).act(dut.event_word.value.to_unsigned())
    cycle = dut.cycle.value.to_unsigned()
    raise RunError(f"array model must refuse what the compiled array did in clock cycle {cycle}")


async def serve_draws(dut: Any, array: Cells, job: Job, folder: Path) -> None:
    """Hand over draws until the array's state lies in its files. Raises `ArrayError` at a refused pulse."""
    draws = BlockDraws(*array.key, array.cells)
    while True:
        await ValueChange(dut.wake)
        if dut.refused.value:
            explain_refusal(dut, job, folder)
        if dut.finished.value:
            return
        hand_over_draws(dut, draws)


@cocotb.test()
async def train(dut: Any) -> None:
    """One whole training and inference of the job that the environment names."""
    folder = Path(os.environ[JOB_VARIABLE])
    job = Job.load(folder / "job.npz")
    array = Cells(job.config, load_card(job.config.card), job.seed, formed=not job.config.form)
    write_load(folder, job, array)  # the modules read it while reset lasts
    await FallingEdge(dut.rst)  # on Icarus the initial values of what is awaited below count as changes
    cocotb.start_soon(report_progress(dut, folder, job.config))
    started = time.perf_counter()
    await serve_draws(dut, array, job, folder)
    (folder / SECONDS).write_text(repr(time.perf_counter() - started))
    read_array(folder, array)
    counts = read_counts(folder)
    check_counts(counts, array)
    status, counters = read_answers(folder)
    classes, sums = read_results(folder, Formats(job.config))
    cycles = dut.cycle.value.to_unsigned()
    outcome_of(array, status, counters, classes, sums, cycles, counts).save(folder / "outcome.npz")
