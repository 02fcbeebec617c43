"""The compiled coupling: the array module against the array model, whole trainings against the Python coupling and the
twin on both simulators, refused pulses, and an end with whoever wanted the run."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benches import CHOSEN, on_each_simulator, some
from commands import SMALL, check_same_joules, oxmc, refusal
from pytest import CaptureFixture, MonkeyPatch

from oxmc.hdl.verilog.netlist import build_config, chip_verilog
from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import RunError
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.job import Job
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.oxram.card_file import card_table, card_text, parse_card
from oxmc.pymodels.oxram.circuit import has_circuit
from oxmc.pymodels.oxram.devices import load_card
from oxmc.pymodels.oxram.effects import effects_of
from oxmc.pymodels.streams import lfsr_seed
from oxmc.pymodels.twin.chain import run_twin
from oxmc.run import simulated
from oxmc.run.result import check_inference
from oxmc.tb.blocks.scoreboard import PARAMETERS_VARIABLE
from oxmc.tb.cosim import runners
from oxmc.tb.cosim import simulator as cosim
from oxmc.tb.cosim.compiled import OWNER, load_for
from oxmc.tb.cosim.program import load_words, lut_codes
from oxmc.tb.cosim.simulator import CompiledSimulation, array_parameters
from oxmc.tb.cosim.twin import twin_of

COMPILED_ARRAY = pytest.mark.testpoint(
    "compiled array",
    "FORM, RESET of some cells, SET, READ and EVAL in random order against the array model: answers, state, SET "
    "counts, events and quantities by phase; several geometries, stuck cells",
)
COUPLINGS_AGREE = pytest.mark.testpoint(
    "couplings agree",
    "Python coupling, compiled coupling and twin: conductances, counters, sums, classes, events, quantities, "
    "cycles; both simulators, geometries, options of the chain, waves, command line; a simulation ends with the "
    "process that wants it",
)
COMPILED_COUPLING_REFUSES = pytest.mark.testpoint(
    "compiled coupling refuses",
    "pulse width, row, unformed cell, pins and input codes that break the array's rules fail the run with row, "
    "cell, rule and cycle",
)

pytestmark = pytest.mark.cosim

SMALL_CONFIG = Config(
    rows=8, train_samples=40, test_samples=10, burn_in=1, stuck_lcs=0.02, stuck_hcs=0.02, max_proposals=40
)
NARROW = Config(rows=4, features=4, train_samples=12, test_samples=6, burn_in=1, scale_per_us=0.01, eval_range=4.0)
EVERY_EFFECT: dict[str, Any] = dict(
    fault_mode="each_set", stuck_lcs=0.02, stuck_hcs=0.02, read_noise=0.05, relaxation=0.05, line_ohm=20.0,
    selector_ohm=500.0, selector_limit_ua=60.0, iv_curvature=0.3, dac_mismatch=0.05, front_end_ohm=300.0,
    front_end_offset_v=0.003, front_end_offset_sd_v=0.002, adc_inl_lsb=0.7, adc_dnl_lsb=0.4,
    auto_zero_bits=6,
)  # fmt: skip
VARIANTS = {
    "paper": SMALL_CONFIG,
    "slow pulses": NARROW.replace(
        clock_hz=20e6, set_pulse_s=150e-9, reset_pulse_s=250e-9, read_pulse_s=100e-9, eval_pulse_s=200e-9,
        conversion_s=100e-9,
    ),
    "three outputs": NARROW.replace(features=5, outputs=3, read_bits=6, adc_bits=7, table_bits=5, input_bits=6),
    "many cells": NARROW.replace(rows=3, features=64, outputs=2, d2d_spread=0.3, max_proposals=12),
    "verified pairs": NARROW.replace(verify="pair", verify_window_us=3.0, max_proposals=60),
    "hidden": NARROW.replace(hidden=5, features=3, outputs=2, early_rejection=True, scale_per_us=0.05, eval_range=8.0),
    "noise": NARROW.replace(
        fault_mode="each_read", stuck_lcs=0.05, stuck_hcs=0.05, read_noise=0.05, relaxation=0.05, outputs=3,
        early_rejection=True, scale_per_us=0.1, eval_range=8.0, max_proposals=60,
    ),
    "circuit": NARROW.replace(
        **EVERY_EFFECT, input_bits=6, outputs=3, early_rejection=True, scale_per_us=0.1, eval_range=8.0,
        max_proposals=60,
    ),
    "hidden, circuit": NARROW.replace(
        **EVERY_EFFECT, input_bits=8, hidden=5, features=3, outputs=2, scale_per_us=0.05, eval_range=8.0,
        max_proposals=60,
    ),
    "parallel DACs": NARROW.replace(
        gate_dacs=4, features=5, fault_mode="each_set", stuck_lcs=0.05, stuck_hcs=0.05, relaxation=0.05, form=True,
        condition_cycles=2, calibrate=True, gate_codes=5,
    ),
    "verified cells": NARROW.replace(verify="cell", verify_window_us=2.0, max_proposals=60, reject_limit=3),
}  # fmt: skip


def make_job(config: Config, seed: int) -> Job:
    """Random codes; the label follows their first feature, so that there is something to learn."""
    rng = np.random.default_rng(seed)
    top = Formats(config).input_max
    codes = rng.integers(-top, top + 1, (config.train_samples + config.test_samples, config.features))
    classes = max(2, config.outputs)
    return Job(config, seed, codes, np.clip((codes[:, 0] + top) * classes // (2 * top), 0, classes - 1))


def twin(job: Job) -> Outcome:
    formats = Formats(job.config)
    words = len(load_words(formats, job.codes, job.labels, lfsr_seed(job.seed, job.config.lfsr_bits)))
    return run_twin(job.config, job.seed, job.codes, job.labels, np.array(lut_codes(formats)), words)


def compiled(job: Job, engine: str, folder: Path) -> Outcome:
    folder.mkdir()
    return simulated.simulate(job, engine, folder, coupling="compiled")


def check_equal(one: Outcome, other: Outcome) -> None:
    """To the bit, joules aside, which the Python coupling sums pulse by pulse in floating point."""
    for field in dataclasses.fields(Outcome):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if field.name == "joules":
            for phase in a:
                # a few roundings of 1e-16 in each pulse's own joules, most of them the same way; sums lose nothing
                assert a[phase] == pytest.approx(b[phase], rel=1e-14, abs=0.0), phase
        elif field.name in Outcome.ARRAYS:
            np.testing.assert_array_equal(a, b, err_msg=field.name)
        else:
            assert a == b, field.name


@COUPLINGS_AGREE
@on_each_simulator
def test_couplings_and_twin_agree(simulator: str, seed: int, tmp_path: Path) -> None:
    """Conductances, counters, sums, classes, counts, quantities and cycles."""
    job = make_job(SMALL_CONFIG, seed)
    python = tmp_path / "python"
    python.mkdir()
    outcome = compiled(job, simulator, tmp_path / "compiled")
    check_equal(outcome, simulated.simulate(job, simulator, python))
    check_equal(outcome, twin(job))


@COUPLINGS_AGREE
@pytest.mark.skipif(CHOSEN == "verilator", reason="Verilator builds of six geometries")
@pytest.mark.parametrize(
    "variant",
    some([name for name in VARIANTS if name != "paper"], "slow pulses", "hidden", "noise", "circuit", "parallel DACs"),
)
def test_geometries_and_options_agree_with_twin(variant: str, seed: int, tmp_path: Path) -> None:
    job = make_job(VARIANTS[variant], seed)
    check_equal(compiled(job, "icarus", tmp_path / "run"), twin(job))


REWARDS = NARROW.replace(
    **EVERY_EFFECT, acceptance="reward", features=4, outputs=2, train_samples=1, test_samples=1, input_range=1.0,
    episode_steps=12, test_episodes=2, max_proposals=6, verify="pair", reject_limit=2, scale_per_us=0.1,
)  # fmt: skip


@COUPLINGS_AGREE
@pytest.mark.skipif(CHOSEN == "verilator", reason="two Verilator builds")
@pytest.mark.parametrize("coupling", ["python", "compiled"])
def test_rewards_under_every_effect_agree(coupling: str, seed: int, tmp_path: Path) -> None:
    """Noise of a row's evaluations is counted on from its training episode into the test."""
    job = Job(REWARDS, seed, np.zeros((0, 4), np.int64), np.zeros(0, np.int64))
    found = simulated.simulate(job, "icarus", tmp_path, coupling=coupling)
    check_equal(found, twin_of(job))
    check_inference(job, found)
    found.sums[-1, 0] += 1
    with pytest.raises(RunError, match="test episodes must take the integer model's actions"):
        check_inference(job, found)


