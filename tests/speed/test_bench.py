"""`oxmc bench`: the shape of its record and that figures, ratios and exponents hang together. No speed is asserted:
what a machine reaches depends on what else it does."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import ROOT, oxmc, refusal
from pytest import CaptureFixture, MonkeyPatch

from oxmc.campaign.repeats import UnfinishedError
from oxmc.energy.published import SOURCE
from oxmc.pymodels.config import Config, preset
from oxmc.pymodels.errors import RunError
from oxmc.pymodels.tasks import load_task
from oxmc.speed import cosim, jobs, plan, processor, samplers, scaling
from oxmc.speed.asked import NAMES, RATIOS, asked_of, ratios_of
from oxmc.speed.commands import run_oxmc
from oxmc.speed.cpu_energy import STATED_SOURCE
from oxmc.speed.figures import exponent, figure, in_turns
from oxmc.tb.cosim.simulator import CompiledSimulation

ENERGY_OF_A_PROCESSOR = pytest.mark.testpoint("energy of a processor")
SPEED_BENCH_FIGURES = pytest.mark.testpoint(
    "speed bench: figures",
    "exponents of exact power laws and against least squares by hand; medians; rounds in turns that end; ratios "
    "and exponents are what the raw figures imply; events counted by hand; no speed is asserted",
)
SPEED_BENCH_SAMPLERS = pytest.mark.testpoint(
    "speed bench: samplers",
    "the numpy loop samples a known variance; blackjax accepts as often as it does",
)
SPEED_BENCH_COMMAND = pytest.mark.testpoint(
    "speed bench: command",
    "record as JSON and as text, progress on stderr, names and files refused, no half-written file, interrupts "
    "end what runs",
)

TINY = Config(rows=4, features=4, train_samples=12, test_samples=6, burn_in=1, max_proposals=20)
MACHINE = {"cpu", "cores", "memory_gb", "python", "numba", "numpy", "verilator", "cocotb", "load_average"}


def check_record(record: dict[str, Any], names: list[str]) -> None:
    """What the contract says of the record, and that its ratios are what its raw figures imply."""
    assert set(record["machine"]) == MACHINE and len(record["machine"]["load_average"]) == 3
    assert list(record["ratios"]) == [name for name in RATIOS if name in names]
    for entry in record["raw"].values():
        assert set(entry) == {"value", "unit", "n", "min", "median", "max"}
        assert entry["n"] >= 1 and 0 <= entry["min"] <= entry["value"] == entry["median"] <= entry["max"]
    for name, value in record["ratios"].items():
        ratio = RATIOS[name]
        raw = [record["raw"][key]["median"] for key in (ratio.over, ratio.under) if key]
        assert value == pytest.approx(raw[0] / raw[1] if ratio.under else raw[0], rel=1e-12)  # one division
        assert record["asked"][name] == {"asked": ratio.asked, "met": ratio.met(value)}


@SPEED_BENCH_FIGURES
def test_exponent_of_exact_power_laws() -> None:
    sizes = [160, 500, 1600, 5000, 16000]
    for b in (0.0, 0.5, 1.0, 1.1, 2.0):
        # doubles carry 16 digits, the fit loses a few of them
        assert exponent(sizes, [3e-4 * size**b for size in sizes]) == pytest.approx(b, abs=1e-9)


@SPEED_BENCH_FIGURES
def test_exponent_agrees_with_least_squares_by_hand(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = np.array([10.0, 20.0, 80.0, 300.0])
    costs = sizes**1.2 * np.exp(rng.normal(0, 0.1, 4))
    x, y = np.log(sizes), np.log(costs)
    by_hand = ((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum()
    assert exponent(sizes.tolist(), costs.tolist()) == pytest.approx(by_hand, rel=1e-9)  # rounding


@SPEED_BENCH_FIGURES
def test_figure_holds_the_median() -> None:
    assert figure([3.0, 1.0, 8.0], "s") == {"value": 3.0, "unit": "s", "n": 3, "min": 1.0, "median": 3.0, "max": 8.0}


@SPEED_BENCH_FIGURES
def test_rounds_take_turns_and_end() -> None:
    calls: list[str] = []
    actions = {name: lambda name=name: calls.append(name) for name in "ab"}
    assert in_turns(actions, 2, 1e9) == {"a": [None, None], "b": [None, None]}
    assert calls == ["a", "b", "a", "b"]
    assert in_turns({"slow": lambda: time.sleep(0.02)}, 5, 0.01) == {"slow": [None]}  # the first round is whole


@SPEED_BENCH_FIGURES
def test_ratios_follow_from_raw_figures_and_know_their_bounds() -> None:
    raw = {key: figure([2.0], "") for ratio in RATIOS.values() for key in (ratio.over, ratio.under) if key}
    raw["bare_cycles_per_s"] = figure([4.0], "")
    ratios = ratios_of(raw, NAMES)
    assert list(ratios) == list(RATIOS) and ratios["cosim_compiled_over_bare"] == 0.5
    asked = asked_of(ratios | {"jobs2_over_jobs1": 1.69})
    assert asked["cosim_compiled_over_bare"] == {"asked": ">= 0.5", "met": True}
    assert asked["training_over_bare"] == {"asked": "<= 3", "met": True}
    assert asked["jobs2_over_jobs1"]["met"] is False and asked["verilator_over_icarus"]["met"] is False


@SPEED_BENCH_COMMAND
def test_unknown_name_is_refused(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    known = ", ".join(NAMES)
    assert refusal(capsys, "bench", "--only", "speed") == f"--only must be one of {known}, not 'speed'"
    assert refusal(capsys, "bench", "--out", tmp_path) == (
        f"--out must be a file that can be written, not {str(tmp_path)!r} (Is a directory)"
    )
    missing = tmp_path / "none" / "bench.json"
    assert refusal(capsys, "bench", "--out", missing) == (
        f"--out must be a file that can be written, not {str(missing)!r} (No such file or directory)"
    )


@SPEED_BENCH_COMMAND
def test_command_line_on_the_twin(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    """JSON on stdout and in the file, progress on stderr; then as text."""
    name, out = "twin_trainings_per_s_core", tmp_path / "bench.json"
    answer = oxmc(capsys, "bench", "--quick", "--only", name, "--json", "--out", out)
    assert answer.code == 0 and answer.err == "bench: twin beside other samplers\n"
    record = json.loads(answer.out)
    assert record == json.loads(out.read_text()) and list(tmp_path.iterdir()) == [out]
    check_record(record, [name])
    assert {"twin_proposals_per_s_core", "numpy_proposals_per_s_core"} <= set(record["raw"])
    assert ("blackjax" in record["skipped"]) != ("blackjax_proposals_per_s_core" in record["raw"])


@ENERGY_OF_A_PROCESSOR
def test_joules_of_the_processor(capsys: CaptureFixture[str], monkeypatch: MonkeyPatch, tmp_path: Path) -> None:
    """Seconds times watts without counters, over what run.json says of the same training on the twin."""
    monkeypatch.setattr("oxmc.speed.cpu_energy.POWERCAP", tmp_path)
    monkeypatch.setattr(processor, "SHORTEST_S", 0.0)
    answer = oxmc(capsys, "bench", "--energy", "--cpu-power", "40", "--json")
    assert (answer.code, answer.err) == (0, "bench: joules of the processor\n")
    record = json.loads(answer.out)
    check_record(record, [])
    assert list(record["energy"]) == ["cancer paper", "cancer wide"]
    for name, found in record["energy"].items():
        assert (found["measured"], found["source"], found["paper_cpu_j"]) == (False, STATED_SOURCE, 0.6)
        assert found["joules"] == pytest.approx(40 * found["seconds"], rel=1e-12)  # one product
        out = tmp_path / name
        run = json.loads(
            oxmc(capsys, "train", "cancer", "--preset", name[7:], "--engine", "twin", "--json", "--out", out).out
        )
        for node, joules in run["energy_j"].items():
            assert found["chip_j"][node] == pytest.approx(joules["total"], rel=1e-12)  # one summation
            ends = [joules["low"], joules["high"]]
            assert found["chip_bounds_j"][node] == pytest.approx(ends, rel=1e-12)
            assert found["over_chip"][node] == pytest.approx(found["joules"] / joules["total"], rel=1e-12)
    text = oxmc(capsys, "bench", "--only", "energy").out
    assert "cancer paper" in text and f"the paper gives 0.6 J for a workstation: {SOURCE}" in " ".join(text.split())
    message = "--cpu-power must be finite and positive, not -1.0"
    assert refusal(capsys, "bench", "--cpu-power", "-1") == message


@SPEED_BENCH_COMMAND
def test_text_names_ratio_bound_and_figures(capsys: CaptureFixture[str], monkeypatch: MonkeyPatch) -> None:
    raw = {"python_us_per_event": figure([12.5, 13.5, 14.0], "us")}
    monkeypatch.setattr(cosim, "measure_cosim", lambda *_: raw)
    monkeypatch.setenv("COLUMNS", "200")
    answer = oxmc(capsys, "bench", "--only", "cosim_python_us_per_event")
    line = next(line for line in answer.out.splitlines() if "cosim_python_us_per_event" in line)
    assert [word for word in ("13.5", "<= 30", "yes") if word not in line] == []
    figures = next(line for line in answer.out.splitlines() if " python_us_per_event" in line)
    assert [word for word in ("13.5", "12.5", "14", "us", "3") if word not in figures] == []


@SPEED_BENCH_COMMAND
@pytest.mark.parametrize("error", [RunError("no"), KeyboardInterrupt()])
def test_a_failure_leaves_no_file(
    error: BaseException, capsys: CaptureFixture[str], tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(plan, "measure_samplers", fail)
    out = tmp_path / "bench.json"
    out.write_text("before")
    answer = oxmc(capsys, "bench", "--only", "twin_trainings_per_s_core", "--out", out)
    assert answer.code == (1 if isinstance(error, RunError) else 130)
    assert list(tmp_path.iterdir()) == [out] and out.read_text() == "before"


@SPEED_BENCH_COMMAND
def test_an_interrupt_ends_a_command_that_runs(tmp_path: Path) -> None:
    """SIGINT to the bench alone: exit code 130, and the training that it was timing is gone."""
    code = (
        "import sys; from oxmc.cli import app; from oxmc.speed import plan\n"
        "from oxmc.speed.commands import run_oxmc\n"
        "def endless(*_):\n"
        "    print('now', flush=True)\n"
        f"    run_oxmc('train', 'cancer', '--engine', 'twin', '--repeats', 100000, '--out', {str(tmp_path / 'r')!r})\n"
        "plan.measure_samplers = endless\n"
        "sys.exit(app.run(['bench', '--only', 'twin_trainings_per_s_core']))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "now\n"
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and err.splitlines()[-1] == "oxmc: error: interrupted"


@SPEED_BENCH_COMMAND
def test_a_failed_command_is_named() -> None:
    with pytest.raises(RunError, match=r"^train nothing ended with exit code 2: oxmc: error: .*'nothing'$"):
        run_oxmc("train", "nothing")


@SPEED_BENCH_COMMAND
def test_peak_memory_is_the_command_s_own() -> None:
    """However much this process holds: a child inherits the peak of whoever starts it."""
    held = np.ones(2**26)  # 512 MB
    finished = run_oxmc("--help")
    assert held[-1] == 1 and finished.wall_s > 0 and finished.cpu_s > 0
    assert 5 < finished.peak_mb < 400  # an interpreter takes more than the one, a command line less than the other


@SPEED_BENCH_SAMPLERS
def test_numpy_chain_samples_its_prior(seed: int) -> None:
    """Without data worth speaking of (S = 1e-6) the posterior is the prior, whose variance is known."""
    config = preset("cancer", "paper").replace(scale_per_us=1e-6, features=2)
    rows, counts = samplers.numpy_chain(config, load_task("cancer", config, 0), 20_000, seed)
    assert counts.sum() == 20_001 and len(rows) == len(counts)
    variance = (counts[:, None] * rows**2).sum(axis=0) / counts.sum() / config.prior_sigma_us**2
    # steps of 0.6 sigma: some 15 proposals for an independent draw, 1,300 of those; sd of a variance 4 %, of which 6
    assert np.abs(variance - 1).max() < 0.25


@SPEED_BENCH_SAMPLERS
def test_blackjax_chain_accepts_as_numpy(seed: int) -> None:
    pytest.importorskip("blackjax")
    config = preset("cancer", "paper")
    data = load_task("cancer", config, 0)
    rows, _ = samplers.numpy_chain(config, data, 3000, seed)
    accepted = samplers.blackjax_chain(config, data, 3000)()
    # two estimates of one share near 0.2 over 3,000 correlated proposals each: s.d. of their difference about 0.02
    assert accepted == pytest.approx((len(rows) - 1) / 3000, abs=0.08)


@SPEED_BENCH_FIGURES
def test_scaling_fits_what_it_measured(monkeypatch: MonkeyPatch) -> None:
    small = {
        name: scaling.Axis((4, 40, 128), lambda size, axis=axis: axis.config(size).replace(max_proposals=20))
        for name, axis in scaling.AXES.items()
    }
    monkeypatch.setattr(scaling, "AXES", small)
    raw, fits = scaling.measure_scaling(2, 1e9)
    for name, fit in fits.items():
        assert fit["sizes"] == [4, 40, 128]
        for prefix, sizes in (("", [4, 40, 128]), ("top_", [40, 128])):
            for kind, unit in (("time", "s"), ("cycles", "cycles")):
                costs = [raw[f"{name}_{size}_{unit}"]["median"] for size in sizes]
                assert fit[f"{prefix}{kind}_exponent"] == exponent(sizes, costs)


@SPEED_BENCH_FIGURES
def test_axes_span_two_decades() -> None:
    for axis in scaling.AXES.values():
        assert axis.sizes[-1] >= 100 * axis.sizes[0]
    for pairs in scaling.AXES["pairs"].sizes:
        config = scaling.AXES["pairs"].config(pairs)
        assert config.features * config.outputs == pairs


@SPEED_BENCH_FIGURES
def test_rates_of_repeats(tmp_path: Path) -> None:
    rates = jobs.repeats_rates(jobs.WARM + 4, 1, tmp_path / "run")
    assert rates.steady > 0 and rates.whole > 0
    assert json.loads((tmp_path / "run" / "run.json").read_text())["repeats"]["n"] == jobs.WARM + 4


@SPEED_BENCH_COMMAND
def test_an_interrupt_of_repeats_is_one(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        raise UnfinishedError("3 of 9 repeats are done and kept") from KeyboardInterrupt()

    monkeypatch.setattr(jobs, "train_repeats", stopped)
    with pytest.raises(KeyboardInterrupt):
        jobs.repeats_rates(9, 1, tmp_path / "run")


@SPEED_BENCH_FIGURES
@pytest.mark.cosim
def test_cosim_figures_from_small_trainings(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    """All five ratios, with Icarus in the place of Verilator and a stand-in for the command."""
    simulate = cosim.simulate
    monkeypatch.setattr(cosim, "paper_job", lambda **changes: tiny_job())
    monkeypatch.setattr(cosim, "simulate", lambda job, _, *rest, **more: simulate(job, "icarus", *rest, **more))
    monkeypatch.setattr(cosim, "CompiledSimulation", lambda config, _: CompiledSimulation(config, "icarus"))
    monkeypatch.setattr(cosim, "Simulation", lambda config, _: CompiledSimulation(config, "icarus"))
    monkeypatch.setattr(cosim, "REPEATS", 2)
    monkeypatch.setattr(cosim, "COMMAND", ["train", "cancer", "--engine", "twin", "--rows", "4", "--out"])
    raw = cosim.measure_cosim(list(cosim.RATIOS), 2, 1e9, tmp_path)
    record = {"machine": dict.fromkeys(MACHINE - {"load_average"}) | {"load_average": [0, 0, 0]}, "raw": raw}
    record["ratios"] = ratios_of(raw, tuple(cosim.RATIOS))
    check_record(record | {"asked": asked_of(record["ratios"])}, list(cosim.RATIOS))
    (tmp_path / "one").mkdir()
    (tmp_path / "python").mkdir()
    cycles, seconds = cosim.Bare(tiny_job(), tmp_path / "one")()
    assert seconds > 0 and cycles == cosim.simulate(tiny_job(), "icarus", tmp_path / "python").cycles > 1000


def tiny_job() -> Any:
    """A training of some hundred clock cycles on random codes."""
    from oxmc.pymodels.job import Job

    rng = np.random.default_rng(0)
    codes = rng.integers(-100, 101, (TINY.train_samples + TINY.test_samples, TINY.features))
    return Job(TINY, 0, codes, (codes[:, 0] > 0).astype(np.int64))


@SPEED_BENCH_FIGURES
def test_events_are_those_that_wake_python(tmp_path: Path) -> None:
    """Counted by hand: a RESET pulse is one event on its row, SET, READ and EVAL one each."""
    counts = {"train": dict(form=1, reset=32, set=10, read=20, eval=300, reset_pulse=2), "infer": dict(eval=40)}
    names = ("form", "reset", "set", "read", "eval", "reset_pulse")
    filled = {phase: dict.fromkeys(names, 0) | row for phase, row in counts.items()}
    outcome: Any = type("Outcome", (), {"counts": filled})
    assert cosim.array_events(outcome) == 1 + 10 + 20 + 300 + 2 + 40
