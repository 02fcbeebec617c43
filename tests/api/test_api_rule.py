"""`accept=`: with the chip's own rule the chain is the chip's, bit by bit; another rule makes another chain."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import oxmc
from oxmc.pymodels.rule import NOTE, Proposal

pytestmark = pytest.mark.testpoint(
    "acceptance rule of one's own",
    "the chip's rule makes the chip's chain bit by bit, others others; what a rule is told; none on the chip",
)

SMALL = {"train_samples": 30, "test_samples": 10}
CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("cancer", "twin", {"preset": "wide"}),
    ("cancer", "twin", {"preset": "paper"}),
    ("cancer", "twin", {"preset": "plain", "settings": SMALL | {"temper": 2, "hastings": True}}),
    ("cancer", "twin", {"preset": "paper", "settings": SMALL | {"conditions": "real"}}),
    ("wine", "twin", {"settings": SMALL | {"counters": "own"}}),
    ("cancer", "float", {"preset": "wide"}),
    ("cancer", "float", {"preset": "paper", "settings": SMALL | {"temper": 1}}),
    ("cartpole", "twin", {"settings": {"test_episodes": 2, "reward_kappa": 2.0}}),
]


def the_chips(proposal: Proposal) -> bool:
    """Reject where the sum exceeds what the current model and the draw allow."""
    return proposal.likelihood + proposal.prior + proposal.correction <= proposal.current + proposal.u


def trained(task: str, engine: str, options: dict[str, Any], **more: Any) -> oxmc.Run:
    return oxmc.train(task, engine=engine, seed=5, rows=10, **{"settings": SMALL} | options | more)


@pytest.mark.parametrize(("task", "engine", "options"), CASES)
def test_the_chips_own_rule_gives_the_chips_chain(task: str, engine: str, options: dict[str, Any]) -> None:
    asked: list[Proposal] = []

    def rule(proposal: Proposal) -> bool:
        asked.append(proposal)
        return the_chips(proposal)

    run, plain = trained(task, engine, options, accept=rule), trained(task, engine, options)
    for name in ("result", "chain", "uncertainty"):
        assert run.record.get(name) == plain.record.get(name), name
    assert len(asked) == run.record["chain"]["proposals"]
    assert all(proposal.accepts == the_chips(proposal) for proposal in asked)
    assert NOTE in run.record["notes"] and NOTE not in plain.record["notes"]
    assert not run.config.early_rejection


@pytest.mark.parametrize("engine", ["twin", "float"])
def test_a_rule_of_ones_own(engine: str) -> None:
    """One that always accepts visits each row once; one that draws by itself gives the same chain again."""
    always = trained("cancer", engine, {}, accept=lambda proposal: True)
    assert always.record["chain"]["acceptance"] == 1.0 and always.record["chain"]["counter_max"] == 1

    def barker(proposal: Proposal) -> bool:
        """A. A. Barker, Australian Journal of Physics 18 (1965)."""
        log2_ratio = proposal.current - proposal.likelihood - proposal.prior
        return proposal.rng.random() < 1 / (1 + 2.0 ** min(-log2_ratio, 500.0))

    once, again = (trained("cancer", engine, {}, accept=barker).record["result"] for _ in range(2))
    assert once == again and once != trained("cancer", engine, {}).record["result"]


def test_what_a_rule_is_told() -> None:
    """Weights are those that the array stores, the current model is the one that was accepted last, numbers count."""
    seen: list[Proposal] = []
    run = trained("cancer", "twin", {}, accept=lambda proposal: bool(seen.append(proposal)) or proposal.accepts)
    stored = oxmc.open_run(run.path).posterior
    rows, weights = stored["sample_stats"]["row"].values[0], stored["posterior"]["w"].values[0]
    w = {int(row): model for row, model in zip(rows, weights, strict=True)}
    assert [proposal.number for proposal in seen] == list(range(1, len(seen) + 1))
    for one, following in zip(seen, seen[1:], strict=False):
        assert following.current_row == (one.row if one.accepts else one.current_row)
        if one.accepts:
            assert following.current == one.likelihood + one.prior
            assert np.array_equal(following.current_w_us, one.w_us)
            assert one.row not in w or np.array_equal(w[one.row], one.w_us)


@pytest.mark.parametrize("engine", ["twin", "float"])
def test_a_rule_that_does_not_answer(engine: str) -> None:
    """A forgotten `return` is no rejection."""
    silent: Any = lambda proposal: None  # noqa: E731
    with pytest.raises(oxmc.OxmcError, match="^accept must return True or False, not None$"):
        trained("cancer", engine, {}, accept=silent)


def test_no_rule_on_the_chip() -> None:
    for engine in ("icarus", "verilator", "gates"):
        with pytest.raises(oxmc.OxmcError, match=f"^accept needs a software engine .twin, float., not '{engine}'$"):
            trained("cancer", engine, {}, accept=the_chips)
