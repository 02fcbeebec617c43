"""Faults drawn anew, read noise and relaxation: their laws, their counters, what they leave alone, what is refused."""

from __future__ import annotations

from math import isqrt

import numpy as np
import pytest
from commands import refusal
from pytest import CaptureFixture
from scipy import stats

from oxmc.pymodels.config import Config, resolve
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.oxram import draws
from oxmc.pymodels.oxram.array import OxramArray
from oxmc.pymodels.oxram.card_file import card_table, parse_card
from oxmc.pymodels.oxram.devices import load_card
from oxmc.pymodels.oxram.effect_draws import root
from oxmc.pymodels.oxram.effects import POWER_SHIFT, effects_of
from oxmc.pymodels.oxram.philox import philox4x32
from oxmc.pymodels.tasks import load_task
from oxmc.pymodels.tasks.jobs import make_job
from oxmc.pymodels.twin.chain import run_twin
from oxmc.run.result import state_sha256
from oxmc.tb.cosim.program import lut_codes

pytestmark = pytest.mark.testpoint(
    "imperfect devices",
    "faults, read noise, relaxation and scatter of SETs: shares and spreads against their laws, one evaluation "
    "written out from its counters, roots against Python's, early rejection still exact, no bit changed when off; what "
    "is refused",
)

ARRAY = Config(rows=64, features=8, train_samples=4, test_samples=2, burn_in=1, read_range_us=256.0, read_bits=12)
"""1,024 cells; a read step of 62 nS, far below what the effects do."""
GATE = 10
CELLS = 64 * 16


def made(seed: int, **changes: object) -> OxramArray:
    """An array with every cell SET once at the middle gate code."""
    config = ARRAY.replace(**changes)
    array = OxramArray(config, load_card("16k"), seed)
    for row in range(64):
        for cell in range(16):
            array.set(row, cell, GATE, 1)
    return array


def reads(array: OxramArray) -> np.ndarray:
    """A READ of every cell, in nS to a step."""
    return np.array([[array.read(row, cell, 1) for cell in range(16)] for row in range(64)]) * array.read_step_ns


def scattered(law: dict[str, object], sets: int, seed: int, **changes: object) -> tuple[np.ndarray, OxramArray]:
    """Conductances of all cells of an array without d2d after each of `sets` SETs, in nS [sets, cells]."""
    card = parse_card("mine", card_table(load_card("16k")) | {"distribution": law | {"source": "a test"}})
    array = OxramArray(ARRAY.replace(d2d_spread=0.0, set_distribution="card", **changes), card, seed)
    found = []
    for _ in range(sets):
        for row, cell in np.ndindex(array.state.shape):
            array.set(row, cell, GATE, 1)
        found.append(array.conductance_ns.ravel().copy())
    return np.array(found), array


def test_log_normal_sets(seed: int) -> None:
    """Kolmogorov and Smirnov against scipy's law of the same median and s.d., 2,048 draws: p > 1e-4."""
    found, array = scattered({"kind": "lognormal"}, 2, seed)
    median, sd = float(array.gates.median_ns[GATE]), float(array.gates.sd_ns[GATE])
    law = stats.lognorm(np.sqrt(np.log((1 + np.sqrt(1 + 4 * (sd / median) ** 2)) / 2)), scale=median)
    assert law.std() == pytest.approx(sd, rel=1e-9)
    assert stats.kstest(found.ravel(), law.cdf).pvalue > 1e-4
    assert stats.skew(found.ravel()) > 0.15  # 0.36 are due; a normal law's 2,048 draws have 0 +- 0.054


def test_empirical_sets(seed: int) -> None:
    """Draws against a large sample of the law that the quantiles are of, a uniform of s.d. 1; ends are the card's."""
    quantiles = ((np.arange(200) + 0.5) / 200 - 0.5) * np.sqrt(12)
    found, array = scattered({"kind": "empirical", "quantiles": quantiles.tolist()}, 2, seed)
    z = (found.ravel() - array.gates.median_ns[GATE]) / array.gates.sd_ns[GATE]
    assert stats.kstest(z, stats.uniform(-np.sqrt(3), 2 * np.sqrt(3)).cdf).pvalue > 1e-4
    assert z.min() >= quantiles[0] - 1e-3 and z.max() <= quantiles[-1] + 1e-3


