"""The study of several classes: each way is a configuration of its own, and its lines are of what was trained."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from oxmc.pymodels.config import preset
from oxmc.studies import softmax

pytestmark = pytest.mark.testpoint(
    "study of softmax", "a line for each way of learning several classes, and their costs"
)


def test_ways_differ_in_likelihood_and_counters() -> None:
    wide = preset("wine", "wide")
    found = [wide.replace(**{k: v for k, v in keys.items() if k != "components"}) for keys in softmax.WAYS.values()]
    assert {(config.likelihood, config.counters) for config in found} == {
        ("one_versus_rest", "own"), ("one_versus_rest", "shared"), ("softmax", "shared"),
    }  # fmt: skip


def test_a_line_a_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = {"rows": 8, "max_proposals": 20, "burn_in": 1, "verify": "off", "d2d_spread": 0.0}
    keys = [text for name, value in small.items() for text in ("--set", f"{name}={value}")]
    softmax.main(["--case", "iris", "--repeats", "1", "--json", *keys, "--out", str(tmp_path)])
    lines = json.loads(capsys.readouterr().out)
    assert [line["way"] for line in lines] == list(softmax.WAYS)
    assert all(line["uJ, 28nm"] > 0 and line["proposals"] <= 60 for line in lines)
