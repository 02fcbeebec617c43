"""A chip of `oxmc ip` on its bus, driven by other people's masters: its registers as the SystemRDL has them, errors,
interrupt, queue of results, reset, and a whole training with the twin's bits; or a chip that learns from rewards, by
the driver in C."""

from __future__ import annotations

import ctypes
import itertools
import os
import random
from pathlib import Path
from typing import Any

import bus_drivers
import c_driver
import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge, Timer, with_timeout

import oxmc
from oxmc.cocotb import OxramArray
from oxmc.ip.rdl import compiled
from oxmc.pymodels.cartpole import TRAINING
from oxmc.pymodels.config import Config, load_toml
from oxmc.pymodels.environment import episodes_of
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import Command, Error, Irq, Port, Setting, Space, Status, setting_limits
from oxmc.pymodels.streams import lfsr_seed
from oxmc.tb.cosim import program

FOLDER = Path(os.environ["OXMC_IP"])
BUS = os.environ["OXMC_IP_BUS"]
SEED = 7
CONFIG = Config(**load_toml(FOLDER / "config.toml"))
FORMATS = Formats(CONFIG)
REGISTERS = compiled((FOLDER / "ipx.rdl").read_text()).top
ALL = 0xFFFFFFFF
QUEUE = 4


def at(block: str, register: str, index: int = 0) -> int:
    """Byte address of a register by the names of the SystemRDL."""
    node = REGISTERS.find_by_path(f"{block}.{register}")
    assert node is not None, (block, register)
    return int(node.raw_absolute_address) + index * (node.array_stride if node.is_array else 0)


def port(register: Port) -> int:
    return at("port", register.name.lower())


def status(register: Status) -> int:
    return at("status", register.name.lower())


def setting(register: Setting) -> int:
    return at("settings", register.name.lower())


def registers() -> list[tuple[Any, int]]:
    """Each register and its address; of arrays the first and the last one."""
    found = []
    for block in REGISTERS.children():
        bases = [0, (block.n_elements - 1) * block.array_stride] if block.is_array else [0]
        for register in block.children():
            ends = [0, (register.n_elements - 1) * register.array_stride] if register.is_array else [0]
            for base, end in itertools.product(bases, ends):
                found.append((register, block.raw_absolute_address + base + register.raw_address_offset + end))
    return found


def every_address() -> set[int]:
    """The addresses of all registers."""
    blocks = compiled((FOLDER / "ipx.rdl").read_text()).top.children(unroll=True)
    return {register.absolute_address for block in blocks for register in block.children(unroll=True)}


def reset_of(register: Any) -> int:
    return sum((field.get_property("reset") or 0) << field.low for field in register.fields())


def mask_of(register: Any) -> int:
    return sum((1 << field.width) - 1 << field.low for field in register.fields())


async def started(dut: Any) -> Any:
    """A bus master on a chip that comes out of reset."""
    cocotb.start_soon(Clock(dut.clk, 100, unit="ns").start())
    dut.rst_n.value = 0
    dut.array_data.value = 0
    await FallingEdge(dut.clk)
    master = bus_drivers.DRIVERS[BUS](dut)  # which takes no X for a ready
    await settled(dut)
    dut.rst_n.value = 1
    for _ in range(3):
        await FallingEdge(dut.clk)
    return master


async def settled(dut: Any) -> None:
    """Masters return at the edge that ends a transfer, or half a cycle earlier."""
    for _ in range(2):
        await FallingEdge(dut.clk)


