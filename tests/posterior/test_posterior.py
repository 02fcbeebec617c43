"""`posterior.nc` and its diagnostics: by hand, by scikit-learn, by ArviZ's own reader, on series with known answers."""

from __future__ import annotations

import dataclasses
import importlib
import json
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
from commands import TWIN, failure, oxmc, refusal
from pytest import CaptureFixture, MonkeyPatch
from sklearn.metrics import log_loss

from oxmc.posterior import posterior
from oxmc.posterior.draws import acceptance
from oxmc.posterior.file import write_posterior
from oxmc.posterior.groups import Group, posterior_groups
from oxmc.posterior.likelihood import log_likelihood
from oxmc.posterior.names import pair_labels
from oxmc.posterior.posterior import diagnostics, read_posterior, tree_of
from oxmc.pymodels.config import Config
from oxmc.pymodels.machine import not_installed
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.tasks import Dataset

POSTERIOR_FILE = pytest.mark.testpoint(
    "posterior file",
    "models and draws, counters, rows, acceptance and names by hand; likelihood of each point by scikit-learn, "
    "density and prior by scipy; what is thinned; ArviZ's own reader finds the same, its summary is ours, its "
    "leave-one-out that of a sum over a grid; runs of the engines keep theirs; bad and missing files are refused",
)
CHAINS_AND_THEIR_DIAGNOSTICS = pytest.mark.testpoint(
    "chains and their diagnostics",
    "autocorrelation time, effective sample size and R-hat of series whose values are known; chains share the "
    "split alone, chain 0 is the plain run, costs are quotients of run.json",
)

CONFIG = Config(rows=6, features=2, train_samples=5, test_samples=1, burn_in=1, scale_per_us=0.05)
POINTS = np.random.default_rng(7)
DATASET = Dataset(
    train_x=POINTS.standard_normal((5, 2)), train_t=np.array([0, 1, 1, 0, 1]), test_x=np.zeros((1, 2)),
    test_t=np.array([0]), feature_names=("size", "colour"), notes=(),
)  # fmt: skip


def outcome(w_us: np.ndarray, counters: list[int] | np.ndarray, rows: int | None = None) -> Outcome:
    """An outcome whose rows hold weights [rows, pairs] in uS; everything else is empty."""
    conductance = np.full((rows or len(w_us), 2 * w_us.shape[1]), 5_000)
    conductance[: len(w_us), 0::2] = 50_000 + np.rint(1000 * w_us)
    conductance[: len(w_us), 1::2] = 50_000
    return Outcome(
        conductance_ns=conductance, counters=np.array(counters), classes=np.zeros(1), sums=np.zeros((1, 1)),
        last_row=len(counters) - 1, proposals=int(np.sum(counters)) - 1, skipped=0, clamps=0, lost_counts=0, cycles=1,
        counts={}, quantities={}, joules={},
    )  # fmt: skip


def groups_of(*outcomes: Outcome, config: Config = CONFIG) -> dict[str, Group]:
    return posterior_groups(config, DATASET, outcomes, 3, {"task": "cancer"})


def stored(*outcomes: Outcome, config: Config = CONFIG) -> Any:
    return tree_of(groups_of(*outcomes, config=config))


W = np.array([[9.0, 9.0], [10.0, -4.0], [0.0, 0.0], [-3.5, 2.25], [8.0, 1.0], [7.0, 0.5]])


@POSTERIOR_FILE
def test_a_draw_is_a_proposal_and_a_model_a_row() -> None:
    """From the burn-in on; a skipped row (counter 0) is no model. Each model is as many draws as its counter says."""
    tree = stored(outcome(W, [4, 3, 0, 1, 2, 1]))
    models, stats = tree["stored_models"], tree["sample_stats"]
    assert models["w"].dims == ("chain", "model", "pair") and tree["posterior"]["w"].dims == ("chain", "draw", "pair")
    assert models["w"].values[0].tolist() == W[[1, 3, 4, 5]].tolist()
    assert models["row"].values.tolist() == [[1, 3, 4, 5]] and models["counter"].values.tolist() == [[3, 1, 2, 1]]
    assert models["acceptance"].values[0, :3].tolist() == [1 / 3, 1.0, 0.5]
    assert math.isnan(models["acceptance"].values[0, 3])  # the last row of a whole chain made no proposal
    assert tree["posterior"]["w"].values[0].tolist() == W[[1, 1, 1, 3, 4, 4, 5]].tolist()
    assert tree["posterior"]["draw"].values.tolist() == list(range(7))
    assert stats["row"].values.tolist() == [[1, 1, 1, 3, 4, 4, 5]]
    assert stats["accepted"].values.tolist() == [[True, False, False, True, True, False, True]]
    assert tree["posterior"]["w"].attrs["units"] == "uS"
    assert tree["observed_data"]["t"].values.tolist() == [0, 1, 1, 0, 1]
    assert tree.attrs == {
        "schema": "oxmc.posterior/2", "scale_per_us": 0.05, "prior_sigma_us": 20.0, "outputs": 1, "burn_in": 1,
        "temper": 0, "stride": 1, "task": "cancer",
    }  # fmt: skip


