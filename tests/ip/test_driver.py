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
from oxmc.pymodels.interface import PORT_INDEX, Port, Space, Status, address, port_constants
from oxmc.tb.cosim.program import fixed_words, load_words

pytestmark = pytest.mark.testpoint(
    "driver in C",
    "points of any geometry are packed as our own host packs them; wrong arguments, a missing command, a chip that is "
    "none, a bus that refuses, a wait without end; the example of its page compiles strictly",
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
        self.chip = c_driver.Chip(*self.kept, None)

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
