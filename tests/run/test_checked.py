"""Run directories that were torn or changed are refused, whatever is in them: each field of run.json is tried."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benches import some
from commands import SMALL, TWIN, oxmc, refusal
from pytest import CaptureFixture, TempPathFactory

from oxmc.cli.app import run as run_oxmc
from oxmc.energy.ledger import Ledger, array_energy_error
from oxmc.pymodels import strict
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.outcome import Outcome
from oxmc.run.checked import checked_run

pytestmark = pytest.mark.testpoint(
    "runs that are read again",
    "each number of run.json as NaN, infinity, -1, 1e308, text, null or bool, each key left out or added, torn "
    "or other states, posteriors and lines of repeats are refused; the conservation check sees what is no "
    "number",
)

BAD = (float("nan"), float("inf"), float("-inf"), -1, 1e308, "1", None, True, False, [], 10**400)
"""What a number may turn into; a test of each field tries all of them."""
UNKNOWN = ("rhat_max", "ess_bulk_min", "autocorrelation_max", "ess_per_uj", "ess_per_set", "ess_per_chip_s")
"""Statistics that null stands for where they are not known; neither energy nor plot reads them."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: TempPathFactory) -> dict[str, Path]:
    """A run, one of repeats, one of chains, one of outputs by themselves and one with rewards."""
    parent = tmp_path_factory.mktemp("runs")
    cartpole = ("train", "cartpole", "--engine", "twin", "--rows", "3", "--set", "test_episodes=2")
    arguments = {
        "plain": TWIN,
        "repeats": (*TWIN, "--repeats", "3"),
        "chains": ("train", "cancer", "--engine", "float", *SMALL, "--chains", "2"),
        "outputs": ("train", "wine", "--engine", "twin", "--rows", "4", "--set", "counters=own"),
        "rewards": (*cartpole, "--set", "episode_steps=20"),
    }
    for name, words in arguments.items():
        assert run_oxmc([*words, "--out", str(parent / name)]) == 0
    return {name: parent / name for name in arguments}