@POSTERIOR_FILE
def test_coordinates_are_names() -> None:
    """Features where there is one output, else features and classes; no two alike."""
    tree = stored(outcome(W, [4, 3, 0, 1, 2, 1]))
    for group in ("posterior", "prior", "stored_models"):
        assert tree[group]["pair"].values.tolist() == ["size", "colour"], group
    assert tree["posterior"].to_dataset().sel(pair="colour")["w"].values[0, 0] == W[1, 1]
    assert tree["predictions"]["output"].values.tolist() == ["class 1"]
    several = stored(outcome(np.tile(W, 2), [4, 3, 0, 1, 2, 1]), config=CONFIG.replace(outputs=2))
    assert several["posterior"]["pair"].values.tolist() == [
        "size, class 0", "colour, class 0", "size, class 1", "colour, class 1",
    ]  # fmt: skip
    assert pair_labels(["a", "a", "b"], ["x", "x", "x"]) == ["a", "a (2)", "b"]


@POSTERIOR_FILE
def test_a_chain_within_its_burn_in_gives_its_last_row() -> None:
    tree = stored(outcome(W[:2], [5, 7], rows=6), config=CONFIG.replace(burn_in=4))
    assert tree["stored_models"]["row"].values.tolist() == [[1]]
    assert tree["stored_models"]["acceptance"].values.tolist() == [[0.0]]  # seven proposals from it, none accepted
    assert tree["sample_stats"]["row"].values.tolist() == [[1] * 7]


@POSTERIOR_FILE
def test_acceptance_by_hand() -> None:
    assert acceptance(np.array([4, 1, 5])).tolist() == [0.25, 1.0, 0.0]
    assert np.isnan(acceptance(np.array([1]))).tolist() == [True]


@POSTERIOR_FILE
@pytest.mark.parametrize("outputs", [1, 3])
def test_log_likelihood_is_scikit_learns(outputs: int) -> None:
    """Minus the summed log loss of each output as a binary classifier of its own."""
    config = CONFIG.replace(outputs=outputs)
    w = POINTS.normal(0, 30, (4, 2 * outputs))
    t = np.array([0, 1, 1, 0, 1]) if outputs == 1 else np.array([0, 1, 2, 2, 1])
    for row, got in zip(w, log_likelihood(config, w, DATASET.train_x, t), strict=True):
        expected = 0.0
        for output in range(outputs):
            y = 0.05 * DATASET.train_x @ row[2 * output : 2 * output + 2]
            is_class = t == (output if outputs > 1 else 1)
            expected -= log_loss(is_class, 1 / (1 + np.exp(-y)), normalize=False, labels=[False, True])
        assert got == pytest.approx(expected, rel=1e-12)  # rounding of some ten operations


@POSTERIOR_FILE
def test_log_likelihood_of_impossible_points_is_finite() -> None:
    assert log_likelihood(CONFIG, np.array([[1e6, 0.0]]), np.array([[-1.0, 0.0]]), np.array([1]))[0] == -5e4


