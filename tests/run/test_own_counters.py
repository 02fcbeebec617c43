"""Outputs with counters of their own: joined trainings are the single ones, their votes are compared fairly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import oxmc, refusal, run_on
from pytest import CaptureFixture

from oxmc.hdl.verilog.netlist import build_config
from oxmc.pymodels.config import Config, preset
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.events import EVENTS, PHASES
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.streams import output_seeds
from oxmc.pymodels.tasks import load_task
from oxmc.pymodels.tasks.jobs import make_job
from oxmc.run.own_counters import NOTE, joined, output_jobs
from oxmc.run.train import Request, run_engine, run_outputs

pytestmark = pytest.mark.testpoint(
    "outputs with counters of their own",
    "joined trainings are the single ones; votes compared by their share; run.json, ledger, refusals",
)

CONFIG = preset("wine", "wide").replace(rows=12, burn_in=2, train_samples=40, test_samples=30)


def request(config: Config) -> Request:
    return Request(task="wine", preset="wide", engine="twin", seed=3, config=config, out=Path("unused"))


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    """One of the twin for each output, then the joined one."""
    folder = tmp_path_factory.mktemp("outputs")
    job = make_job(CONFIG, load_task("wine", CONFIG, 3), 3)
    single = [run_engine(part, request(CONFIG), folder, None) for part in output_jobs(job)]
    return [*single, run_outputs(job, request(CONFIG), folder, None)]


def test_each_output_is_a_binary_training_of_its_own() -> None:
    """One class against the rest, with a seed that more outputs do not move, on the chip of one output."""
    job = make_job(CONFIG, load_task("wine", CONFIG, 3), 3)
    for k, part in enumerate(output_jobs(job)):
        assert np.array_equal(part.labels == 1, job.labels == k) and set(part.labels) == {0, 1}
        assert part.config == CONFIG.replace(outputs=1, counters="shared")
        assert part.seed == output_seeds(3, 16)[k]
    assert build_config(CONFIG).outputs == 1


def test_a_joined_outcome_is_its_parts(outcomes: list[Outcome]) -> None:
    *single, both = outcomes
    for k, part in enumerate(single):
        rows = slice(k * CONFIG.rows, (k + 1) * CONFIG.rows)
        assert np.array_equal(both.conductance_ns[rows], part.conductance_ns)
        assert np.array_equal(both.counters[rows][: len(part.counters)], part.counters)
        assert both.counters[rows][len(part.counters) :].sum() == 0
        assert np.array_equal(both.sums[:, k], part.sums[:, 0])
    for phase in PHASES:
        for event in EVENTS:
            assert both.counts[phase][event] == sum(part.counts[phase][event] for part in single)
    for name in ("proposals", "skipped", "clamps", "lost_counts", "cycles"):
        assert getattr(both, name) == sum(getattr(part, name) for part in single)


def test_votes_are_compared_by_their_share(outcomes: list[Outcome]) -> None:
    """The class with the largest mean response over its own counters, computed row by row."""
    *single, both = outcomes
    shares = []
    for part in single:
        votes = part.counters[CONFIG.burn_in :] if part.last_row >= CONFIG.burn_in else part.counters[-1:]
        shares.append([total / sum(votes.tolist()) for total in part.sums[:, 0].tolist()])
    expected = [max(range(3), key=lambda k: shares[k][point]) for point in range(CONFIG.test_samples)]
    assert both.classes.tolist() == expected


def test_plain_sums_would_differ() -> None:
    """Output 1 stayed four times as long: its sum is larger, its share smaller."""

    def part(counters: list[int], total: int) -> Any:
        fields = dict.fromkeys(("proposals", "skipped", "clamps", "lost_counts", "cycles"), 0)
        none: dict[str, dict] = {phase: {} for phase in PHASES}
        arrays = dict(conductance_ns=np.zeros((2, 4), np.int64), counters=np.array(counters), classes=np.zeros(1))
        return Outcome(
            **arrays, **fields, sums=np.array([[total]]), last_row=1, counts=none, quantities=none, joules=none
        )  # fmt: skip

    config = Config(rows=2, burn_in=0, outputs=2, counters="own", features=2)
    assert joined(config, [part([1, 1], 100), part([4, 4], 200)]).classes.tolist() == [0]


def test_run_json(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    """Rows and completeness count all outputs; the same again from the same seed; the ledger can be read back."""
    arguments = ("wine", "--preset", "wide", "--rows", "12", "--seed", "3")
    one, again = (run_on(capsys, "twin", tmp_path / name, *arguments) for name in ("one", "again"))
    assert one["result"] == again["result"] and one["result"]["complete"] and one["result"]["rows_used"] == 36
    assert one["chain"]["accepted"] == 33 and NOTE in one["notes"]
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == ["config.toml", "run.json", "state.npz"]
    answer = oxmc(capsys, "energy", tmp_path / "one", "--format", "json", "--node", "28nm")
    assert answer.code == 0 and "28nm" in answer.out


def test_float_engine_has_them_too(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    run = run_on(capsys, "float", tmp_path / "run", "wine", "--preset", "wide", "--rows", "48")
    assert run["result"]["value"] > 0.85  # 0.97 at 96 rows; chance is 0.4


def test_refusals(capsys: CaptureFixture[str]) -> None:
    with pytest.raises(InputError) as error:
        Config(counters="own")
    assert str(error.value) == "outputs must be 2 or more with counters = own, not 1"
    message = refusal(capsys, "train", "wine", "--preset", "wide", "--engine", "twin", "--chains", "2")
    assert message == "--chains must be 1 with counters = own, not 2; counters = shared has them"