def record(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((path / "run.json").read_text())
    return found


def numbers(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where in a value of JSON a number stands."""
    if isinstance(value, dict | list):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from numbers(part, (*path, key))
    elif isinstance(value, int | float):
        yield path


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy of a value of JSON with one part exchanged."""
    copy = json.loads(json.dumps(value))
    place = copy
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = new
    return copy


def same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and one == other


KINDS = ("plain", "repeats", "chains", "outputs", "rewards")


@pytest.mark.parametrize("name", some(KINDS, "plain"))
def test_a_user_changes_any_number_of_a_run(runs: dict[str, Path], name: str) -> None:
    """Each number of run.json becomes each of `BAD`; the run is refused but where null stands for what is unknown."""
    folder, whole = runs[name], record(runs[name])
    file = folder / "run.json"
    before, taken = file.read_text(), []
    fields = list(numbers(whole))
    assert len(fields) > 200
    try:
        for path in fields:
            old = whole
            for key in path:
                old = old[key]
            for bad in (bad for bad in BAD if not same(bad, old)):
                file.write_text(json.dumps(replaced(whole, path, bad)))
                try:
                    checked_run(folder)
                except InputError:
                    continue
                taken.append((path[-1], bad))
    finally:
        file.write_text(before)
    checked_run(folder)
    assert [pair for pair in taken if pair[0] not in UNKNOWN or pair[1] is not None] == []


@pytest.mark.parametrize("name", some(KINDS, "plain", "repeats"))
def test_a_run_with_a_part_missing_or_added(runs: dict[str, Path], name: str) -> None:
    """No key of run.json may be left out, at any depth, and none may be there that is not known."""
    file, whole = runs[name] / "run.json", record(runs[name])
    before, taken = file.read_text(), []

    def tables(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
        if isinstance(value, dict):
            yield path
            for key, part in value.items():
                yield from tables(part, (*path, key))

    def place_of(value: Any, path: tuple[Any, ...]) -> Any:
        for key in path:
            value = value[key]
        return value

    try:
        for path in tables(whole, ()):
            for key in place_of(whole, path):
                copy = json.loads(before)
                del place_of(copy, path)[key]
                taken += attempt(file, copy, (*path, key))
            copy = json.loads(before)
            place_of(copy, path)["more"] = 1
            taken += attempt(file, copy, (*path, "more"))
    finally:
        file.write_text(before)
    # what the machine had installed decides nothing that is reported; runs of before scaling was kept have none
    assert [path for path in taken if path[0] != "versions" and path != ("data", "scaling")] == []


def attempt(file: Path, changed: Any, path: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """The path where a changed run.json is taken for whole."""
    file.write_text(json.dumps(changed))
    try:
        checked_run(file.parent)
    except InputError:
        return []
    return [path]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999", "1e308"])
def test_a_user_reports_a_run_whose_array_integral_is_no_number(
    runs: dict[str, Path], tmp_path: Path, capsys: CaptureFixture[str], value: str
) -> None:
    out = Path(shutil.copytree(runs["plain"], tmp_path / "run"))
    text = json.dumps(replaced(record(out), ("array_energy_j", "train", "set"), "X")).replace('"X"', value)
    (out / "run.json").write_text(text)
    for command in ("energy", "plot"):
        assert "is no finite number" in refusal(capsys, command, out)
    alone = tmp_path / "alone.json"
    shutil.copy(out / "run.json", alone)
    assert "is no finite number" in refusal(capsys, "energy", alone)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_the_conservation_check_sees_what_is_no_number(value: float) -> None:
    """`max` drops a NaN, and the relative difference from infinity is one."""
    assert not array_energy_error(Ledger(()), {"train": {"set": value}}) < 1e-9


def flip_middle(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(bytes(content))


def other_state(path: Path) -> None:
    """A whole state of the same shape, in which one conductance is another."""
    state = Outcome.load(path)
    with np.load(path) as file:
        more = {name: file[name] for name in ("test_codes", "test_t")}
    state.conductance_ns[0, 0] += 1
    state.save(path, **more)


def float_state(path: Path) -> None:
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **(arrays | {"counters": arrays["counters"].astype(float)}))


SPOILS: dict[str, Callable[[Path], object]] = {
    "removed": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "torn": lambda path: path.write_bytes(path.read_bytes()[:-200]),
    "half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "flipped": flip_middle,
    "other": other_state,
    "float": float_state,
}


@pytest.mark.parametrize("spoil", list(SPOILS))
def test_a_user_reports_a_run_whose_state_is_torn(
    runs: dict[str, Path], tmp_path: Path, capsys: CaptureFixture[str], spoil: str
) -> None:
    out = Path(shutil.copytree(runs["plain"], tmp_path / "run"))
    SPOILS[spoil](out / "state.npz")
    for command in ("energy", "plot"):
        assert "state" in refusal(capsys, command, out)


def test_a_user_plots_a_posterior_of_another_run(
    runs: dict[str, Path], tmp_path: Path, capsys: CaptureFixture[str]
) -> None:
    """posterior.nc must be of the state: that of another seed, whole in itself, is none."""
    pytest.importorskip("h5netcdf")
    assert oxmc(capsys, *TWIN, "--seed", "1", "--out", tmp_path / "other").code == 0
    out = Path(shutil.copytree(runs["plain"], tmp_path / "run"))
    assert oxmc(capsys, "plot", out, "--out", tmp_path / "plots").code == 0
    shutil.copy(tmp_path / "other" / "posterior.nc", out)
    assert refusal(capsys, "plot", out).startswith("RUN must hold a posterior.nc of its state, which ")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: lines[:-1], "runs.jsonl must have as many lines as repeats.n says, 3, not 2"),
        (lambda lines: [*lines, lines[-1]], "line 4 must be of repeat 3, not 2"),
        (lambda lines: [lines[1], lines[0], lines[2]], "line 1 must be of repeat 0, not 1"),
        (lambda lines: [*lines[:-1], lines[-1] | {"value": 0.123}], "repeats.values[2] must be "),
        (lambda lines: [*lines[:-1], lines[-1] | {"seed": 5}], "seeds of the repeats[2] must be "),
        (lambda lines: [lines[0] | {"cycles": 1}, *lines[1:]], "line 1 of runs.jsonl.cycles must be "),
        (lambda lines: [*lines[:-1], lines[-1] | {"energy_j": {"28nm": 1.0}}], "energy_j must have 28nm, 130nm"),
        (lambda lines: [*lines[:-1], lines[-1] | {"reference": None}], "reference must be a finite number "),
        (lambda lines: [*lines[:-1], {}], "a line must have repeat, "),
    ],
)
def test_lines_of_repeats_are_held_against_run_json(
    runs: dict[str, Path], tmp_path: Path, capsys: CaptureFixture[str], change: Any, message: str
) -> None:
    out = Path(shutil.copytree(runs["repeats"], tmp_path / "run"))
    lines = [json.loads(line) for line in (out / "runs.jsonl").read_text().splitlines()]
    (out / "runs.jsonl").write_text("".join(json.dumps(line) + "\n" for line in change(lines)))
    assert message in refusal(capsys, "energy", out)
    assert message in refusal(capsys, *TWIN, "--repeats", "3", "--out", out, "--resume")


def test_json_is_read_strictly() -> None:
    for text in ("NaN", "[Infinity]", '{"a": -Infinity}', "1e999", "-1e999", "1e300", "9" * 400, '{"a": 1, "a": 2}'):
        with pytest.raises(ValueError, match="no finite number|stands there twice"):
            strict.loads(text)
    assert strict.loads('{"a": [1, 2.5, true, null, "NaN"]}') == {"a": [1, 2.5, True, None, "NaN"]}


@pytest.mark.parametrize(
    ("found", "due"),
    [(1, 1.0), (True, 1), (1, 2), (1.0, 1.1), (float("nan"), 1.0), ({"a": 1}, {"b": 1}), ({}, {"a": 1}), ([1], [1, 2])],
)
def test_what_differs_is_named(found: Any, due: Any) -> None:
    assert strict.first_difference({"x": found}, {"x": due}) is not None
    assert strict.first_difference({"x": due}, {"x": due}) is None
