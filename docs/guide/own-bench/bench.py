"""Trains the chip in `soc` and holds it against its bit-true model, the twin."""

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

import oxmc
from oxmc.cocotb import Host, OxramArray

TWIN = oxmc.train("toy", config="build/chip/config.toml", seed=7)


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def learns_like_the_twin(dut):
    cocotb.start_soon(Clock(dut.clk, 100, unit="ns").start())
    dut.rst.value = 1
    array = OxramArray(dut, TWIN.config, prefix="mem_", seed=7)
    host = Host(dut, TWIN.config, prefix="cfg_", result="out_", busy="working")
    array.start()
    for _ in range(2):
        await FallingEdge(dut.clk)
    dut.rst.value = 0

    await host.train(TWIN.job)
    classes, sums = await host.infer()

    status = await host.status()
    assert status["errors"] == 0 and status["proposals"] == TWIN.state.proposals
    assert (await host.counters() == TWIN.state.counters).all()
    assert (array.conductance_ns == TWIN.state.conductance_ns).all()
    assert (sums == TWIN.state.sums).all() and (classes == TWIN.state.classes).all()
    dut._log.info(f"{status['proposals']} proposals, {array.model.counts['train']['set']} SETs, as the twin has them")
