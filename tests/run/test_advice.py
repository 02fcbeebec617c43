"""What a run on a user's table tells beside its result: each sentence where it holds, with a setting that is one."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import oxmc
from oxmc.api.data import table_of_arrays
from oxmc.pymodels.config import KEYS, preset
from oxmc.pymodels.tasks import DataSource, fit_config, load_task
from oxmc.run.advice import advice

pytestmark = pytest.mark.testpoint(
    "advice on a user's table",
    "rows for draws enough, points too many for a step, a network where no line is enough; none where all is well",
)


def test_exclusive_or_needs_a_network() -> None:
    """Said in run.json with the setting, which is not switched on."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(200, 2))
    run = oxmc.train(x, (x[:, 0] * x[:, 1] > 0).astype(int), settings={"rows": 24, "burn_in": 4}, seed=1)
    said = [note for note in run.record["notes"] if "(--set hidden=8" in note]
    assert len(said) == 1 and "A linear model is not enough" in said[0] and run.record["config"]["hidden"] == 0
    assert any(note.startswith("The chain has not converged: more rows help (--rows ") for note in run.record["notes"])
    assert run.predict(x[:5]).shape == (5,)


def test_nothing_is_said_where_all_is_well() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(60, 2))
    source = DataSource(table=table_of_arrays(x, (x[:, 0] + rng.normal(size=60) > 0).astype(int)))
    config = fit_config("table", preset("table", "best").replace(scale_per_us=0.05), (), source)
    data = load_task("table", config, 0, source)
    assert advice(config, data, data, {"mixing": {"ess_bulk_min": 100.0}}) == []
    coarse = dataclasses.replace(config, scale_per_us=2.0)
    said = advice(coarse, data, data, {"mixing": {"ess_bulk_min": 1.0}})
    assert f"--rows {KEYS['rows'].metadata['high']};" in said[0]  # no more than there can be
    assert said[1].startswith("The points are too many for the array") and "train_samples=" in said[1]
