"""Keys by the training points: what a regression of others finds, the step of theory, within what the pairs reach."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from oxmc.api.data import table_of_arrays
from oxmc.pymodels.config import Config, keys_by_points, preset
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.streams import output_seeds
from oxmc.pymodels.tasks import DataSource, load_task
from oxmc.pymodels.tasks.auto import MOVES_US, PRIORS, REACH, STEP, WINDOWS_US, posterior_shape
from oxmc.pymodels.tasks.jobs import make_job
from oxmc.pymodels.tasks.regression import cross_validated, folds, mode, network_gain, precision, targets
from oxmc.run.request import configured
from oxmc.studies.trainings import run_job

pytestmark = pytest.mark.testpoint(
    "keys by the training points",
    "modes are scikit-learn's; components, scaling and network that tell classes apart are found, the step is that of "
    "theory, the test points are not looked at; keys that are given win, and what has no rule is refused",
)
STEPS = {"scale_per_us": "auto", "prior_sigma_us": "auto", "verify_window_us": "auto"}


def cancer(**keys: object) -> Config:
    return configured("cancer", "wide", "twin", settings=keys, seed=3)


def points(n: int = 240, columns: int = 6, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Clouds that a line tells apart, along a direction that varies least."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, columns)) * np.linspace(1, 0.3, columns)
    return x, (x[:, -1] + 0.05 * rng.normal(size=n) > 0).astype(int)


def source(x: np.ndarray, t: np.ndarray) -> DataSource:
    return DataSource(table=table_of_arrays(x, t))


def by_rule(x: np.ndarray, t: np.ndarray, **keys: object) -> Config:
    return configured("table", "best", "twin", source(x, t), settings=keys, seed=2)


def test_a_mode_is_that_of_scikit_learn() -> None:
    x, t = points()
    theirs = LogisticRegression(C=0.25, fit_intercept=False, tol=1e-10, max_iter=1000).fit(x, t)
    found = mode(x, targets(t, 2), 0.5)
    assert np.allclose(found[:, 0], theirs.coef_[0], atol=1e-3)
    p = theirs.predict_proba(x)[:, 1]
    due = (x * (p * (1 - p))[:, None]).T @ x + np.eye(6) / 0.25
    assert np.allclose(precision(x, found, 0.5)[0], due, atol=1e-2)


def test_no_point_is_scored_by_a_model_that_has_seen_it() -> None:
    """Labels by chance: within 3 s.e. of half, where a model that had seen them would be right nearly always."""
    rng = np.random.default_rng(5)
    x, t = rng.normal(size=(60, 50)), rng.permutation(np.arange(60) % 2)
    scores = cross_validated(x, t, 2, 10.0, components=0, bias=True, limit=4.0)
    assert np.mean(scores > 0) < 0.5 + 3 * np.sqrt(0.25 / 60)
    assert np.ptp(np.bincount(folds(t))) <= 1


def test_components_hold_what_tells_the_classes_apart() -> None:
    """Not the leading ones alone: the least one decides here, and is taken; of noise beside one column few are."""
    x, t = points()
    assert by_rule(x, t).components == 6
    rng = np.random.default_rng(3)
    one = rng.normal(size=240)
    noisy = np.column_stack([one + 0.1 * rng.normal(size=240) for _ in range(4)] + [rng.normal(size=(240, 16))])
    assert by_rule(noisy, (one + 0.5 * rng.normal(size=240) > 0).astype(int)).components < 20


def test_heavy_tails_are_bent() -> None:
    x, t = points()
    assert by_rule(np.sinh(12 * x), t).preprocessing == "robust"


def test_the_step_is_that_of_theory_and_the_range_holds_the_posterior() -> None:
    x, t = points()
    config = by_rule(x, t)
    data = load_task("table", config, 2, source(x, t))
    shape = posterior_shape(config, data, config.scale_per_us * config.prior_sigma_us)
    move = float(np.interp(config.verify_window_us, WINDOWS_US, MOVES_US))
    assert config.scale_per_us * move == pytest.approx(max(shape.step, MOVES_US[0] * config.scale_per_us), rel=0.1)
    assert config.scale_per_us * 40 >= 0.94 * shape.reach and shape.reach > REACH * shape.step / STEP
    assert config.burn_in < config.rows / 2


def test_the_test_points_are_not_looked_at() -> None:
    """Other values in the test points, the same keys."""
    x, t = points()
    train = configured("table", "best", "twin", DataSource(table=table_of_arrays(x, t, (x[:50], t[:50]))), seed=2)
    other = configured("table", "best", "twin", DataSource(table=table_of_arrays(x, t, (9 * x[:50], t[:50]))), seed=2)
    assert train == other


def test_more_points_ask_for_smaller_steps() -> None:
    few, many = cancer(**STEPS, train_samples=100), cancer(**STEPS)
    assert few.scale_per_us * few.verify_window_us > many.scale_per_us * many.verify_window_us


def test_keys_that_are_given_win() -> None:
    x, t = points()
    given = {"components": 3, "scale_per_us": 0.2, "preprocessing": "all"}
    config = by_rule(x, t, **given)
    assert {name: getattr(config, name) for name in given} == given
    assert configured("table", "best", "twin", source(x, t), rows=40).rows == 40
    kept = by_rule(x, t, hidden=3)
    constants = preset("table", "best")
    assert all(getattr(kept, name) == getattr(constants, name) for name in keys_by_points("table", "best"))
    config = configured("cancer", "wide", "twin", toml=STEPS, settings={"scale_per_us": 0.2})
    assert config.scale_per_us == 0.2 and min(abs(config.prior_sigma_us * 0.2 / np.array(PRIORS) - 1)) < 0.05


def test_a_network_is_offered_where_no_line_is_enough() -> None:
    rng = np.random.default_rng(4)
    x = np.column_stack([rng.normal(size=(300, 2)), np.ones(300)])
    linear, network, gain, error = network_gain(x, (x[:, 0] * x[:, 1] > 0).astype(int), 2, 8)
    assert linear < 0.65 and network > 0.85 and gain > 5 * error
    _, _, gain, error = network_gain(x, (x[:, 0] > 0).astype(int), 2, 8)
    assert gain <= 2 * error


def test_few_points_of_many_classes_have_keys_too() -> None:
    rng = np.random.default_rng(6)
    for n, classes, columns in ((4, 2, 1), (9, 3, 5), (20, 16, 3)):
        t = rng.permutation(np.arange(n) % classes)
        config = by_rule(rng.normal(size=(n, columns)), t)
        assert 1 <= config.components <= columns


def test_twin_and_rtl_agree_on_what_the_rule_chose(tmp_path: Path) -> None:
    """Its keys at their values, rows apart, on Icarus."""
    from oxmc.run.engine import Options, engine_of
    from oxmc.run.own_counters import output_jobs

    rng = np.random.default_rng(7)
    x, t = rng.normal(size=(18, 3)), rng.permutation(np.arange(18) % 3)
    config = configured("table", "best", "icarus", source(x, t), rows=2, seed=2)
    assert config.counters == "own" and config.components
    job = make_job(config, load_task("table", config, 2, source(x, t)), 2)
    part = next(iter(output_jobs(job)))
    assert part.seed == next(iter(output_seeds(2, 3)))
    due, found = run_job(part), engine_of("icarus").run(part, Options(), tmp_path, None)
    assert np.array_equal(found.conductance_ns, due.conductance_ns) and np.array_equal(found.sums, due.sums)
    assert found.proposals == due.proposals and found.cycles == due.cycles


@pytest.mark.parametrize(
    ("task", "keys", "message"),
    [
        ("cartpole", {"scale_per_us": "auto"}, "scale_per_us must be a number for task cartpole, which has no"),
        ("cartpole", {"components": "auto"}, "components must be a number for task cartpole, which has no training"),
        ("toy", {"components": "auto"}, "components must be 0 for task toy"),
        ("ecg", {"scale_per_us": "auto"}, "hidden must be 0 with scale_per_us = auto, a rule for one layer, not 9"),
        ("cancer", {"features": "auto"}, "features must be an integer from 1 to 128, not 'auto'"),
        ("cancer", {"preprocessing": "robust"}, "preprocessing must be all or train for task cancer, not 'robust'"),
    ],
)
def test_what_has_no_rule_says_so(task: str, keys: dict[str, str], message: str) -> None:
    with pytest.raises(InputError) as refused:
        load_task(task, configured(task, "wide", "twin", settings=keys), 0)
    assert str(refused.value).startswith(message)
