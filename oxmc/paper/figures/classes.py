"""The figure of several classes: S12."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from oxmc.paper.claim import Claim, Line, apart, median_of
from oxmc.paper.entry import Entry, Plan, Results, Size
from oxmc.paper.figures.shared import SEED, TWO, box_figure, colour, of, repeats, series_in, trainings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TASK = "wine"


def plan(size: Size) -> Plan:
    count = size.of(40, 200)
    reference = repeats("trainings:logistic", count, task=TASK, preset="paper", settings={}, seed=SEED)
    return trainings(TASK, TWO, count) | {"logistic regression": reference}


def judge(results: Results) -> Sequence[Line]:
    claim = Claim("A Bayesian perceptron of several outputs learns several classes", "p. 157; Supplementary Fig. 12")
    why = "the text names neither data nor accuracy; ours is wine, three classes"
    names = [*(each.name for each in series_in(results, TWO)), "logistic regression"]
    return [apart(claim, name, why, median_of(of(results, name), "splits")) for name in names]


def draw(results: Results) -> Figure:
    values = {each.name: of(results, each.name) for each in TWO}
    values["logistic regression"] = of(results, "logistic regression")
    return box_figure(values, [*(colour(each) for each in TWO), "0.6"], "test accuracy", {})


ENTRIES = [
    Entry("S12", plan=plan, judge=judge, draw=draw),
]
