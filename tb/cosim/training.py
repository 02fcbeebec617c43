"""The cocotb test behind `oxmc train`: load the chip, train, infer, read back. Runs inside the simulator's process."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import cocotb
import numpy as np

from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import Space, Status
from oxmc.pymodels.job import JOB_VARIABLE, LOCKSTEP_VARIABLE, SECONDS, Job
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.oxram.array import OxramArray
from oxmc.pymodels.oxram.cells import Cells
from oxmc.pymodels.oxram.devices import load_card
from oxmc.tb.cosim.chip_outcome import check_counts, outcome_of
from oxmc.tb.cosim.episodes import EpisodeHost
from oxmc.tb.cosim.lockstep import Lockstep
from oxmc.tb.cosim.port import ArrayModel, HostModel, collect_results, follow_decisions
from oxmc.tb.cosim.program import command, job_commands, job_words
from oxmc.tb.cosim.simulated import report_progress

Settle = Callable[[], Awaitable[None]]


async def run_job(
    dut: Any,
    job: Job,
    array: Cells,
    host: HostModel,
    folder: Path,
    settle: Settle,
    lockstep: Lockstep | None = None,
) -> Outcome:
    """Load, train, infer and read back, with a host in Python; `settle` brings `array` up to date at the end."""
    formats = Formats(job.config)
    results: list[tuple[int, int, bool]] = []
    cocotb.start_soon(report_progress(dut, folder, job.config))
    started = time.perf_counter()
    await host.write(job_words(job))
    episodes = EpisodeHost(dut, host, job) if formats.rewards else None
    if episodes is None:
        cocotb.start_soon(collect_results(dut, formats, lambda *result: results.append(result)))
    for each in job_commands(job):
        await host.run(command(each))
    if episodes is not None:
        results = episodes.results
        await episodes.train()
        await episodes.test(job.config.test_episodes)
    (folder / SECONDS).write_text(repr(time.perf_counter() - started))
    cycles = dut.cycle.value.to_unsigned()
    counts = await host.counts()
    status = {register: await host.read(Space.STATUS, register) for register in Status}
    stored_rows = job.config.rows if job.config.ring else status[Status.LAST_ROW] + 1
    counters = [await host.read(Space.COUNTERS, row) for row in range(stored_rows)]
    await settle()
    check_counts(counts, array)
    if lockstep is not None:
        lockstep.finish(cycles, counters)
    classes = np.array([winner for _, winner, last in results if last], np.int64)
    sums = np.array([total for total, _, _ in results], np.int64).reshape(-1, job.config.outputs)
    outcome = outcome_of(array, status, np.array(counters, np.int64), classes, sums, cycles, counts)
    if episodes is not None:
        rewards, rows = np.array(episodes.rewards, np.int64), episodes.row_rewards[: outcome.last_row + 1]
        outcome = dataclasses.replace(outcome, rewards=rewards, row_rewards=rows)
    return outcome


@cocotb.test()
async def train(dut: Any) -> None:
    """One whole training and inference of the job that the environment names."""
    folder = Path(os.environ[JOB_VARIABLE])
    job = Job.load(folder / "job.npz")
    array = OxramArray(job.config, load_card(job.config.card), job.seed, formed=not job.config.form)
    array.restore(job.stored)
    host = HostModel(dut)
    await host.start()  # the observers come after it: on Icarus the initial values of their triggers count as changes
    lockstep = Lockstep(job) if os.environ.get(LOCKSTEP_VARIABLE) else None
    if lockstep is not None:
        cocotb.start_soon(follow_decisions(dut, lockstep))
    cocotb.start_soon(ArrayModel(dut, array, lockstep).serve())

    async def settle() -> None:
        """The model has served each pulse."""

    outcome = await run_job(dut, job, array, host, folder, settle, lockstep)
    outcome.save(folder / "outcome.npz")