def skewed_card(folder: Path, kind: str) -> str:
    """A file with the 16k card and a scatter that is not normal."""
    quantiles = {"quantiles": np.sort(np.random.default_rng(5).standard_gamma(4.0, 200) / 2 - 1.84).tolist()}
    own = {"kind": kind, "source": "a test"} | (quantiles if kind == "empirical" else {})
    path = folder / f"{kind}.toml"
    path.write_text(card_text(parse_card(kind, card_table(load_card("16k")) | {"distribution": own})))
    return str(path)


@COUPLINGS_AGREE
@pytest.mark.skipif(CHOSEN == "verilator", reason="two Verilator builds")
@pytest.mark.parametrize("kind", ["lognormal", "empirical"])
def test_scatter_of_a_card_agrees(kind: str, seed: int, tmp_path: Path) -> None:
    """Skewed, correlated SETs, some of which fail: in plain programming, and in verified with faults and forming."""
    own: dict[str, Any] = dict(
        card=skewed_card(tmp_path, kind), set_distribution="card", cycle_correlation=0.7, set_failure=0.1
    )
    if kind == "lognormal":
        own |= dict(verify="cell", verify_window_us=4.0, fault_mode="each_set", stuck_lcs=0.05, form=True,
                    condition_cycles=2, cycle_correlation=-0.7, max_proposals=30)  # fmt: skip
    job = make_job(NARROW.replace(**own), seed)
    expected = twin(job)
    check_equal(compiled(job, "icarus", tmp_path / "compiled"), expected)
    python = tmp_path / "python"
    python.mkdir()
    check_equal(simulated.simulate(job, "icarus", python), expected)


