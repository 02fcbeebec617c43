"""What the studies of tasks, spread, age and unseen beats compute, against formulas of others; that results go on."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import integrate, stats

from oxmc.pymodels.config import preset
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.tasks.ecg_synthetic import synthetic_beats
from oxmc.pymodels.twin.inference import predict
from oxmc.pymodels.uncertainty import class_probabilities, entropy_bits
from oxmc.studies import dqn, ecg_records, estimates, toy_posterior, trainings, unseen
from oxmc.studies import total_variation as tv
from oxmc.studies.records import Records, digest

STATISTICS_OF_THE_STUDIES = pytest.mark.testpoint("statistics of the studies")
STUDIES_CAN_FAIL = pytest.mark.testpoint("studies can fail")
STUDIES_RUN = pytest.mark.testpoint("studies run")


@STATISTICS_OF_THE_STUDIES
def test_median_and_its_error(seed: int) -> None:
    """Of normal values the error is sqrt(pi / 2) that of the mean; 2,000 values and draws give it to some 15 %."""
    values = np.random.default_rng(seed).normal(size=2001)
    found = estimates.median(values)
    assert found.mean == np.median(values)
    assert found.sem == pytest.approx(np.sqrt(np.pi / 2 / len(values)), rel=0.4)
    assert estimates.median([0.25] * 5) == (0.25, 0.0)


@STUDIES_RUN
def test_records_go_on_where_they_stopped(tmp_path: Path) -> None:
    calls: list[int] = []

    def measure(value: int) -> dict[str, int]:
        calls.append(value)
        return {"value": value}

    for _ in range(2):
        records = Records(tmp_path / "study")
        assert [records.of(("a", n), measure, n)["value"] for n in (1, 2)] == [1, 2]
    assert calls == [1, 2]
    with (tmp_path / "study" / "records.jsonl").open("a") as file:
        file.write('{"key": ["a", 3], "va')  # cut off by the stop
    with pytest.raises(InputError, match="line 3 must be a whole record: delete it, not .*records.jsonl'"):
        Records(tmp_path / "study")
    config = preset("toy", "wide")
    assert digest(config) == digest(preset("toy", "wide")) != digest(config.replace(rows=2000))


@STATISTICS_OF_THE_STUDIES
def test_exact_mass_of_the_toy_is_the_integral() -> None:
    """A bin's mass over another's, by adaptive quadrature of likelihood (Eq 7) times prior (Eq 4).

    To 0.5 %: the grid's steps are 0.5 uS, and at S = 1/uS the likelihood of a point falls within that.
    """
    config = preset("toy", "wide").replace(split="fixed", test_samples=1)
    data, _ = trainings.split_of(config, 0, "toy")
    mass, edges = toy_posterior.exact_mass(config, data, 80.0), tv.edges(80.0)

    def density(v: float, u: float) -> float:
        y = config.scale_per_us * (data.train_x @ np.array([u, v])) * (2 * data.train_t - 1)
        return float(np.exp(-np.logaddexp(0.0, -y).sum() - (u * u + v * v) / (2 * config.prior_sigma_us**2)))

    def integral(i: int, j: int) -> float:
        bounds = (edges[i], edges[i + 1], edges[j], edges[j + 1])
        return float(integrate.dblquad(density, *bounds, epsrel=1e-6)[0])

    i, j = np.unravel_index(mass.argmax(), mass.shape)
    assert mass[i, j] / mass[i - 2, j + 1] == pytest.approx(integral(i, j) / integral(i - 2, j + 1), rel=5e-3)
    assert mass.sum() == pytest.approx(1.0)


@STUDIES_CAN_FAIL
@pytest.mark.parametrize("apart", [False, True])
def test_beats_left_out_are_not_trained(apart: bool) -> None:
    """Nor is any beat trained and tested; apart, no record is."""
    beats, config = synthetic_beats(), preset("ecg", "wide")
    train, test = unseen.chosen(beats, "V", config, 3, apart)
    assert not (beats.symbol[train] == "V").any() and not set(train) & set(test)
    assert apart != bool(set(beats.record[train]) & set(beats.record[test]))
    data, left_out = unseen.split(beats, "V", config, 3, apart)
    assert np.array_equal(beats.symbol[test] == "V", left_out) and left_out.any()
    assert np.array_equal(data.train_t, beats.symbol[train] != "N")
    assert data.train_t.sum() == config.train_samples // 2 and len(data.train_t) == config.train_samples
    assert np.allclose(data.train_x.mean(axis=0), 0) and np.allclose(data.train_x.std(axis=0), 1)
    with pytest.raises(InputError, match="^--left-out must be beats of the data, and not all but the normal ones, not"):
        unseen.split(beats, "/", config, 3, apart)


@STATISTICS_OF_THE_STUDIES
def test_rejection_keeps_the_surest() -> None:
    doubt, right = np.array([0.1, 0.9, 0.2, 0.8]), np.array([1, 0, 1, 1])
    kept = unseen.rejection(doubt, right)
    assert kept[0] == 0.75 and kept[-1] == 1.0  # half rejected: 0.1 and 0.2 are left
    assert len(kept) == len(unseen.SHARES)


@STATISTICS_OF_THE_STUDIES
def test_rows_that_agree_do_not_disagree() -> None:
    """Equal rows: none. Else entropy less the mean own one, written out; never negative but for rounding of P."""
    config = preset("ecg", "wide").replace(rows=24, burn_in=4, train_samples=60, test_samples=40)
    data, _ = trainings.split_of(config, 1, "ecg")
    run = trainings.training(config, 1, task="ecg").outcome
    codes = unseen.quantise(config, data.test_x)
    rows = run.conductance_ns[4 : run.last_row + 1]
    counters = run.counters[4:]
    p = class_probabilities(config, predict(config, run.conductance_ns, run.counters, codes)[1], int(counters.sum()))
    found = unseen.disagreement_bits(config, run, codes, entropy_bits(p))
    one = config.replace(burn_in=0)
    votes = [predict(one, row[None], np.ones(1, np.int64), codes)[1] for row in rows]
    alone = [stats.entropy(class_probabilities(one, sums, 1), base=2, axis=1) for sums in votes]
    assert np.allclose(found, stats.entropy(p, base=2, axis=1) - np.average(alone, axis=0, weights=counters))
    assert found.min() > -1e-9 and found.max() > 0.01
    run.conductance_ns[4:] = run.conductance_ns[4]
    p = class_probabilities(config, predict(config, run.conductance_ns, run.counters, codes)[1], int(counters.sum()))
    assert np.allclose(unseen.disagreement_bits(config, run, codes, entropy_bits(p)), 0.0, atol=1e-12)


@STATISTICS_OF_THE_STUDIES
def test_beats_weigh_in_the_mean_of_beats() -> None:
    found = [
        {"record": 1, "beats": 10, "share": 0.0, "chip": [1.0, 0.8]},
        {"record": 2, "beats": 30, "share": 0.4, "chip": [0.0, 0.4]},
    ]
    mean = ecg_records.together(found, np.array([10, 30]), "mean of beats")
    assert mean["chip"].tolist() == [0.25, 0.5] and mean["share"] == pytest.approx(0.3) and mean["beats"] == 40


@STATISTICS_OF_THE_STUDIES
def test_dqn_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its packages one line; its environment ends at the paper's 15 degrees and 500 steps."""
    pytest.importorskip("gymnasium")
    env = dqn.environment()
    assert env.spec.max_episode_steps == 500
    env.reset(seed=0)
    env.unwrapped.state = np.array([0.0, 0.0, math.radians(14.0), 0.0])  # over by gymnasium's own 12 degrees
    assert not env.step(0)[2]
    env.unwrapped.state = np.array([0.0, 0.0, math.radians(16.0), 0.0])
    assert env.step(0)[2]
    monkeypatch.setitem(sys.modules, "stable_baselines3", None)
    with pytest.raises(InputError, match=r"^dqn needs packages that are not installed; .* -m pip install -e .*\[dqn\]"):
        dqn.rewards(0, 10)