def test_correlated_and_failing_sets(seed: int) -> None:
    """AR1: correlations rho, rho^2 over 1,024 cells within five standard errors, the law itself as without; failures
    within five binomial s.d. and in the LCS."""
    found, array = scattered({"kind": "normal"}, 3, seed, cycle_correlation=-0.6)
    seen = np.corrcoef(found)
    assert seen[0, 1] == pytest.approx(-0.6, abs=5 * 0.64 / 32) and seen[0, 2] == pytest.approx(0.36, abs=5 * 0.87 / 32)
    z = (found[2] - array.gates.median_ns[GATE]) / array.gates.sd_ns[GATE]
    assert stats.kstest(z, stats.norm.cdf).pvalue > 1e-4
    failed, array = scattered({"kind": "normal"}, 1, seed, set_failure=0.1)
    low = failed[0] < 25_000
    assert abs(low.sum() - 102) < 5 * 9.6 and np.isin(failed[0][low], array.lcs_table).all()


def trained(config: Config, seed: int) -> Outcome:
    job = make_job(config, load_task("cancer", config, seed), seed)
    return run_twin(config, seed, job.codes, job.labels, np.array(lut_codes(Formats(config))), 0)


def test_root_is_exact(seed: int) -> None:
    """Against Python's own, also about squares near the largest sum."""
    rng = np.random.default_rng(seed)
    values = [0, 1, 2, 3, 4, *(int(v) for v in rng.integers(0, 2**62, 1000))]
    values += [int(s) ** 2 + d for s in rng.integers(2, 2**31 - 1, 1000) for d in (-1, 0, 1)]
    assert [root(value) for value in values] == [isqrt(value) for value in values]


@pytest.mark.parametrize("effect", ["each_set", "each_read"])
def test_shares_of_faults(effect: str, seed: int) -> None:
    """1,024 cells read twice, 10 % and 5 % failing: counts within five binomial s.d. (9.6 and 7.0); those of a SET are
    the same at both reads, those of a read are others."""
    array = made(seed, fault_mode=effect, stuck_lcs=0.10, stuck_hcs=0.05)
    assert not array.stuck.any()
    hcs = load_card("16k").hcs_stuck_us * 1000
    first, second = reads(array), reads(array)
    for seen in (first, second):
        low, high = (seen < 20_000).sum(), (np.abs(seen - hcs) <= array.read_step_ns).sum()
        assert abs(low - 102) < 48 and abs(high - 51) < 35  # no SET of 60 uS comes near either
    assert ((first < 20_000) == (second < 20_000)).all() == (effect == "each_set")


def test_a_failing_cell_is_sensed_not_stored(seed: int) -> None:
    ideal, failing = made(seed), made(seed, fault_mode="each_read", stuck_lcs=0.5)
    reads(failing)
    np.testing.assert_array_equal(ideal.conductance_ns, failing.conductance_ns)


def test_noise_of_reads(seed: int) -> None:
    """Relative s.d. 5 % over 1,024 cells, each read twice: independent noises, their mean 0. An s.d. of n draws errs by
    1 / sqrt(2 n), a correlation by 1 / sqrt(n); five of those. The READ step adds 62 nS / sqrt(12) of 60 uS."""
    array = made(seed, read_noise=0.05)
    noise = [reads(array) / array.conductance_ns - 1 for _ in range(2)]
    for relative in noise:
        assert abs(relative.mean()) < 5 * 0.05 / CELLS**0.5 + 0.001  # a floor is half a step low
        assert relative.std() == pytest.approx(0.05, rel=5 / (2 * CELLS) ** 0.5)
    assert abs(np.corrcoef(noise[0].ravel(), noise[1].ravel())[0, 1]) < 5 / CELLS**0.5


def test_noise_of_evaluations_is_that_of_independent_cells(seed: int) -> None:
    """s.d. of V.w over 2,000 evaluations of one row against read_noise sqrt(sum (g code)^2); five standard errors."""
    array, codes = made(seed, read_noise=0.02, adc_bits=12, eval_range=1.0), np.arange(-40, 40, 10)
    step = array.steps[0]
    found = np.array([array.evaluate(3, 0, codes, 1) for _ in range(2000)]) * step + step / 2
    row = array.conductance_ns[3].astype(float)
    due = 0.02 * np.sqrt(((row[0::2] ** 2 + row[1::2] ** 2) * codes**2).sum())
    dot = ((row[0::2] - row[1::2]) * codes).sum()
    assert step < due, "the converter must resolve the noise"
    spread = np.hypot(due, step / 12**0.5)
    assert found.std() == pytest.approx(spread, rel=5 / 4000**0.5)
    assert abs(found.mean() - dot) < 5 * spread / 2000**0.5