@COUPLINGS_AGREE
@on_each_simulator
def test_bits_do_not_know_the_number_of_gate_dacs(simulator: str, seed: int, tmp_path: Path) -> None:
    """Both couplings and the twin with four gate DACs; the state is the twin's with one. Six cells a row."""
    if simulator == "verilator" and CHOSEN != simulator:
        pytest.skip("takes two Verilator builds of its own; OXMC_SIM=verilator asks for it, make regress has one")
    job = make_job(NARROW.replace(features=3, gate_dacs=4), seed)
    one, expected = twin(dataclasses.replace(job, config=job.config.replace(gate_dacs=1))), twin(job)
    for coupling in ("python", "compiled"):
        folder = tmp_path / coupling
        folder.mkdir()
        lockstep = coupling == "python"
        check_equal(simulated.simulate(job, simulator, folder, coupling=coupling, lockstep=lockstep), expected)
    for name in (*Outcome.ARRAYS, "proposals", "clamps", "quantities", "joules"):
        np.testing.assert_equal(getattr(one, name), getattr(expected, name), err_msg=name)
    pulses = one.counts["train"]["set"] // 6 * (6 - 2)  # two SET pulses a row in place of six
    assert one.cycles - expected.cycles == pulses > 0


@COUPLINGS_AGREE
def test_lockstep_through_the_circuit(seed: int, tmp_path: Path) -> None:
    """The Python coupling with every effect on: the twin agrees at every proposal, and at the end."""
    job = make_job(VARIANTS["circuit"], seed)
    check_equal(simulated.simulate(job, "icarus", tmp_path, lockstep=True), twin(job))


def run_array(config: Config, seed: int, folder: Path, mutate: tuple[str, str] = ("", "")) -> str:
    """Run the bench of the array module alone on Icarus; the simulator's log."""
    names = ("oxram_array.v", "oxram_effects.vh", "oxram_circuit.vh")
    texts = {name: (Path(cosim.__file__).parent / name).read_text() for name in names}
    assert any(mutate[0] in text for text in texts.values())
    folder.mkdir()
    for name, text in texts.items():
        (folder / name).write_text(text.replace(*mutate) if mutate[0] else text)
    effects = effects_of(load_card(config.card), config).any
    make_job(config, seed).save(folder / "job.npz")
    top = "oxram_array"
    parameters = array_parameters(Formats(config), effects, has_circuit(config))
    runners.build("icarus", folder, top, ["oxram_array.v"], parameters=parameters)
    values = json.dumps({"job": str(folder / "job.npz"), "seed": seed})
    environment = {PARAMETERS_VARIABLE: values, "COCOTB_REWRITE_ASSERTION_FILES": "", "NUMBA_DISABLE_JIT": "1"}
    runners.simulate("icarus", folder, folder, top, "oxmc.tb.blocks.oxram_array", environment)
    return (folder / "simulator.log").read_text()


