"""The studies: their statistics against formulas of others, their trainings against `oxmc train`, and that they run.

Their results at full size are held by `regress/test_statistics.py`.
"""

from __future__ import annotations

import csv
import dataclasses
import importlib
import json
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import oxmc
from pytest import CaptureFixture
from scipy import integrate, stats

from oxmc.pymodels.config import PRESETS, preset
from oxmc.pymodels.errors import RunError
from oxmc.pymodels.tasks import NO_SOURCE
from oxmc.studies import early_rejection, energy, estimates, trainings
from oxmc.studies import total_variation as tv

STATISTICS_OF_THE_STUDIES = pytest.mark.testpoint(
    "statistics of the studies",
    "means, errors and paired differences against scipy; the exact posterior's mass against quadrature; total "
    "variation, its noise, its jackknife, effective size on cases with a known answer",
)
STUDIES_CAN_FAIL = pytest.mark.testpoint(
    "studies can fail",
    "a wrong posterior, a decision that differs under early rejection, a key that does not exist; no beat that "
    "is left out is trained",
)
STUDIES_RUN = pytest.mark.testpoint(
    "studies run",
    "each prints its table and the same as JSON; a study's training is that of oxmc train; results at full size "
    "are held by make regress",
)


@STATISTICS_OF_THE_STUDIES
def test_estimates() -> None:
    values, others = [0.96, 0.955, 0.97, 0.94], [0.95, 0.96, 0.965, 0.93]
    found = estimates.estimate(values)
    assert found.mean == pytest.approx(statistics.mean(values)) and found.sem == pytest.approx(stats.sem(values))
    difference, test = estimates.paired(values, others), stats.ttest_rel(values, others)
    assert difference.mean / difference.sem == pytest.approx(test.statistic)
    assert estimates.estimate([0.5]) == (0.5, 0.0)


