"""Bench of `hdl.acceptance.Acceptance`: decisions and current cost in exact integers, and against a >= u in floats."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, Timer

from oxmc.tb.blocks.scoreboard import Scoreboard, parameters, start


def early() -> bool:
    """Whether the design compares sums on the way."""
    return bool(parameters().get("early"))


def kappa_bits() -> int:
    """Width of the handicap, 0 for a design without."""
    return parameters().get("kappa_bits", 0)


@dataclass(frozen=True)
class Cycle:
    """What is driven for one cycle; costs and -log2 u in units of the last place. `keep` comes with `compare`.

    `handicap` is an input with rewards alone, `partial` with early rejection, `temper` with that option: a design
    without sees none but 0.
    """

    likelihood: int
    prior: int
    neg_log2_u: int
    compare: int = 1
    keep: int = 0
    handicap: int = 0
    temper: int = 0
    partial: int = 0


def current_row(likelihood: int, prior: int) -> Cycle:
    """A cycle that makes this row the current one."""
    return Cycle(likelihood, prior, 0, keep=1)


@dataclass(frozen=True)
class Largest:
    """The largest value of each operand."""

    likelihood: int
    prior: int
    neg_log2_u: int


class Driver:
    """Drives one cycle after another and keeps the current row's cost as a plain integer."""

    def __init__(self, dut: Any, board: Scoreboard):
        self.dut, self.board, self.current = dut, board, 0

    async def run(self, cycle: Cycle) -> bool:
        """The decision, checked along with the current cost it was made against and whether any sum was acceptable.

        With early rejection the sum is on the way in the cycle before.
        """
        if early() and not cycle.partial:
            await self.run(replace(cycle, compare=0, keep=0, partial=1))
        for name, value in vars(cycle).items():
            if hasattr(self.dut, name):
                getattr(self.dut, name).value = value
        await Timer(1, unit="ns")
        cost = cycle.likelihood // 2**cycle.temper + cycle.prior  # a >= u  <=>  cost + log2 kappa - current <= -log2 u
        expected = bool(cycle.compare or cycle.partial) and cost + cycle.handicap - self.current <= cycle.neg_log2_u
        # the likelihood adds 0 at least
        hopeless = cycle.prior + cycle.handicap - self.current > cycle.neg_log2_u
        accept = bool(self.dut.accept.value)
        exceeds = bool(early() and self.dut.exceeds.value)
        due = (expected, hopeless, bool(cycle.partial) and not expected, self.current)
        self.board.expect(due, f"accept, hopeless, exceeds, current cost for {cycle}")
        hopeless = bool(self.dut.hopeless.value)
        self.board.observe((accept, hopeless, exceeds, self.dut.current_cost.value.to_unsigned()))
        await FallingEdge(self.dut.clk)
        if cycle.keep:
            self.current = cost
        return accept


def at_border(rng: random.Random, current: int, largest: Largest, above: int) -> Cycle | None:
    """A proposal whose cost is `above` what is just accepted; None where no operands reach it."""
    neg_log2_u = rng.choice([0, largest.neg_log2_u, rng.randint(0, largest.neg_log2_u)])
    cost = current + neg_log2_u + above
    low, high = max(0, cost - largest.prior), min(largest.likelihood, cost)
    if low > high:
        return None
    likelihood = rng.choice([low, high, rng.randint(low, high)])
    return Cycle(likelihood, cost - likelihood, neg_log2_u)