STUCK = dict(rows=6, stuck_lcs=0.05, stuck_hcs=0.05, d2d_spread=0.4)
ARRAYS = {
    "paper": Config(train_samples=10, test_samples=4, burn_in=1, **STUCK),  # type: ignore[arg-type]
    "three outputs": VARIANTS["three outputs"].replace(**STUCK),
    "slow pulses": VARIANTS["slow pulses"].replace(**STUCK),
    "hidden": VARIANTS["hidden"].replace(**STUCK),
    "parallel DACs": VARIANTS["parallel DACs"].replace(form=False, calibrate=False, **STUCK),
    "faults at a SET, relaxation": VARIANTS["three outputs"].replace(fault_mode="each_set", relaxation=0.1, **STUCK),
    "faults at a read, noise": VARIANTS["three outputs"].replace(fault_mode="each_read", read_noise=0.1, **STUCK),
    "scatter": VARIANTS["three outputs"].replace(
        cycle_correlation=0.8, set_failure=0.1, fault_mode="each_set", **STUCK
    ),
    "circuit": VARIANTS["circuit"].replace(rows=6, d2d_spread=0.4),
    "hidden, noise": VARIANTS["hidden"].replace(read_noise=0.1, relaxation=0.1, **STUCK),
}


@COMPILED_ARRAY
@pytest.mark.parametrize("geometry", some(ARRAYS, "slow pulses", "faults at a SET, relaxation", "hidden, noise"))
def test_array_equals_its_model(geometry: str, seed: int, tmp_path: Path) -> None:
    """FORM, RESET of some cells, SET, READ and EVAL in random order, with stuck cells."""
    assert "PASS=1" in run_array(ARRAYS[geometry], seed, tmp_path / "run")


@COMPILED_ARRAY
@pytest.mark.parametrize(
    "mutate",
    [
        ("if (value < 0 && floored * divisor != value)", "if (1'b0)"),  # a quotient rounded towards zero
        ("low_ns = lcs_ns[word[31:24]]", "low_ns = lcs_ns[word[30:23]]"),
        ("low_ns(first + i, set_count[first+i])", "low_ns(first + i, set_count[first+i] + 32'd1)"),
        ("high_ns(at, 32'd0, 0)", "high_ns(at, 32'd1, 0)"),
        ("if (stuck[first+i] == NOT_STUCK) begin", "begin"),
        ("+ 64'sd32768", ""),
        ("philox(cell_at, k, 32'd0, DOMAIN_SET)", "philox(cell_at, k, 32'd0, DOMAIN_RESET)"),
    ],
)
def test_a_wrong_array_is_caught(mutate: tuple[str, str], seed: int, tmp_path: Path) -> None:
    log = run_array(ARRAYS["three outputs"], seed, tmp_path / "run", mutate)
    assert "FAIL=1" in log


FAULTS = {
    "width": (
        [],
        r"SET of row 0 cell 0 must last 1 cycle, not 2",
    ),
    "row": (
        [
            (".array_row(array_row)", ".array_row(chip_row)"),
            (
                "wire [ROW_BITS-1:0] array_row;",
                "wire [ROW_BITS-1:0] chip_row; wire [ROW_BITS-1:0] array_row = chip_row + 100;",
            ),
        ],
        r"RESET of row 100 must have a row from 0 to 3, not 100",
    ),
    "unformed": (
        [
            ('$readmemh("load/stuck.hex"', 'state[9] = 0; $readmemh("load/stuck.hex"'),
        ],
        r"RESET of row 1 cell 1 must meet a formed cell, not an unformed one",
    ),
    "pins": (
        [("RESET: pins_due = 4'b1100", "RESET: pins_due = 4'b1010")],
        r"pulse on row 0 cell 0 must keep op, address and pins of one command from its first cycle to its latch, "
        r"not change in cycle 1 \(op 2\)",
    ),
    "codes": (
        [
            (".array_inputs(array_inputs)", ".array_inputs(chip_inputs)"),
            (
                "wire [INPUTS_BITS-1:0] array_inputs;",
                "wire [INPUTS_BITS-1:0] chip_inputs;"
                " wire [INPUTS_BITS-1:0] array_inputs = {chip_inputs[INPUTS_BITS-1:8], 8'h80};",
            ),
        ],
        r"EVAL of row 0 segment 0 must have input codes from -127 to 127, not \[-128,.*\]",
    ),
    "a refusal without reason": (
        [(".bad(bad)", ".bad(op == SET)")],
        r"array model must refuse what the compiled array did in",
    ),
}