@STUDIES_RUN
def test_a_study_trains_as_oxmc_does(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    """The same figures as run.json, on both engines."""
    for engine in ("twin", "float"):
        arguments = (
            "train",
            "cancer",
            "--preset",
            "wide",
            "--engine",
            engine,
            "--seed",
            11,
            "--json",
            "--out",
            tmp_path / engine,
        )
        run = json.loads(oxmc(capsys, *arguments).out)
        found, train = trainings.training(preset("cancer", "wide"), 11, engine), run["phases"]["train"]["events"]
        assert (found.accuracy, found.proposals) == (run["result"]["value"], run["chain"]["proposals"])
        assert (found.sets, found.evaluations) == (train["set"], train["eval"])
        assert (found.cycles, found.rows) == (run["time"]["cycles"], run["result"]["rows_used"])
        assert found.energy_uj == pytest.approx(1e6 * run["energy_j"]["28nm"]["total"], rel=1e-12)  # one summation


def density(case: tv.Problem, *w: float) -> float:
    """Likelihood (Eq 7) times prior (Eq 4), written out, not normalised."""
    found = 1.0
    for x, t in zip(case.x, case.t, strict=True):
        found *= 1 / (1 + np.exp(-0.05 * (2 * t - 1) * float(x @ np.array(w))))
    return found * float(np.exp(-sum(value**2 for value in w) / (2 * 15.0**2)))


@STATISTICS_OF_THE_STUDIES
def test_exact_mass_of_one_pair_is_the_integral() -> None:
    """By adaptive quadrature; eight midpoints a bin are off by 1e-4 of a bin's mass and less."""
    case = tv.problem(1)
    edges, mass = tv.edges(), tv.exact_mass(case)
    bins = [integrate.quad(lambda w: density(case, w), a, b)[0] for a, b in zip(edges[:-1], edges[1:], strict=True)]
    assert np.allclose(mass, np.array(bins) / sum(bins), rtol=0, atol=1e-4 * mass.max())


@STATISTICS_OF_THE_STUDIES
def test_exact_mass_of_two_pairs_has_the_right_places() -> None:
    """Ratio of two bins' masses against that of their integrals; swapped weights would differ."""
    case, edges, mass = tv.problem(2), tv.edges(), tv.exact_mass(tv.problem(2))

    def integral(i: int, j: int) -> float:
        span = (edges[j], edges[j + 1], edges[i], edges[i + 1])
        return float(integrate.dblquad(lambda b, a: density(case, a, b), *span[2:], *span[:2], epsrel=1e-4)[0])

    first, second = np.searchsorted(edges, (12.0, -8.0))
    ratio = integral(first, second) / integral(first + 2, second)
    assert mass[first, second] / mass[first + 2, second] == pytest.approx(ratio, rel=1e-3)
    assert mass.sum() == pytest.approx(1.0) and mass.shape == (40, 40)


@STATISTICS_OF_THE_STUDIES
def test_fixed_point_alone_changes_little() -> None:
    """8-bit converters and a 256-entry table: half a percent of the mass, in both problems."""
    for pairs in (1, 2):
        case = tv.problem(pairs)
        assert 0.0 < tv.total_variation(tv.quantised_mass(case), tv.exact_mass(case)) < 0.01


@STATISTICS_OF_THE_STUDIES
def test_total_variation() -> None:
    mass = np.array([0.5, 0.3, 0.2])
    assert tv.total_variation(mass, mass) == 0.0
    assert tv.total_variation(np.array([0.2, 0.3, 0.5]), mass) == pytest.approx(0.3)
    assert tv.total_variation(np.zeros(3), mass) == 1.0  # all of the chain lies beyond the grid


@STATISTICS_OF_THE_STUDIES
def test_noise_and_its_error(seed: int) -> None:
    """Independent draws of the exact posterior: as far as `noise_level` says; the jackknife covers the spread."""
    rng, mass = np.random.default_rng(seed), tv.exact_mass(tv.problem(1))
    padded = np.append(mass, 0.0)
    found = [tv.jackknife(rng.multinomial(500, padded, 20), mass) for _ in range(60)]
    variations = np.array([one.mean for one in found])
    assert variations.mean() == pytest.approx(tv.noise_level(mass, 10_000, rng, 200), rel=0.12)  # 60 draws, s.e. 3 %
    # the jackknife takes chains as units and errs on the safe side where bins are near their masses
    assert 0.7 * variations.std() < np.mean([one.sem for one in found]) < 3 * variations.std()


@STUDIES_CAN_FAIL
def test_a_wrong_posterior_is_seen(seed: int) -> None:
    """A mean half a standard deviation off: far above noise."""
    rng, case = np.random.default_rng(seed), tv.problem(1)
    mass = tv.exact_mass(case)
    counts = rng.multinomial(2000, np.append(np.roll(mass, 1), 0.0), 10)  # 4 of 11 uS
    found = tv.jackknife(counts, mass)
    assert found.mean - 5 * found.sem > tv.noise_level(mass, 20_000, rng)


@STATISTICS_OF_THE_STUDIES
def test_effective_size_of_independent_rows(seed: int) -> None:
    """Rows of counter 1 count in full, rows repeated three times a third of their draws, to 15 %, some three s.e."""
    w = np.random.default_rng(seed).normal(size=(2000, 2))
    assert tv.effective_size(w, np.ones(2000, int)) == pytest.approx(2000, rel=0.15)
    assert tv.effective_size(w, np.full(2000, 3)) == pytest.approx(2000, rel=0.15)


@STUDIES_CAN_FAIL
def test_a_decision_that_differs_is_caught() -> None:
    run = trainings.training(preset("cancer", "wide").replace(rows=16, burn_in=2), 0)
    early_rejection.check_alike(run, run, "itself")
    counters = run.outcome.counters.copy()
    counters[3] += 1
    other = run._replace(outcome=dataclasses.replace(run.outcome, counters=counters))
    with pytest.raises(RunError, match="^early rejection must decide alike, but counters of this differ$"):
        early_rejection.check_alike(run, other, "this")
    with pytest.raises(RunError, match="^early rejection must decide alike, but this made 1, not "):
        early_rejection.check_alike(run, run._replace(proposals=1), "this")


SMALL_STUDIES = {
    "total_variation": "--repeats 2 --rows 64",
    "early_rejection": "--proposals 1 --preset paper --preset wide",
    "engines": "--repeats 2",
    "fixed_split": "--repeats 2 --splits 2",
    "energy": "ratio --repeats 2 --task cancer",
    "toy_posterior": "--repeats 2 --splits 1 --rows 96",
    "tasks_table": "--repeats 2 --task toy --task ecg --preset wide",
    "ecg_records": "--repeats 2 --subjects 3,4",
    "ecg_patient": "own --repeats 2 --subjects 3,4 --preset wide --set test_after_s=200",
    "spread": "--repeats 2 --task cancer --limit 60",
    "age": "--repeats 2 --limit 60",
    "unseen": "--repeats 2 --left-out V",
    "choices": "--repeats 2 --set rows=24 --set train_samples=60 --choice verify --choice input_range",
    "rounding": "--repeats 2",
    "circuit": "--repeats 2 --try conditions=real,auto_zero_bits=6",
    "variants": "--repeats 2 --set rows=48 --try rows=32,burn_in=4 --try verify=off",
}


@STUDIES_RUN
@pytest.mark.filterwarnings("ignore:Precision loss")  # two trainings may well be alike
@pytest.mark.parametrize("name", ["toy_posterior", "spread", "unseen", "choices"])
def test_studies_leave_tables_and_pictures(capsys: CaptureFixture[str], tmp_path: Path, name: str) -> None:
    main: Any = importlib.import_module(f"oxmc.studies.{name}").main
    main([*SMALL_STUDIES[name].split(), "--out", str(tmp_path)])
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    with (tmp_path / "table.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(json.loads((tmp_path / "table.json").read_text())) == len(lines) - 2
    assert {path.suffix for path in tmp_path.glob(f"{name}.*")} == {".png", ".svg"}


@STUDIES_RUN
@pytest.mark.parametrize("name", SMALL_STUDIES)
def test_studies_run(capsys: CaptureFixture[str], name: str) -> None:
    """A table or, with --json, the same lines as objects."""
    main: Any = importlib.import_module(f"oxmc.studies.{name}").main
    main(SMALL_STUDIES[name].split())
    table = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    main([*SMALL_STUDIES[name].split(), "--json"])
    lines = json.loads(capsys.readouterr().out)
    assert len(table) == len(lines) + 2 and table[0] == "| " + " | ".join(lines[0]) + " |"


@STUDIES_RUN
@pytest.mark.campaign
def test_early_rejection_decides_alike_in_every_preset(capsys: CaptureFixture[str]) -> None:
    early_rejection.main(["--proposals", "1", "--json"])
    assert {line["preset"] for line in json.loads(capsys.readouterr().out)} == set(PRESETS)


@STUDIES_RUN
def test_the_mean_ledger_is_the_mean_of_the_trainings() -> None:
    """Counts added up and divided, against the trainings one by one; the three tables have the paper's node each."""
    seeds = trainings.seeds_of(20000, 2)
    wide = energy.series("cancer", "wide", tuple(seeds), NO_SOURCE)
    alone = trainings.trainings(preset("cancer", "wide"), seeds)
    assert wide.values.tolist() == trainings.accuracies(alone)
    mean_uj = sum(run.energy_uj for run in alone) / 2
    assert wide.ledgers["28nm"].total_j == pytest.approx(mean_uj * 1e-6, rel=1e-12)  # sums in another order
    assert wide.training("28nm").total_j == pytest.approx(wide.training_j["28nm"].mean(), rel=1e-12)
    lines = energy.lines("paper", ["cancer"], seeds, NO_SOURCE) + energy.lines("parts", ["cancer"], seeds, NO_SOURCE)
    assert [next(iter(line.values())) for line in lines] == [
        "cancer, 28nm", "cancer, paper, 28nm", "cancer, wide, 28nm",
    ]  # fmt: skip


@STUDIES_CAN_FAIL
def test_a_change_that_is_none_is_refused(capsys: CaptureFixture[str]) -> None:
    main: Any = importlib.import_module("oxmc.studies.variants").main
    with pytest.raises(SystemExit) as ended:
        main(["--repeats", "1", "--try", "adc_bitz=8"])
    assert ended.value.code == 2
    assert "adc_bitz is not a configuration key; did you mean adc_bits?" in capsys.readouterr().err
