"""`oxmc quality`: a task and a run directory give the same figures, own samplers enter, bad input is one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import oxmc, refusal
from pytest import CaptureFixture

import oxmc as api
from oxmc.pymodels.uncertainty import uncertainty_record
from oxmc.quality import processor
from oxmc.quality.polya_gamma import gibbs_draws

pytestmark = pytest.mark.testpoint(
    "oxmc quality",
    "R-hat, effective draws and joules are the run's own; scores those of its chains; a sampler enters by a file, an "
    "exact one is found exact; several outputs; bad input is one line",
)
KEYS = {"rows": 40, "burn_in": 4, "train_samples": 60, "test_samples": 40, "components": 3, "features": 3}
KEYS |= {"raw_features": 8, "preprocessing": "train"}
SETTINGS = [text for key, value in KEYS.items() for text in ("--set", f"{key}={value}")]
ASK = ("quality", "cancer", "--preset", "frugal", "--chains", "2", "--seed", "5", *SETTINGS)


def judged(capsys: CaptureFixture[str], *arguments: object) -> list[dict[str, Any]]:
    answer = oxmc(capsys, *arguments, "--json")
    assert answer.code == 0, answer.err
    record = json.loads(answer.out)
    assert record["schema"] == "oxmc.quality/1"
    found: list[dict[str, Any]] = record["entries"]
    return found


def test_a_task_and_its_run_have_the_runs_own_figures(tmp_path: Path, capsys: CaptureFixture[str]) -> None:
    run = api.train("cancer", preset="frugal", seed=5, chains=2, settings=KEYS, out=tmp_path / "run")
    ((of_task,), (of_run,)) = (judged(capsys, *ask) for ask in (ASK, ("quality", tmp_path / "run")))
    chains = run.record["chains"]
    assert of_task["convergence"]["rhat_max"] == pytest.approx(chains["rhat_max"])
    assert of_task["convergence"]["ess_bulk_min"] == pytest.approx(chains["ess_bulk_min"])
    assert of_task["efficiency"]["ess_per_uj"] == pytest.approx(chains["ess_per_uj"])
    assert of_task["efficiency"]["ess_per_s"] == pytest.approx(chains["ess_per_chip_s"])
    assert of_task["scores"]["accuracy"] == pytest.approx(np.mean(chains["values"]))
    for part in ("convergence", "efficiency", "goodness", "scores", "exact_scores"):
        assert of_run[part] == of_task[part]
    one = api.train("cancer", preset="frugal", seed=5, settings=KEYS)
    due = uncertainty_record(one.config, one.state.sums, one.state.counters[4:].sum(), one.job.labels[60:])
    assert due["brier"] == pytest.approx(one.record["uncertainty"]["brier"])


def entry(folder: Path, target: str, drawn: np.ndarray, **changes: str) -> Path:
    np.savez(folder / "draws.npz", draws=drawn)
    keys = {"schema": '"oxmc.sampler/1"', "name": '"mine"', "target": f'"{target}"', "draws": '"draws.npz"'}
    keys |= {"source": '"a test"', "joules": "2e-6", "seconds": "0.5"} | changes
    path = folder / "mine.toml"
    path.write_text("".join(f"{key} = {value}\n" for key, value in keys.items()))
    return path


def test_a_sampler_of_ones_own_enters(tmp_path: Path, capsys: CaptureFixture[str]) -> None:
    target = tmp_path / "target.npz"
    assert oxmc(capsys, *ASK, "--target", target).code == 0
    with np.load(target) as file:
        points = dict(file)
    assert points["train_x"].shape == (60, 3) and int(points["outputs"]) == 1
    sd, rng = float(points["prior_sd"]), np.random.default_rng(8)
    draws = np.stack([gibbs_draws(points["train_x"], points["train_t"], sd, 400, rng) for _ in range(2)])
    mine = entry(tmp_path, str(points["sha256"]), draws)
    _, exact = judged(capsys, *ASK, "--entry", mine)
    assert exact["name"] == "mine" and exact["convergence"]["passes"]
    assert exact["efficiency"]["ess_per_uj"] == pytest.approx(exact["convergence"]["ess_bulk_min"] / 2)
    assert exact["efficiency"]["area_mm2"] is None is exact["efficiency"]["ess_per_s_mm2"]
    assert exact["goodness"]["sd_high"]["value"] == pytest.approx(1, abs=0.12)
    assert exact["goodness"]["p_most"]["value"] < 0.03
    _, narrow = judged(capsys, *ASK, "--entry", entry(tmp_path, str(points["sha256"]), draws / 2))
    assert narrow["goodness"]["sd_high"]["value"] < 0.6

    page = oxmc(capsys, *ASK, "--entry", mine, "--format", "html", "--out", tmp_path / "q.html")
    assert page.code == 0 and page.out == ""
    html = (tmp_path / "q.html").read_text()
    assert '<th class="n">mine</th>' in html and "http" not in html.replace("https://doi.org", "")
    text = oxmc(capsys, *ASK, "--entry", mine).out
    assert "GOODNESS OF FIT" in text and "mine: cost by a test." in text

    def said(path: Path) -> str:
        return refusal(capsys, *ASK, "--entry", path)

    sha = str(points["sha256"])
    assert f"target must be {sha}" in said(entry(tmp_path, "0" * 64, draws))
    assert "name of a file beside it" in said(entry(tmp_path, sha, draws, draws='"../draws.npz"'))
    assert "joules must be a number above 0" in said(entry(tmp_path, sha, draws, joules="nan"))
    assert "no key is called watts" in said(entry(tmp_path, sha, draws, watts="1"))
    assert "[chains, 4 or more draws, 3], not float64 [2, 400, 2]" in said(entry(tmp_path, sha, draws[..., :2]))
    assert "finite numbers" in said(entry(tmp_path, sha, draws * np.nan))


def test_outputs_with_counters_of_their_own_beside_a_processor(
    capsys: CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processor, "DRAWS", 60)
    monkeypatch.setattr(processor, "RAPL", Path("none"))
    small = ("--set", "rows=24", "--set", "burn_in=4")
    chip, software = judged(capsys, "quality", "wine", "--chains", "2", *small, "--sampler", "gibbs", "--watts", "4")
    assert chip["convergence"]["weights"] == software["convergence"]["weights"] == 3 * 14
    assert 0 < chip["goodness"]["p_mean"]["value"] < 0.5 and software["goodness"]["p_mean"]["value"] < 0.05
    assert software["efficiency"]["joules"] == pytest.approx(4 * software["efficiency"]["seconds"])


def test_bad_input_is_one_line(tmp_path: Path, capsys: CaptureFixture[str]) -> None:
    start = "TASK|RUN must be one of toy, "
    assert refusal(capsys, "quality", "wines").startswith(start)
    assert "--chains must be" in refusal(capsys, "quality", "cancer", "--chains", "1")
    assert "--sampler must be one of gibbs, nuts, random-walk, not 'mcmc'" in refusal(capsys, *ASK, "--sampler", "mcmc")
    assert "not rewards" in refusal(capsys, "quality", "cartpole")
    assert "--format must be one of text, json, html" in refusal(capsys, *ASK, "--format", "csv")
    assert "--watts must be a number above 0" in refusal(capsys, *ASK, "--watts", "0")
    api.train("cancer", preset="frugal", settings=KEYS, out=tmp_path / "one")
    assert "run of --chains 2 or more" in refusal(capsys, "quality", tmp_path / "one")
