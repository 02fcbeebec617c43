"""The host of `oxmc.cocotb` on the example's top: what it refuses itself, and what the chip refuses."""

from __future__ import annotations

from typing import Any

import cocotb
from bench import TWIN
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge

from oxmc.cocotb import Command, Host, Setting
from oxmc.pymodels.errors import OxmcError
from oxmc.pymodels.interface import Space


async def refusal(awaited: Any) -> str:
    try:
        await awaited
    except OxmcError as error:
        return f"{type(error).__name__}: {error}"
    return "nothing was refused"


@cocotb.test()
async def refusals_name_what_was_refused(dut: Any) -> None:
    cocotb.start_soon(Clock(dut.clk, 100, unit="ns").start())
    dut.rst.value = 1
    host = Host(dut, TWIN.config, prefix="cfg_", result="out_", busy="working")
    for _ in range(2):
        await FallingEdge(dut.clk)
    dut.rst.value = 0
    await RisingEdge(dut.clk)  # a bench may call at any time
    chip = "must be taken by the chip, which refuses it"
    for awaited, text in {
        host.set(Setting.LAST_ROW, 256): "InputError: LAST_ROW must be from 0 to 255, not 256",
        host.start(Command.FORM): "InputError: FORM must be a command of this chip, which has it only where its option "
        "is built",
        host.infer(): f"RunError: write of 0x3 to COMMAND {chip} (ERRORS: PROTOCOL)",
        host.read(Space.SETTINGS, Setting.LAST_ROW): f"RunError: read of LAST_ROW {chip} (ERRORS: ADDRESS, PROTOCOL)",
        host.write([(Space.LUT << 20 | 3, 300)]): f"RunError: write of 0x12c to LUT[3] {chip} (ERRORS: ADDRESS, VALUE, "
        "PROTOCOL)",
        host.lut(): "InputError: calibrate must be on in the configuration of a chip whose LUT can be read, not off",
    }.items():
        assert await refusal(awaited) == text
    await host.set(Setting.CLEAR_ERRORS, 0b111111)
    assert (await host.status())["errors"] == 0
