"""The command line: what it refuses and how, what it prints, and that nothing half-written stays."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import OXMC, ROOT, SMALL, TWIN, failure, oxmc, refusal
from pytest import CaptureFixture, MonkeyPatch

from oxmc.pymodels.config import TASKS, load_toml, resolve
from oxmc.pymodels.errors import InputError, RunError
from oxmc.pymodels.events import EVENTS, QUANTITIES
from oxmc.run import train

EXIT_CODES_AND_MESSAGES = pytest.mark.testpoint(
    "exit codes and messages", "one line on stderr, exit code by contract, in every bad use"
)
COMMAND_LINE = pytest.mark.testpoint("command line", "help, JSON, summary, run folders, sources of the configuration")

ALL = ", ".join(TASKS)
RUN_KEYS = {
    "result": {"metric", "value", "rows_used", "burn_in", "complete", "state_sha256"},
    "chain": {
        "proposals", "accepted", "acceptance", "counter_max", "counters_saturated", "rows_skipped", "dac_clamps",
    },
    "time": {"cycles", "clock_hz", "chip_s", "wall_s", "cycles_per_s"},
    "events": set(EVENTS),
    "quantities": set(QUANTITIES),
    "energy_j": {"28nm", "130nm"},
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: MonkeyPatch) -> Iterator[Path]:
    """A current folder that the test must leave as empty as it found it."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    assert list(tmp_path.iterdir()) == []


@EXIT_CODES_AND_MESSAGES
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("iris", f"task must be one of {ALL}, not 'iris'"),
        ("cancer --preset fast", "preset must be one of paper, frugal, best, posterior, wide, plain, not 'fast'"),
        ("cancer --engine vcs", "--engine must be one of verilator, icarus, twin, float, gates, not 'vcs'"),
        ("cancer --engine twin --waves", "--waves needs an RTL engine (verilator, icarus), not 'twin'"),
        ("cancer --rows 0", "rows must be an integer from 2 to 16384, not 0"),
        ("cancer --rows -1", "rows must be an integer from 2 to 16384, not -1"),
        ("cancer --rows 99999999", "rows must be an integer from 2 to 16384, not 99999999"),
        ("cancer --rows 8.5", "rows must be an integer from 2 to 16384, not 8.5"),
        ("cancer --rows x", "rows must be an integer from 2 to 16384, not 'x'"),
        ("cancer --seed x", "--seed must be an integer >= 0, not 'x'"),
        ("cancer --seed -1", "--seed must be an integer >= 0, not '-1'"),
        ("cancer --seed 1.5", "--seed must be an integer >= 0, not '1.5'"),
        ("cancer --set adc_bits=0", "adc_bits must be an integer from 2 to 12 bit, not 0"),
        ("cancer --set adc_bits=seven", "adc_bits must be an integer from 2 to 12 bit, not 'seven'"),
        ("cancer --set adc_bits", "--set must be key=value, not 'adc_bits'"),
        ("cancer --set adc_bits=", "adc_bits must be an integer from 2 to 12 bit, not ''"),
        ("cancer --set adc_bitz=8", "adc_bitz is not a configuration key; did you mean adc_bits?"),
        ("cancer --set clock_hz=nan", "clock_hz must be a number from 1000 to 1e+09 Hz, not nan"),
        ("cancer --rows 8 --set burn_in=8", "burn_in must be below rows (8), not 8"),
        ("cancer --set rows=8", "burn_in must be below rows (8), not 32"),
        ("cancer --set prior_sigma_us=0.1", "prior_sigma_us must be a number from 0.5 to 1000 uS, not 0.1"),
        (
            "cancer --preset wide --set prior_sigma_us=0.5 --set read_bits=3",
            "prior_sigma_us must be wider for a read step of 32 uS, not 0.5",
        ),
        (
            "cancer --set train_samples=500",
            "train_samples + test_samples must be at most 569 for task cancer, not 700",
        ),
        ("cancer --set outputs=3", "outputs must be 1 for task cancer, not 3"),
        (
            "cancer --config absent.toml",
            "--config must name a readable TOML file, not 'absent.toml' (No such file or directory)",
        ),
        ("cancer --config .", "--config must name a readable TOML file, not '.' (Is a directory)"),
    ],
)
def test_train_refuses(capsys: CaptureFixture[str], folder: Path, arguments: str, message: str) -> None:
    assert refusal(capsys, "train", *arguments.split()) == message


