"""A chip that would run for ever and a simulator that stands still: both end, with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from benches import on_each_simulator
from commands import SMALL, Answer, oxmc
from pytest import CaptureFixture, MonkeyPatch

from oxmc.hdl.verilog.netlist import chip_verilog
from oxmc.pymodels.config import Config, preset
from oxmc.pymodels.errors import RunError
from oxmc.pymodels.formats import Formats
from oxmc.run.engine import COUPLINGS
from oxmc.tb.cosim import simulator as cosim
from oxmc.tb.cosim import watchdog
from oxmc.tb.cosim.watchdog import Heartbeat, Watchdog, longest_wait

pytestmark = pytest.mark.testpoint(
    "simulations end",
    "a chip that never ends is stopped by its cycle budget, in both couplings and simulators, one that "
    "overlooks its limit, a simulator that stands still; the bound holds all that may lie between two proposals",
)

REJECTS = ("assign accept = ", "assign accept = 1'b0 & ")
STUCK = (*REJECTS, "= proposals + 1'h1;", "= proposals;")
"""All is rejected and no proposal counted: pulse after lawful pulse, without an end."""
DEAF = (*REJECTS, "proposals == max_proposals", "1'b0")
"""All is rejected, and the limit of proposals overlooked."""


def with_mutant(monkeypatch: MonkeyPatch, mutant: tuple[str, ...]) -> None:
    """Every chip that is built from now on has the mistakes: text and what replaces it by turns."""

    def mistaken(config: Config, observed: bool) -> str:
        text = chip_verilog(config, observed=observed)
        for old, new in zip(mutant[::2], mutant[1::2], strict=True):
            assert old in text, f"nothing to mutate: {old!r}"
            text = text.replace(old, new)
        return text

    monkeypatch.setattr(cosim, "chip_verilog", mistaken)
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # where cocotb finds it, it ends the program itself


def last_line(answer: Answer) -> str:
    """The message of a run that failed; above it is its progress."""
    assert answer.code == 1 and answer.out == "" and "Traceback" not in answer.err, answer
    return answer.err.splitlines()[-1].removeprefix("oxmc: error: ")


@pytest.mark.cosim
@on_each_simulator
@pytest.mark.parametrize("coupling", COUPLINGS)
def test_a_user_simulates_a_netlist_that_never_ends(
    capsys: CaptureFixture[str], tmp_path: Path, monkeypatch: MonkeyPatch, simulator: str, coupling: str
) -> None:
    with_mutant(monkeypatch, STUCK)
    arguments = ("--engine", simulator, "--coupling", coupling, "--out", tmp_path / "run")
    message = last_line(oxmc(capsys, "train", "cancer", "--preset", "paper", *SMALL, *arguments))
    assert "the chip does not end: proposal 0 must be followed by a step within " in message
    assert "2 times the cycle budget's longest wait, not by none in clock cycle " in message
    assert message.endswith("phase train")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.cosim
def test_a_user_simulates_a_netlist_that_overlooks_its_limit(
    capsys: CaptureFixture[str], tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    with_mutant(monkeypatch, DEAF)
    arguments = ("--engine", "icarus", "--set", "max_proposals=9", "--out", tmp_path / "run")
    message = last_line(oxmc(capsys, "train", "cancer", "--preset", "paper", *SMALL, *arguments))
    assert "must not come after max_proposals (9), phase train" in message


@pytest.mark.cosim
def test_a_user_simulates_a_netlist_that_stands_still(
    capsys: CaptureFixture[str], tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    """A loop without time in it: no clock cycle ever comes, and nothing inside the simulator can say so."""
    with_mutant(monkeypatch, ("  assign accept = ", "  initial forever;\n  assign accept = "))
    monkeypatch.setattr(watchdog, "SILENT_S", 5.0)
    arguments = ("--engine", "icarus", "--out", tmp_path / "run")
    message = last_line(oxmc(capsys, "train", "cancer", "--preset", "paper", *SMALL, *arguments))
    assert message == "icarus failed: it stands still before its first cycles, for 5 s now"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["cancer", "digits", "cartpole", "ecg", "wine"])
@pytest.mark.parametrize("kind", ["paper", "wide"])
def test_the_longest_wait_is_longer_than_all_but_the_chain(name: str, kind: str) -> None:
    """The budget's parts, one by one: none may reach the bound that a whole run is held to."""
    from oxmc.pymodels.budget import formulas as budget

    config = preset(name, kind)
    formats = Formats(config.chip)
    wait = longest_wait(formats)
    assert wait > budget.build_cycles(formats) + budget.row_cycles(formats)
    assert wait > budget.infer_cycles(formats, config.rows)
    assert longest_wait(Formats(config.chip.replace(form=True))) >= wait + budget.form_cycles(formats)
    if config.verify != "off":
        assert wait > longest_wait(Formats(config.chip.replace(verify_tries=0)))


def test_the_watchdog_barks_at_the_bound_and_not_before() -> None:
    dog = Watchdog(Formats(preset("cancer", "paper").replace(max_proposals=3)))
    assert [dog.look(cycle, 1) for cycle in (0, dog.bound)] == ["", ""]
    assert "must be followed by a step within" in dog.look(dog.bound + 1, 1)
    assert dog.look(dog.bound + 2, 2) == dog.look(2 * dog.bound + 2, 3) == ""
    assert dog.look(2 * dog.bound + 3, 4) == (
        f"proposal 4 in clock cycle {2 * dog.bound + 3} must not come after max_proposals (3)"
    )


def test_a_heart_that_beats_is_left_alone(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    now, seen, file = [0.0], [], tmp_path / "progress"
    monkeypatch.setattr(watchdog.time, "monotonic", lambda: now[0])
    heart = Heartbeat(file, lambda: seen.append(now[0]))
    for cycle in range(5):
        file.write_text(f"{cycle} 0 0")
        now[0] += watchdog.SILENT_S
        heart()
    assert len(seen) == 5
    now[0] += watchdog.SILENT_S + 1
    with pytest.raises(RunError, match="^it stands still at clock cycle 4, for 600 s now$"):
        heart()
