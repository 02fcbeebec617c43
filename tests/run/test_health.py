"""`oxmc doctor`: a line each, what is needed and what may be missing, and that it can fail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from commands import oxmc
from pytest import CaptureFixture, MonkeyPatch

from oxmc.hdl.verilog.netlist_cache import BUILDS
from oxmc.pymodels.errors import InputError
from oxmc.run import health
from oxmc.run.health import Check

pytestmark = pytest.mark.testpoint(
    "doctor",
    "this machine is well; what is needed decides, what is optional does not; a tool that is not there; a simulator "
    "whose training ends elsewhere than the twin's",
)


def fails() -> str:
    raise InputError("it is not\nthere")


def breaks() -> str:
    raise ZeroDivisionError("by zero")


def lines(capsys: CaptureFixture[str], *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    answer = oxmc(capsys, "doctor", "--json", *arguments)
    return answer.code, json.loads(answer.out)


def test_this_machine_is_well(capsys: CaptureFixture[str]) -> None:
    """What is needed is there, or no test ran; simulators are left to their own tests."""
    code, found = lines(capsys, "--quick")
    states = {line["name"]: line["state"] for line in found}
    assert code == 0 and "verilator" not in states
    for name in ("python", "oxmc", "packages", "cache", "compiler", "[test]", "twin"):
        assert states[name] == "ok", found
    text = oxmc(capsys, "doctor", "--quick").out
    assert len(text.splitlines()) == len(found) and text.startswith("ok      python ")


def test_a_folder_that_has_built_nothing_is_well(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.delenv(BUILDS, raising=False)
    monkeypatch.chdir(tmp_path)
    assert health._cache().startswith(f"{tmp_path / 'build/sim'}, ") and list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    monkeypatch.setenv(BUILDS, str(tmp_path / "file"))
    with pytest.raises(OSError, match="file"):
        health._cache()


@pytest.mark.parametrize(
    ("check", "code", "state", "found"),
    [
        (Check("needed", fails), 1, "failed", "it is not there"),
        (Check("broken", breaks), 1, "failed", "ZeroDivisionError: by zero"),
        (Check("optional", fails, needed=False), 0, "missing", "it is not there"),
        (Check("well", lambda: "here"), 0, "ok", "here"),
    ],
)
def test_what_is_needed_decides(
    capsys: CaptureFixture[str], monkeypatch: MonkeyPatch, check: Check, code: int, state: str, found: str
) -> None:
    monkeypatch.setattr(health, "checks", lambda: iter([check]))
    assert lines(capsys) == (code, [{"name": check.name, "state": state, "found": found}])


def test_a_tool_that_is_not_there(monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    lines = {check.name: check.line() for check in health.checks() if check.name in ("compiler", "icarus")}
    assert lines["compiler"]["state"] == "failed" and "'g++' on PATH" in lines["compiler"]["found"]
    assert lines["icarus"]["state"] == "missing" and "'iverilog' on PATH" in lines["icarus"]["found"]


@pytest.mark.cosim
def test_a_simulator_is_held_against_the_twin(monkeypatch: MonkeyPatch) -> None:
    line = Check("icarus runs", lambda: health._simulated("icarus")).line()
    assert line["state"] == "ok" and "the same bits as the twin" in line["found"], line
    monkeypatch.setattr("oxmc.run.result.state_sha256", lambda conductance, counters: str(id(conductance)))
    line = Check("icarus runs", lambda: health._simulated("icarus")).line()
    assert line["state"] == "failed" and "must end in the state of the twin's" in line["found"], line