async def errors(master: Any) -> int:
    """ERRORS, which is cleared."""
    found = await master.read(status(Status.ERRORS))
    await master.write(setting(Setting.CLEAR_ERRORS), 2 ** len(Error) - 1)
    assert await master.read(status(Status.ERRORS)) == 0
    return int(found)


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def registers_are_as_described(dut: Any) -> None:
    """Reset values; what is read only or write only is refused otherwise, and the refusal is booked."""
    master = await started(dut)
    for register, address in registers():
        if register.has_sw_readable:
            if register.fields()[0].get_property("reset") is not None:
                assert await master.read(address) == reset_of(register), register.get_path()
        else:
            await master.read(address, refused=True)
            assert await errors(master) == 1 << Error.ADDRESS, register.get_path()
        if not register.has_sw_writable:
            await master.write(address, 0, refused=True)
            assert await errors(master) == 1 << Error.ADDRESS, register.get_path()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def bits_walk(dut: Any) -> None:
    """Of each writable register every bit is taken and the next one refused; read back where that can be."""
    master = await started(dut)
    internal = dut.chip.control
    limits = {each.name.lower(): limit for each, limit in setting_limits(FORMATS).items()}
    for register, address in registers():
        if not register.has_sw_writable or register.inst_name == "command":
            continue
        name, width = register.inst_name, mask_of(register).bit_length()
        in_settings = name in limits and register.parent.inst_name == "settings"
        low, high = limits[name] if in_settings else (0, mask_of(register))
        assert high.bit_length() == width, register.get_path()
        signed = register.parent.inst_name == "response"
        for bit in range(32):
            fits = low <= 1 << bit <= high and (not signed or bit < CONFIG.response_bits - 1)
            await master.write(address, 1 << bit, refused=not fits)
            if fits and in_settings:
                await settled(dut)
                assert int(getattr(internal, name).value) == 1 << bit, (name, bit)
            if fits and register.has_sw_readable:
                assert await master.read(address) == 1 << bit
        assert await errors(master) in (0, 1 << Error.VALUE, 1 << Error.ADDRESS)


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def no_register_has_an_alias(dut: Any) -> None:
    """Every setting keeps its own value; an address one bit away from a register's is a register's or refused."""
    master = await started(dut)
    limits = setting_limits(FORMATS)
    values = {each: low + 1 if high > low else high for each, (low, high) in limits.items()}
    values |= {each: min(high, low + 3 + each) for each, (low, high) in limits.items() if high > 40}
    for each, value in values.items():
        await master.write(setting(each), value)
    await settled(dut)
    assert {each: int(getattr(dut.chip.control, each.name.lower()).value) for each in values} == values
    there, rng = every_address(), random.Random(SEED)
    near = {address ^ 1 << bit for _, address in registers() for bit in range(2, 25)}
    near |= {rng.randrange(0, 1 << 25, 4) for _ in range(50)}
    for address in rng.sample(sorted(near - there), 300):
        await master.read(address, refused=True)
        await master.write(address, 0, refused=True)
    assert await errors(master) == 1 << Error.ADDRESS
    await settled(dut)
    assert {each: int(getattr(dut.chip.control, each.name.lower()).value) for each in values} == values


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def parts_of_words_are_refused(dut: Any) -> None:
    """And change nothing; the bus goes on."""
    master = await started(dut)
    await master.write(port(Port.IRQ_ENABLE), 0b0101)
    await master.partial(port(Port.IRQ_ENABLE), 0b1010)
    assert await master.read(port(Port.IRQ_ENABLE)) == 0b0101
    assert await errors(master) == 0


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def the_interrupt_follows_status_and_enable(dut: Any) -> None:
    master = await started(dut)
    for enable in range(2 ** len(Irq)):
        await master.write(port(Port.IRQ_ENABLE), enable)
        await settled(dut)
        assert int(dut.irq.value) == enable >> Irq.IDLE & 1
    await master.write(port(Port.IRQ_ENABLE), 1 << Irq.ERROR)
    await master.write(setting(Setting.COMMAND), 15, refused=True)
    await settled(dut)
    assert int(dut.irq.value) == 1 and await master.read(port(Port.IRQ_STATUS)) == 1 << Irq.ERROR | 1 << Irq.IDLE
    assert await errors(master) == 1 << Error.COMMAND
    await settled(dut)
    assert int(dut.irq.value) == 0


async def run(dut: Any, master: Any, command: Command) -> None:
    """A command up to its end, of which the interrupt tells."""
    await master.write(setting(Setting.COMMAND), command)
    await master.write(port(Port.IRQ_ENABLE), 1 << Irq.IDLE)
    await settled(dut)
    if not int(dut.irq.value):
        await with_timeout(RisingEdge(dut.irq), 20, "ms")
    await master.write(port(Port.IRQ_ENABLE), 0)


