"""Acceptance against the inequality that it stands for, in integers that are wide enough."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from amaranth import Signal, Value

from oxmc.formal.bench import Bench
from oxmc.formal.mutant import Mutant
from oxmc.formal.proof import Proof
from oxmc.hdl.acceptance import Acceptance
from oxmc.pymodels.config import Config, preset
from oxmc.pymodels.formats import Formats

CANCER = preset("cancer", "paper")
CHIPS: dict[str, Config] = {
    "plain": CANCER,
    "tempered": CANCER.replace(temper=2, early_rejection=True),
    "corrected": CANCER.replace(hastings=True),
    "reward": preset("cartpole", "paper"),
}
"""By the options that change the inequality."""


def acceptance(config: Config) -> Bench:
    """Accept iff likelihood <= current cost + (-log2 u) - prior - whatever else is held against the row."""
    bench, formats = Bench(), Formats(config)
    block = bench.add("acceptance", Acceptance(formats))
    bench.given(~block.keep | block.compare)  # both come with the trainer's decision
    likelihood: Value = block.likelihood
    against: Value = block.prior
    if config.temper:
        likelihood = likelihood >> block.temper
    if config.hastings:
        against = against + block.correction
    if formats.rewards:
        against = against + block.handicap
    cost = Signal(formats.cost_bits + 4)
    allowed = cost + block.neg_log2_u - against
    with bench.m.If(block.keep):
        bench.m.d.sync += cost.eq(likelihood + block.prior)
    compares = block.compare | block.partial if config.early_rejection else block.compare
    bench.must(block.current_cost == cost)
    bench.must(block.accept == (compares & (likelihood <= allowed)))
    bench.must(block.hopeless == (allowed < 0))
    if config.early_rejection:
        bench.must(block.exceeds == (block.partial & (likelihood > allowed)))
    bench.reached(block.accept & (cost > 1000) & (block.prior > 5) & (likelihood == allowed))
    return bench


def _proof(name: str, says: str, wrong: tuple[str, str]) -> Proof:
    make: Callable[[], Bench] = partial(acceptance, CHIPS[name])
    return Proof(f"acceptance-{name}", "Acceptance", says, make, Mutant("acceptance", *wrong), reach=4, seconds=200)


PROOFS = (
    _proof(
        "plain",
        "the decision is the inequality at full width, equality accepts; the cost never wraps",
        ("(operand <= threshold)", "(operand < threshold)"),
    ),
    _proof(
        "tempered",
        "the same with a tempered likelihood and early rejection",
        ("self.exceeds.eq(self.partial & ~self.accept)", "self.exceeds.eq(self.partial & self.hopeless)"),
    ),
    _proof(
        "corrected",
        "the same with the Hastings correction",
        ("low - largest, high + largest", "low, high"),
    ),
    _proof(
        "reward",
        "the same with rewards and kappa",
        ("self.prior + self.handicap if self.formats.rewards", "self.prior | self.handicap if self.formats.rewards"),
    ),
)
