"""What a run warns of: each sentence at its limit, in run.json, summary and energy reports, of chains and repeats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import TWIN, oxmc, refusal
from pytest import CaptureFixture

from oxmc.api.run import open_run
from oxmc.posterior.posterior import diagnostics, read_posterior
from oxmc.pymodels.config import Config
from oxmc.reports.accounts import report
from oxmc.run.cautions import warnings_of
from oxmc.run.rundir import read_run

pytestmark = pytest.mark.testpoint(
    "warnings",
    "each sentence at its limit; figures are those of the draws; of chains, outputs and repeats; in summary and energy "
    "reports; what was changed in run.json is seen; a tempered target wherever it shows",
)

CONFIG = Config(rows=100)
WELL = {
    "result": {"rows_used": 100, "complete": True},
    "chain": {"rows_skipped": 0, "counter_max": 30, "counters_saturated": 0, "proposals": 400},
    "mixing": {"draws": 350, "rhat_max": 1.01, "ess_bulk_min": 150.0},
}


def with_change(change: dict[str, Any]) -> dict[str, Any]:
    return {part: entries | change.get(part, {}) for part, entries in WELL.items()}


def test_a_run_that_is_well_warns_of_nothing() -> None:
    assert warnings_of(CONFIG, WELL) == []


@pytest.mark.parametrize(
    ("within", "beyond", "sentence"),
    [
        (
            {"mixing": {"rhat_max": 1.05}}, {"mixing": {"rhat_max": 1.0501}},
            "R-hat is 1.05 for the worst weight, above 1.05: the two halves of the chain disagree.",
        ),
        (
            {"mixing": {"ess_bulk_min": 100.0}}, {"mixing": {"ess_bulk_min": 99.4}},
            "There are 99.4 effective draws for the worst weight, fewer than 100.",
        ),
        ({"chain": {"rows_skipped": 10}}, {"chain": {"rows_skipped": 11}},
         "11 of 100 rows were skipped, more than a tenth."),
        (
            {"chain": {"counter_max": 40}}, {"chain": {"counter_max": 31, "counters_saturated": 10}},
            "The chain stayed at one model for 41 of 400 proposals, more than a tenth.",
        ),
        (
            {}, {"result": {"rows_used": 40, "complete": False}},
            "The training stopped after 400 proposals with 40 of 100 rows filled.",
        ),
        (
            {}, {"mixing": {"rhat_max": None}},
            "R-hat is unknown: the draws of the chain are too few, or a weight never moved.",
        ),
    ],
)  # fmt: skip
def test_each_warning_at_its_limit(within: dict[str, Any], beyond: dict[str, Any], sentence: str) -> None:
    assert warnings_of(CONFIG, with_change(within)) == []
    assert warnings_of(CONFIG, with_change(beyond)) == [sentence]


def test_chains_warn_of_what_they_are_together() -> None:
    """Each of its own course, all of how they mixed; that a chain by itself is too short is none of it."""
    chains = {"rhat_max": 1.2, "ess_bulk_min": 250.0}
    first = with_change({"mixing": {"ess_bulk_min": 20.0}}) | {"chains": chains}
    second = with_change({"chain": {"rows_skipped": 50}})
    assert warnings_of(CONFIG, first, [second]) == [
        "chain 1: 50 of 100 rows were skipped, more than a tenth.",
        "R-hat is 1.2 for the worst weight, above 1.05: the chains disagree.",
    ]


def trained(capsys: CaptureFixture[str], out: Path, *arguments: object) -> dict[str, Any]:
    answer = oxmc(capsys, "train", *arguments, "--json", "--out", out)
    assert answer.code == 0, answer
    run: dict[str, Any] = json.loads(answer.out)
    return run


def test_a_run_says_how_its_chain_mixed(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    """The figures are those of its draws; the sentences stand where a user looks."""
    out = tmp_path / "run"
    toy = ("toy", "--engine", "twin", "--rows", "600")
    run = trained(capsys, out, *toy)
    found = diagnostics(read_posterior(out))
    assert run["mixing"]["rhat_max"] == pytest.approx(float(found["rhat"].max()), rel=1e-9)
    assert run["mixing"]["ess_bulk_min"] == pytest.approx(float(found["ess_bulk"].min()), rel=1e-9)
    small = ("toy", "--engine", "twin", "--rows", "20", "--set", "burn_in=0")
    warned = trained(capsys, tmp_path / "small", *small)
    (sentence,) = [each for each in warned["warnings"] if "effective draws" in each]
    assert sentence in " ".join(oxmc(capsys, "train", *small, "--out", tmp_path / "again").out.split())
    assert f"warning: {sentence}" in oxmc(capsys, "energy", tmp_path / "small").out
    assert json.loads(oxmc(capsys, "energy", tmp_path / "small", "--format", "json").out)["warnings"] == [
        *warned["warnings"]
    ]
    assert sentence in oxmc(capsys, "energy", tmp_path / "small", "--format", "html").out


def test_outputs_by_themselves_are_the_worst_of_them(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    run = trained(capsys, tmp_path / "run", "wine", "--engine", "twin", "--rows", "24")
    assert run["config"]["counters"] == "own" and run["mixing"]["draws"] > 0
    assert run["mixing"]["ess_bulk_min"] < run["mixing"]["draws"]


def test_repeats_that_warn_are_counted(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "run"
    run = trained(capsys, out, *TWIN[1:], "--repeats", "3")
    lines = [json.loads(line) for line in (out / "runs.jsonl").read_text().splitlines()]
    assert run["repeats"]["warned"] == sum(bool(line["warnings"]) for line in lines) == 3
    assert run["warnings"] == ["3 of 3 repeats have warnings of their own, which are in runs.jsonl."]
    plain = trained(capsys, tmp_path / "plain", *TWIN[1:])
    assert lines[0]["warnings"] == plain["warnings"] != []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda run: run["warnings"].clear(), "warnings must have 2 values, not 0"),
        (lambda run: run["mixing"].update(ess_bulk_min=1e6), "mixing.ess_bulk_min must be "),
        (lambda run: run["mixing"].update(draws=1), "mixing.draws must be "),
    ],
)
def test_what_a_run_warns_of_is_held_against_its_state(
    capsys: CaptureFixture[str], tmp_path: Path, change: Any, message: str
) -> None:
    out = tmp_path / "run"
    run = trained(capsys, out, *TWIN[1:], "--rows", "12")
    assert np.isfinite(run["mixing"]["ess_bulk_min"])
    change(run)
    (out / "run.json").write_text(json.dumps(run))
    assert message in refusal(capsys, "energy", out)


def test_a_tempered_target_is_named_wherever_it_shows(tmp_path: Path, capsys: CaptureFixture[str]) -> None:
    """Summary, run.json, energy and run reports, posterior file; and nowhere of a chain that is not tempered."""
    text = Config(temper=4).target
    assert "nearer to even" in text and "votes are sharpened" in Config(temper=4, vote_sharpness=16.0).target
    assert "the likelihood to the power of 1/16 (temper = 4)" in text and "is not the posterior" in text
    for temper in (4, 0):
        out, sets = tmp_path / str(temper), ("--set", f"temper={temper}", "--set", "train_samples=20")
        shown = [oxmc(capsys, *TWIN, *sets, "--rows", "8", "--out", out).out]
        shown += [report([out], ["28nm"], kind) for kind in ("text", "html", "json")]
        shown += [open_run(out).report().read_text(), *read_run(out)["notes"][:1]]
        shown.append(str(read_posterior(out).attrs.get("target")))
        assert [text in flat(each) for each in shown] == [temper > 0] * len(shown)


def flat(text: str) -> str:
    return " ".join(text.split())
