"""`oxmc train --repeats`: same bytes in any order, place and number of sessions; what stops a run loses nothing.

The last test of all is ten SIGKILLs at random times. OXMC_KILLS=N makes it N, and N more of a run on two processes.
"""

from __future__ import annotations

import contextlib
import functools
import json
import multiprocessing
import os
import random
import signal
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import OXMC, TWIN, failure, oxmc, refusal
from pytest import CaptureFixture, MonkeyPatch, TempPathFactory

from oxmc.campaign import partial, repeats
from oxmc.cli.app import run
from oxmc.hdl.verilog.netlist_cache import cache_folder
from oxmc.pymodels.errors import RunError
from oxmc.pymodels.streams import STREAMS, repeat_seed
from oxmc.run import result, sources
from oxmc.run.records import mean_reference

pytestmark = pytest.mark.testpoint(
    "repeats",
    "the same bytes in any order, place and number of sessions; what stops a run loses nothing",
)

SEED, REPEATS, MANY = 3, 5, 30
FILES = ["config.toml", "run.json", "runs.jsonl", "state.npz"]
RECORD_KEYS = [
    "repeat", "seed", "value", "rows_used", "complete", "state_sha256", "chain", "events", "cycles", "energy_j",
    "training_j", "training_events", "reference", "warnings",
]  # fmt: skip
KILLS = int(os.environ.get("OXMC_KILLS", "10"))
DEADLINE_S = 120.0
"""Two workers take seconds to start; on a busy machine many."""


def command(out: Path, *more: object, seed: int = SEED, number: int = REPEATS) -> list[str]:
    return [str(word) for word in (*TWIN, "--seed", seed, "--repeats", number, "--out", out, *more)]


def without_times(text: str) -> dict[str, Any]:
    found = json.loads(text)
    for section, names in (("time", ("wall_s", "cycles_per_s")), ("repeats", ("wall_s",))):
        for name in names:
            assert found[section].pop(name) > 0
    return found


def check_equal(found: Path, expected: Path) -> None:
    """Every byte but the times in run.json, and nothing beside the run directory."""
    assert sorted(path.name for path in found.iterdir()) == FILES
    for name in FILES:
        if name != "run.json":
            assert (found / name).read_bytes() == (expected / name).read_bytes(), name
    texts = [(folder / "run.json").read_text() for folder in (found, expected)]
    assert without_times(texts[0]) == without_times(texts[1])
    assert not partial.partial_folder(found).exists()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: TempPathFactory) -> Callable[[int], Path]:
    """An undisturbed run of so many repeats."""
    parent = tmp_path_factory.mktemp("whole")

    @functools.cache
    def make(number: int) -> Path:
        assert run(command(parent / str(number), number=number)) == 0
        return parent / str(number)

    return make


def records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "runs.jsonl").read_text().splitlines()]


def test_seeds_are_numpys_spawned_children() -> None:
    for seed in (0, 7, 2**70):
        children = np.random.SeedSequence(seed, spawn_key=(STREAMS["repeats"],)).spawn(5)
        expected = [seed, *(int(child.generate_state(1, np.uint64)[0]) >> 11 for child in children[1:])]
        assert [repeat_seed(seed, repeat) for repeat in range(5)] == expected
    seeds = {repeat_seed(seed, repeat) for seed in range(20) for repeat in range(100)}
    assert len(seeds) == 2000 and max(seeds) < 2**53


def test_statistics(whole: Callable[[int], Path]) -> None:
    run_json = json.loads((whole(REPEATS) / "run.json").read_text())
    found, lines = run_json["repeats"], records(whole(REPEATS))
    values = [line["value"] for line in lines]
    assert [line["repeat"] for line in lines] == list(range(REPEATS)) and list(lines[0]) == RECORD_KEYS
    assert list(found) == ["n", "values", "median", "mean", "sem", "low", "high", "wall_s", "warned"]
    assert (found["n"], found["values"]) == (REPEATS, values)
    # the standard library divides exact fractions, numpy adds doubles: a few roundings apart
    for name, value in (("median", statistics.median(values)), ("mean", statistics.mean(values))):
        assert found[name] == pytest.approx(value, rel=1e-12)
    assert found["sem"] == pytest.approx(statistics.stdev(values) / REPEATS**0.5, rel=1e-12)
    percentiles = statistics.quantiles(values, n=20, method="inclusive")
    assert (found["low"], found["high"]) == pytest.approx((percentiles[0], percentiles[-1]), rel=1e-12)
    assert mean_reference(whole(REPEATS)) == pytest.approx(statistics.mean(line["reference"] for line in lines))


