"""The views of waves against the waves themselves, as the library that Surfer opens them with reads them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import oxmc
from oxmc.hdl.verilog.netlist import chip_verilog
from oxmc.run.simulated import viewers
from oxmc.tb.cosim import views

pywellen = pytest.importorskip("pywellen")
TINY = {"rows": 3, "burn_in": 1, "train_samples": 6, "test_samples": 2}
NEEDED = "Trainer Pulse_pins Array_port Draw Prior Likelihood Decision Inference".split()
testpoint = pytest.mark.testpoint(
    "views of the waves of a training",
    "every signal that a view for GTKWave or Surfer names is in the waves, with its width, as another program's reader "
    "has them; both name the same; the states of the trainer have names, and waves show those that a training goes "
    "through; a name or width that is not there is seen; every part of the timing diagram is there; gates",
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few hundred cycles on Icarus, with a programmer that verifies."""
    out = tmp_path_factory.mktemp("waves") / "run"
    oxmc.train("cancer", engine="icarus", settings=TINY, waves=True, out=out)
    return out


@pytest.fixture(scope="module")
def variables(run: Path) -> dict[str, Any]:
    return {each.full_name: each for each in pywellen.Waveform(str(run / "waves.fst")).all_vars()}


def of_gtkwave(text: str) -> dict[str, int]:
    """Signals and widths of a save file."""
    found = re.findall(r"^(?:\+\{.*\} )?(cosim\.\w[\w.]*)(?:\[(\d+):0\])?$", text, re.M)
    return {name: int(high or 0) + 1 for name, high in found}


def of_surfer(text: str) -> list[str]:
    return re.findall(r"^variable_add (\S+)$", text, re.M)


def unknown(text: str, variables: dict[str, Any]) -> list[str]:
    """Signals of a view for GTKWave that the waves have not, or of another width."""
    return [name for name, bits in of_gtkwave(text).items() if name not in variables or variables[name].length != bits]


@testpoint
def test_views_name_what_is_there(run: Path, variables: dict[str, Any]) -> None:
    text = (run / views.GTKWAVE).read_text()
    assert unknown(text, variables) == [] and len(of_gtkwave(text)) > 40
    assert of_surfer((run / views.SURFER).read_text()) == list(of_gtkwave(text))
    for name in re.findall(r"^\^\d+ (.*)$", text, re.M):
        assert (run / name).is_file()


@testpoint
def test_a_wrong_name_or_width_is_seen(run: Path, variables: dict[str, Any]) -> None:
    text = (run / views.GTKWAVE).read_text()
    assert unknown(text.replace("trainer.sample", "trainer.simple"), variables) == ["cosim.chip.trainer.simple"]
    assert unknown(text.replace("array_row[7:0]", "array_row[6:0]"), variables) == ["cosim.chip.array_row"]


@testpoint
def test_states_have_names(run: Path, variables: dict[str, Any]) -> None:
    """By the waves the trainer goes from IDLE through CLEAR and so on, as it says itself."""
    lines = (run / views.NAMES / "train_state.txt").read_text().splitlines()
    names = dict(reversed(line.split()) for line in lines[1:])
    state = variables["cosim.chip.trainer.train_state_state"]
    cycles = range(views.CYCLE_PS // 4, 4000 * views.CYCLE_PS, views.CYCLE_PS)
    assert lines[0] == f"Bits = {state.length}"
    values = dict.fromkeys(state.signal.value_at(time) for time in cycles)
    seen = [next(name for name, code in names.items() if int(code) == value) for value in values]
    assert seen[:2] == ["IDLE", "CLEAR"] and {"PROGRAM", "EVAL", "SETTLE", "DECIDE"} <= set(seen)


@testpoint
@pytest.mark.parametrize(("task", "preset"), [("cancer", "paper"), ("cancer", "wide")])
def test_every_part_of_the_diagram_is_there(task: str, preset: str) -> None:
    groups = views.lines_of(chip_verilog(oxmc.preset(task, preset), observed=True))
    assert set(NEEDED) <= set(groups) and ("Programmer" in groups) == (preset == "wide")


@testpoint
def test_beside_a_chip_of_gates_the_rtl_is_shown() -> None:
    text = chip_verilog(oxmc.preset("cancer", "paper"), observed=True).replace("oxmc_chip", "observer")
    lines = views.lines_of(text, "observer", "observed")["Trainer"]
    assert lines[0].signal == "cosim.observed.trainer.train_state_state"


COMMANDS = {
    "variable_add", "divider_add", "item_focus", "item_set_format", "item_unfocus", "variable_force_name_type",
    "cursor_set", "goto_cursor",
}  # fmt: skip
"""Of the commands that Surfer's documentation lists (docs/commands/README.md there), those that a view needs."""


@testpoint
def test_surfer_has_the_commands(run: Path) -> None:
    lines = [line.split(" ") for line in (run / views.SURFER).read_text().splitlines()]
    assert {command for command, *_ in lines} == COMMANDS
    assert all(len(words) == (1 if words[0] in ("item_unfocus", "goto_cursor") else 2) for words in lines)


@testpoint
def test_surfer_numbers_its_lines_in_letters() -> None:
    """As its source has it: hexadecimal digits as the letters a to p."""
    assert [views._letters(number) for number in (0, 9, 15, 16, 43)] == ["a", "j", "p", "ba", "cl"]


@testpoint
def test_the_summary_says_what_opens_the_waves(run: Path) -> None:
    assert viewers(run) == {"GTKWave": "gtkwave waves.gtkw", "Surfer": "surfer -c waves.sucl waves.fst"}
