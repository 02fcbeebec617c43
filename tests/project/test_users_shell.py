"""What lies in a user's shell, home and folders must not change a run: no variable, no package, no name of a folder."""

from __future__ import annotations

import ast
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numba
import pytest
from benches import CHOSEN, some
from commands import SMALL, oxmc, share_objects
from pytest import CaptureFixture, MonkeyPatch

from oxmc import start
from oxmc.hdl.verilog.netlist import component_verilog
from oxmc.pymodels import kernel_cache, machine, tools
from oxmc.pymodels.config import resolve
from oxmc.pymodels.errors import InputError, RunError
from oxmc.tb.cosim import runners
from oxmc.tb.cosim.simulator import Simulation

pytestmark = pytest.mark.testpoint(
    "a user's shell",
    "variables of other projects by family, own packages of our names, odd folders, no home, closed streams: "
    "the same bits, or one line; a failed build names its error and keeps its log",
)

PROGRAM = [sys.executable, "-P", "-m", "oxmc"]
"""What `.venv/bin/oxmc` does."""
SMALL_CONFIG = resolve("cancer", "wide", settings={"train_samples": 20, "test_samples": 5}, rows=4)
NOWHERE = "/proc/nowhere"
"""A folder that nobody can make, root included."""

FAMILIES = {
    "test filters of cocotb": dict(
        COCOTB_TEST_FILTER="none", COCOTB_TESTCASE="none", TESTCASE="none", COCOTB_LIST_TESTS="1",
        COCOTB_MAX_FAILURES="0",
    ),
    "test modules of cocotb": dict(
        COCOTB_TEST_MODULES="theirs", MODULE="theirs", COCOTB_TOPLEVEL="theirs", TOPLEVEL="theirs", TOPLEVEL_LANG="vhdl"
    ),
    "results of cocotb": dict(COCOTB_RESULTS_FILE="/proc/results.xml", COCOTB_RESULTS_RELATIVE_TO="x"),
    "seeds and settings of cocotb": dict(
        COCOTB_RANDOM_SEED="theirs", RANDOM_SEED="1", COCOTB_PLUSARGS="+x", PLUSARGS="+x", COCOTB_LOG_LEVEL="NONE",
        COCOTB_RESOLVE_X="RAISE", COCOTB_SCHEDULER_DEBUG="1", COCOTB_USER_COVERAGE="1", COCOTB_PDB_ON_EXCEPTION="1",
        COCOTB_ATTACH="60", COCOTB_ENABLE_PROFILING="1", COCOTB_TRUST_INERTIAL_WRITES="0", COCOTB_PREVIEW="x",
    ),
    "cocotb's own start": dict(
        GPI_USERS="/nowhere.so", GPI_EXTRA="/nowhere.so:x", GPI_LOG_LEVEL="theirs", PYGPI_USERS="theirs:main",
        PYGPI_PYTHON_BIN="/bin/false", PYGPI_ENTRY_POINT="theirs:main", LIBPYTHON_LOC="/nowhere.so",
    ),
    "a cocotb project's makefile": dict(
        SIM="theirs", WAVES="theirs", GUI="1", SIM_CMD_PREFIX="false", SIM_CMD_SUFFIX="x"
    ),
    "Verilator": dict(
        VERILATOR_ROOT="/nowhere", VERILATOR_BIN="false", VERILATOR_GDB="false", VERILATOR_TEST_FLAGS="--lint-only",
        VERILATOR_SOLVER="false", VERILATOR_RUNNING="99", PERL5OPT="-Mtheirs", PERL5LIB="/nowhere",
    ),
    "Icarus": dict(IVERILOG_ICONFIG="/nowhere", IVERILOG_VPI_MODULE_PATH="/nowhere", IVERILOG_DUMPER="none"),
    "make": dict(MAKEFLAGS="n", GNUMAKEFLAGS="-n", MAKEFILES="/nowhere", MAKELEVEL="7", VM_TRACE="1", OPT_GLOBAL="-x"),
    "compilers": dict(
        CXX="false", CC="false", LINK="false", AR="false", CXXFLAGS="-theirs", CPPFLAGS="-theirs", LDFLAGS="-theirs",
        CPATH="/nowhere", CPLUS_INCLUDE_PATH="/nowhere", LIBRARY_PATH="/nowhere", GCC_EXEC_PREFIX="/nowhere/",
        OBJCACHE="false", LD_RUN_PATH="/nowhere", DEPENDENCIES_OUTPUT="/proc/x",
    ),
    "another Python": dict(
        PYTHONSTARTUP="/nowhere", PYTHONWARNINGS="error", PYTHONOPTIMIZE="2", PYTHONINSPECT="1", PYTHONHASHSEED="7",
        PYTHONDONTWRITEBYTECODE="1", PYTHONUNBUFFERED="1", PYTHONFAULTHANDLER="1", VIRTUAL_ENV="/nowhere",
    ),
    "yosys": dict(YOSYS="false", AMARANTH_USE_YOSYS="system", YOWASP_MOUNT="theirs", YOSYS_MAX_THREADS="0"),
    "oxmc's own variables": dict(OXMC_JOB="/nowhere", OXMC_OWNER="1", OXMC_LOCKSTEP="1", OXMC_DRAWS="/proc/x"),
    "a terminal": dict(NO_COLOR="1", FORCE_COLOR="1", TERM="dumb", COLUMNS="1", LINES="1", PYTEST_ADDOPTS="--theirs"),
    "a shell": dict(ENV="/nowhere", BASH_ENV="/nowhere", CDPATH="/", POSIXLY_CORRECT="1", LC_ALL="xx_XX", LANG="C"),
}  # fmt: skip
"""What users export for other projects, by what it is meant for."""
EVERYTHING = {name: value for family in FAMILIES.values() for name, value in family.items()}