@EXIT_CODES_AND_MESSAGES
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("tarin", "No such command 'tarin'."),
        ("train", "Missing argument 'task'."),
        ("train cancer wine", "Got unexpected extra argument"),
        ("train cancer --bogus 3", "No such option: --bogus"),
        ("train cancer --rows", "Option '--rows' requires an argument."),
        ("energy", "Missing argument 'RUN...'."),
        ("verilog --engine twin", "No such option: --engine"),
        ("verilog iris", f"task must be one of {ALL}, not 'iris'"),
        ("verilog --set adc_bits=0", "adc_bits must be an integer from 2 to 12 bit, not 0"),
    ],
)
def test_bad_usage(capsys: CaptureFixture[str], folder: Path, arguments: str, message: str) -> None:
    """Upper and lower case as well as hints behind the message are typer's own and change with its versions."""
    assert refusal(capsys, *arguments.split()).lower().startswith(message.lower())


@EXIT_CODES_AND_MESSAGES
@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("rows = ", "--config must be valid TOML, not 'keys.toml' ("),
        ("rows: 8", "--config must be valid TOML, not 'keys.toml' ("),
        ("adc_bitz = 8", "adc_bitz is not a configuration key; did you mean adc_bits?"),
        ("[rows]\nn = 8", "rows must be an integer from 2 to 16384, not {'n': 8}"),
        ("[paper]\nrows = 8", "paper is not a configuration key; did you mean "),
        ('rows = "8"', "rows must be an integer from 2 to 16384, not '8'"),
        ("rows = true", "rows must be an integer from 2 to 16384, not True"),
        ("rows = 2020-01-01", "rows must be an integer from 2 to 16384, not datetime.date(2020, 1, 1)"),
        ("card = 4", "card must be one of 16k, 4k, rram-a, rram-c or a file .toml, not 4"),
    ],
)
def test_a_bad_toml_file(
    capsys: CaptureFixture[str], tmp_path: Path, monkeypatch: MonkeyPatch, toml: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("keys.toml").write_text(toml)
    for command in ("train", "verilog"):
        assert refusal(capsys, command, "cancer", "--config", "keys.toml").startswith(message)
    assert [path.name for path in tmp_path.iterdir()] == ["keys.toml"]


@EXIT_CODES_AND_MESSAGES
def test_a_message_stays_on_one_line(capsys: CaptureFixture[str], folder: Path) -> None:
    found = refusal(capsys, "train", "cancer", "--set", "adc\nbits=8")
    assert found == "adc bits is not a configuration key; did you mean adc_bits?"


@EXIT_CODES_AND_MESSAGES
def test_out_is_new_or_empty_and_writable(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    file, full = tmp_path / "file", tmp_path / "full"
    file.write_text("mine")
    full.mkdir()
    (full / "run.json").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    messages = {
        file: f"--out must be a folder, not the file {str(file)!r}",
        file / "x": f"--out must be a folder that can be written, not {str(file / 'x')!r} (File exists)",
        file
        / "x"
        / "y": f"--out must be a folder that can be written, not {str(file / 'x' / 'y')!r} (Not a directory)",
        full: f"--out must be a new or empty folder, not {str(full)!r}, which has files in it",
        tmp_path / ("x" * 300): "--out must be a folder that can be written, not "
        f"{str(tmp_path / ('x' * 300))!r} (File name too long)",
    }
    for out, message in messages.items():
        assert refusal(capsys, *TWIN, "--out", out) == message
    assert sorted(tmp_path.rglob("*")) == before
    assert (full / "run.json").read_text() == "mine"


@EXIT_CODES_AND_MESSAGES
@pytest.mark.parametrize(
    ("engine", "tool", "present"),
    [
        ("icarus", "iverilog", ()),
        ("icarus", "vvp", ("iverilog",)),
        ("verilator", "g++", ()),
        ("verilator", "make", ("g++",)),
    ],
)
def test_a_missing_simulator(
    capsys: CaptureFixture[str], tmp_path: Path, monkeypatch: MonkeyPatch, engine: str, tool: str, present: tuple[str]
) -> None:
    """Verilator itself is a Python package, so that what can be missing is a compiler for it."""
    (tmp_path / "bin").mkdir()
    for name in present:
        (tmp_path / "bin" / name).touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    arguments = ("train", "cancer", "--rows", "4", "--engine", engine, "--out", tmp_path / "new" / "run")
    assert refusal(capsys, *arguments) == f"--engine {engine} needs {tool!r} on PATH, which is not there"
    assert [path.name for path in tmp_path.iterdir()] == ["bin"]


@EXIT_CODES_AND_MESSAGES
def test_debug_shows_the_traceback(folder: Path) -> None:
    arguments = [OXMC, "--debug", "train", "iris"]
    found = subprocess.run(arguments, capture_output=True, text=True, cwd=folder)
    assert found.returncode not in (0, 130) and "Traceback" in found.stderr
    assert f"InputError: task must be one of {ALL}, not 'iris'" in found.stderr


@EXIT_CODES_AND_MESSAGES
@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (InputError("a must be b, not c"), 2, "a must be b, not c"),
        (RunError("it broke"), 1, "it broke"),
        (OSError(28, "No space left on device"), 1, "[Errno 28] No space left on device"),
        (ZeroDivisionError("oh\nno"), 1, "ZeroDivisionError: oh (oxmc --debug shows all of it)"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_exit_codes(
    capsys: CaptureFixture[str], folder: Path, monkeypatch: MonkeyPatch, error: BaseException, code: int, message: str
) -> None:
    """Whatever ends a training, nothing of it is left, not even the folders made for it."""

    def fail(*_: Any) -> None:
        assert [path.name for path in folder.iterdir()] == ["new"]
        raise error

    monkeypatch.setattr(train, "run_engine", fail)
    assert failure(oxmc(capsys, *TWIN, "--out", "new/run"), code) == message


@COMMAND_LINE
@pytest.mark.parametrize("command", [[], ["train"], ["verilog"], ["energy"]])
def test_help(capsys: CaptureFixture[str], folder: Path, command: list[str]) -> None:
    answer = oxmc(capsys, *command, "--help")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith(f"Usage: {' '.join(['oxmc', *command])} [OPTIONS]")


@COMMAND_LINE
def test_python_m_tb_is_oxmc() -> None:
    for arguments in (["--help"], ["train", "iris"]):
        found = [
            subprocess.run([*program, *arguments], capture_output=True, text=True, cwd=ROOT)
            for program in ([OXMC], [sys.executable, "-m", "oxmc"])
        ]
        assert found[0].stdout == found[1].stdout and found[0].stderr == found[1].stderr
        assert found[0].returncode == found[1].returncode == (0 if arguments == ["--help"] else 2)


def without_times(run: dict[str, Any]) -> dict[str, Any]:
    clock = {name: value for name, value in run["time"].items() if name not in ("wall_s", "cycles_per_s")}
    return {**run, "time": clock}


@COMMAND_LINE
def test_json_is_run_json_and_repeats(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    runs = []
    for name, seed in (("a", "5"), ("b", "5"), ("c", "6")):
        answer = oxmc(capsys, *TWIN, "--seed", seed, "--json", "--out", tmp_path / name)
        assert (answer.code, answer.err) == (0, "")
        runs.append(json.loads(answer.out))
        assert runs[-1] == json.loads((tmp_path / name / "run.json").read_text())
    assert without_times(runs[0]) == without_times(runs[1])
    assert runs[0]["result"]["state_sha256"] != runs[2]["result"]["state_sha256"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "c"]


@COMMAND_LINE
def test_keys_of_run_json(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    run = json.loads(oxmc(capsys, *TWIN, "--seed", 10**30, "--json", "--out", tmp_path / "run").out)
    for name, keys in RUN_KEYS.items():
        assert set(run[name]) == keys
    head = {key: run[key] for key in ("schema", "task", "engine", "preset", "seed")}
    assert head == dict(schema="oxmc.run/1", task="cancer", engine="twin", preset="paper", seed=10**30)
    assert (run["config"]["rows"], run["config"]["burn_in"], run["config"]["train_samples"]) == (4, 0, 20)
    assert {"oxmc", "cocotb", "verilator"} <= set(run["versions"])
    assert (run["result"]["metric"], run["result"]["rows_used"], run["result"]["complete"]) == ("accuracy", 4, True)
    assert run["result"]["value"] in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)  # of 5 test points
    assert run["chain"]["accepted"] == 3 and run["chain"]["proposals"] >= 3  # row 0 is given, each other was accepted
    assert run["chain"]["acceptance"] == 3 / run["chain"]["proposals"]
    assert run["time"]["cycles"] == run["events"]["cycle"]
    assert run["time"]["chip_s"] == run["time"]["cycles"] / 10e6
    for joules in run["energy_j"].values():
        assert 0 < joules["low"] < joules["total"] < joules["high"]
        assert list(joules["parts"]) == ["training", "inference"]


@COMMAND_LINE
def test_the_default_preset_is_best(capsys: CaptureFixture[str], tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = json.loads(oxmc(capsys, "train", "cancer", "--engine", "twin", *SMALL, "--json").out)
    assert run["preset"] == "best" and run["config"]["verify"] == "pair"
    assert (tmp_path / "build" / "runs" / "cancer-best-twin-s0" / "run.json").exists()
    assert oxmc(capsys, "verilog", "--out", tmp_path / "v").code == 0
    assert load_toml(tmp_path / "v" / "config.toml") == resolve("cancer", "best").as_dict()


@COMMAND_LINE
def test_rows_set_and_config_meet(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    """The file over the preset, --set over the file, --rows over all."""
    keys = tmp_path / "keys.toml"
    keys.write_text("rows = 64\ntest_samples = 50\ntrain_samples = 30")
    arguments = (*TWIN, "--config", keys, "--set", "test_samples=7", "--json", "--out", tmp_path / "run")
    config = json.loads(oxmc(capsys, *arguments).out)["config"]
    assert [config[key] for key in ("rows", "train_samples", "test_samples")] == [4, 20, 7]


@COMMAND_LINE
def test_an_unfinished_training_says_so(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    arguments = (*TWIN, "--set", "max_proposals=1", "--json", "--out", tmp_path / "run")
    run = json.loads(oxmc(capsys, *arguments).out)
    assert run["chain"]["proposals"] == 1 and run["result"]["complete"] is False
    assert run["result"]["rows_used"] == run["chain"]["accepted"] + 1 <= 2


@COMMAND_LINE
@pytest.mark.parametrize("name", ["plain", "[/] :smile:"])  # markup to the library that draws the tables
def test_summary(capsys: CaptureFixture[str], tmp_path: Path, monkeypatch: MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    answer = oxmc(capsys, *TWIN, "--out", name)
    assert (answer.code, answer.err) == (0, "")
    run = json.loads((tmp_path / name / "run.json").read_text())
    lines = [" ".join(line.split()) for line in answer.out.splitlines()]
    assert f"run directory {name}" in lines
    assert f"state {run['result']['state_sha256'][:16]}" in lines
    assert f"test accuracy {run['result']['value']:.4f} on 5 points (on the chip)" in lines
    (reference,) = (k for k, line in enumerate(lines) if line.startswith("logistic regression "))
    told = " ".join(lines)
    assert reference < next(k for k, line in enumerate(lines) if "uJ" in line or "nJ" in line)
    assert all(f"warning {text}" in told for text in run["warnings"])
    assert run["notes"] and all(f"note {text}" in told for text in run["notes"])
    assert lines[-1] == f"as a page oxmc report {shlex.quote(name)}"
    for node, joules in run["energy_j"].items():
        training = joules["parts"]["training"]["total"]
        assert any(line.startswith(f"energy at {node} training {training * 1e6:.3g} uJ") for line in lines)


@COMMAND_LINE
def test_runs_without_out_get_new_folders(
    capsys: CaptureFixture[str], tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(3):
        assert oxmc(capsys, *TWIN, "--seed", 7).code == 0
    names = sorted(path.name for path in (tmp_path / "build" / "runs").iterdir())
    assert names == ["cancer-paper-twin-s7", "cancer-paper-twin-s7-2", "cancer-paper-twin-s7-3"]