@POSTERIOR_FILE
def test_points_have_their_own_likelihood_and_prediction() -> None:
    """Each draw's by scikit-learn and by hand, the sum beside; the density is the likelihood's times the prior's."""
    tree = stored(outcome(W, [4, 3, 0, 1, 2, 1]))
    draws = W[[1, 1, 1, 3, 4, 4, 5]]
    points = tree["log_likelihood"]["t"]
    assert points.dims == ("chain", "draw", "point")
    for w, of_points in zip(draws, points.values[0], strict=True):
        p = 1 / (1 + np.exp(-0.05 * DATASET.train_x @ w))
        each = [-log_loss([t], [q], labels=[0, 1]) for t, q in zip(DATASET.train_t, p, strict=True)]
        assert np.allclose(of_points, each, rtol=1e-12)  # rounding of some ten operations
    stats = tree["sample_stats"]
    assert np.allclose(points.sum("point"), stats["log_likelihood"], rtol=1e-12)
    prior = scipy.stats.norm(0, 20).logpdf
    density = stats["log_likelihood"].values[0] + prior(draws).sum(axis=1) - 2 * prior(0)
    assert np.allclose(stats["lp"].values[0], density, rtol=1e-12)
    tempered = stored(outcome(W, [4, 3, 0, 1, 2, 1]), config=CONFIG.replace(temper=2))["sample_stats"]
    quarter = stats["lp"] - 0.75 * stats["log_likelihood"]
    assert np.allclose(tempered["lp"], quarter, rtol=1e-12)
    p_test = tree["predictions"]["p"]
    assert p_test.dims == ("chain", "draw", "test_point", "output")
    x = tree["predictions_constant_data"]["x"].values
    expected = 1 / (1 + np.exp(-0.05 * draws @ x.T))
    assert np.allclose(p_test.values[0, :, :, 0], expected, atol=1e-7)  # kept in single precision


@POSTERIOR_FILE
def test_prior_draws_are_the_prior(seed: int) -> None:
    groups = posterior_groups(CONFIG, DATASET, [outcome(W, [4, 3, 0, 1, 2, 1])], seed, {})
    w = groups["prior"].variables["w"].values
    assert w.shape == (1, 500, 2)
    assert scipy.stats.kstest(w.ravel(), scipy.stats.norm(0, 20).cdf).pvalue > 1e-4


@POSTERIOR_FILE
def test_chains_are_cut_to_the_shortest() -> None:
    """At their ends. A draw less short changes a mean, so it shows."""
    first, second = outcome(W, [4, 3, 0, 1, 2, 1]), outcome(W[:3] + 1, [9, 2, 3], rows=6)
    tree = stored(first, second)
    assert np.isnan(tree["stored_models"]["w"].values[1, 2:]).all()
    assert tree["stored_models"]["counter"].values[1].tolist() == [2, 3, 0, 0]
    draws = tree["posterior"]["w"]
    assert draws.values[0].tolist() == W[[1, 1, 1, 3, 4]].tolist()
    assert draws.values[1].tolist() == (W[[1, 1, 2, 2, 2]] + 1).tolist()
    alone = stored(first)["posterior"]["w"]
    weights = np.array([3, 0, 1, 2, 1])
    assert np.allclose(alone.mean(("chain", "draw")), weights @ W[1:] / weights.sum(), rtol=1e-14)  # rounding


@POSTERIOR_FILE
def test_many_proposals_are_thinned(monkeypatch: MonkeyPatch) -> None:
    """Every second proposal is a draw where all would be too much; they say at which proposal they are."""
    monkeypatch.setattr("oxmc.posterior.draws.MOST_VALUES", 20)  # 7 proposals of 5 points
    tree = stored(outcome(W, [4, 3, 0, 1, 2, 1]))
    assert tree.attrs["stride"] == 2 and tree["posterior"]["draw"].values.tolist() == [0, 2, 4, 6]
    assert tree["sample_stats"]["row"].values.tolist() == [[1, 1, 4, 5]]
    assert tree["stored_models"]["counter"].values.tolist() == [[3, 1, 2, 1]]  # the weighted form is whole


def ar1(rng: np.random.Generator, draws: int, rho: float) -> np.ndarray:
    """A stationary series of s.d. 20 with autocorrelation rho^lag, [draws, 2]."""
    steps = rng.standard_normal((draws, 2)) * 20 * math.sqrt(1 - rho**2)
    series = np.empty((draws, 2))
    series[0] = rng.standard_normal(2) * 20
    for i in range(1, draws):
        series[i] = rho * series[i - 1] + steps[i]
    return series


LONG = CONFIG.replace(burn_in=0)


