"""Bench of the compiled array: random pulses, every operation, against the array model."""

from __future__ import annotations

import random
from math import isclose
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from oxmc.pymodels.events import ARRAY_EVENTS, PHASES
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import ArrayOp
from oxmc.pymodels.job import Job
from oxmc.pymodels.oxram.array import HCS, UNFORMED, OxramArray
from oxmc.pymodels.oxram.devices import load_card
from oxmc.tb.blocks.scoreboard import Scoreboard, parameters, start
from oxmc.tb.cosim.compiled import read_array, write_load

PULSES, OFTEN = 3000, 8
IDLE = dict.fromkeys(
    ("op", "row", "place", "mask", "gate", "segment", "inputs", "trim", "latch", "width", "bad", "save"), 0
)


class Pulses:
    """Draws a legal pulse for the state that `array` is in; returns its pins and what is to be done to the model."""

    def __init__(self, array: OxramArray, rng: random.Random):
        self.array, self.rng, self.formats = array, rng, Formats(array.config)
        self.row = 0

    def draw(self) -> tuple[dict[str, int], Any]:
        array, rng, config = self.array, self.rng, self.array.config
        if rng.random() < 0.01:  # else no cell would be SET often
            self.row = rng.randrange(array.rows)
        row, cell = self.row, rng.randrange(array.cells)
        gate = rng.randrange(config.gate_codes)
        whole = bool((array.state[row] != UNFORMED).all())
        first = cell - cell % config.gate_dacs
        group = array.state[row, first : first + config.gate_dacs]
        if array.state[row, cell] == UNFORMED:
            width = config.cycles(config.set_pulse_s)
            pins = dict(op=ArrayOp.FORM.value, row=row, place=cell, gate=gate, width=width)
            return pins, lambda: array.form(row, cell, gate, width)
        kind = rng.choice(("set", "set", "read", "reset", "eval") if whole else ("set", "read"))
        kind = "read" if kind == "set" and (group == UNFORMED).any() else kind
        width = config.cycles(getattr(config, f"{kind}_pulse_s"))
        pins = dict(op=ArrayOp[kind.upper()].value, row=row, place=cell, width=width)
        if kind == "set":
            gates = [rng.randrange(config.gate_codes) for _ in group] + [0] * (config.gate_dacs - len(group))
            word = sum(gate << self.formats.gate_bits * lane for lane, gate in enumerate(gates))
            return pins | {"place": first, "gate": word}, lambda: array.set_group(row, first, gates, width)
        if kind == "read":
            return pins, lambda: array.read(row, cell, width)
        if kind == "reset":
            mask = rng.choice((1 << cell, 2**array.cells - 1, rng.randrange(1, 2**array.cells)))
            return pins | {"mask": mask}, lambda: array.reset(row, mask, width)
        segment, top, bits = rng.randrange(config.hidden + config.outputs), self.formats.input_max, config.input_bits
        used = config.hidden if config.hidden and segment >= config.hidden else config.features
        codes = [rng.choice((-top, top, rng.randint(-top, top))) for _ in range(used)]
        codes += [0] * (max(config.features, config.hidden) - used)
        pins |= {"segment": segment, "inputs": sum(code % 2**bits << bits * lane for lane, code in enumerate(codes))}
        return pins, lambda: array.evaluate(row, segment, np.array(codes, np.int64), width)


@cocotb.test()
async def random_pulses(dut: Any) -> None:
    """From an unformed array; read back and compared in full at the end."""
    job, folder = Job.load(Path(parameters()["job"])), Path.cwd()
    rng = random.Random(parameters()["seed"])
    array = OxramArray(job.config, load_card(job.config.card), job.seed, formed=False)
    write_load(folder, job, array)
    await start(dut, **IDLE, phase=1)
    pulses, board = Pulses(array, rng), Scoreboard("answers")
    for _ in range(PULSES):
        pins, act = pulses.draw()
        phase = rng.randrange(len(PHASES))
        array.phase = PHASES[phase]
        array.trim(0)
        for name, value in (IDLE | pins | {"phase": phase, "latch": 1}).items():
            getattr(dut, name).value = value
        code = act()
        await FallingEdge(dut.clk)
        if code is not None:
            board.expect(code & (2 ** Formats(job.config).data_bits - 1))
            board.observe(dut.data.value.to_unsigned())
        assert not dut.refused.value, pins
    board.finish()
    dut.op.value, dut.latch.value, dut.save.value = 0, 0, 1
    await FallingEdge(dut.clk)
    seen = OxramArray(job.config, load_card(job.config.card), job.seed, formed=False)
    read_array(folder, seen)
    for name in ("conductance_ns", "set_count", "state"):
        assert (getattr(seen, name) == getattr(array, name)).all(), name
    assert seen.counts == array.counts and seen.quantities == array.quantities
    for name in PHASES:  # both pulse by pulse in floating point, in the order of another product
        ours, theirs = seen.joules[name], array.joules[name]
        assert all(isclose(ours[event], theirs[event], rel_tol=1e-12) for event in ARRAY_EVENTS)
    assert (array.state == HCS).any() and array.set_count.max() > OFTEN