def corners(largest: Largest) -> Iterator[Cycle]:
    """Each operand at 0, 1, in the middle and at its largest two, against a current cost of the same sort.

    The largest prior against current cost 0 makes the most negative threshold, current cost and u the largest one.
    """
    spread = [sorted({0, 1, top // 2, top - 1, top}) for top in vars(largest).values()]
    for likelihood, prior in [(0, 0), (1, 0), (0, largest.prior), (largest.likelihood, largest.prior)]:
        yield current_row(likelihood, prior)
        for cycle in itertools.product(*spread, (0, 1)):  # compared or not
            yield Cycle(*cycle)


def largest_operands() -> Largest:
    p = parameters()
    return Largest(2 ** p["sum_bits"] - 1, 2 ** p["prior_bits"] - 1, 2 ** p["log_u_bits"] - 1)


async def started(dut: Any) -> Driver:
    idle = dict(likelihood=0, prior=0, neg_log2_u=0, compare=0, keep=0)
    await start(dut, **idle, **{name: 0 for name in ("handicap", "temper", "partial") if hasattr(dut, name)})
    return Driver(dut, Scoreboard("acceptance"))


@cocotb.test()
async def decisions(dut: Any) -> None:
    """Corners, then both sides of the border and equality from random current costs, then anything at random."""
    largest, rng = largest_operands(), random.Random(parameters()["seed"])
    driver = await started(dut)
    for cycle in corners(largest):
        await driver.run(cycle)
    met = {-1: 0, 0: 0, 1: 0}
    for _ in range(200):
        scale = rng.choice([4, 12, 24, 64])  # small costs and large ones
        likelihood, prior = (rng.randint(0, min(top, 2**scale)) for top in (largest.likelihood, largest.prior))
        await driver.run(current_row(likelihood, prior))
        for above in met:
            proposal = at_border(rng, driver.current, largest, above)
            if proposal:
                assert await driver.run(proposal) == (above <= 0)
                met[above] += 1
    assert min(met.values()) >= 50, f"too few cases at the border: {met}"
    for _ in range(500):
        likelihood, prior, neg_log2_u = (
            rng.randint(0, top) >> rng.randrange(top.bit_length()) for top in vars(largest).values()
        )
        compare = rng.getrandbits(1)
        await driver.run(Cycle(likelihood, prior, neg_log2_u, compare, compare & rng.getrandbits(1)))
    driver.board.finish()


@cocotb.test(skip=not kappa_bits())
async def handicaps(dut: Any) -> None:
    """Held against each proposal, the largest prior's too, but not part of the cost that is kept."""
    largest, rng = largest_operands(), random.Random(parameters()["seed"])
    driver = await started(dut)
    for handicap in (0, 1, 2 ** kappa_bits() - 1, *(rng.getrandbits(kappa_bits()) for _ in range(100))):
        await driver.run(current_row(rng.randint(0, largest.likelihood), rng.randint(0, 2**16)))
        await driver.run(Cycle(0, largest.prior, 0, handicap=handicap))
        for above in (-1, 0, 1):
            likelihood = driver.current + 300 - handicap - 7 + above
            if 0 <= likelihood <= largest.likelihood:
                assert await driver.run(Cycle(likelihood, 7, 300, handicap=handicap)) == (above <= 0)
        likelihood, prior = rng.randint(0, largest.likelihood), rng.randint(0, 2**16)
        accept = likelihood + prior + handicap - driver.current <= 300
        await driver.run(Cycle(likelihood, prior, 300, handicap=handicap, keep=int(accept)))
    driver.board.finish()


@cocotb.test(skip=not parameters().get("tempers"))
async def tempered(dut: Any) -> None:
    """Likelihoods around 2^temper times what is just accepted: the fraction that is shifted out is rounded down."""
    largest, rng = largest_operands(), random.Random(parameters()["seed"])
    driver = await started(dut)
    for temper in range(8):
        for _ in range(20):
            await driver.run(Cycle(largest.likelihood, rng.randint(0, 2**12), 0, keep=1, temper=temper))
            u = rng.randint(0, 2**8)
            prior = min(largest.prior, driver.current + u - rng.randint(0, largest.likelihood >> temper))
            edge = (driver.current + u - prior + 1) * 2**temper  # the first that is rejected
            for likelihood in (edge - 1, edge, edge + 2**temper - 1):
                if likelihood <= largest.likelihood:
                    assert await driver.run(Cycle(likelihood, prior, u, temper=temper)) == (likelihood < edge)
    driver.board.finish()


@cocotb.test()
async def partial_sums(dut: Any) -> None:
    """Early rejection: a growing sum is compared once an evaluation and rejected from the first one above the threshold
    on; a threshold below zero is known ahead of them."""
    largest, rng = largest_operands(), random.Random(parameters()["seed"])
    driver = await started(dut)
    prior_top = min(largest.prior, 5000)
    for number in range(60):
        await driver.run(current_row(rng.randint(0, min(largest.likelihood, 5000)), rng.randint(0, prior_top)))
        neg_log2_u = rng.randint(0, min(largest.neg_log2_u, 500))
        edge = driver.current + neg_log2_u  # the prior at and above which no likelihood but 0, and none, will do
        prior = min(largest.prior, edge + number % 3 - 1) if number % 2 else rng.randint(0, prior_top)
        await driver.run(Cycle(0, prior, neg_log2_u, compare=0))
        total, accepts = 0, []
        for _ in range(12):
            accepts.append(await driver.run(Cycle(total, prior, neg_log2_u)))
            total = min(largest.likelihood, total + rng.randint(0, 900))
        assert accepts == sorted(accepts, reverse=True), f"accepted again after a rejection: {accepts}"
    driver.board.finish()


@cocotb.test(skip=kappa_bits() > 0)  # a likelihood's operands are wider than a reward's
async def metropolis(dut: Any) -> None:
    """Accept iff a >= u in floats, from costs rounded as the chip's operands are.

    Five roundings meet in a decision (likelihood and prior of both rows, and u), half a unit each; within that border
    either answer is right.
    """
    p = parameters()
    one, rng = 2 ** p["fraction_bits"], random.Random(p["seed"])
    border = 5 * 0.5 / one
    driver = await started(dut)
    seen = {False: 0, True: 0}
    for _ in range(400):
        costs = [rng.uniform(0, 300), rng.uniform(0, 100)]  # -log2 likelihood and prior of the current row
        await driver.run(current_row(round(costs[0] * one), round(costs[1] * one)))
        prior = rng.uniform(0, 100)
        likelihood = max(0.0, sum(costs) - prior + rng.gauss(2, 4))
        a, u = 2.0 ** (sum(costs) - likelihood - prior), 2.0 ** -rng.expovariate(math.log(2))
        if abs(math.log2(a / u)) > border:
            cycle = Cycle(round(likelihood * one), round(prior * one), round(-math.log2(u) * one))
            accept = await driver.run(cycle)
            assert accept == (a >= u), f"a = {a}, u = {u}, accept = {accept}"
            seen[accept] += 1
    assert min(seen.values()) >= 50, f"too few of one decision: {seen}"
    driver.board.finish()