def long_tree(chains: list[np.ndarray], counter: int = 1) -> Any:
    return stored(*(outcome(w, np.full(len(w), counter)) for w in chains), config=LONG)


@CHAINS_AND_THEIR_DIAGNOSTICS
@pytest.mark.parametrize(("rho", "counter"), [(0.0, 1), (0.8, 1), (0.0, 5)])
def test_diagnostics_of_known_series(seed: int, rho: float, counter: int) -> None:
    """Autocorrelation time (1 + rho) / (1 - rho), or the counter where rows are independent but repeated.

    Within 25 %: over 16,000 draws the estimator's s.d. is below 5 % (Sokal's sqrt(2 (2 M + 1) / n) at M = 5 tau = 45 is
    11 % for rho = 0.8, the worst case, which leaves more than 2 s.d.; Geyer's cut is tighter than that in practice).
    """
    rng = np.random.default_rng(seed)
    found = diagnostics(long_tree([ar1(rng, 4000, rho) for _ in range(4)], counter))
    tau = counter * (1 + rho) / (1 - rho)
    assert np.allclose(found["autocorrelation_time"], tau, rtol=0.25), found
    assert np.allclose(found["ess_bulk"], 16_000 * counter / tau, rtol=0.25)
    assert (found["rhat"] < 1.01).all()


