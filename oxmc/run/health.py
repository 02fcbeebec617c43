"""What works on a machine, for `oxmc doctor`: packages, tools, and a small training on each simulator."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from oxmc.hdl.verilog.netlist_cache import cache_folder
from oxmc.pymodels.errors import InputError, RunError
from oxmc.pymodels.job import Job
from oxmc.pymodels.machine import environment, not_installed
from oxmc.pymodels.tools import find_tool

OK, FAILED, MISSING = "ok", "failed", "missing"
FULL_DISK_MB = 500
"""A Verilator build takes some 30 MB, an extra up to a gigabyte."""
NAME = re.compile(r"[\w.-]+")


@dataclasses.dataclass(frozen=True)
class Check:
    """One thing that has to work, or, where it is not `needed`, may. `look` says what it found, or raises."""

    name: str
    look: Callable[[], str]
    needed: bool = True
    slow: bool = False

    def line(self) -> dict[str, str]:
        """Its name, state and what was found."""
        try:
            return {"name": self.name, "state": OK, "found": self.look()}
        except Exception as error:  # whatever is wrong with a machine is what this command is about
            known = isinstance(error, (InputError, RunError))
            text = str(error) if known else f"{type(error).__name__}: {error}"
            state = FAILED if self.needed else MISSING
            return {"name": self.name, "state": state, "found": " ".join(text.splitlines())}


def checks() -> Iterator[Check]:
    """All checks, those first that others need."""
    yield Check("python", lambda: f"{sys.version.split()[0]} at {sys.executable}")
    yield Check("oxmc", lambda: f"{importlib.metadata.version('oxmc')} in {Path(__file__).parents[1]}")
    yield Check("packages", _packages)
    yield Check("cache", _cache)
    yield Check("compiler", lambda: f"{_version('g++')}; {_version('make')}")
    yield Check("icarus", lambda: f"{_version('iverilog', '-V')}; {_version('vvp', '-V')}", needed=False)
    for extra in _extras():
        yield Check(f"[{extra}]", lambda extra=extra: _extra(extra), needed=False)  # type: ignore[misc]
    yield Check("twin", _twin)
    yield Check("verilog", _verilog, slow=True)
    yield Check("verilator", lambda: _simulated("verilator"), slow=True)
    if shutil.which("iverilog"):
        yield Check("icarus runs", lambda: _simulated("icarus"), slow=True)


def _requirements() -> Iterator[tuple[str, str]]:
    """Each required package, and the extra that it is of, if any, as this Python needs them."""
    for line in importlib.metadata.requires("oxmc") or []:
        requirement, _, rule = line.partition(";")
        if "python_version" in rule and sys.version_info < (3, 12):
            continue
        extra = re.search(r"extra == ['\"]([\w-]+)", rule)
        found = NAME.match(requirement.strip())
        assert found is not None
        yield found[0], extra[1] if extra else ""


def _extras() -> list[str]:
    return [extra for extra in dict.fromkeys(extra for _, extra in _requirements()) if extra not in ("", "all")]


def _missing(extra: str) -> list[str]:
    missing = []
    for name in (name for name, of in _requirements() if of == extra and name != "oxmc"):
        try:
            importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    return missing


def _packages() -> str:
    if missing := _missing(""):
        raise InputError(f"not installed: {', '.join(missing)}")
    names = ("numpy", "numba", "amaranth", "cocotb", "verilator")
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)


def _extra(extra: str) -> str:
    if missing := _missing(extra):
        raise InputError(f"{', '.join(missing)}: {not_installed(extra)}")
    return "installed"


def _cache() -> str:
    folder = cache_folder()
    there = next(each for each in (folder, *folder.parents) if each.exists())  # a first build makes the rest
    with tempfile.TemporaryFile(dir=there):
        free_mb = shutil.disk_usage(there).free >> 20
    if free_mb < FULL_DISK_MB:
        raise RunError(f"{str(folder)!r} must have {FULL_DISK_MB} MB to spare, not {free_mb}")
    return f"{folder}, {free_mb / 1024:.0f} GB free"


def _version(tool: str, option: str = "--version") -> str:
    """The first line that a tool says of itself. Raises `InputError` where it is not there."""
    path = find_tool(tool, "an RTL engine")
    done = subprocess.run([path, option], env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise RunError(f"{path} {option} must work, but its exit code is {done.returncode}")
    return (done.stdout or done.stderr).partition("\n")[0].removesuffix("()").strip()


def _small_job() -> Job:
    """A training of some hundred cycles."""
    from oxmc.pymodels.config import preset
    from oxmc.pymodels.tasks import load_task
    from oxmc.pymodels.tasks.jobs import make_job

    config = preset("cancer", "paper").replace(rows=3, burn_in=1, features=2, train_samples=6, test_samples=2)
    return make_job(config, load_task("cancer", config, 0), 0)


def _twin() -> str:
    from oxmc.tb.cosim.twin import twin_of

    started = time.monotonic()
    outcome = twin_of(_small_job())
    return f"{outcome.filled_rows} rows trained in {time.monotonic() - started:.2f} s"


def _verilog() -> str:
    from oxmc.hdl.verilog.netlist import chip_verilog

    started = time.monotonic()
    lines = chip_verilog(_small_job().config).count("\n")
    return f"the chip in {lines} lines, in {time.monotonic() - started:.1f} s"


def _simulated(simulator: str) -> str:
    """A small training in a simulator, held against the twin's. Raises `RunError` where their states differ."""
    from oxmc.run.result import state_sha256
    from oxmc.run.simulated import simulate
    from oxmc.tb.cosim.twin import twin_of

    job, started = _small_job(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="oxmc-") as folder:
        outcomes = simulate(job, simulator, Path(folder)), twin_of(job)
    states = {state_sha256(outcome.conductance_ns, outcome.counters) for outcome in outcomes}
    if len(states) > 1:
        raise RunError("its training must end in the state of the twin's, and does not")
    return f"trains, the same bits as the twin, in {time.monotonic() - started:.1f} s with its build"
