"""The cocotb test behind `oxmc calibrate`: calibrate and read the LUT back. Runs inside the simulator's process."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import cocotb
import numpy as np

from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import Command, Space
from oxmc.pymodels.job import JOB_VARIABLE, Job
from oxmc.pymodels.oxram.array import OxramArray
from oxmc.pymodels.oxram.devices import load_card
from oxmc.pymodels.streams import lfsr_seed
from oxmc.tb.cosim.port import ArrayModel, HostModel
from oxmc.tb.cosim.program import command, commands, load_words
from oxmc.tb.cosim.simulated import report_progress

FOUND = "lut.npy"


@cocotb.test()
async def calibrate(dut: Any) -> None:
    """Form where asked, calibrate, and keep the LUT."""
    folder = Path(os.environ[JOB_VARIABLE])
    job = Job.load(folder / "job.npz")
    array = OxramArray(job.config, load_card(job.config.card), job.seed, formed=not job.config.form)
    host = HostModel(dut)
    await host.start()
    cocotb.start_soon(report_progress(dut, folder, job.config))
    cocotb.start_soon(ArrayModel(dut, array).serve())
    await host.write(load_words(Formats(job.config), job.codes, job.labels, lfsr_seed(job.seed, job.config.lfsr_bits)))
    for each in commands(job.config):
        if each in (Command.FORM, Command.AUTO_ZERO, Command.CALIBRATE):
            await host.run(command(each))
    lut = [await host.read(Space.LUT, gate) for gate in range(job.config.gate_codes)]
    np.save(folder / FOUND, np.array(lut, np.int64))