@CHAINS_AND_THEIR_DIAGNOSTICS
def test_chains_that_disagree_show(seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = diagnostics(long_tree([ar1(rng, 500, 0.0), ar1(rng, 500, 0.0) + 60]))
    assert (found["rhat"] > 1.5).all() and (found["ess_bulk"] < 20).all()


@CHAINS_AND_THEIR_DIAGNOSTICS
def test_a_chain_too_short_has_no_diagnostics() -> None:
    assert np.isnan(diagnostics(stored(outcome(W[:2], [1, 2])))["rhat"]).all()


@POSTERIOR_FILE
@pytest.mark.parametrize("outputs", [1, 2])
def test_the_file_is_xarrays(tmp_path: Path, monkeypatch: MonkeyPatch, outputs: int) -> None:
    """Byte by byte the same values, and the same names, types, attributes and dimensions in HDF5."""
    import h5py

    def contents(path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        own = ("DIMENSION_LIST", "REFERENCE_LIST", "_NCProperties", "_Netcdf4Coordinates")
        """Addresses in the file, who wrote it, and what variables of one dimension may have or lack."""

        def visit(name: str, item: Any) -> None:
            attributes = {key: str(value) for key, value in item.attrs.items() if key not in own}
            values = item[()].tobytes() if isinstance(item, h5py.Dataset) and item.dtype.kind != "O" else None
            names = item[()].tolist() if isinstance(item, h5py.Dataset) and item.dtype.kind == "O" else None
            found[name] = (str(getattr(item, "dtype", "")), getattr(item, "shape", ()), attributes, values, names)

        with h5py.File(path) as file:
            visit("/", file)
            file.visititems(visit)
        return found

    monkeypatch.setattr("oxmc.posterior.file.LARGE", 1000)  # some are compressed
    config = CONFIG.replace(outputs=outputs)
    groups = groups_of(outcome(np.tile(W, outputs), [4, 3, 0, 1, 2, 1]), config=config)
    write_posterior(groups, tmp_path / "ours.nc")
    tree_of(groups).to_netcdf(tmp_path / "theirs.nc", engine="h5netcdf")
    ours, theirs = contents(tmp_path / "ours.nc"), contents(tmp_path / "theirs.nc")
    assert ours == theirs and "posterior/w" in ours


@pytest.fixture(scope="module")
def arviz() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it announces its next major version
        return importlib.import_module("arviz")


@POSTERIOR_FILE
def test_arviz_reads_the_file(tmp_path: Path, arviz: Any) -> None:
    """The same arrays, names and diagnostics by ArviZ's own reader and functions, and a summary of ours."""
    rng = np.random.default_rng(3)
    groups = groups_of(*(outcome(ar1(rng, 200, 0.5), np.full(200, 2)) for _ in range(2)), config=LONG)
    write_posterior(groups, tmp_path / posterior.FILE)
    theirs = arviz.from_netcdf(str(tmp_path / posterior.FILE))
    for group, values in groups.items():
        for name, each in values.variables.items():
            assert np.array_equal(theirs[group.strip("/")][name].values, each.values), (group, name)
    ours = diagnostics(read_posterior(tmp_path))
    table = arviz.summary(theirs, round_to="none")
    assert table.index.tolist() == ["w[size]", "w[colour]"]
    assert np.allclose(table["r_hat"], ours["rhat"], rtol=1e-9)  # rounding of a Fourier transform
    assert np.allclose(table["ess_bulk"], ours["ess_bulk"], rtol=1e-9)
    draws = np.repeat(groups["stored_models"].variables["w"].values, 2, axis=1).reshape(-1, 2)
    assert np.allclose(table["mean"], draws.mean(axis=0), rtol=1e-9)
    assert np.allclose(table["sd"], draws.std(axis=0, ddof=1), rtol=1e-9)


@POSTERIOR_FILE
def test_loo_is_leaving_one_out(seed: int, tmp_path: Path, arviz: Any) -> None:
    """ArviZ's estimate from draws of the exact posterior, against a sum over a grid for each point left out.

    Over seeds the difference has an s.d. of 0.016 nat, a fifth of what is allowed; leaving nothing out is 0.2 nat away.
    """
    line = np.linspace(-80, 80, 161)
    grid = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    config = CONFIG.replace(burn_in=0, rows=3000)
    prior = np.exp(-(grid**2).sum(axis=1) / 800)
    points = np.stack([
        1 / (1 + np.exp(-0.05 * (grid @ x) * (1 if t else -1)))
        for x, t in zip(DATASET.train_x, DATASET.train_t, strict=True)
    ])  # fmt: skip
    others = prior * points.prod(axis=0) / points
    exact = np.log((others * points).sum(axis=1) / others.sum(axis=1)).sum()
    whole = prior * points.prod(axis=0)
    drawn = grid[np.random.default_rng(seed).choice(len(grid), 3000, p=whole / whole.sum())]
    write_posterior(groups_of(outcome(drawn, np.ones(3000, np.int64)), config=config), tmp_path / posterior.FILE)
    found = arviz.loo(arviz.from_netcdf(str(tmp_path / posterior.FILE)))
    estimate = found.elpd_loo if hasattr(found, "elpd_loo") else found.elpd  # ArviZ's first major version renames it
    assert estimate == pytest.approx(exact, abs=0.08)
    together = np.log(points @ whole / whole.sum()).sum()
    assert together - exact > 0.15  # what a likelihood that leaves nothing out would give


@POSTERIOR_FILE
def test_loo_of_points_that_are_sure(tmp_path: Path, arviz: Any) -> None:
    """A log-likelihood of 1e-15 nat is nothing; ArviZ makes NaN of a tail of such values."""
    w = np.random.default_rng(1).normal(22.5, 4.2, (400, 2))
    sure = dataclasses.replace(DATASET, train_x=np.ones((5, 2)), train_t=np.ones(5, np.int64))
    config = CONFIG.replace(burn_in=0, rows=400, scale_per_us=1.0)
    groups = posterior_groups(config, sure, (outcome(w, np.ones(400, np.int64)),), 3, {"task": "cancer"})
    write_posterior(groups, tmp_path / posterior.FILE)
    found = arviz.loo(arviz.from_netcdf(str(tmp_path / posterior.FILE)))
    assert np.isfinite(found.elpd_loo if hasattr(found, "elpd_loo") else found.elpd)


# run directories


def run_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "run.json").read_text())


