"""`--lockstep`: silent where chip and twin agree; a one-bit error in any block is caught and named."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import oxmc.tb.cosim.simulator
from oxmc.hdl.verilog.netlist import chip_verilog
from oxmc.pymodels.config import Config, resolve
from oxmc.pymodels.errors import RunError
from oxmc.pymodels.job import Job
from oxmc.pymodels.tasks import load_task
from oxmc.pymodels.tasks.jobs import make_job
from oxmc.run.simulated import simulate
from oxmc.tb.cosim.lockstep import Lockstep, LockstepError

pytestmark = [
    pytest.mark.cosim,
    pytest.mark.testpoint(
        "lockstep",
        "silent where chip and twin agree; a one-bit error in any block is caught and named",
    ),
]

SMALL = {"train_samples": 30, "test_samples": 5}


def small_job(preset: str = "paper") -> Job:
    config = resolve("cancer", preset, settings=SMALL, rows=6)
    return make_job(config, load_task("cancer", config, 3), 3)


def broken(module: str, old: str, new: str):
    """A generator of the chip in which one text of one module is another."""

    def generate(config: Config, *, observed: bool) -> str:
        text = chip_verilog(config, observed=observed)
        match = re.search(rf"^module oxmc_chip_{module}\(.*?^endmodule", text, re.M | re.S)
        assert match is not None and old in match[0], f"nothing to break in {module}: {old!r}"
        return text.replace(match[0], match[0].replace(old, new, 1))

    return generate


@pytest.mark.parametrize("preset", ["paper", "wide"])
def test_equal_engines_pass(preset: str, tmp_path: Path) -> None:
    outcome = simulate(small_job(preset), "icarus", tmp_path, lockstep=True)
    assert outcome.filled_rows == 6


@pytest.mark.parametrize(
    ("module", "old", "new", "named"),
    [
        ("lfsr", "state[31] ^ state[21]", "state[31] ^ state[20]", "Lfsr and LogUniform: neg_log2_u"),
        ("log_uniform", "zeros + 1'h1", "zeros + 2'h2", "Lfsr and LogUniform: neg_log2_u"),
        ("log_likelihood", "+ entry", "+ (entry ^ 12'h001)", "Likelihood: likelihood"),
        ("log_prior", "operand * multiplier", "(operand ^ 20'h00400) * multiplier", "Prior: prior"),
        ("acceptance", "operand + prior", "(operand ^ 22'h000001) + prior", "Acceptance: current_cost"),
        ("row_counters", "count + 1'h1", "count + 2'h2", "RowCounters: "),
        ("gate_dac", "low_is_nearer ? low : high", "low_is_nearer ? high : low", "GateDac or programmer: SET"),
        ("trainer", "== 5'h1f", "== 5'h1e", "GateDac or programmer: number of SETs"),
    ],
    ids=lambda value: value if value.replace("_", "").isalpha() else "",
)
def test_an_error_is_caught_and_named(
    module: str, old: str, new: str, named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oxmc.tb.cosim.simulator, "chip_verilog", broken(module, old, new))
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # under pytest cocotb's runner exits by itself
    with pytest.raises(RunError, match=rf"lockstep: cycle \d+, row \d+, {re.escape(named)}"):
        simulate(small_job(), "icarus", tmp_path, lockstep=True)


def test_a_missing_decision_is_caught() -> None:
    lockstep = Lockstep(small_job())
    with pytest.raises(LockstepError, match="cycle 7, row 0, Trainer: number of decisions is too small on the chip"):
        lockstep.finish(7, [1])


def test_a_wrong_stored_counter_is_caught() -> None:
    lockstep = Lockstep(small_job())
    lockstep.ended = True
    with pytest.raises(LockstepError, match="row 0, RowCounters: stored counter is 9 on the chip, 0 in the twin"):
        lockstep.finish(7, np.array([9]).tolist())
