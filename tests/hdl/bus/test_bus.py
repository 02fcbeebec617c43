"""The chip behind each bus: registers, errors, interrupt, results and a whole training, in one simulation a bus."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from oxmc.ip import BUSES, NO_BUS
from oxmc.ip.package import ip_files
from oxmc.pymodels.config import resolve
from oxmc.tb.cosim import runners
from oxmc.tb.cosim.simulator import use_simulator

pytestmark = [
    pytest.mark.cosim,
    pytest.mark.testpoint(
        "chip behind a bus",
        "by others' masters of APB, AXI4-Lite and Wishbone: each register as its SystemRDL says, walking bits, no "
        "alias, parts of words, errors, interrupt, waiting sides, a full queue of results, reset without a clock; a "
        "whole training with the twin's bits, by the C driver, too, and from rewards; mistakes in RTL and SystemRDL "
        "are found",
    ),
]
KEYS = {"rows": 4, "burn_in": 1, "train_samples": 8, "test_samples": 7, "calibrate": True, "gate_codes": 8}


def failures(folder: Path, bus: str, files: dict[str, str], tests: str = "") -> int:
    """How many tests of the bench fail, or of those that `tests` matches."""
    pytest.importorskip("systemrdl")
    pytest.importorskip(f"cocotbext.{bus.removesuffix('4lite')}")
    use_simulator("icarus")
    for name, text in files.items():
        (folder / name).write_text(text)
    gcc = "gcc -std=c99 -Wall -Wextra -pedantic -Wconversion -Werror -shared -fPIC -o driver.so oxmc_driver.c"
    subprocess.run(gcc.split(), cwd=folder, check=True)
    runners.build("icarus", folder, "ipx", files["ipx.f"].split(), arguments=[])
    # kernels cannot be compiled from modules that pytest has rewritten
    variables = {"COCOTB_REWRITE_ASSERTION_FILES": "", **({"COCOTB_TEST_FILTER": tests} if tests else {})}
    # others' masters change pins at the clock's edge: cocotb is to write them once the simulator has done that edge
    variables |= {"OXMC_IP": str(folder), "OXMC_IP_BUS": bus, "COCOTB_TRUST_INERTIAL_WRITES": "0"}
    runners.simulate("icarus", folder, folder, "ipx", "bus_bench", variables)
    return runners.failed_tests(folder / runners.RESULTS)


def files_of(bus: str) -> dict[str, str]:
    return ip_files(resolve("toy", "paper", settings=KEYS).chip, bus, "ipx")


def test_rewards(tmp_path: Path) -> None:
    """The driver in C runs a chip's episodes; a sample's word is the bus's, where no gate lies between them."""
    keys = {"rows": 4, "burn_in": 1, "max_proposals": 12, "gate_codes": 8, "episode_steps": 30}
    files = ip_files(resolve("cartpole", "wide", settings=keys).chip, "apb", "ipx")
    assert failures(tmp_path, "apb", files, "learns") == 0, (tmp_path / runners.SIMULATOR_LOG).read_text()


@pytest.mark.parametrize("bus", [bus for bus in BUSES if bus != NO_BUS])
def test_bus(bus: str, tmp_path: Path) -> None:
    assert failures(tmp_path, bus, files_of(bus)) == 0, (tmp_path / runners.SIMULATOR_LOG).read_text()


MISTAKES = {
    "a setting of one bit less": ("ipx.rdl", "value[23:0] = 0xffffff", "value[22:0] = 0x7fffff", "bits_walk"),
    "a register too many": ("ipx.rdl", "} errors @ 0x20;", "} errors @ 0x30;", "registers_are"),
    "another reset value": ("ipx.rdl", "0x4f584d43", "0x4f584d44", "registers_are"),
    "parts of words": ("ipx.v", "& apb_pstrb", "| apb_pstrb", "parts_of_words"),
    "an interrupt too many": ("ipx.v", "} & enable", "} | enable", "interrupt"),
}
"""A file, what stands there and what instead, and the tests that see it."""


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_bench_sees(mistake: str, tmp_path: Path) -> None:
    file, old, new, tests = MISTAKES[mistake]
    files = files_of("apb")
    assert old in files[file], files[file]
    assert failures(tmp_path, "apb", files | {file: files[file].replace(old, new)}, tests) == 1