@POSTERIOR_FILE
def test_a_run_keeps_its_posterior(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    for engine in ("twin", "float"):
        out = tmp_path / engine
        assert oxmc(capsys, *TWIN, "--engine", engine, "--out", out).code == 0
        tree: Any = read_posterior(out)
        state = Outcome.load(out / "state.npz")
        assert tree["stored_models"]["counter"].values.tolist() == [state.counters.tolist()]  # burn-in 0 of 4 rows
        pairs_us = (state.conductance_ns[:, 0::2] - state.conductance_ns[:, 1::2]) / 1000
        assert np.array_equal(tree["stored_models"]["w"].values[0], pairs_us)
        assert np.array_equal(tree["posterior"]["w"].values[0], np.repeat(pairs_us, state.counters, axis=0))
        assert tree.attrs["engine"] == engine and tree.attrs["seeds"] == "0"


@CHAINS_AND_THEIR_DIAGNOSTICS
def test_chains_share_the_split_and_nothing_else(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    """Chain 0 is the plain run; the figures of `chains` are quotients of run.json's own."""
    plain, both = tmp_path / "plain", tmp_path / "both"
    more = ("--seed", "5", "--rows", "40")  # over the four of SMALL
    assert oxmc(capsys, *TWIN, *more, "--out", plain).code == 0
    assert oxmc(capsys, *TWIN, *more, "--chains", "2", "--out", both).code == 0
    run, alone = run_of(both), run_of(plain)
    chains = run["chains"]
    for key in ("result", "chain", "events", "config", "seed"):
        assert run[key] == alone[key]
    assert "chains" not in alone
    assert chains["n"] == 2 and chains["seeds"][0] == 5 and chains["state_sha256"][0] == run["result"]["state_sha256"]
    assert chains["state_sha256"][1] != chains["state_sha256"][0]
    states = [Outcome.load(part / "state.npz") for part in (both, both / "chain-1")]
    found = diagnostics(read_posterior(both))
    ess = float(found["ess_bulk"].min())
    assert chains["ess_bulk_min"] == pytest.approx(ess) and chains["rhat_max"] == pytest.approx(
        float(found["rhat"].max())
    )
    sets = sum(state.counts["train"]["set"] for state in states)
    cycles = sum(state.counts["train"]["cycle"] for state in states)
    assert chains["ess_per_set"] == pytest.approx(ess / sets)
    assert chains["ess_per_chip_s"] == pytest.approx(ess / cycles * 10e6)
    array_uj = 1e6 * sum(sum(state.joules["train"].values()) for state in states)
    assert 0 < chains["ess_per_uj"] < ess / array_uj  # converters and logic come on top


@CHAINS_AND_THEIR_DIAGNOSTICS
@pytest.mark.parametrize("text", ["0", "-1", "1.5", "two", "65"])
def test_a_bad_number_of_chains_is_refused(capsys: CaptureFixture[str], text: str) -> None:
    assert refusal(capsys, *TWIN, "--chains", text) == f"--chains must be an integer from 1 to 64, not {text!r}"


@POSTERIOR_FILE
def test_without_the_extra(capsys: CaptureFixture[str], tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    """A run says in its notes what it lacks; what needs the packages is refused."""
    monkeypatch.setattr("oxmc.posterior.posterior.available", lambda: False)
    monkeypatch.setattr("oxmc.run.train.available", lambda: False)
    assert oxmc(capsys, *TWIN, "--out", tmp_path / "run").code == 0
    assert (
        run_of(tmp_path / "run")["notes"][-1]
        == "posterior.nc is missing: it needs the packages of the extra 'analysis'"
    )
    assert not (tmp_path / "run" / "posterior.nc").exists()
    message = f"needs {not_installed('analysis')}"
    assert refusal(capsys, *TWIN, "--chains", "2") == f"--chains above 1 {message}"
    assert refusal(capsys, "plot", tmp_path / "run") == f"RUN {message}"


@POSTERIOR_FILE
def test_a_posterior_that_is_none(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert oxmc(capsys, *TWIN, "--out", out).code == 0
    tree = read_posterior(out)
    tree.attrs["schema"] = "other/1"
    tree.to_netcdf(out / "posterior.nc", engine="h5netcdf")
    assert "must have schema 'oxmc.posterior/2', not 'other/1'" in refusal(capsys, "plot", out)
    for spoil in (lambda path: path.write_bytes(b"no netCDF"), Path.unlink):
        spoil(out / "posterior.nc")
        message = failure(oxmc(capsys, "plot", out), 2)
        assert message.startswith(f"RUN must be a run directory with a posterior.nc, not {str(out)!r} (")


@POSTERIOR_FILE
def test_outcomes_are_not_changed() -> None:
    before = outcome(W, [4, 3, 0, 1, 2, 1])
    copies = dataclasses.replace(before, counters=before.counters.copy(), conductance_ns=before.conductance_ns.copy())
    stored(before)
    assert np.array_equal(before.counters, copies.counters)
    assert np.array_equal(before.conductance_ns, copies.conductance_ns)
