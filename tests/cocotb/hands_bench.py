"""Pulses by hand at an array port: good ones, and each kind of bad one."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge, Timer

from oxmc.cocotb import ArrayError, Host, OxramArray, Setting
from oxmc.pymodels.config import Config, preset
from oxmc.pymodels.errors import InputError, RunError
from oxmc.pymodels.oxram.array import OxramArray as Model
from oxmc.pymodels.oxram.devices import load_card

TWO = 2e-7  # in s: two cycles
CONFIG: Config = preset("toy", "paper").replace(
    rows=4, burn_in=0, set_pulse_s=TWO, conversion_s=TWO, read_pulse_s=TWO, eval_pulse_s=TWO
)
FIELDS = "op row cell mask gate segment inputs wl bl sl inputs_on latch"
IDLE = dict.fromkeys(FIELDS.split(), 0)
FORM, RESET, SET, READ, EVAL = 1, 2, 3, 4, 5
PINS = {
    FORM: dict(wl=1, sl=1), RESET: dict(wl=1, bl=1), SET: dict(wl=1, sl=1), READ: dict(wl=1, sl=1),
    EVAL: dict(wl=1, inputs_on=1),
}  # fmt: skip
"""As docs/reference/ports.md has it."""
WIDTH = {FORM: 2, RESET: 1, SET: 2, READ: 2, EVAL: 2}
"""In cycles of CONFIG."""


class Hands:
    """Drives the port; new values come with the clock's rising edge, as of flip-flops."""

    def __init__(self, dut: Any, **options: Any) -> None:
        self.dut = dut
        self.drive()
        cocotb.start_soon(Clock(dut.ck, 100, unit="ns").start())
        self.array = OxramArray(dut, CONFIG, prefix="m_", clock="ck", reset="clear", seed=5, **options)
        self.model = Model(CONFIG, load_card(CONFIG.card), 5, formed=options.get("formed", True))

        self.error = ""

    async def _serve(self) -> None:
        try:
            await self.array.serve()
        except ArrayError as error:
            self.error = str(error)

    def drive(self, **values: int) -> None:
        for name, value in (IDLE | values).items():
            getattr(self.dut, f"m_{name}").value = value

    async def begin(self) -> None:
        self.dut.clear.value = 1
        self.task = cocotb.start_soon(self._serve())
        for _ in range(2):
            await RisingEdge(self.dut.ck)
        await Timer(10, "ns")
        self.dut.clear.value = 0

    async def pulse(self, op: int, cycles: int = 0, **fields: int) -> None:
        cycles = cycles or WIDTH[op]
        for cycle in range(cycles):
            self.drive(op=op, latch=cycle == cycles - 1, **PINS[op], **fields)
            await RisingEdge(self.dut.ck)
            await Timer(10, "ns")
        self.drive()

    async def answer(self) -> list[int]:
        """What `data` is at the end of each of the three cycles after a pulse."""
        seen = []
        for _ in range(3):
            await FallingEdge(self.dut.ck)
            await Timer(40, "ns")
            seen.append(self.dut.m_data.value.to_unsigned())
        await RisingEdge(self.dut.ck)
        await Timer(10, "ns")
        return seen


async def begun(dut: Any, **options: Any) -> Hands:
    hands = Hands(dut, **options)
    await hands.begin()
    return hands


@cocotb.test()
async def pulses_do_what_the_model_does(dut: Any) -> None:
    hands = await begun(dut)
    model, array = hands.model, hands.array
    for cell, gate in enumerate((3, 9, 1, 17)):
        await hands.pulse(SET, row=2, cell=cell, gate=gate)
        model.set(2, cell, gate, 2)
    await hands.pulse(READ, row=2, cell=1)
    code = model.read(2, 1, 2)
    assert await hands.answer() == [code ^ 255, code, code ^ 255]
    await hands.pulse(EVAL, row=2, inputs=100 | (256 - 70) << 8)
    code = model.evaluate(2, 0, np.array([100, -70]), 2) & 255
    assert await hands.answer() == [code ^ 255, code, code ^ 255]
    array.phase = model.phase = "infer"
    await hands.pulse(RESET, row=2, mask=0b0101)
    model.reset(2, 0b0101, 1)
    await settled(hands)
    assert (array.conductance_ns == model.conductance_ns).all()
    assert array.model.counts == model.counts and array.model.joules == model.joules


async def refused(dut: Any, text: str, *pulses: Any, **options: Any) -> None:
    """The last of some pulses must be refused with these words."""
    hands = await begun(dut, **options)
    for op, cycles, fields in pulses:
        assert hands.error == ""
        await hands.pulse(op, cycles, **fields)
    await settled(hands)
    assert hands.error == text


async def settled(hands: Hands) -> None:
    await FallingEdge(hands.dut.ck)
    await Timer(1, "ns")