async def results(dut: Any, master: Any, count: int) -> tuple[list[int], list[int]]:
    """Sums and classes of an inference, taken once the queue is full and the chip waits."""
    await master.write(setting(Setting.COMMAND), Command.INFER)
    while await master.read(port(Port.RESULT_COUNT)) < QUEUE:
        pass
    for _ in range(300):
        await FallingEdge(dut.clk)
    assert await master.read(port(Port.RESULT_COUNT)) == QUEUE and int(dut.busy.value) == 1
    sums, classes = [], []
    while len(sums) < count:
        if not await master.read(port(Port.IRQ_STATUS)) >> Irq.RESULT & 1:
            continue
        low = await master.read(port(Port.RESULT_SUM))
        assert await master.read(port(Port.RESULT_SUM)) == low  # it stays until RESULT is read
        rest = await master.read(port(Port.RESULT))
        assert rest >> 31
        sums.append(low - (low >> 31 << 32))
        if rest >> 30 & 1:
            classes.append(rest & 2**FORMATS.label_bits - 1)
    assert await master.read(port(Port.RESULT)) == await master.read(port(Port.RESULT_COUNT)) == 0
    return sums, classes


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def a_training_has_the_bits_of_the_twin(dut: Any) -> None:
    twin = oxmc.train("toy", config=CONFIG, seed=SEED)
    state = twin.state
    master = await started(dut)
    master.pause()
    array = OxramArray(dut, twin.config, seed=SEED, reset=None)
    array.start()
    words = program.load_words(FORMATS, twin.job.codes, twin.job.labels, lfsr_seed(SEED, CONFIG.lfsr_bits))
    for address, word in words:
        await master.write(4 * address, word)
    for command in program.commands(CONFIG):
        if command != Command.INFER:
            await run(dut, master, command)
    sums, classes = await results(dut, master, state.sums.size)
    counters = [await master.read(at("counters", "row", row)) for row in range(CONFIG.rows)]
    assert (np.array(sums) == state.sums.ravel()).all() and (np.array(classes) == state.classes).all()
    assert (np.array(counters) == state.counters).all()
    assert (array.conductance_ns == state.conductance_ns).all()
    assert await master.read(status(Status.PROPOSALS)) == state.proposals
    assert await master.read(status(Status.ERRORS)) == 0
    assert await master.read(4 * (Space.SETTINGS << 20 | Setting.LAST_ROW), refused=True) == 0


async def stopped(dut: Any, driver: c_driver.Driver, point: int) -> None:
    """A classification of one point and those after it that is given up and stopped once results wait."""
    driver.chip.patience = 1
    answers = (c_driver.Answer * CONFIG.test_samples)()
    await driver.call("classify", point, point + CONFIG.test_samples - 1, answers, code=c_driver.TOO_LONG)
    while await driver.master.read(port(Port.RESULT_COUNT)) < 2:
        pass
    driver.chip.patience = 0
    await driver.call("abort")