def test_one_repeat_has_no_standard_error(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    answer = oxmc(capsys, *command(tmp_path / "run", "--json", number=1))
    found = json.loads(answer.out)["repeats"]
    assert found["sem"] is None and found["low"] == found["high"] == found["median"] == found["values"][0]
    assert oxmc(capsys, *command(tmp_path / "shown", number=1)).out.startswith("test accuracy ")


def test_a_repeat_is_the_plain_run_of_its_seed(
    capsys: CaptureFixture[str], tmp_path: Path, whole: Callable[[int], Path]
) -> None:
    for line in records(whole(REPEATS))[:2]:
        out = tmp_path / str(line["repeat"])
        plain = json.loads(oxmc(capsys, *TWIN, "--seed", line["seed"], "--json", "--out", out).out)
        assert [line[key] for key in RECORD_KEYS[2:6]] == [plain["result"][key] for key in RECORD_KEYS[2:6]]
        assert (line["chain"], line["events"]) == (plain["chain"], plain["events"])
        assert line["cycles"] == plain["time"]["cycles"]
        assert line["energy_j"] == {node: joules["total"] for node, joules in plain["energy_j"].items()}
        parts = {node: joules["parts"] for node, joules in plain["energy_j"].items()}
        assert line["training_j"] == {node: part["training"]["total"] for node, part in parts.items()}
    kept = json.loads((whole(REPEATS) / "run.json").read_text())
    assert kept["seed"] == SEED and kept["result"]["state_sha256"] == records(whole(REPEATS))[0]["state_sha256"]


def test_two_processes_give_the_same_bytes(tmp_path: Path, whole: Callable[[int], Path]) -> None:
    assert run(command(tmp_path / "run", "--jobs", 2)) == 0
    check_equal(tmp_path / "run", whole(REPEATS))


@pytest.mark.cosim
def test_the_rtl_gives_the_same_lines(tmp_path: Path, whole: Callable[[int], Path]) -> None:
    arguments = command(tmp_path / "run", "--jobs", 2, number=2)
    arguments[arguments.index("twin")] = "icarus"
    assert run(arguments) == 0
    assert records(tmp_path / "run") == records(whole(REPEATS))[:2]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]


def test_a_dask_cluster_gives_the_same_bytes(tmp_path: Path, whole: Callable[[int], Path]) -> None:
    distributed = pytest.importorskip("distributed")
    options = dict(n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None)
    with distributed.LocalCluster(**options, local_directory=tmp_path / "dask", silence_logs="CRITICAL") as cluster:
        assert run(command(tmp_path / "run", "--cluster", cluster.scheduler_address)) == 0
    check_equal(tmp_path / "run", whole(REPEATS))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--jobs 2", "--jobs must come with --repeats, which is not there"),
        ("--cluster tcp://x:1", "--cluster must come with --repeats, which is not there"),
        ("--resume", "--resume must come with --repeats, which is not there"),
        ("--repeats 0", "--repeats must be an integer >= 1, not '0'"),
        ("--repeats many", "--repeats must be an integer >= 1, not 'many'"),
        ("--repeats 2 --jobs 0", "--jobs must be an integer >= 1, not '0'"),
        (
            "--repeats 2 --jobs 2 --cluster tcp://x:1",
            "--jobs must be left out with --cluster, where each worker does one repeat at a time",
        ),
        ("--repeats 2 --chains 2", "--chains must be left out with --repeats"),
        ("--repeats 2 --set prior_sigma_us=0.1", "prior_sigma_us must be a number from 0.5 to 1000 uS, not 0.1"),
        ("--repeats 2 --set outputs=3", "outputs must be 1 for task cancer, not 3"),
    ],
)
def test_refusals(capsys: CaptureFixture[str], tmp_path: Path, options: str, message: str) -> None:
    assert refusal(capsys, *TWIN, *options.split(), "--out", tmp_path / "run") == message
    assert list(tmp_path.iterdir()) == []


def stopping_at(repeat: int, error: BaseException) -> Callable[..., Any]:
    """`run_repeat`, but for one repeat that raises."""
    original = repeats.run_repeat

    def run_or_raise(request: Any, number: int, scratch: Path | None) -> Any:
        if number == repeat:
            raise error
        return original(request, number, scratch)

    return run_or_raise


