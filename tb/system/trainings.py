"""System bench of `hdl.chip.Chip`: trainings one after the other, resets anywhere, every command in every state."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge

from oxmc.pymodels.interface import Command, Error, Setting, Space, State, Status, built_commands
from oxmc.tb.blocks.scoreboard import parameters
from oxmc.tb.cosim.program import lut_codes, observation_words
from oxmc.tb.system.desk import BUSY, LIMIT_CYCLES, System, scenario


@scenario
async def again(system: System) -> None:
    """Trainings without a reset between them: of each, all that is left is its own."""
    for number in (*range(len(system.jobs)), 0):
        system.take(number)
        await system.whole_run()


async def run_until(system: System, machine: str, register: str, state: int) -> Any:
    """Start a whole run and wait for a machine's state, in any of the cycles that it is in it; the run."""
    handle = getattr(getattr(system.dut, machine), register)
    tries = [(0, system.rng.choice((0, 1, 5))), *((job, 0) for job in range(len(system.jobs)))]
    for job, skip in tries:  # it may come too rarely to skip some, or in another training only
        system.take(job)
        run = cocotb.start_soon(system.whole_run())
        while not run.done():
            if handle.value.to_unsigned() == state:
                if not skip:
                    return run
                skip -= 1
            await FallingEdge(system.dut.clk)
    raise AssertionError(f"{machine} must reach state {state}")


@scenario
async def resets(system: System) -> None:
    """A reset in each state of each machine, while words are loaded and while a result waits; then a whole run."""
    for machine, register, states in parameters()["machines"]:
        for state in range(states):
            if state:
                run = await run_until(system, machine, register, state)
            else:  # words are being loaded
                run = cocotb.start_soon(system.whole_run())
                await system.wait(system.rng.randrange(100))
            system.dut._log.info(f"reset in state {state} of {machine}")
            run.cancel()
            await system.reset()
    system.hold = True
    system.take(0)
    run = cocotb.start_soon(system.whole_run())
    await RisingEdge(system.dut.result_valid)
    await system.wait(10)
    run.cancel()
    await system.reset()
    system.take(0)
    assert system.dut.result_valid.value == 0, "a result that waits must be gone"
    system.hold = False
    await system.whole_run()