BAD = {
    "SET of row 1 cell 2 must last 2 cycles, not 1 (clock cycle 0)": [(SET, 1, dict(row=1, cell=2, gate=3))],
    "SET of row 1 cell 2 must last 2 cycles, not 3 (clock cycle 2)": [(SET, 3, dict(row=1, cell=2, gate=3))],
    "SET of row 1 cell 2 must have a gate code from 0 to 20, not 21 (clock cycle 3)": [
        (SET, 0, dict(row=1, cell=2)), (SET, 0, dict(row=1, cell=2, gate=21)),
    ],
    "READ of row 4 cell 0 must have a row from 0 to 3, not 4 (clock cycle 1)": [(READ, 0, dict(row=4))],
    "RESET of row 0 must have a mask from 1 to 2^4 - 1, not 0x0 (clock cycle 0)": [(RESET, 0, {})],
    "EVAL of row 0 segment 0 must have input codes from -127 to 127, not [-128, 0] (clock cycle 1)": [
        (EVAL, 0, dict(inputs=128))
    ],
    "op must be from 0 to 5, not 6 (clock cycle 0)": [(6, 1, {})],
}  # fmt: skip
PINS[6], WIDTH[6] = {}, 1


@cocotb.test()
@cocotb.parametrize(text=list(BAD))
async def a_bad_pulse_is_refused(dut: Any, text: str) -> None:
    await refused(dut, text, *BAD[text])


@cocotb.test()
async def an_unformed_cell_is_refused(dut: Any) -> None:
    text = "SET of row 1 cell 2 must meet a formed cell, not an unformed one (clock cycle 3)"
    await refused(dut, text, (FORM, 0, dict(row=1, cell=0)), (SET, 0, dict(row=1, cell=2)), formed=False)


TORN = "pulse on row 1 cell {} must keep op, address and pins of one command from its first cycle to its latch, not "


@cocotb.test()
async def two_pulses_at_once_are_refused(dut: Any) -> None:
    hands = await begun(dut)
    hands.drive(op=SET, row=1, cell=2, **PINS[SET])
    await RisingEdge(dut.ck)
    await Timer(10, "ns")
    await hands.pulse(SET, 1, row=1, cell=3)
    assert hands.error == TORN.format(3) + "change in cycle 2 (op 3) (clock cycle 1)"


@cocotb.test()
@cocotb.parametrize(wrong=[dict(bl=1), dict(inputs_on=1), dict(sl=0), dict(wl=0)])
async def wrong_pins_are_refused(dut: Any, wrong: dict[str, int]) -> None:
    hands = await begun(dut)
    hands.drive(**{"op": SET, "row": 1, "cell": 2} | PINS[SET] | wrong)
    await settled(hands)
    assert hands.error == TORN.format(2) + "change in cycle 1 (op 3) (clock cycle 0)"


@cocotb.test(skip=cocotb.SIM_NAME == "Verilator")  # which has no X
async def an_x_is_refused(dut: Any) -> None:
    hands = await begun(dut)
    dut.m_wl.value = cocotb.types.Logic("X")
    await settled(hands)
    assert hands.error == "wl must be 0 or 1 in each bit, not X (clock cycle 0)"


@cocotb.test()
@cocotb.parametrize(whole=[False, True])
async def a_reset_cuts_a_pulse(dut: Any, whole: bool) -> None:
    """In the second half of its last cycle it cuts, after the edge that ends the cycle no more."""
    hands = await begun(dut)
    array, before = hands.array, hands.array.conductance_ns.copy()
    for latch in (0, 1):
        if latch:
            await RisingEdge(dut.ck)
            await Timer(10, "ns")
        hands.drive(op=SET, row=1, cell=2, gate=3, latch=latch, **PINS[SET])
    await FallingEdge(dut.ck)
    await Timer(60 if whole else 10, "ns")
    hands.drive()
    dut.clear.value = 1
    await settled(hands)
    dut.clear.value = 0
    assert ((array.conductance_ns != before).sum() == 1) == whole
    await RisingEdge(dut.ck)
    await Timer(10, "ns")
    await hands.pulse(READ, row=1, cell=2)
    await settled(hands)
    rule = "must meet cells whose last pulse was whole, not one that a reset cut short"
    assert hands.error == ("" if whole else f"READ of row 1 cell 2 {rule} (clock cycle 1)")


@cocotb.test()
async def a_port_must_be_there_and_fit(dut: Any) -> None:
    for change, text in {
        "rows": "port hands.m_row must have the configuration's 9 bits, not 8",
        "prefix": "hands must have the port a_op, which it has not",
        "counters": "counters must be shared for a chip in a bench of one's own, which trains one chain, not 'own'",
    }.items():
        config = {"rows": CONFIG.replace(rows=500), "counters": CONFIG.replace(counters="own", outputs=2)}.get(
            change, CONFIG
        )
        try:
            OxramArray(dut, config, prefix="a_" if change == "prefix" else "m_", clock="ck", reset="clear")
        except InputError as error:
            assert str(error) == text
        else:
            raise AssertionError(text)


@cocotb.test()
async def a_host_port_that_never_answers_is_given_up(dut: Any) -> None:
    cocotb.start_soon(Clock(dut.ck, 100, unit="ns").start())
    host = Host(dut, CONFIG, prefix="h_", result="r_", busy="h_busy", clock="ck")
    try:
        await host.set(Setting.BURN_IN, 1)
    except RunError as error:
        assert str(error) == "write of 0x1 to BURN_IN must end within 1000 cycles, but h_ready stays low"
    else:
        raise AssertionError("a host port that never answers must be given up")
    await FallingEdge(dut.ck)
    assert dut.h_valid.value == 0