@cocotb.test(timeout_time=5, timeout_unit="ms", skip=BUS != "apb")
async def the_driver_in_c_trains_like_the_twin(dut: Any) -> None:
    """Compiled, its bus is the master; what it is asked wrongly it refuses."""
    twin = oxmc.train("toy", config=CONFIG, seed=SEED)
    state, job = twin.state, twin.job
    master = await started(dut)
    array = OxramArray(dut, twin.config, seed=SEED, reset=None)
    array.start()
    driver = c_driver.Driver(FOLDER / "driver.so", master)
    await driver.call("open")
    assert (driver.chip.rows, driver.chip.features) == (FORMATS.row_capacity, CONFIG.features)
    await driver.load(program.fixed_words(FORMATS))
    for index, (codes, label) in enumerate(zip(job.codes, job.labels, strict=True)):
        await driver.sample(index, codes, int(label))
    await driver.call("calibrate")
    seed = lfsr_seed(SEED, CONFIG.lfsr_bits)
    await driver.call("train", seed & ALL, seed >> 32)
    first = CONFIG.train_samples
    answers = await driver.classify(first, first + CONFIG.test_samples - 1, state.sums.size)
    assert [answer.sum for answer in answers] == state.sums.ravel().tolist()
    assert [answer.winner for answer in answers if answer.last] == state.classes.tolist()
    assert (array.conductance_ns == state.conductance_ns).all()
    await stopped(dut, driver, first)
    again = await driver.classify(first, first + CONFIG.test_samples - 1, state.sums.size)
    assert [(answer.sum, answer.last) for answer in again] == [(answer.sum, answer.last) for answer in answers]
    await driver.sample(0, [FORMATS.input_max + 1] * CONFIG.features, 0, c_driver.BAD)
    await driver.sample(FORMATS.sample_capacity, job.codes[0], 0, c_driver.BAD)
    await driver.call("run", Command.FORM, code=c_driver.MISSING)
    await driver.load([(Space.LUT << 20, 2**CONFIG.read_bits)], c_driver.REFUSED)
    assert await driver.errors() == 1 << Error.VALUE and await driver.errors() == 0
    driver.chip.patience = 1
    await driver.call("run", Command.TRAIN, code=c_driver.TOO_LONG)
    driver.chip.patience = 0
    await driver.call("abort")


def cart(job: Any) -> Any:
    """The training episodes of a job as the driver's world."""
    episodes = episodes_of(job.config, job.seed, job.surroundings)

    def observe(codes: Any) -> None:
        for feature, code in enumerate(episodes.codes.tolist()):
            codes[feature] = code

    def restart(_: object, episode: int, codes: Any) -> None:
        episodes.restart(episode, TRAINING)
        observe(codes)

    def act(_: object, action: int, codes: Any) -> int:
        over = episodes.act(action)
        observe(codes)
        return int(over)

    return c_driver.World(c_driver.World.RESTART(restart), c_driver.World.ACT(act), None)


@cocotb.test(timeout_time=5, timeout_unit="ms", skip=BUS != "apb" or not FORMATS.rewards)
async def the_driver_in_c_learns_from_rewards_like_the_twin(dut: Any) -> None:
    """Episode by episode: an observation of another step would give other actions, and these other rows."""
    twin = oxmc.train("cartpole", config=CONFIG, seed=SEED)
    state, seed = twin.state, lfsr_seed(SEED, CONFIG.lfsr_bits)
    master = await started(dut)
    array = OxramArray(dut, twin.config, seed=SEED, reset=None)
    array.start()
    driver = c_driver.Driver(FOLDER / "driver.so", master)
    await driver.call("open")
    await driver.load(program.fixed_words(FORMATS))
    world, codes = cart(twin.job), (ctypes.c_int16 * CONFIG.features)()
    await driver.call("learn", seed & ALL, seed >> 32, ctypes.byref(world), codes)
    counters = [await master.read(at("counters", "row", row)) for row in range(CONFIG.rows)]
    assert (np.array(counters) == state.counters).all(), (counters, state.counters)
    assert (array.conductance_ns == state.conductance_ns).all()
    assert await master.read(status(Status.PROPOSALS)) == state.proposals
    assert await driver.errors() == 0


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def a_reset_needs_no_clock(dut: Any) -> None:
    """Pins and registers of the bus fall at once; the reset ends in step with the clock, two edges later."""
    master = await started(dut)
    await master.write(port(Port.IRQ_ENABLE), 1 << Irq.IDLE)
    await FallingEdge(dut.clk)
    assert int(dut.irq.value) == 1
    await Timer(7, "ns")
    dut.rst_n.value = 0
    await Timer(1, "ns")
    assert int(dut.irq.value) == 0 and int(dut.chip.rst.value) == 1
    dut.rst_n.value = 1
    edges = 0
    while int(dut.chip.rst.value):
        await RisingEdge(dut.clk)
        await Timer(1, "ns")
        edges += 1
    assert edges == 2
    assert await master.read(port(Port.IRQ_ENABLE)) == 0
