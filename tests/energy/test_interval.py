"""Bands of a ledger: against the percentiles that define the laws and against scipy's; the same draws always."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from oxmc.energy.costs import Cost, CostTable, load_costs
from oxmc.energy.interval import DRAWS, Z95, ratio_band, spread, standard_draws, uncertainty
from oxmc.energy.ledger import Ledger, account
from oxmc.energy.point import CARD_VOLTAGES, operating_point
from oxmc.pymodels.config import Config

pytestmark = pytest.mark.testpoint(
    "energy bands",
    "low and high are percentiles; scipy's log-normal; figures shared, independent, the same draws everywhere; "
    "share of the variance; spread of repeats",
)

VOLTAGES = dict(zip(CARD_VOLTAGES, (4.0, 1.3, 2.0, 1.8, 2.6, 4.0, 0.4, 4.0), strict=True))
POINT = operating_point(Config(), VOLTAGES, 500)
ADC = Cost(component="adc", action="a", item="read", value=2.0, low=1.0, high=8.0, unit="J", source="s")
EXACT = dataclasses.replace(ADC, component="array", action="b", value=3.0, low=3.0, high=3.0)


def ledger_of(costs: tuple[Cost, ...], **counts: int) -> Ledger:
    return account({"train": counts}, {}, POINT, CostTable("t", costs))


def test_z95_is_the_normal_percentile() -> None:
    assert pytest.approx(stats.norm.ppf(0.95), rel=1e-12) == Z95


@pytest.mark.parametrize("ends", [(2.0, 1.0, 8.0), (2.0, 0.0, 8.0), (0.0, 0.0, 5.0), (3.0, 3.0, 3.0)])
def test_ends_are_percentiles(ends: tuple[float, float, float]) -> None:
    """Exact: z at the 5th, 50th and 95th percentile gives low, value and high."""
    value, low, high = ends
    found = spread(value, low, high, np.array([-Z95, 0.0, Z95, -10 * Z95]))
    assert found[:3] == pytest.approx([low, value, high], rel=1e-12, abs=1e-300)
    assert 0 <= found[3] <= low


def test_equal_ratios_are_a_log_normal() -> None:
    """low = value / r, high = value r: scipy's log-normal of sigma ln(r) / 1.645, by its own distribution function."""
    draws = spread(2.0, 0.5, 8.0, standard_draws("some figure"))
    law = stats.lognorm(s=math.log(4) / Z95, scale=2.0)
    assert stats.kstest(draws, law.cdf).statistic <= 0.5 / DRAWS * (1 + 1e-6)  # one draw a stratum, in its middle
    # the tail beyond the last stratum's middle is cut: 2e-3 of the variance at this sigma
    assert np.var(draws) == pytest.approx(law.var(), rel=5e-3)


def test_bands_of_one_figure_and_of_an_exact_one() -> None:
    found = uncertainty(ledger_of((ADC, EXACT), read=1))
    adc = found.components["adc"]
    assert (adc.low, adc.median, adc.high) == pytest.approx((1.0, 2.0, 8.0), rel=1e-3)  # strata of 5e-5
    assert dataclasses.astuple(found.components["array"]) == (3.0, 3.0, 3.0)
    assert found.total.low == pytest.approx(adc.low + 3.0, rel=1e-12)
    assert [figure.variance_share for figure in found.figures] == [1.0, 0.0]
    bars = found.figures[0].as_json(5.0)
    assert (bars["total_at_low"], bars["total_at_high"]) == (4.0, 11.0)


def test_variances_add_up() -> None:
    """Independent figures: the variance of the total is the sum, to the sampling error of their covariance."""
    other = dataclasses.replace(ADC, component="drivers", action="c")
    found = uncertainty(ledger_of((ADC, other), read=1))
    parts = [spread(2.0, 1.0, 8.0, standard_draws(figure.name)) for figure in found.figures]
    assert abs(np.corrcoef(parts)[0, 1]) < 4 / math.sqrt(DRAWS)  # s.d. of a correlation of independent draws
    shares = [figure.variance_share for figure in found.figures]
    assert shares == pytest.approx([0.5, 0.5], rel=1e-12)  # the same strata
    assert found.total.high < 2 * 8.0 and found.total.low > 2 * 1.0  # narrower than the sums of bounds


def test_entries_that_quote_one_figure_err_together() -> None:
    """Twice the same figure is one of twice the joules, not two that cancel in part."""
    twice = dataclasses.replace(ADC, action="again", item="eval")
    shared = uncertainty(ledger_of((ADC, twice), read=1, eval=3))
    assert [(f.energy_j, f.actions) for f in shared.figures] == [(8.0, ("again", "a"))]
    assert shared.total.high == pytest.approx(4 * uncertainty(ledger_of((ADC,), read=1)).total.high, rel=1e-12)
    assert shared.figures[0].label == "adc, again and 1 more"


def test_entries_that_say_so_err_together() -> None:
    """`errs_with`: other figures, another component, one error; the bounds add up, each component apart."""
    costs = tuple(
        dataclasses.replace(ADC, component=name, action=name, value=value, low=value / 2, high=value * 4, errs_with="x")
        for name, value in (("adc", 2.0), ("drivers", 3.0))
    )
    found = uncertainty(ledger_of(costs, read=1))
    alone = uncertainty(ledger_of(costs[:1], read=1))
    assert (found.total.low, found.total.high) == pytest.approx((2.5 * alone.total.low, 2.5 * alone.total.high))
    assert [(figure.component, figure.name) for figure in found.figures] == [("drivers", "x"), ("adc", "x")]


def test_the_same_draws_everywhere() -> None:
    """The same bits again; the ratio of two runs has no band where they differ by a factor only."""
    one, two = (uncertainty(ledger_of((ADC, EXACT), read=count)) for count in (1, 7))
    assert np.array_equal(one.draws, uncertainty(ledger_of((ADC, EXACT), read=1)).draws)
    ratio = ratio_band(one, two)
    assert (ratio.low, ratio.high) == pytest.approx((7.0, 7.0), rel=1e-12)
    names = [{figure.name for figure in uncertainty(whole(node)).figures} for node in ("28nm", "130nm")]
    assert names[0] == names[1]


def whole(node: str) -> Ledger:
    counts: Any = {"train": {"read": 5, "set": 7, "eval": 11, "cycle": 100, "decision": 1, "classify": 2}}
    return account(counts, {"train": {"set_current_na_cycles": 10**6}}, POINT, load_costs(node))


@pytest.mark.parametrize("node", ["28nm", "130nm"])
def test_the_band_lies_within_the_sums_of_bounds(node: str) -> None:
    ledger = whole(node)
    found = uncertainty(ledger)
    assert ledger.low_j < found.total.low < ledger.total_j < found.total.high < ledger.high_j
    assert math.fsum(figure.variance_share for figure in found.figures) == pytest.approx(1.0, rel=1e-12)
    shares = [figure.variance_share for figure in found.figures]
    assert shares == sorted(shares, reverse=True)


def test_an_empty_ledger_has_a_band_of_nothing() -> None:
    found = uncertainty(Ledger(()))
    assert dataclasses.astuple(found.total) == (0.0, 0.0, 0.0) and found.figures == ()
