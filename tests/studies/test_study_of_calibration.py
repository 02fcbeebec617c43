"""The study of calibration: it draws the joint distribution of the chip's own target, and broken chains fail it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from oxmc.pymodels.rule import Proposal
from oxmc.run.engine import Options, engine_of
from oxmc.studies import calibration
from oxmc.studies.calibration import Case, agreement, evenness, independent_means, joint_means, ranks

pytestmark = pytest.mark.testpoint(
    "chains keep their own target",
    "simulation-based calibration and Geweke's joint test on the twin: verified chains and those with Hastings' term "
    "pass; without prior, with half the likelihood, or without that term they fail",
)
WALKS, TRAININGS = 40, 100


def test_costs_are_the_chips_own() -> None:
    """Of every proposal of a training the twin's own sum over the samples."""
    case = Case.of(2, "verified, as posterior")
    _, labels = case.joint.draw(np.random.default_rng(3))
    seen: list[Proposal] = []

    def rule(proposal: Proposal) -> bool:
        seen.append(proposal)
        return proposal.accepts

    job = case.joint.job(labels, 3)
    short = dataclasses.replace(job, config=case.config.replace(max_proposals=200, rows=201))
    engine_of("twin").run(short, Options(accept=rule), Path(), None)
    w_ns = np.rint(1000 * np.array([proposal.w_us for proposal in seen])).astype(np.int64)
    cells_ns = np.stack([w_ns, np.zeros_like(w_ns)], axis=2).reshape(len(w_ns), -1)
    due = [256 * proposal.likelihood for proposal in seen]
    assert len(due) == 200 and case.joint.cost(cells_ns, labels).tolist() == due


def test_ranks_of_equals_are_even(seed: int) -> None:
    """Truth and draws of one distribution of few values; of another they are not even."""
    rng = np.random.default_rng(seed)
    draws = rng.integers(0, 3, (1500, 20, 1))
    same = np.concatenate([calibration.even_ranks(rng.integers(0, 3, 1), each, rng) for each in draws])
    above = np.concatenate([calibration.even_ranks(rng.integers(1, 4, 1), each, rng) for each in draws])
    assert evenness(same)["ks"] > 1e-4 and evenness(same)["chi2"] > 1e-4
    assert evenness(above)["ks"] < 1e-9 and evenness(above)["chi2"] < 1e-9


def geweke(name: str) -> float:
    case = Case.of(2, name)
    return agreement(joint_means(case, range(WALKS)), independent_means(case.joint, 1000, 1))["p"]


@pytest.mark.parametrize("name", ["verified, as posterior", "Hastings, devices alike"])
def test_right_chains_stay_in_the_joint_distribution(name: str) -> None:
    assert geweke(name) > 1e-3


@pytest.mark.parametrize("name", ["no prior", "Hastings' term left out"])
def test_broken_chains_leave_it(name: str) -> None:
    assert geweke(name) < 1e-5


def test_ranks_tell_half_a_likelihood_from_a_whole() -> None:
    whole, half = (
        evenness(ranks(Case.of(2, name), range(TRAININGS))[:, -1])
        for name in ("verified, as posterior", "half the likelihood")
    )
    assert min(whole["chi2"], whole["ks"]) > 1e-3 and max(half["chi2"], half["ks"]) < 1e-4


def test_it_prints_its_table(capsys: pytest.CaptureFixture[str]) -> None:
    calibration.main(["--repeats", "3", "--walks", "3", "--pairs", "2", "--chain", "no prior", "--json"])
    (row,) = json.loads(capsys.readouterr().out)
    assert row["chain"] == "broken: no prior" and row["w^2"] > 0