NAMES = ("a b", "it's", 'quo"te', "$HOME", "#1", "50%", "é", "a&b;c", "(x)", "back\\slash")

needs_verilator = pytest.mark.skipif(CHOSEN == "icarus", reason="Verilator alone")


def started(
    folder: Path, *arguments: object, program: list[str] | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """`oxmc` in a process of its own with `variables` and nothing else, but a PATH."""
    command = [*(program or PROGRAM), *map(str, arguments)]
    bare = {"PATH": os.environ["PATH"]}
    return subprocess.run(
        command, cwd=folder, env=bare | variables, capture_output=True, text=True, errors="replace",
        stdin=subprocess.DEVNULL, timeout=500,
    )  # fmt: skip


def state(capsys: CaptureFixture[str], engine: str, folder: Path) -> str:
    """Hash of the state that the small training ends in."""
    answer = oxmc(capsys, "train", "cancer", "--engine", engine, *SMALL, "--json", "--out", folder)
    assert answer.code == 0, answer
    return json.loads(answer.out)["result"]["state_sha256"]


@pytest.mark.parametrize("family", FAMILIES)
def test_no_tool_sees_what_a_user_exports_for(family: str, monkeypatch: MonkeyPatch) -> None:
    clean = {name: make() for name, make in (("tool", machine.environment), ("python", tools.python_environment))}
    for name, value in FAMILIES[family].items():
        monkeypatch.setenv(name, value)
    assert machine.environment() == clean["tool"]
    assert tools.python_environment() == clean["python"]


def test_a_tool_gets_what_it_needs(monkeypatch: MonkeyPatch) -> None:
    """An environment that kept nothing would pass the test above, too."""
    monkeypatch.setenv("PATH", "/somewhere:/usr/bin")
    assert machine.environment(OWN="1").items() >= {"PATH": "/somewhere:/usr/bin", "OWN": "1"}.items()
    monkeypatch.delenv("PATH")
    assert machine.environment()["PATH"] == os.defpath


@pytest.mark.cosim
@needs_verilator
@pytest.mark.parametrize("family", some(FAMILIES, "test filters of cocotb", "cocotb's own start"))
def test_a_training_is_the_same_after_a_user_exports(
    family: str, capsys: CaptureFixture[str], monkeypatch: MonkeyPatch, tmp_path: Path
) -> None:
    """The simulation is built once, without these variables; here they are there while it runs."""
    Simulation(SMALL_CONFIG, "verilator").build()
    for name, value in FAMILIES[family].items():
        monkeypatch.setenv(name, value)
    assert state(capsys, "verilator", tmp_path / "run") == state(capsys, "twin", tmp_path / "twin")


@pytest.fixture
def own_packages(tmp_path: Path) -> Path:
    """A folder where a user has packages and modules of our names."""
    folder = tmp_path / "theirs"
    for name in ("tb", "hdl", "pymodels", "energy"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(f"raise ImportError('{name} of a user')\n")
    return folder


@pytest.mark.cosim
@pytest.mark.slow
@needs_verilator
def test_a_user_builds_with_everything_exported_in_a_folder_of_odd_name(
    capsys: CaptureFixture[str], own_packages: Path, tmp_path: Path
) -> None:
    """One build and one run: all variables at once, own packages on PYTHONPATH, another `python` first on PATH."""
    odd = tmp_path / 'my chip\'s "1" $HOME #2 50% (é)'
    odd.mkdir()
    share_objects(odd / "build/sim")
    other = own_packages / "bin"
    other.mkdir()
    for name in ("python", "python3", "verilator", "verilator_bin", "yosys", "perl", "c++"):
        (other / name).write_text("#!/bin/sh\necho another $0 >&2\nexit 3\n")
        (other / name).chmod(0o755)
    path = os.pathsep.join((str(other), os.environ["PATH"]))
    hostile = EVERYTHING | {"PYTHONPATH": str(own_packages), "PATH": path, "HOME": str(odd)}
    hostile.pop("PYTHONHASHSEED")
    done = started(odd, "train", "cancer", *SMALL, "--json", "--out", odd / "a run", **hostile)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["result"]["state_sha256"] == state(capsys, "twin", tmp_path / "twin")
    assert list((odd / "build" / "sim").glob("verilator-*/cosim"))


@pytest.mark.cosim
@pytest.mark.parametrize("name", some(NAMES, "a b", 'quo"te', "é"))
def test_a_user_works_on_icarus_in_a_folder_called(
    name: str, capsys: CaptureFixture[str], monkeypatch: MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / name)
    monkeypatch.setenv("OXMC_BUILD", "builds")
    assert state(capsys, "icarus", Path("run")) == state(capsys, "twin", tmp_path / "twin")
    assert list((tmp_path / name / "builds").glob("icarus-*/sim.vvp"))


@pytest.mark.parametrize("name", ["a b", "it's", "$HOME", "#1", "50%", "é", "a:b"])
def test_make_has_a_plain_folder_beside(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    folder = runners.plain_folder(tmp_path / name)
    assert folder != tmp_path / name and runners.PLAIN.fullmatch(str(folder)) and os.access(folder, os.W_OK)
    assert runners.plain_folder(tmp_path) == tmp_path


def test_a_user_has_own_packages_of_our_names(own_packages: Path, tmp_path: Path) -> None:
    done = started(tmp_path, "train", "cancer", "--engine", "twin", *SMALL, "--json", PYTHONPATH=str(own_packages))
    assert done.returncode == 0, done.stderr
    theirs = started(tmp_path, "-c", "import tb", program=[sys.executable, "-P"], PYTHONPATH=str(own_packages))
    assert "tb of a user" in theirs.stderr, "their own stays theirs"


def test_a_user_imports_own_packages_before_us(own_packages: Path, tmp_path: Path) -> None:
    """As a sitecustomize does."""
    (own_packages / "tb" / "__init__.py").write_text("")
    (own_packages / "sitecustomize.py").write_text("import tb\n")
    done = started(tmp_path, "train", "cancer", "--engine", "icarus", *SMALL, "--json", PYTHONPATH=str(own_packages))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("family", some(("another Python", "a terminal", "a shell", "yosys"), "a terminal", "a shell"))
def test_a_command_works_after_a_user_exports(family: str, tmp_path: Path) -> None:
    done = started(tmp_path, "train", "cancer", "--engine", "twin", *SMALL, **FAMILIES[family])
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    assert "run directory" in done.stdout and "acceptance" in done.stdout


@pytest.mark.parametrize("closed", some(("<&-", ">&-", "2>&-", "<&- >&- 2>&-"), "2>&-", "<&- >&- 2>&-"))
def test_a_user_closes_a_stream(closed: str, tmp_path: Path) -> None:
    command = f'exec "$@" {closed}'
    arguments = ("train", "cancer", "--engine", "twin", *SMALL, "--json", "--out", "run")
    done = started(tmp_path, *arguments, program=["/bin/sh", "-c", command, "sh", *PROGRAM])
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "run" / "run.json").read_text())["result"]["rows_used"] >= 1


def test_a_user_reads_the_first_line_alone(tmp_path: Path) -> None:
    reader = ["/bin/sh", "-c", '"$@" | head -n 1; wait', "sh", *PROGRAM]
    done = started(tmp_path, "train", "cancer", "--engine", "twin", *SMALL, program=reader)
    assert done.returncode == 0 and done.stderr == "" and done.stdout.count("\n") == 1


@pytest.fixture
def no_home(monkeypatch: MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """HOME cannot be written; the folder of temporary files is this one."""
    machine.cache_root.cache_clear()
    monkeypatch.setenv("HOME", NOWHERE)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield tmp_path
    machine.cache_root.cache_clear()


def test_a_batch_node_has_no_home(no_home: Path, capsys: CaptureFixture[str]) -> None:
    folder = no_home / f"oxmc-{os.getuid()}"
    assert machine.cache_root() == machine.cache_root() == folder
    said = capsys.readouterr().err
    assert said == f"oxmc: note: compiled code is kept in '{folder}', since '{NOWHERE}/.cache' cannot be written\n"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_container_user_has_no_entry_of_a_home(
    no_home: Path, monkeypatch: MonkeyPatch, capsys: CaptureFixture[str]
) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("os.path.expanduser", lambda path: path)  # as for a user that the system does not know
    assert machine.cache_root() == no_home / f"oxmc-{os.getuid()}"
    assert "since there is no home folder" in capsys.readouterr().err


@pytest.mark.parametrize("planted", ["a link", "open to others", "a file"])
def test_a_folder_that_another_user_planted_is_not_used(planted: str, no_home: Path) -> None:
    folder = no_home / f"oxmc-{os.getuid()}"
    if planted == "a link":
        folder.symlink_to(no_home)
    elif planted == "a file":
        folder.write_text("")
    else:
        folder.mkdir()
        folder.chmod(0o777)
    found = machine.cache_root()
    assert found != folder and found.parent == no_home and stat.S_IMODE(found.stat().st_mode) == 0o700


def test_a_user_with_a_home_gets_no_note(monkeypatch: MonkeyPatch, tmp_path: Path, capsys: CaptureFixture[str]) -> None:
    machine.cache_root.cache_clear()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert machine.cache_root() == tmp_path / "cache" and capsys.readouterr().err == ""
    machine.cache_root.cache_clear()


def test_an_installation_cannot_be_written(no_home: Path, monkeypatch: MonkeyPatch) -> None:
    """Kernels go elsewhere, those of a simulator's Python, too."""
    sources = no_home / "package"
    sources.mkdir()
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")  # set, so that what is set below does not outlive this test
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    kernel_cache.place_cache(sources)
    assert "NUMBA_CACHE_DIR" not in os.environ
    monkeypatch.setattr(kernel_cache, "can_write", lambda folder: False)
    kernel_cache.place_cache(sources)
    place = os.environ["NUMBA_CACHE_DIR"]
    assert Path(place).is_relative_to(no_home) and numba.config.CACHE_DIR == place
    assert not (sources / "__pycache__").exists()
    assert tools.python_environment()["NUMBA_CACHE_DIR"] == place, "a simulator's Python compiles nothing anew"


def test_a_user_without_a_home_writes_verilog(tmp_path: Path) -> None:
    """Amaranth's Yosys compiles itself into a temporary folder, and no folder called '~' is left."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    done = started(tmp_path, "verilog", "--out", "v", HOME=NOWHERE, TMPDIR=str(scratch))
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("oxmc: note: compiled code is kept in ")
    assert list(scratch.glob("oxmc-*/wasmtime/*")) and not (tmp_path / "~").exists()


def test_a_user_without_a_home_plots(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    """The list of fonts goes to a temporary folder; another program's backend and style are not taken."""
    pytest.importorskip("matplotlib")
    state(capsys, "twin", tmp_path / "run")
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nfigure.facecolor: red\n")
    hostile = {"HOME": NOWHERE, "TMPDIR": str(tmp_path), "MPLBACKEND": "theirs", "MATPLOTLIBRC": str(tmp_path)}
    done = started(tmp_path, "plot", "run", **hostile)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("oxmc: note: compiled code is kept in "), done.stderr
    assert list((tmp_path / "run" / "plots").glob("*.png")) and list(tmp_path.glob("oxmc-*/matplotlib/fontlist*"))


@pytest.mark.parametrize("place", some(("missing", "a file", "read-only"), "a file"))
def test_a_user_has_a_folder_for_temporary_files_that_is(place: str, tmp_path: Path) -> None:
    folder = tmp_path / "tmp"
    if place == "a file":
        folder.write_text("")
    unusable = "/proc" if place == "read-only" else str(folder)
    done = started(tmp_path, "train", "cancer", "--engine", "twin", *SMALL, "--json", TMPDIR=unusable)
    assert done.returncode == 0 and done.stderr == "", done.stderr


@pytest.mark.slow
def test_a_user_who_is_not_root_has_no_home(tmp_path: Path) -> None:
    """Installation and home belong to another: a training in a folder of one's own works, and says where code goes."""
    if os.getuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs root and setpriv, to become another user")
    other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"]
    folder = Path(tempfile.mkdtemp(dir="/tmp", prefix="oxmc-nobody-"))
    try:
        os.chown(folder, 65534, 65534)
        code = "import subprocess, sys, tb; subprocess.run([sys.executable, '-c', ''], check=True)"
        reach = started(folder, "-c", code, program=[*other, sys.executable, "-P"], HOME=NOWHERE)
        if reach.returncode:
            pytest.skip("another user cannot reach this clone and its Python")
        arguments = ("train", "cancer", "--engine", "twin", *SMALL, "--json")
        done = started(folder, *arguments, program=[*other, *PROGRAM], HOME=NOWHERE, TMPDIR=str(folder))
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("\n") == 1 and "compiled code is kept in" in done.stderr
        again = started(folder, *arguments, program=[*other, *PROGRAM], HOME=NOWHERE, TMPDIR=str(folder))
        assert again.returncode == 0 and list(folder.glob("oxmc-65534/oxmc/kernels/*/*.nbi"))
    finally:
        shutil.rmtree(folder)


BROKEN = "module broken(input clk); nothing here(); endmodule\n"


@pytest.mark.cosim
@pytest.mark.parametrize("simulator", ["icarus", pytest.param("verilator", marks=needs_verilator)])
def test_a_failed_build_names_the_error_and_keeps_its_log(simulator: str, tmp_path: Path) -> None:
    def compile_in(folder: Path) -> None:
        runners.build(simulator, folder, "broken", ["broken.v"])

    with pytest.raises(RunError) as caught:
        runners.build_into(tmp_path / "chip", {"broken.v": BROKEN}, compile_in)
    message = str(caught.value)
    assert "broken.v:1" in message and "\n" not in message
    log = Path(message.rpartition("the whole log is in ")[2])
    assert "broken.v:1" in log.read_text()
    assert sorted(tmp_path.iterdir()) == [log], "the scratch folder is left"


@pytest.mark.cosim
@needs_verilator
def test_a_failed_compiler_is_named_not_makes_farewell(monkeypatch: MonkeyPatch, tmp_path: Path) -> None:
    """The line is the compiler's, for a source of Verilator's that g++ does not take."""

    def compile_in(folder: Path) -> None:
        (folder / "extra.cpp").write_text("int x = y;\n")
        runners.build("verilator", folder, "fine", ["fine.v", "extra.cpp"])

    with pytest.raises(RunError, match=r"make ended with exit code 2: .*extra\.cpp:1:9: error: .y. was not declared"):
        runners.build_into(tmp_path / "chip", {"fine.v": "module fine(input clk); endmodule\n"}, compile_in)


@pytest.mark.parametrize(
    ("log", "line"),
    [
        ("a\nb.cpp:1: error: x\nmake[1]: *** [b.o] Error 1\nmake: Leaving directory '/x'\n", "b.cpp:1: error: x"),
        ("make: *** No rule to make target 'x'.  Stop.\n", "make: *** No rule to make target 'x'.  Stop."),
        ("%Error: a.v:1: no\n%Error: Exiting due to 1 error(s)\n", "%Error: a.v:1: no"),
        ("/bin/sh: 1: python: not found\nmake: *** [Makefile:2: x] Error 127\n", "/bin/sh: 1: python: not found"),
        ("quiet\nlast\n", "last"),
        ("", "its log is empty"),
    ],
)
def test_the_line_that_holds_the_error(log: str, line: str) -> None:
    assert runners.error_line(log) == line


def test_another_yosys_writes_no_other_verilog(monkeypatch: MonkeyPatch, tmp_path: Path) -> None:
    from oxmc.hdl.lfsr import Lfsr

    def text() -> str:
        return component_verilog(Lfsr(width=8, step_bits=1), "lfsr")

    expected = text()
    (tmp_path / "yosys").write_text("#!/bin/sh\nexit 3\n")
    (tmp_path / "yosys").chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join((str(tmp_path), os.environ["PATH"])))
    for name, value in FAMILIES["yosys"].items():
        monkeypatch.setenv(name, value)
    assert text() == expected


def test_a_process_has_its_environment_back(monkeypatch: MonkeyPatch) -> None:
    before: Mapping[str, str] = dict(os.environ)
    with pytest.raises(InputError), tools.adopted({"ONE": "1"}):
        assert dict(os.environ) == {"ONE": "1"}
        raise InputError("x")
    assert dict(os.environ) == before


def test_python_starts_anew_without_what_is_meant_for_others(tmp_path: Path) -> None:
    """The shell's `-W error` of a Python would stop libraries that warn, `-i` would wait for input at the end."""
    code = "import os, sys, oxmc.start as s; s.forget_settings(); print(sys.flags.optimize, sorted(os.environ))"
    variables = dict.fromkeys((*start.FOR_OTHERS, "KEPT"), "1") | {"PYTHONHOME": sys.base_prefix}
    done = started(tmp_path, "-c", code, program=[sys.executable, "-P"], **variables)
    flags, _, names = done.stdout.strip().partition(" ")
    assert flags == "0" and {"KEPT", "PATH"} <= set(ast.literal_eval(names)), done
    assert not set(start.FOR_OTHERS) & set(ast.literal_eval(names))