@pytest.fixture
def stopped(tmp_path: Path, capsys: CaptureFixture[str]) -> Path:
    """Where a run belongs that was interrupted after two repeats."""
    with MonkeyPatch.context() as patch:
        patch.setattr(repeats, "run_repeat", stopping_at(2, KeyboardInterrupt()))
        message = failure(oxmc(capsys, *command(tmp_path / "run")), 130)
    assert message == "interrupted; 2 of 5 repeats are done and kept, the same command with --resume goes on"
    assert [path.name for path in tmp_path.iterdir()] == [".run.partial"]
    return tmp_path / "run"


def test_an_interrupted_run_goes_on(stopped: Path, whole: Callable[[int], Path], monkeypatch: MonkeyPatch) -> None:
    done: list[int] = []
    original, expected = repeats.run_repeat, whole(REPEATS)

    def noted(request: Any, repeat: int, scratch: Path | None) -> Any:
        done.append(repeat)
        return original(request, repeat, scratch)

    monkeypatch.setattr(repeats, "run_repeat", noted)
    assert run(command(stopped, "--resume")) == 0
    check_equal(stopped, expected)
    assert done == [2, 3, 4]
    assert run(command(stopped, "--resume")) == 0 and done == [2, 3, 4]  # a whole run needs nothing more
    check_equal(stopped, expected)


def test_what_a_partial_run_refuses(stopped: Path, capsys: CaptureFixture[str]) -> None:
    kept = partial.partial_folder(stopped)
    before = (kept / "runs.jsonl").read_bytes()
    where = f"as in {str(kept)!r} to go on with it"
    twin = command(stopped, "--resume")
    icarus = [word if word != "twin" else "icarus" for word in twin]
    assert refusal(capsys, *icarus) == f"engine must be 'twin' {where}, not 'icarus'"
    assert refusal(capsys, *command(stopped, "--resume", seed=4)) == f"seed must be 3 {where}, not 4"
    assert refusal(capsys, *twin, "--set", "adc_bits=9") == f"adc_bits must be 8 {where}, not 9"
    message = f"--out has an unfinished run beside it, {str(kept)!r}: --resume goes on with it"
    assert refusal(capsys, *command(stopped)) == message
    with partial._locked(kept, stopped):
        message = f"--out must be a folder that no other run is writing, not {str(stopped)!r}"
        assert refusal(capsys, *twin) == message
    assert (kept / "runs.jsonl").read_bytes() == before and not stopped.exists()


def test_what_a_whole_run_refuses(whole: Callable[[int], Path], capsys: CaptureFixture[str]) -> None:
    out = whole(REPEATS)
    message = f"--repeats must be 5 as in {str(out)!r}, which is whole, not 6"
    assert refusal(capsys, *command(out, "--resume", number=6)) == message
    assert refusal(capsys, *command(out, "--resume", seed=4)).startswith("seed must be 3 as in ")
    message = f"--out must be a new or empty folder, not {str(out)!r}, which has files in it"
    assert refusal(capsys, *command(out)) == message


@pytest.mark.parametrize("tail", [b'{"repeat": 2, "se', b"\0\0\0", b'{"repeat": 2, "seed": 1, "value": 0.5}\n', b"7\n"])
def test_a_torn_or_foreign_tail_is_cut_off(stopped: Path, whole: Callable[[int], Path], tail: bytes) -> None:
    with (partial.partial_folder(stopped) / "runs.jsonl").open("ab") as lines:
        lines.write(tail)
    assert run(command(stopped, "--resume")) == 0
    check_equal(stopped, whole(REPEATS))


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(bytes(content))


def poison(path: Path) -> None:
    """A whole state with other numbers in it, or a run.json with another value."""
    if path.suffix == ".json":
        path.write_text(path.read_text().replace('"value": 0.', '"value": 0.0', 1))
        return
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **(arrays | {"counters": arrays["counters"] + 1}))


@pytest.mark.parametrize("name", ["state.npz", "run.json"])
@pytest.mark.parametrize(
    "spoil",
    [flip, poison, Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:1000]), lambda p: p.write_bytes(b"")],
    ids=["flipped", "poisoned", "gone", "torn", "empty"],
)
def test_a_user_resumes_what_a_kill_or_a_full_disk_has_torn(
    stopped: Path, whole: Callable[[int], Path], name: str, spoil: Callable[[Path], object]
) -> None:
    """Repeat 0 is run again; never is its state published as it lies there."""
    spoil(partial.partial_folder(stopped) / name)
    assert run(command(stopped, "--resume")) == 0
    check_equal(stopped, whole(REPEATS))


