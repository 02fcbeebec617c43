"""A tiny training on Icarus whose READs and EVALs ngspice computes, and who judges its decisions."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from oxmc.pymodels.errors import RunError
from oxmc.silicon.cell.loop.__main__ import run_loop, small_job
from oxmc.silicon.cell.loop.array import Answer
from oxmc.silicon.cell.loop.decisions import Judge
from oxmc.silicon.cell.selector import level_1

pytestmark = pytest.mark.testpoint(
    "array in the loop",
    "a training on the RTL whose READs and EVALs ngspice computes; each decision judged by the array model, too",
)
needs_both = pytest.mark.skipif(
    shutil.which("ngspice") is None or shutil.which("iverilog") is None, reason="ngspice or Icarus is not installed"
)


@needs_both
def test_a_training_on_a_circuit(tmp_path: Path) -> None:
    """The judge finds each of the chip's costs from the circuit's codes, or the run stops; the array model is near."""
    job = small_job(1, rows=3, train_samples=12, test_samples=4)
    found = run_loop(job, level_1(), tmp_path)
    assert len(found.decisions) == found.outcome.proposals + 1
    evaluations = [answer for answer in found.answers if answer.op == "eval"]
    assert len(evaluations) >= 12 * len(found.decisions)
    assert max(abs(answer.circuit - answer.model) for answer in evaluations) <= 1
    assert sum(answer.circuit != answer.model for answer in evaluations) < 0.2 * len(evaluations)
    assert [one.accepted for one in found.decisions] == [one.model_accepted for one in found.decisions]
    assert found.lines(job.labels[12:])[-1].startswith("| accuracy")


SEEN = dict(accepted=1, row=0, current_row=0, counter=0, prior=0, neg_log2_u=0, current_cost=0)


def test_a_decision_by_other_codes_is_found() -> None:
    """A model of other evaluations decides otherwise; a chip whose word does not follow from its codes is refused."""
    job = small_job(1, rows=3, train_samples=12, test_samples=4)
    judge, right = Judge(job), [15 if label else -16 for label in job.labels[:12]]
    reads = [Answer("read", "train", 0, cell, 100, 100) for cell in range(8)]
    sweep = [Answer("eval", "train", 0, 0, code, code) for code in right]
    likelihood = judge._likelihood(right)
    assert judge.decide(SEEN | {"likelihood": likelihood}, reads + sweep).model_accepted
    second = SEEN | {"row": 1, "likelihood": likelihood, "current_cost": likelihood}
    worse = [Answer("eval", "train", 1, 0, code, -1 - code) for code in right]
    decision = judge.decide(second, reads + worse)
    assert decision.accepted and not decision.model_accepted and decision.margin == 0
    with pytest.raises(RunError, match="the chip has"):
        judge.decide(second | {"likelihood": likelihood + 1}, reads + sweep)