def test_evaluation_by_hand(seed: int) -> None:
    """One EVAL with faults and noise, written out from the documented counters: the second since the row's 17th SET."""
    array = made(seed, fault_mode="each_read", stuck_lcs=0.2, stuck_hcs=0.2, read_noise=0.03, adc_bits=12)
    row, codes = 5, np.array([7, -120, 3, 0, 99, -1, 15, 127])
    array.set(row, 2, GATE, 1)
    array.evaluate(row, 0, codes, 1)
    base, effects = row * 16, effects_of(array.card, array.config)
    dot = power = 0
    for cell in range(16):
        word = philox4x32(base + cell >> 2, 17, 1, 7, *array.key)[(base + cell) % 4]
        ns = int(array.conductance_ns[row, cell])
        if word < 0.2 * 2**32:
            ns = int(array.lcs_table[word & 255])
        elif word < 0.4 * 2**32:
            ns = effects.hcs_ns
        code = int(codes[cell // 2])
        dot += (-1) ** cell * ns * code
        power += (ns * abs(code) >> POWER_SHIFT) ** 2
    sd = (isqrt(power) << POWER_SHIFT) * effects.noise_q16 + 2**15 >> 16
    dot += sd * draws.normal_q16(philox4x32(base, 17, 1, 3, *array.key)[0]) + 2**15 >> 16
    assert array.evaluate(row, 0, codes, 1) == max(-2048, min(2047, dot // array.steps[0]))


def test_relaxation(seed: int) -> None:
    """READs before the first evaluation find the fresh value, then it has moved, once; s.d. as of noisy reads."""
    array, codes = made(seed, relaxation=0.05), np.ones(8, np.int64)
    fresh = array.conductance_ns.copy()
    reads(array)
    np.testing.assert_array_equal(array.conductance_ns, fresh)
    for row in range(64):
        array.evaluate(row, 0, codes, 1)
    moved = array.conductance_ns / fresh - 1
    assert moved.std() == pytest.approx(0.05, rel=5 / (2 * CELLS) ** 0.5)
    assert abs(moved.mean()) < 5 * 0.05 / CELLS**0.5
    again = array.conductance_ns.copy()
    array.evaluate(0, 0, codes, 1)
    np.testing.assert_array_equal(array.conductance_ns, again)


@pytest.mark.parametrize("effect", [{"read_noise": 0.01}, {"fault_mode": "each_read", "stuck_lcs": 0.01}])
def test_early_rejection_stays_exact(effect: dict, seed: int) -> None:
    """In one order of samples the noise of an evaluation does not depend on whether the sweep goes on."""
    config = resolve("cancer", "wide", rows=12, settings={**effect, "sample_order": "given", "max_proposals": 200})
    early, whole = trained(config, seed), trained(config.replace(early_rejection=False), seed)
    assert state_sha256(early.conductance_ns, early.counters) == state_sha256(whole.conductance_ns, whole.counters)
    assert early.counts["train"]["eval"] < whole.counts["train"]["eval"]
    np.testing.assert_array_equal(early.sums, whole.sums)


@pytest.mark.parametrize("changes", [{"fault_mode": "each_set"}, {"fault_mode": "each_read"}])
def test_no_share_no_fault(changes: dict, seed: int) -> None:
    """A fault mode without stuck cells changes no bit."""
    config = resolve("cancer", "paper", rows=6)
    one, other = trained(config, seed), trained(config.replace(**changes), seed)
    assert state_sha256(one.conductance_ns, one.counters) == state_sha256(other.conductance_ns, other.counters)


@pytest.mark.parametrize(
    ("task", "setting", "message"),
    [
        ("cancer --engine float", "read_noise=0.01", "read_noise and relaxation 0 with --engine float"),
        ("cartpole --engine twin", "fault_mode=each_read", "fault_mode must be permanent or each_set with acceptance"),
    ],
)
def test_refused(task: str, setting: str, message: str, capsys: CaptureFixture[str]) -> None:
    assert message in refusal(capsys, "train", *task.split(), "--set", setting)
