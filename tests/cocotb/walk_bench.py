"""A bare chip that learns from rewards, forms and calibrates, driven by `oxmc.cocotb` under the chip's own names."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

import oxmc
from oxmc.cocotb import Host, OxramArray

KEYS = {
    "form": True,
    "condition_cycles": 1,
    "calibrate": True,
    "test_episodes": 2,
    "episode_steps": 12,
    "rows": 3,
    "burn_in": 0,
}
SEED = 3


@cocotb.test()
async def learns_like_the_twin(dut: Any) -> None:
    twin = oxmc.train("cartpole", seed=SEED, settings=KEYS)
    config, state = twin.config, twin.state
    cocotb.start_soon(Clock(dut.clk, 100, unit="ns").start())
    dut.rst.value = 1
    array, host = OxramArray(dut, config, seed=SEED), Host(dut, config)
    array.start()
    for _ in range(2):
        await FallingEdge(dut.clk)
    dut.rst.value = 0
    await host.train(twin.job)
    rewards = await host.test(twin.job)
    assert rewards == state.rewards.tolist()
    assert (await host.counters() == state.counters).all()
    assert (array.conductance_ns == state.conductance_ns).all()
    lut = await host.lut()
    assert (lut[1:] >= lut[:-1]).all() and lut[-1] > lut[0]
    counts = array.model.counts.values()
    assert sum(count["form"] for count in counts) == state.conductance_ns.size
    assert sum(count["eval"] for count in counts) == sum(count["eval"] for count in state.counts.values())
