"""The study of mixing: its figures are ArviZ's and the run's own, a chain that is the posterior is found to be it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import oxmc
from oxmc.pymodels.config import preset
from oxmc.pymodels.oxram.card_file import load_card
from oxmc.pymodels.oxram.card_range import outside
from oxmc.pymodels.tasks import load_task, quantise
from oxmc.quality.hamiltonian import exact_draws
from oxmc.quality.sampler import Chains
from oxmc.studies import mixing

pytestmark = pytest.mark.testpoint(
    "study of mixing", "figures are those of `oxmc train --chains`, exact draws are found exact, others are not"
)
SMALL = {"rows": 24, "burn_in": 4, "train_samples": 60, "test_samples": 40}


def test_its_figures_are_those_of_a_run_of_chains() -> None:
    run = oxmc.train("cancer", seed=5, chains=2, settings=SMALL)
    found = mixing.measure(run.config, 5, 2, "cancer", mixing.NO_SOURCE)
    assert found["accuracy"] == pytest.approx(np.mean(run.record["chains"]["values"]))
    for name, key in (("rhat", "rhat_max"), ("ess", "ess_bulk_min"), ("ess_per_uj", "ess_per_uj")):
        assert found[name] == pytest.approx(run.record["chains"][key], rel=1e-9)


@pytest.mark.parametrize(
    ("name", "conditions"),
    [("frugal", "ideal"), ("frugal", "real"), ("best", "ideal"), ("best", "real"), ("posterior", "ideal")],
)
def test_presets_keep_their_word(name: str, conditions: str) -> None:
    """On a split that none was chosen on; what 20 splits give is in docs/measurements/mixing.md."""
    config = preset("cancer", name).replace(conditions=conditions)
    assert not config.extrapolate and not outside(load_card(config.card), config)
    found = mixing.measure(config, 20270, 4, "cancer", mixing.NO_SOURCE)
    assert found["accuracy"] > 0.94
    if name != "frugal":
        most, fewest = (1.1, 50) if name == "best" else (1.02, 400)
        assert found["rhat"] <= most and found["ess"] >= fewest
    if name == "posterior":
        assert 0.85 <= found["sd_low"] <= found["sd_high"] <= 1.15 and found["p_max"] <= 0.02


def test_exact_draws_are_found_exact_and_others_not() -> None:
    config = preset("cancer", "wide").replace(**SMALL)
    data = load_task("cancer", config, 5)
    x = quantise(config, data.train_x) * config.input_range / 15
    w = exact_draws(x, data.train_t, 5.0, 3000, np.random.default_rng(9))
    draws = np.arange(len(w))[None]
    same = mixing.exactness(config, data, [Chains(w, draws)])
    narrow = mixing.exactness(config, data, [Chains((w + w.mean(axis=0)) / 2, draws)])
    assert 0.85 < same["sd_low"] <= same["sd_high"] < 1.15 and same["p_mean"] < 0.01
    assert narrow["sd_high"] < 0.6 and narrow["p_mean"] > same["p_mean"]


def test_it_goes_on_and_takes_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = [text for name, value in SMALL.items() for text in ("--set", f"{name}={value}")]
    arguments = [
        "--case",
        "cancer",
        "--variant",
        "wide, components",
        "--repeats",
        "1",
        "--chains",
        "2",
        "--json",
        *keys,
    ]
    for _ in range(2):
        mixing.main([*arguments, "--out", str(tmp_path)])
    first, again = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == again and first[0]["features"] < 16 and first[0]["rows"] == 24
    assert len((tmp_path / "records.jsonl").read_text().splitlines()) == 1