@pytest.mark.parametrize("value", ["NaN", "1e999", '"x"', "null", "true", "-1"])
def test_a_user_resumes_lines_with_something_else_than_numbers(
    stopped: Path, whole: Callable[[int], Path], value: str
) -> None:
    lines = partial.partial_folder(stopped) / "runs.jsonl"
    first, second = lines.read_text().splitlines()
    found = json.loads(second)["value"]
    lines.write_text(f"{first}\n" + second.replace(f'"value": {found}', f'"value": {value}') + "\n")
    (partial.partial_folder(stopped) / "wall_s").write_text("nan")
    assert run(command(stopped, "--resume")) == 0
    check_equal(stopped, whole(REPEATS))


def test_a_user_resumes_with_other_code(
    stopped: Path, whole: Callable[[int], Path], capsys: CaptureFixture[str], monkeypatch: MonkeyPatch
) -> None:
    """Of a run that was stopped, and of a whole one; --other-code goes on and says so."""
    mine, expected = sources.sources_digest(), whole(REPEATS)
    for module in (sources, partial, result):
        monkeypatch.setattr(module, "sources_digest", lambda: "0123456789abcdef")
    for out, kept in ((stopped, partial.partial_folder(stopped)), (expected, expected)):
        message = refusal(capsys, *command(out, "--resume"))
        rule = "--resume must go on with results of the same code, 0123456789abcdef now"
        assert message == f"{rule}, but {str(kept)!r} was made by {mine}; --other-code goes on all the same"
    assert (
        refusal(capsys, *command(stopped, "--other-code")) == "--other-code must come with --resume, which is not there"
    )
    assert run(command(stopped, "--resume", "--other-code")) == 0
    found = json.loads((stopped / "run.json").read_text())
    assert found["notes"][-1] == f"repeats were made by several versions of the code: {mine}, 0123456789abcdef"
    assert found["versions"]["sources"] == mine  # repeat 0 was done before
    assert (stopped / "runs.jsonl").read_bytes() == (expected / "runs.jsonl").read_bytes()


def test_every_source_that_decides_counts() -> None:
    """Each file of the rooms, in whatever folder, but for benches, studies, pages and what measures."""
    names = {path.relative_to(sources.PACKAGE).as_posix() for path in sources.deciding_files(sources.PACKAGE)}
    assert {
        "pymodels/tasks/table.py", "pymodels/oxram/cards/16k.toml", "hdl/chip.py", "hdl/oxmc_chip.vlt",
        "run/train.py", "tb/cosim/oxram_array.v", "silicon/chip_point.py", "silicon/gates.py",
        "silicon/libraries/oxmc_sky130_tt_1v80_25c.lib", "energy/tables/28nm.toml", "pymodels/tasks/data/cancer.csv",
    } <= names  # fmt: skip
    assert not any(
        name.startswith(("tb/blocks/", "tb/system/", "silicon/characterise/", "studies/", "plots/")) for name in names
    )


def test_more_repeats_than_before(stopped: Path, whole: Callable[[int], Path]) -> None:
    """A repeat's seed does not depend on how many there are, so that a run may grow while it is unfinished."""
    assert run(command(stopped, "--resume", number=MANY)) == 0
    check_equal(stopped, whole(MANY))
    assert records(whole(MANY))[:REPEATS] == records(whole(REPEATS))


