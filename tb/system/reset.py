"""Bench of `oxmc.hdl.chip.Chip`: resets in the middle of pulses, then a whole run on the array that they left.

The array model refuses a READ or EVAL of a cell whose last pulse was cut, so that the run shows what the host has to do
again. Its results must be those of Eq 8 on the rows and counters that it left.
"""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, Timer, with_timeout

from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import ArrayOp, Space, Status
from oxmc.pymodels.job import Job
from oxmc.pymodels.oxram.array import OxramArray
from oxmc.pymodels.oxram.devices import load_card
from oxmc.pymodels.twin.inference import predict
from oxmc.tb.blocks.scoreboard import CLOCK_NS, parameters, start
from oxmc.tb.cosim.port import HostModel
from oxmc.tb.system.chip import PinWatcher, take_results, whole_run

LIMIT_NS = 20_000 * CLOCK_NS
PINS = ("wl", "bl", "sl", "inputs_on", "op", "latch")


async def cut_a_pulse(dut, watcher: PinWatcher, op: ArrayOp, number: int) -> None:
    """Reset in the middle of the first cycle seen of pulse `number` of `op`; the pins fall without a clock edge."""
    seen = 0
    while seen <= number:
        await FallingEdge(dut.clk)
        seen += dut.array_op.value == op.value
    watcher.cut(op)
    dut.rst.value = 1
    await Timer(1, "ns")
    assert all(int(getattr(dut, f"array_{pin}").value) == 0 for pin in PINS), f"{op.name} must end with reset"


@cocotb.test()
async def resets_in_mid_pulse(dut) -> None:
    job, rng = Job.load(Path(parameters()["job"])), random.Random(parameters()["seed"])
    config, formats = job.config, Formats(job.config)
    array = OxramArray(config, load_card(config.card), job.seed, formed=not config.form)
    idle = dict(host_valid=0, host_write=0, host_address=0, host_write_data=0, array_data=0, result_ready=0)
    await start(dut, **idle)
    watcher, host = PinWatcher(dut, array, job.seed), HostModel(dut)
    results: list[tuple[int, int]] = []
    cocotb.start_soon(watcher.run())
    cocotb.start_soon(take_results(dut, formats, rng, results, []))
    ops = [ArrayOp.RESET, ArrayOp.SET, ArrayOp.READ, ArrayOp.EVAL]
    for op in [ArrayOp.FORM] * (2 * config.form) + rng.sample(ops, len(ops)) + rng.choices(ops, k=5):
        run = cocotb.start_soon(whole_run(dut, job, watcher, host, results))
        await with_timeout(cut_a_pulse(dut, watcher, op, rng.randrange(20)), LIMIT_NS, "ns")
        run.cancel()
        dut.host_valid.value = 0
        for _ in range(rng.randint(2, 4)):
            await FallingEdge(dut.clk)
        assert dut.busy.value == 0
        dut.rst.value = 0
        if array.phase != "form":  # the array is formed for good
            job = dataclasses.replace(job, config=config.replace(form=False))
    results.clear()
    await with_timeout(whole_run(dut, job, watcher, host, results), LIMIT_NS, "ns")
    last_row = await host.read(Space.STATUS, Status.LAST_ROW)
    counters = np.array([await host.read(Space.COUNTERS, row) for row in range(last_row + 1)])
    classes, sums = predict(config, array.conductance_ns[: last_row + 1], counters, job.codes[config.train_samples :])
    assert [total for total, _ in results] == sums.ravel().tolist()
    assert [winner for _, winner in results][config.outputs - 1 :: config.outputs] == classes.tolist()
