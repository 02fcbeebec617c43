"""A kept build of the co-simulation runs only as it was built, from the sources that it would be built from."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import SMALL, oxmc
from pytest import CaptureFixture, MonkeyPatch

from oxmc.pymodels.config import Config
from oxmc.pymodels.digests import MANIFEST, manifest_holds
from oxmc.tb.cosim import simulator
from oxmc.tb.cosim.simulator import Simulation

pytestmark = [
    pytest.mark.cosim,
    pytest.mark.testpoint(
        "kept builds",
        "a build of the co-simulation whose program, manifest or sources were changed is made anew, and said; a "
        "whole one is kept; another iverilog; a training gives the same bits after its cache was poisoned",
    ),
]
CONFIG = Config(rows=4, train_samples=20, test_samples=5, burn_in=0)
TRAIN = ("train", "cancer", "--preset", "paper", "--engine", "icarus", *SMALL, "--json")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with one build."""
    folder = tmp_path_factory.mktemp("cache")
    with MonkeyPatch.context() as patch:
        patch.setenv("OXMC_BUILD", str(folder))
        Simulation(CONFIG, "icarus").build()
    return folder


@pytest.fixture
def simulation(built: Path, tmp_path: Path, monkeypatch: MonkeyPatch) -> Simulation:
    """Of a copy of it, to be spoilt."""
    shutil.copytree(built, tmp_path / "sim")
    monkeypatch.setenv("OXMC_BUILD", str(tmp_path / "sim"))
    return Simulation(CONFIG, "icarus")


def edit(name: str, old: str, new: str) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1))

    return change


def add_program(folder: Path) -> None:
    (folder / "more").write_text("#!/bin/sh\n")
    (folder / "more").chmod(0o755)


SPOILS: dict[str, Callable[[Path], object]] = {
    "program changed": edit("sim.vvp", "S_", "S-"),
    "program empty": lambda folder: (folder / "sim.vvp").write_text(""),
    "program gone": lambda folder: (folder / "sim.vvp").unlink(),
    "program more": add_program,
    "manifest gone": lambda folder: (folder / MANIFEST).unlink(),
    "manifest empty": lambda folder: (folder / MANIFEST).write_text(""),
    "source changed": edit("cosim.v", "module", "module "),
    "source gone": lambda folder: (folder / "oxmc_chip.v").unlink(),
}


@pytest.mark.parametrize("name", list(SPOILS))
def test_a_build_that_someone_has_changed_is_made_anew(
    simulation: Simulation, name: str, capsys: CaptureFixture[str]
) -> None:
    """One line says so, and nothing but the new build is left."""
    SPOILS[name](simulation.folder)
    capsys.readouterr()
    simulation.build()
    assert capsys.readouterr().err == f"oxmc: {str(simulation.folder)!r} is not what was stored: made anew\n"
    assert manifest_holds(simulation.folder)
    assert all((simulation.folder / source).read_text() == text for source, text in simulation.sources.items())
    kept = [path.name for path in simulation.folder.parent.iterdir() if not path.name.startswith("netlist-")]
    assert kept == [simulation.folder.name]
    simulation.build()
    assert capsys.readouterr().err == ""


def test_a_whole_build_is_kept(simulation: Simulation, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr(Simulation, "_compile", lambda *_: pytest.fail("built again"))
    simulation.build()


def test_another_iverilog_builds_anew(simulation: Simulation, tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    tool = tmp_path / "iverilog"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    found = shutil.which
    monkeypatch.setattr(simulator.shutil, "which", lambda name: str(tool) if name == "iverilog" else found(name))
    assert Simulation(CONFIG, "icarus").folder != simulation.folder


def test_a_user_trains_after_someone_has_put_another_chip_into_the_cache(
    tmp_path: Path, monkeypatch: MonkeyPatch, capsys: CaptureFixture[str]
) -> None:
    """Netlist and build of a chip whose decisions are turned round: the run is that of the right one."""
    monkeypatch.setenv("OXMC_BUILD", str(tmp_path / "sim"))
    first = oxmc(capsys, *TRAIN, "--out", tmp_path / "first")
    assert first.code == 0
    state = (tmp_path / "first" / "state.npz").read_bytes()
    (folder,) = (tmp_path / "sim").glob("icarus-*")
    edit("sim.vvp", ".functor OR", ".functor AND")(folder)
    again = oxmc(capsys, *TRAIN, "--out", tmp_path / "again")
    assert again.code == 0 and again.err.count("is not what was stored: made anew") == 1
    assert (tmp_path / "again" / "state.npz").read_bytes() == state