def test_nothing_is_left_of_a_run_without_repeats(
    capsys: CaptureFixture[str], tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    monkeypatch.setattr(repeats, "run_repeat", stopping_at(0, KeyboardInterrupt()))
    assert failure(oxmc(capsys, *command(tmp_path / "new" / "run")), 130) == "interrupted; no repeat is done"
    assert list(tmp_path.iterdir()) == []


def test_a_failure_loses_nothing_else(
    capsys: CaptureFixture[str], tmp_path: Path, whole: Callable[[int], Path], monkeypatch: MonkeyPatch
) -> None:
    bad = {repeat_seed(SEED, 1): RunError("it broke"), repeat_seed(SEED, 3): ZeroDivisionError("oh\nno")}
    original, expected = repeats.run_chain, whole(REPEATS)

    def fail(request: Any, dataset: Any, seed: int, *rest: Any) -> Any:
        if seed in bad:
            raise bad[seed]
        return original(request, dataset, seed, *rest)

    monkeypatch.setattr(repeats, "run_chain", fail)
    out = tmp_path / "run"
    first, second = bad
    messages = ["it broke", "ZeroDivisionError: oh"]
    assert failure(oxmc(capsys, *command(out)), 1) == (
        f"2 of 5 repeats failed: repeat 1 (seed {first}): {messages[0]}; repeat 3 (seed {second}): {messages[1]}; "
        "3 of 5 repeats are done and kept, the same command with --resume goes on"
    )
    listed = json.loads((partial.partial_folder(out) / "failures.json").read_text())
    assert listed == {"failures": [
        {"repeat": repeat, "seed": seed, "error": error}
        for repeat, seed, error in zip((1, 3), bad, messages, strict=True)
    ]}  # fmt: skip
    bad.popitem()
    assert failure(oxmc(capsys, *command(out, "--resume")), 1).startswith("1 of 5 repeats failed: repeat 1 ")
    bad.clear()
    assert run(command(out, "--resume")) == 0
    check_equal(out, expected)


def test_names_without_out(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    def names(resume: bool) -> str:
        return repeats.default_out("run", resume=resume, parent=tmp_path).name

    assert names(False) == names(True) == "run"
    (tmp_path / ".run.partial").mkdir()
    assert (names(False), names(True)) == ("run-2", "run")
    (tmp_path / "run-2").mkdir()
    assert (names(False), names(True)) == ("run-3", "run-2")


def lines_of(out: Path) -> int:
    with contextlib.suppress(FileNotFoundError):
        return (partial.partial_folder(out) / "runs.jsonl").read_bytes().count(b"\n")
    return 0


def wait_for_lines(out: Path, number: int, alive: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE_S
    while lines_of(out) < number and alive() and time.monotonic() < end:
        time.sleep(0.002)


@contextlib.contextmanager
def started(arguments: list[str], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """An `oxmc` of its own, in a session of its own, as on a terminal."""
    environment = os.environ | {"OXMC_BUILD": str(cache_folder())}
    process = subprocess.Popen(
        [OXMC, *arguments], cwd=folder, env=environment, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize(
    ("number", "code", "word", "jobs"), [(signal.SIGINT, 130, "interrupted", 2), (signal.SIGTERM, 143, "terminated", 1)]
)
def test_a_signal(
    tmp_path: Path, whole: Callable[[int], Path], number: signal.Signals, code: int, word: str, jobs: int
) -> None:
    """Ctrl-C reaches every process of the terminal; the workers leave it to the parent, and none of them talks."""
    out = tmp_path / "run"
    with started(command(out, "--jobs", jobs, number=5000), tmp_path) as process:
        wait_for_lines(out, 3, lambda: process.poll() is None)
        os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
        _, text = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == code, text
    last = text.splitlines()[-1]
    assert last.startswith(f"oxmc: error: {word}; ") and last.endswith("the same command with --resume goes on")
    assert all(line.startswith("repeats ") for line in text.splitlines()[:-1]), text
    assert lines_of(out) >= 3
    assert run(command(out, "--resume", number=REPEATS)) == 0
    check_equal(out, whole(REPEATS))


def test_killed_at_random(tmp_path: Path, whole: Callable[[int], Path], seed: int) -> None:
    """In forks of this process, which need not start: so many kills take seconds."""
    print("seed", seed)
    rng, out, expected = random.Random(seed), tmp_path / "run", whole(MANY)
    repeat_s = json.loads((expected / "run.json").read_text())["repeats"]["wall_s"] / MANY
    arguments = command(out, "--resume", number=MANY)

    def child() -> None:
        os._exit(run(arguments))

    killed = 0
    for _ in range(KILLS):
        process = multiprocessing.get_context("fork").Process(target=child)
        process.start()
        wait_for_lines(out, lines_of(out) + rng.randrange(3), process.is_alive)
        time.sleep(rng.uniform(0, repeat_s))
        process.kill()
        process.join()
        killed += process.exitcode == -signal.SIGKILL
    assert killed >= min(KILLS, 10)  # else the run was over too early for the test to mean anything
    assert run(arguments) == 0
    check_equal(out, expected)


@pytest.mark.slow
@pytest.mark.skipif("OXMC_KILLS" not in os.environ, reason="takes minutes; OXMC_KILLS=N asks for it")
def test_two_processes_killed_at_random(tmp_path: Path, whole: Callable[[int], Path], seed: int) -> None:
    print("seed", seed)
    rng, out, expected = random.Random(seed), tmp_path / "run", whole(MANY)
    arguments = command(out, "--resume", "--jobs", 2, number=MANY)
    for _ in range(KILLS):
        with started(arguments, tmp_path) as process:
            if rng.random() < 0.5:  # before or while the first repeats are done
                wait_for_lines(out, lines_of(out) + 1, lambda process=process: process.poll() is None)  # type: ignore[misc]
            time.sleep(rng.uniform(0, 1.0))
            process.kill()
    assert run(arguments) == 0
    check_equal(out, expected)
