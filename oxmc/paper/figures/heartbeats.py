"""Figures of heartbeats: 5e and 5f."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from oxmc.paper.claim import HIGHER, Claim, Found, Line, apart, beside, mean_of, median_of, span_of
from oxmc.paper.entry import Entry, Part, Plan, Results, Size
from oxmc.paper.figures.shared import (
    SEED,
    SHOWN,
    TWO,
    boxes,
    colour,
    heartbeats,
    mark_paper,
    mean,
    of,
    repeats,
    trainings,
)
from oxmc.plots.style import CHAIN_COLOURS, grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TASK, MEDIAN = "ecg", 0.91
MADE_UP = "no recordings were given (--data): these beats are made up"
BENCHMARKS = {"perceptron": 0, "network": 1}
EACH = "record {}, "


def is_made_up(results: Results) -> bool:
    return not any(name.startswith("record ") for name in results)


def plan_5e(size: Size) -> Plan:
    return {
        each.name: [
            Part.of("trainings:chain", task=TASK, preset=each.preset, settings=each.settings, seed=SEED,
                    source=heartbeats(size))
        ]
        for each in SHOWN
    }  # fmt: skip


def judge_5e(results: Results) -> Sequence[Line]:
    found = results[SHOWN[0].name]
    cells, rows = len(found["conductance_us"][0]), found["of_rows"]
    where = "p. 159, Methods"
    return [
        beside(Claim("Devices of one model of a 10-9-1 network", where, 198, "devices"), "paper, ideal",
               Found(cells, cells, cells, 1, "array"), f"{cells} cells a row"),
        beside(Claim("Models that 16,384 devices hold", where, 82, "rows"), "paper, ideal",
               Found(rows, rows, rows, 1, "array"), f"{rows} rows"),
    ]  # fmt: skip


def draw_5e(results: Results) -> Figure:
    figure, axes = grid(1, 2, height_in=2.4, stacked=True)
    for axis, each in zip(axes[0], SHOWN, strict=True):
        found = results[each.name]
        cells, votes = np.array(found["conductance_us"]), np.array(found["row"]) >= found["burn_in"]
        pairs, counts = cells[votes, 0::2] - cells[votes, 1::2], np.array(found["counter"])[votes]
        for column, shade in ((8, 2), (pairs.shape[1] - 1, 0)):
            axis.hist(pairs[:, column], bins=15, weights=counts, density=True, alpha=0.4, color=CHAIN_COLOURS[shade],
                      label=f"weight {column}")  # fmt: skip
        axis.set(xlabel="weight (µS)", ylabel="probability density", title=each.name)
        axis.legend(frameon=False)
    return figure


FEW = 5
"""Records in turn on a quick page."""


def _records(size: Size) -> Sequence[int]:
    """All records of the data; on a quick page some, evenly spaced."""
    from oxmc.pymodels.tasks import DataSource
    from oxmc.pymodels.tasks.ecg import subjects

    records = subjects(DataSource(data=size.data))
    return records[:: -(-len(records) // FEW)] if size.quick else records


def plan_5f(size: Size) -> Plan:
    source = heartbeats(size)
    plan = trainings(TASK, TWO, size.of(40, 200), source=source)
    plan |= {
        name: repeats(
            "networks:accuracies", size.of(20, 100), task=TASK, settings={}, seed=SEED, depth=depth, source=source
        )
        for name, depth in BENCHMARKS.items()
    }
    if source is not None:
        for record in _records(size):
            of_record = {**source, "subject": record}
            plan |= trainings(TASK, SHOWN, size.of(6, 20), source=of_record, prefix=EACH.format(record))
    return plan


MEDIAN_CLAIM = Claim("Median over 100 trainings, one unseen subject, which the text does not name", "p. 157, Fig 5f",
                     MEDIAN, good=HIGHER)  # fmt: skip
ABOVE = Claim("Above both network benchmarks", "p. 157, Fig 5f", 0.0, good=HIGHER, strict=True)
OVER_RECORDS = Claim("The same median; ours between the lowest and the highest of several records in turn",
                     "p. 157, Fig 5f", MEDIAN, good=HIGHER)  # fmt: skip


def judge_5f(results: Results) -> Sequence[Line]:
    network = max(BENCHMARKS, key=lambda name: mean(of(results, name)))
    rival, lines = of(results, network), []
    for each in TWO:
        values = of(results, each.name)
        found = median_of(values, "trainings")
        ahead = mean_of([a - b for a, b in zip(values, rival, strict=False)], "paired")
        if is_made_up(results):
            lines += [apart(MEDIAN_CLAIM, each.name, MADE_UP, found), apart(ABOVE, each.name, MADE_UP, ahead)]
            continue
        fails = sum(value < 0.8 for value in values)
        why = f"{fails} of {len(values)} trainings end below 0.80"
        lines += [
            beside(MEDIAN_CLAIM, each.name, found, f"{why}; the subject decides most (next lines)"),
            beside(ABOVE, each.name, ahead, f"the {network} has a mean of {mean(rival):.4f}; {why}"),
        ]
    return [*lines, *_over_records(results)]


def _over_records(results: Results) -> list[Line]:
    lines = []
    for each in SHOWN:
        names = [name for name in results if name.startswith("record ") and name.endswith(each.name)]
        if names:
            medians = [float(np.median(of(results, name))) for name in names]
            why = f"medians of {len(medians)} records reach from {min(medians):.2f} to {max(medians):.2f}"
            lines.append(beside(OVER_RECORDS, each.name, span_of(medians, "records"), why))
    return lines


def draw_5f(results: Results) -> Figure:
    figure, axes = grid(1, 2, height_in=3.0, stacked=True, width_ratios=[1.2, 1])
    values = {each.name: of(results, each.name) for each in TWO} | {name: of(results, name) for name in BENCHMARKS}
    boxes(axes[0, 0], values, [colour(each) for each in TWO] + ["0.6"] * len(BENCHMARKS))
    mark_paper(axes[0, 0], {"median": MEDIAN})
    axes[0, 0].set_ylabel("test accuracy")
    axes[0, 0].set_title("f  made-up beats" if is_made_up(results) else "f  one unseen subject", loc="left")
    _draw_records(axes[0, 1], results)
    return figure


def _draw_records(axis: Any, results: Results) -> None:
    for each in SHOWN:
        names = [name for name in results if name.startswith("record ") and name.endswith(each.name)]
        medians = sorted(float(np.median(of(results, name))) for name in names)
        axis.plot(range(len(medians)), medians, "o-", ms=3, color=colour(each), label=each.name)
    mark_paper(axis, {"median": MEDIAN})
    axis.set(xlabel="record in turn, by accuracy", ylabel="median accuracy")


ENTRIES = [
    Entry("5e", plan=plan_5e, judge=judge_5e, draw=draw_5e),
    Entry("5f", plan=plan_5f, judge=judge_5f, draw=draw_5f),
]
