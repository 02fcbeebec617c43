"""The cocotb test behind `oxmc predict` on the RTL: a chip with rows of before infers new points.

No host can write a chip's counters, so they are put where a training would have left them: into the counters' memory
and the two registers that say how far it came. The array has the stored conductances. Runs inside the simulator's
process.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import cocotb
import numpy as np

from oxmc.pymodels.files import read_arrays
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import Command
from oxmc.pymodels.job import JOB_VARIABLE, Job
from oxmc.pymodels.oxram.array import OxramArray
from oxmc.pymodels.oxram.cells import HCS
from oxmc.pymodels.oxram.devices import load_card
from oxmc.tb.cosim.port import ArrayModel, HostModel, collect_results
from oxmc.tb.cosim.program import command, load_words
from oxmc.tb.cosim.restored import FOUND, STORED
from oxmc.tb.cosim.simulated import report_progress


def restore(dut: Any, counters: np.ndarray, last_row: int) -> None:
    """Put the counters of a training into an idle chip, whose newest row is `last_row`."""
    words = dut.chip.row_counters.memory.macro.mem
    for row, count in enumerate(counters.tolist()):
        words[row].value = count
    dut.chip.trainer.current_row.value = last_row
    dut.chip.row_counters.count.value = int(counters[last_row])


@cocotb.test()
async def predict(dut: Any) -> None:
    """Load the points, restore the rows, infer, and keep the sums, int64 [points, outputs]."""
    folder = Path(os.environ[JOB_VARIABLE])
    job = Job.load(folder / "job.npz")
    stored = read_arrays(folder / STORED, "stored rows must be whole", ("conductance_ns", "counters", "newest"))
    array = OxramArray(job.config, load_card(job.config.card), job.seed)
    array.conductance_ns[: len(stored["conductance_ns"])] = stored["conductance_ns"]
    array.state[:] = HCS
    host, formats = HostModel(dut), Formats(job.config)
    await host.start()
    cocotb.start_soon(report_progress(dut, folder, job.config))
    cocotb.start_soon(ArrayModel(dut, array).serve())
    await host.write(load_words(formats, job.codes, job.labels, 1))
    restore(dut, stored["counters"], int(stored["newest"]))
    results: list[int] = []
    cocotb.start_soon(collect_results(dut, formats, lambda total, winner, last: results.append(total)))
    if job.config.auto_zero_bits:
        await host.run(command(Command.AUTO_ZERO))
    await host.run(command(Command.INFER))
    np.save(folder / FOUND, np.array(results, np.int64).reshape(-1, job.config.outputs))
