"""The cocotb test behind `--coupling compiled` for rewards: the array is compiled, the host is in Python."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import ValueChange

from oxmc.pymodels.job import JOB_VARIABLE, Job
from oxmc.pymodels.oxram.cells import Cells
from oxmc.pymodels.oxram.devices import load_card
from oxmc.tb.cosim.compiled import explain_refusal, read_array, write_load
from oxmc.tb.cosim.port import HostModel
from oxmc.tb.cosim.training import run_job


async def saved(dut: Any, job: Job, folder: Path) -> None:
    """Wait until the array's state lies in its files. Raises `ArrayError` at a refused pulse."""
    await ValueChange(dut.wake)
    if dut.refused.value:
        explain_refusal(dut, job, folder)


@cocotb.test()
async def train(dut: Any) -> None:
    """One whole training and test of the job that the environment names."""
    folder = Path(os.environ[JOB_VARIABLE])
    job = Job.load(folder / "job.npz")
    array = Cells(job.config, load_card(job.config.card), job.seed, formed=not job.config.form)
    write_load(folder, job, array)  # the array reads it while reset lasts
    dut.host_done.value = 0
    host = HostModel(dut)
    await host.start()
    at_end = cocotb.start_soon(saved(dut, job, folder))

    async def settle() -> None:
        dut.host_done.value = 1
        await at_end
        read_array(folder, array)

    outcome = await run_job(dut, job, array, host, folder, settle)
    outcome.save(folder / "outcome.npz")
