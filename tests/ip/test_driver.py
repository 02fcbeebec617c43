"""The driver in C without a chip: how it packs points of any geometry, what it refuses, the page's example."""

from __future__ import annotations

import ctypes
import re
import subprocess
from pathlib import Path
from typing import Any

import c_driver
import numpy as np
import pytest
from commands import ROOT

from oxmc.ip.package import driver
from oxmc.pymodels.config import Config, preset
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import (
    PORT_INDEX,
    Command,
    Port,
    Setting,
    Space,
    Status,
    address,
    port_constants,
)
from oxmc.tb.cosim.program import fixed_words, load_words

pytestmark = pytest.mark.testpoint(
    "driver in C",
    "points of any geometry are packed as our own host packs them; wrong arguments, a missing command, a chip that is "
    "none, a bus that refuses, a wait without end; LAST_SAMPLE, waits that sleep, episodes; the example of its page "
    "compiles strictly",
)
GCC = "gcc -std=c99 -Wall -Wextra -pedantic -Wconversion -Werror"
PORTS = address(Space.SETTINGS, PORT_INDEX)
GEOMETRIES = [
    preset("cancer", "paper"),
    Config(features=13, outputs=5, input_bits=5, read_bits=5, adc_bits=6, table_bits=4, lfsr_bits=40),
    Config(features=1, outputs=16, input_bits=3),
    Config(features=32, outputs=2, input_bits=8),
    Config(features=21, outputs=1, input_bits=9),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("driver")
    for name, text in driver(Formats(GEOMETRIES[0]), "trainer").items():
        (out / name).write_text(text)
    subprocess.run([*GCC.split(), "-shared", "-fPIC", "-o", "driver.so", "oxmc_driver.c"], cwd=out, check=True)
    return out


class Bus:
    """A window that remembers what is written and reads as a chip of a configuration that is idle."""

    def __init__(self, folder: Path, config: Config) -> None:
        constants = port_constants(Formats(config), 256)
        self.words = {4 * (PORTS + port): word for port, word in constants.items()}
        self.words |= {4 * (PORTS + Port.IRQ_STATUS): 2, 4 * address(Space.STATUS, Status.ERRORS): 5}
        self.written: list[tuple[int, int]] = []
        self.broken = False
        self.built = ctypes.CDLL(str(folder / "driver.so"))
        self.kept = c_driver.READ(self._read), c_driver.WRITE(self._write)
        self.chip = c_driver.Chip(*self.kept)

    def _read(self, _: object, where: int, word: Any) -> int:
        word[0] = self.words.get(where, 0)
        return int(self.broken)

    def _write(self, _: object, where: int, word: int) -> int:
        self.written.append((where // 4, word))
        return int(self.broken)

    def call(self, name: str, *arguments: Any) -> int:
        return int(getattr(self.built, f"oxmc_{name}")(ctypes.byref(self.chip), *arguments))

    def sample(self, index: int, codes: Any, label: int) -> int:
        return self.call("sample", index, (ctypes.c_int16 * len(codes))(*map(int, codes)), label)


@pytest.mark.parametrize("config", GEOMETRIES)
def test_points_are_packed_as_our_host_packs_them(folder: Path, config: Config, seed: int) -> None:
    formats, rng, bus = Formats(config), np.random.default_rng(seed), Bus(folder, config)
    assert bus.call("open") == c_driver.OK
    codes = rng.integers(-formats.input_max, formats.input_max + 1, (6, config.features))
    labels = rng.integers(0, max(2, config.outputs), 6)
    for index in range(6):
        assert bus.sample(index, codes[index], int(labels[index])) == c_driver.OK
    words = load_words(formats, codes, labels, 1)
    assert bus.written == [(where, word) for where, word in words if where >> 20 == Space.SAMPLES]
    assert bus.sample(formats.sample_capacity, codes[0], 0) == c_driver.BAD
    assert bus.sample(0, codes[0], 1 << formats.label_bits) == c_driver.BAD
    for code in (formats.input_max + 1, -formats.input_max - 1):
        assert bus.sample(0, [*codes[0][1:], code], 0) == c_driver.BAD


def test_what_it_refuses(folder: Path) -> None:
    bus = Bus(folder, GEOMETRIES[0])
    assert bus.call("open") == c_driver.OK
    assert bus.call("calibrate") == c_driver.MISSING and bus.call("classify", 0, 1, None) == c_driver.BAD
    assert bus.call("classify", 5, 4, None) == bus.call("classify", 5, 1 << 15, None) == c_driver.BAD
    bits = c_driver.U32()
    assert bus.call("errors", ctypes.byref(bits)) == c_driver.OK and bits.value == 5 and bus.written[-1][1] == 5
    bus.broken = True
    assert bus.call("train", 1, 0) == bus.call("abort") == c_driver.REFUSED and bus.call("open") == c_driver.NO_CHIP
    bus.broken, bus.chip.patience = False, 3
    bus.words[4 * (PORTS + Port.IRQ_STATUS)] = 0
    assert bus.call("train", 1, 0) == c_driver.TOO_LONG
    rewards = Bus(folder, preset("cartpole", "wide"))
    assert rewards.call("open") == c_driver.OK and rewards.call("train", 1, 0) == c_driver.MISSING
    rewards.words[4 * PORTS] = 0
    assert rewards.call("open") == c_driver.NO_CHIP


def test_last_sample_is_the_training_s_again(folder: Path) -> None:
    """After a classification, and before a training where that one did not end."""
    bus, where = Bus(folder, GEOMETRIES[0]), address(Space.SETTINGS, Setting.LAST_SAMPLE)
    assert bus.call("open") == c_driver.OK
    words = (c_driver.Word * 1)(c_driver.Word(4 * where, 368))
    assert bus.call("load", words, ctypes.c_size_t(1)) == c_driver.OK and bus.chip.training == 369
    bus.words |= {4 * (PORTS + Port.IRQ_STATUS): 2 | 8, 4 * (PORTS + Port.RESULT): 1 << 31 | 1 << 30}
    answers = (c_driver.Answer * 2)()
    assert bus.call("classify", 400, 401, answers) == c_driver.OK
    assert [word for at, word in bus.written if at == where] == [368, 399, 368] and bus.written[-1][0] == where
    bus.chip.patience, bus.words[4 * (PORTS + Port.IRQ_STATUS)] = 1, 0
    assert bus.call("classify", 400, 401, answers) == c_driver.TOO_LONG and bus.written[-2][1] == 401
    bus.words[4 * (PORTS + Port.IRQ_STATUS)] = 2
    assert bus.call("train", 1, 0) == c_driver.OK
    assert [word for at, word in bus.written if at == where][-1] == 368


def test_interrupts(folder: Path) -> None:
    """A wait that sleeps enables what it waits for, and only while it sleeps; a command that is only started."""
    bus, enable, status = Bus(folder, GEOMETRIES[0]), PORTS + Port.IRQ_ENABLE, 4 * (PORTS + Port.IRQ_STATUS)
    assert bus.call("open") == c_driver.OK
    enabled = []

    def sleeps(_: object) -> None:
        enabled.append(bus.written[-1])
        bus.words[status] = 2

    sleep = c_driver.SLEEP(sleeps)
    bus.chip.sleep, bus.words[status] = sleep, 0
    assert bus.call("train", 1, 0) == c_driver.OK
    assert enabled == [(enable, 2)] and [word for at, word in bus.written if at == enable] == [2, 0]
    assert bus.call("start", Command.TRAIN, 2 | 1) == c_driver.OK
    assert bus.written[-2:] == [(address(Space.SETTINGS, Setting.COMMAND), Command.TRAIN), (enable, 3)]
    causes = c_driver.U32()
    assert bus.call("causes", ctypes.byref(causes)) == c_driver.OK
    assert causes.value == 2 and bus.written[-1] == (enable, 0)
    assert bus.call("start", Command.CALIBRATE, 2) == c_driver.MISSING


class Rewarded(Bus):
    """A chip that learns from rewards, in so far as its driver sees it: three episodes, actions in turn."""

    EPISODES = 3

    def __init__(self, folder: Path, config: Config) -> None:
        super().__init__(folder, config)
        self.done, self.steps = 0, 0

    def _read(self, context: object, where: int, word: Any) -> int:
        found = super()._read(context, where, word)
        if where == 4 * (PORTS + Port.RESULT):
            self.words[4 * (PORTS + Port.IRQ_STATUS)] &= ~8
        return found

    def _write(self, context: object, where: int, word: int) -> int:
        status = 4 * (PORTS + Port.IRQ_STATUS)
        if where == 4 * address(Space.SETTINGS, Setting.COMMAND):
            self.steps += word == Command.STEP
            self.done += word == Command.DONE
            idle = word == Command.BUILD_MAP or (word == Command.DONE and self.done == self.EPISODES)
            self.words[status] = 2 if idle else 4 | 8 * (word == Command.STEP)
            self.words[4 * (PORTS + Port.RESULT)] = 1 << 31 | 1 << 30 | self.steps & 1
        return super()._write(context, where, word)


def test_episodes(folder: Path) -> None:
    """Each step has the observation written and then STEP, each episode ends with DONE, and actions arrive."""
    config = preset("cartpole", "wide")
    bus, formats = Rewarded(folder, config), Formats(config)
    assert bus.call("open") == c_driver.OK
    heard: list[Any] = []

    def restart(_: object, episode: int, codes: Any) -> None:
        heard.append(("episode", episode))
        codes[0] = 10 * episode

    def act(_: object, action: int, codes: Any) -> int:
        heard.append(action)
        codes[0] = codes[0] + 1
        return int(len(heard) % 3 == 0)  # after two steps

    world = c_driver.World(c_driver.World.RESTART(restart), c_driver.World.ACT(act), None)
    codes = (ctypes.c_int16 * config.features)()
    assert bus.call("learn", 5, 0, ctypes.byref(world), codes) == c_driver.OK
    assert heard == [("episode", 0), 1, 0, ("episode", 1), 1, 0, ("episode", 2), 1, 0]
    commands = [word for at, word in bus.written if at == address(Space.SETTINGS, Setting.COMMAND)]
    rest = [Command.STEP, Command.STEP, Command.DONE] * 3
    assert commands == [Command.BUILD_MAP, Command.TRAIN, *rest]
    lanes = [word for at, word in bus.written if at >> 20 == Space.SAMPLES and at & 0xFFFFF == 0]
    assert [word & formats.input_max for word in lanes] == [0, 1, 10, 11, 20, 21]
    plain = Bus(folder, GEOMETRIES[0])
    assert plain.call("open") == c_driver.OK and plain.call("learn", 5, 0, None, None) == c_driver.MISSING


def test_the_example_compiles(folder: Path) -> None:
    """With the tables and settings of its configuration."""
    page = (ROOT / "docs/reference/ip.md").read_text()
    (block,) = re.findall(r"```c\n(.*?)```", page, re.S)
    head = '#include "trainer_words.h"\nint my_read(void *c, uint32_t a, uint32_t *w);\n'
    head += "int my_write(void *c, uint32_t a, uint32_t w);\nint main(void);\nint main(void)\n{\n"
    (folder / "example.c").write_text(f"{head}{block}    return 0;\n}}\n")
    subprocess.run([*GCC.split(), "-c", "example.c"], cwd=folder, check=True)
    rows = re.findall(r"\{0x(\w+)u, 0x(\w+)u\}", (folder / "trainer_words.h").read_text())
    assert [(int(where, 16) // 4, int(word, 16)) for where, word in rows] == fixed_words(Formats(GEOMETRIES[0]))