class Illegal:
    """Every word of COMMAND in every condition of the chip. `due` is what the documentation says of it."""

    def __init__(self, system: System):
        self.system, self.built = system, set(built_commands(system.formats))
        self.state = -1
        ready = [what for what in (Command.FORM, Command.CALIBRATE) if what in self.built]
        self.ways: dict[str, list[Any]] = {
            "from reset": [],
            "map built": [Command.BUILD_MAP],
            "map lost": [Command.BUILD_MAP, "touch the LUT"],
            "trained": [Command.BUILD_MAP, "train"],
            "no test point": [Command.BUILD_MAP, "train", "no point"],
            "training stopped": [Command.BUILD_MAP, Command.TRAIN, Command.ABORT, "idle"],
            "building": ["then", Command.BUILD_MAP],
            "training": [Command.BUILD_MAP, "then", Command.TRAIN],
            "inferring": [Command.BUILD_MAP, "train", "then", Command.INFER],
            "result stalled": [Command.BUILD_MAP, "train", "hold", "then", Command.INFER, "stalled"],
            **{what.name: ["then", what] for what in ready},
        }
        if system.formats.rewards:
            del self.ways["training"]
            self.ways |= {
                "waiting": [Command.BUILD_MAP, Command.TRAIN, "waiting"],
                "waiting again": [Command.BUILD_MAP, Command.TRAIN, "waiting", Command.STEP, "waiting"],
                "action stalled": [
                    Command.BUILD_MAP, Command.TRAIN, "waiting", "hold", "then", Command.STEP, "stalled",
                ],
            }  # fmt: skip

    async def enter(self, name: str) -> None:
        system, dut = self.system, self.system.dut
        system.hold = False
        await system.reset()
        self.system.formed(True)
        if name != "from reset":
            await system.load()
            for sample in range(2) if system.formats.rewards else ():
                await system.host.write(observation_words(system.formats, sample, [0] * system.config.features))
        then = False
        for step in self.ways[name]:
            if step == "then":
                then = True
            elif step == "touch the LUT":
                await system.write(0, lut_codes(system.formats)[0], Space.LUT)
            elif step == "no point":
                await system.write(Setting.LAST_TEST, system.config.train_samples - 1)
            elif step == "hold":
                system.hold = True
            elif step in ("waiting", "stalled"):
                pin = dut.waiting if step == "waiting" else dut.result_valid
                for _ in range(LIMIT_CYCLES):
                    if pin.value == 1:
                        break
                    await FallingEdge(dut.clk)
                assert pin.value == 1
            elif step == "idle":
                await system.idle()
            elif step == "train" and system.formats.rewards:
                await system.command(Command.TRAIN)
                await RisingEdge(dut.waiting)
                await FallingEdge(dut.clk)
                await system.command(Command.STEP)
                await system.wait(20)
                await system.command(Command.DONE)
                await system.wait(20)
                await system.command(Command.ABORT)
                await system.idle()
            else:
                self.system.formed(step != Command.FORM)
                await system.command(Command.TRAIN if step == "train" else step)
                if (
                    not then
                    and step not in (Command.STEP, Command.ABORT)
                    and not (step == Command.TRAIN and self.ways[name][-1] != Command.TRAIN)
                ):
                    await system.idle()
        self.state = await system.read(Status.STATE)

    def due(self, name: str, word: int) -> Error | None:
        known = word in self.built
        if word == Command.ABORT:
            return None
        if name.startswith("waiting"):
            if not known:
                return Error.COMMAND
            taken = {Command.STEP} | ({Command.DONE} if name == "waiting again" else set())
            return None if word in taken else Error.PROTOCOL
        if name in ("building", "training", "inferring", "result stalled", "action stalled", "FORM", "CALIBRATE"):
            return Error.BUSY
        if not known:
            return Error.COMMAND
        mapped = name not in ("from reset", "map lost", "building")
        trained = name in ("trained", "no test point")
        if word in (Command.STEP, Command.DONE):
            return Error.PROTOCOL
        if word == Command.TRAIN:
            return None if mapped else Error.PROTOCOL
        if word == Command.INFER:
            return Error.PROTOCOL if not trained else Error.VALUE if name == "no test point" else None
        return None

    async def check(self, name: str, word: int) -> None:
        system, due = self.system, self.due(name, word)
        note = f"command {word:#x} in {name!r}"
        if self.state < 0 or await system.read(Status.STATE) != self.state:
            await self.enter(name)
        if word == Command.FORM and due is None:
            self.system.formed(False)
        error, _ = await system.transfer(True, Space.SETTINGS, Setting.COMMAND, word)
        assert error == (due is not None), f"{note} must be {'taken' if due is None else 'refused'}"
        found = await system.read(Status.ERRORS)
        assert found == (0 if due is None else 1 << due), f"{note}: ERRORS {found:#x}, {due!r} is due"
        assert system.dut.irq.value == (due is not None), f"{note}: irq"
        if due is not None:
            await system.write(Setting.CLEAR_ERRORS, found)
            return
        before, state, self.state = self.state, await system.read(Status.STATE), -1
        if word == Command.ABORT:
            await system.idle()
            assert await system.has(State.ABORTED) == bool(before & (BUSY | 1 << State.ABORTED)), note
        elif word != Command.DONE:
            phase = {Command.TRAIN: 1, Command.STEP: 1, Command.INFER: 2, Command.FORM: 3, Command.CALIBRATE: 4}
            assert state & BUSY and state >> State.PHASE == phase.get(Command(word), 0), f"{note}: STATE {state:#x}"


@scenario
async def illegal(system: System) -> None:
    """A table of all commands by all conditions; a refused one leaves the chip as it is, its errors cleared."""
    table = Illegal(system)
    words = [*range(max(Command) + 2), 16 | Command.TRAIN, 1 << 31 | Command.BUILD_MAP, 2**32 - 1]
    for name in table.ways:
        table.state = -1
        for word in words:
            await table.check(name, word)
    await system.reset()
    system.hold = False
    await system.whole_run()


@scenario
async def stalls(system: System) -> None:
    """Nobody takes results for long: those of an inference wait unchanged, nothing else is held up by it."""
    system.hold = True
    run = cocotb.start_soon(system.whole_run())
    for _ in range(3):
        await RisingEdge(system.dut.result_valid)
        await FallingEdge(system.dut.clk)
        pulses, payload = system.watcher.pulses_since, system.dut.result_payload.value
        for _ in range(500):
            await FallingEdge(system.dut.clk)
            assert system.dut.result_valid.value == 1 and system.dut.result_payload.value == payload
        assert system.watcher.pulses_since == pulses, "no evaluation while a result waits"
        system.hold = False
        await FallingEdge(system.dut.result_valid)
        system.hold = True
    system.hold = False
    await run
