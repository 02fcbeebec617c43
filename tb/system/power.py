"""Bench of `oxmc.hdl.chip.Chip` with a ring of rows: the power goes at any cycle of an adaptation, which then goes on.

What survives is the array, the counters' memory and a pointer to the newest row, as they were in the cycle of the cut.
All else is loaded anew. The array model refuses a READ or EVAL of a cell whose last pulse was cut, so that the rows
that vote at the end are those whose programming was whole.
"""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, with_timeout

from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import ArrayOp, Space, Status
from oxmc.pymodels.job import Job
from oxmc.pymodels.oxram.array import OxramArray
from oxmc.pymodels.oxram.devices import load_card
from oxmc.pymodels.ring import voting_rows
from oxmc.pymodels.twin.inference import votes_of
from oxmc.tb.blocks.scoreboard import CLOCK_NS, parameters, start
from oxmc.tb.cosim.port import HostModel
from oxmc.tb.system.chip import PinWatcher, take_results, whole_run

LIMIT_NS = 40_000 * CLOCK_NS
MOST_CYCLES = 400
"""Cycles of an adaptation ahead of a cut, at most."""


def kept(dut, rows: int) -> tuple[np.ndarray, int]:
    """The counters in memory, int64 [rows], and the newest row."""
    words = dut.row_counters.memory.macro.mem
    counters = np.array([words[row].value.to_unsigned() for row in range(rows)], np.int64)
    return counters, dut.trainer.current_row.value.to_unsigned()


async def power_cut(dut, watcher: PinWatcher, cycles: int) -> None:
    """Reset in the middle of a cycle of an adaptation, or of its inference if that comes first."""
    while dut.trainer.busy.value == 0:
        await FallingEdge(dut.clk)
    for _ in range(cycles):
        await FallingEdge(dut.clk)
        if dut.trainer.busy.value == 0:
            break
    op = ArrayOp(dut.array_op.value.to_unsigned())
    if op != ArrayOp.IDLE:
        watcher.cut(op)


def after_cut(job: Job, array: OxramArray, counters: np.ndarray, newest: int) -> Job:
    """The rest of an adaptation: from the newest row to the same last one, over the array as it is now."""
    config, before = job.config, job.stored
    assert before is not None
    left = (config.stop_row - newest) % config.rows
    stored = dataclasses.replace(before, counters=counters, conductance_ns=array.conductance_ns.copy())
    return dataclasses.replace(job, config=config.replace(start_row=newest, adapt_rows=left), stored=stored)


def check_survivors(job: Job, array: OxramArray, counters: np.ndarray, newest: int) -> None:
    """Rows with a counter hold a whole model: those of before as they were, where the adaptation has not come to."""
    before, start = job.stored, job.config.start_row
    assert before is not None
    rows, done = job.config.rows, (newest - start) % job.config.rows
    for row in ((start + distance) % rows for distance in range(done + 1, rows)):
        if counters[row]:
            assert counters[row] == before.counters[row], f"counter of row {row}"
            assert (array.conductance_ns[row] == before.conductance_ns[row]).all(), f"row {row} must be as it was"
        else:
            assert row == (newest + 1) % rows or not before.counters[row] or job.config.reject_limit
    assert counters[newest] >= 1
    assert counters[start] >= before.counters[start]


@cocotb.test()
async def power_goes(dut) -> None:
    job, rng = Job.load(Path(parameters()["job"])), random.Random(parameters()["seed"])
    config, formats = job.config, Formats(job.config)
    array = OxramArray(config, load_card(config.card), job.seed)
    array.restore(job.stored)
    idle = dict(host_valid=0, host_write=0, host_address=0, host_write_data=0, array_data=0, result_ready=0)
    await start(dut, **idle)
    watcher, host = PinWatcher(dut, array, job.seed), HostModel(dut)
    results: list[tuple[int, int]] = []
    cocotb.start_soon(watcher.run())
    cocotb.start_soon(take_results(dut, formats, rng, results, []))
    for _ in range(parameters()["cuts"]):
        run = cocotb.start_soon(whole_run(dut, job, watcher, host, results))
        await with_timeout(power_cut(dut, watcher, rng.randrange(MOST_CYCLES)), LIMIT_NS, "ns")
        counters, newest = kept(dut, config.rows)
        dut.rst.value = 1
        run.cancel()
        dut.host_valid.value = 0
        check_survivors(job, array, counters, newest)
        for _ in range(2):
            await FallingEdge(dut.clk)
        dut.rst.value = 0
        job = after_cut(job, array, counters, newest)
    results.clear()
    await with_timeout(whole_run(dut, job, watcher, host, results), LIMIT_NS, "ns")
    newest = await host.read(Space.STATUS, Status.LAST_ROW)
    assert newest == config.stop_row
    counters = np.array([await host.read(Space.COUNTERS, row) for row in range(config.rows)])
    pieces = [slice(rows.start, rows.stop) for rows in voting_rows(config, newest)]
    codes = job.codes[config.train_samples :]
    sums = sum(votes_of(formats, array.conductance_ns[some], counters[some], some.start, codes) for some in pieces)
    assert [total for total, _ in results] == np.asarray(sums).ravel().tolist()
