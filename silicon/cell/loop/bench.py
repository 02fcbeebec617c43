"""The cocotb test of the array in the loop. Runs inside the simulator's process."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import ValueChange

from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import decision_widths
from oxmc.pymodels.job import JOB_VARIABLE, Job
from oxmc.pymodels.oxram.devices import load_card
from oxmc.silicon.cell import selector
from oxmc.silicon.cell.loop.array import CircuitArray
from oxmc.silicon.cell.loop.decisions import Decision, Judge
from oxmc.tb.cosim.port import ArrayModel, HostModel
from oxmc.tb.cosim.training import run_job

SELECTOR_VARIABLE, RESULT = "OXMC_SELECTOR", "loop.json"


async def _follow(dut: Any, job: Job, array: CircuitArray, decisions: list[Decision]) -> None:
    judge, widths, done = Judge(job), decision_widths(Formats(job.config)), 0
    while True:
        await ValueChange(dut.decision_toggle)
        word, seen = dut.decision_word.value.to_unsigned(), {}
        for name, bits in widths.items():
            seen[name], word = word % 2**bits, word >> bits
        fresh = [answer for answer in array.answers[done:] if answer.phase == "train"]
        done = len(array.answers)
        decisions.append(judge.decide(seen, fresh))


@cocotb.test()
async def train(dut: Any) -> None:
    """One whole training and inference of the job that the environment names."""
    folder = Path(os.environ[JOB_VARIABLE])
    job, decisions = Job.load(folder / "job.npz"), list[Decision]()
    models = Path(os.environ[SELECTOR_VARIABLE])
    array = CircuitArray(
        job.config,
        load_card(job.config.card),
        job.seed,
        selector.Selector("given", models.read_text()),
        folder / "spice",
    )
    host = HostModel(dut)
    await host.start()
    cocotb.start_soon(_follow(dut, job, array, decisions))
    cocotb.start_soon(ArrayModel(dut, array).serve())

    async def settle() -> None:
        """The model has served each pulse."""

    outcome = await run_job(dut, job, array, host, folder, settle)
    array.close()
    outcome.save(folder / "outcome.npz")
    found = {name: [dataclasses.asdict(one) for one in of] for name, of in _named(array, decisions).items()}
    (folder / RESULT).write_text(json.dumps(found))


def _named(array: CircuitArray, decisions: list[Decision]) -> dict[str, list[Any]]:
    return {"answers": array.answers, "decisions": decisions}