@COMPILED_COUPLING_REFUSES
@pytest.mark.parametrize("fault", FAULTS)
def test_a_refused_pulse_fails_the_run(fault: str, tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    """With row, cell, rule and clock cycle."""
    changes, message = FAULTS[fault]

    class Broken(CompiledSimulation):
        def __init__(self, config: Config, simulator: str, *, waves: bool = False):
            super().__init__(config, simulator, waves=waves)
            if fault == "width":
                self.sources["oxmc_chip.v"] = chip_verilog(
                    build_config(config.replace(set_pulse_s=200e-9)), observed=True
                )
            for old, new in changes:
                (name,) = [name for name in ("cosim.v", "oxram_array.v") if old in self.sources[name]]
                self.sources[name] = self.sources[name].replace(old, new)
            self.folder = tmp_path / "build"

    monkeypatch.setattr(simulated, "CompiledSimulation", Broken)
    with pytest.raises(RunError, match=message + r".*clock cycle \d+") as caught:
        compiled(make_job(NARROW, 1), "icarus", tmp_path / "run")
    assert re.search(r"clock cycle [1-9]", str(caught.value))


@COUPLINGS_AGREE
@on_each_simulator
def test_a_simulation_ends_with_the_process_that_wants_it(simulator: str, tmp_path: Path) -> None:
    """By the link to a process that is gone, long before its first result."""
    simulation = CompiledSimulation(SMALL_CONFIG, simulator)
    simulation.build()
    load_for(
        make_job(SMALL_CONFIG.replace(max_proposals=10_000, prior_sigma_us=2.0), 1), tmp_path
    )  # rejects nearly all
    gone = subprocess.Popen(["true"])
    gone.wait()
    (tmp_path / OWNER).unlink()
    (tmp_path / OWNER).symlink_to(f"/proc/{gone.pid}/stat")
    simulation.run_alone(tmp_path)
    assert (tmp_path / "progress").exists() and not list((tmp_path / "final").iterdir())


@COUPLINGS_AGREE
def test_command_line(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    """`--coupling compiled` gives the same run.json but for times and the last bits of joules."""
    runs: list[dict[str, Any]] = []
    for coupling in ("python", "compiled"):
        out = tmp_path / coupling
        chosen = ("--engine", "icarus", "--coupling", coupling)
        answer = oxmc(capsys, "train", "cancer", *chosen, *SMALL, "--json", "--out", out)
        assert answer.code == 0
        runs.append(json.loads(answer.out))
    check_same_joules(*runs)
    for run in runs:
        for key in ("array_energy_j", "conservation_error"):
            run.pop(key)
        for key in ("wall_s", "cycles_per_s"):
            run["time"].pop(key)
    assert runs[0] == runs[1]
    assert refusal(capsys, "train", "cancer", "--engine", "twin", "--coupling", "compiled") == (
        "--coupling compiled needs an RTL engine (verilator, icarus), not 'twin'"
    )
    assert refusal(capsys, "train", "cancer", "--lockstep", "--coupling", "compiled") == (
        "--lockstep must be left out with --coupling compiled, where Python sees no pulses"
    )
    assert (
        refusal(capsys, "train", "cancer", "--coupling", "no") == "--coupling must be one of python, compiled, not 'no'"
    )


@COUPLINGS_AGREE
@on_each_simulator
def test_waves_show_a_clock(simulator: str, capsys: CaptureFixture[str], tmp_path: Path) -> None:
    """With waves the clock has a width, time goes on as at the chip's clock, and the run is the twin's."""
    runs = []
    for name, options in (("twin", ()), (simulator, ("--coupling", "compiled", "--waves"))):
        out = tmp_path / name
        answer = oxmc(capsys, "train", "toy", "--engine", name, *options, *SMALL, "--json", "--out", out)
        assert answer.code == 0, answer.err
        runs.append(json.loads(answer.out))
    assert runs[0]["result"] == runs[1]["result"] and runs[0]["phases"] == runs[1]["phases"]
    pywellen = pytest.importorskip("pywellen")
    waves, cycles = pywellen.Waveform(str(next(out.glob("waves.[fv]*")))), runs[1]["time"]["cycles"]
    signals = {each.full_name: each.signal for each in waves.all_vars()}
    levels = [signals["cosim.clk"].value_at(time) for time in range(25_000, cycles * 100_000, 50_000)]
    assert str(waves.timescale) == "1ps" and all(one != next for one, next in itertools.pairwise(levels[1:]))
    assert 0 <= cycles - signals["cosim.cycle"].value_at(cycles * 100_000) < 100
    assert "cosim.chip.clk" in signals
