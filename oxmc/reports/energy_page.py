"""`oxmc energy --format html`: runs accounted for on one page that needs nothing but a browser.

What the page shows is worked out here; in `page`, `energy.html` is its markup, `energy.css` its look, `energy.js` the
model of `energy/whatif.py` over again, so that the sliders move the same table of terms.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from oxmc.energy.costs import Cost
from oxmc.energy.interval import Band, Uncertainty, ratio_band, uncertainty
from oxmc.energy.ledger import Ledger
from oxmc.energy.parts import HEADLINE, ledger_of_part
from oxmc.energy.published import CPU_J, DOI, SOURCE, Comparison
from oxmc.energy.whatif import ANALOGUE, Model, build_model
from oxmc.posterior.learning_curve import learning_curve
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.events import PHASES
from oxmc.reports.accounts import Account, summary
from oxmc.reports.markup import rendered, seconds
from oxmc.run.engine import in_integers
from oxmc.run.result import costs_of
from oxmc.silicon.chip_point import point_of

FIGURES_SHOWN = 10
LINE_COLOURS = 4
AHEAD = ("load", "calibrate")
"""Phases ahead of a training whose joules its curve starts from; forming happens once in an array's life."""


def page(accounts: Sequence[Account]) -> str:
    """The page as HTML. Raises `InputError` for runs that cannot be shown."""
    runs = [_run(account) for account in accounts]
    ledgers = [ledger for account in accounts for ledger in account.ledgers.values()]
    return rendered(
        "energy",
        {"models": [_model(account).as_json() for account in accounts]},
        command="energy",
        contents=_contents(runs),
        runs=runs,
        axis=_axis([node for run in runs for node in run["nodes"]]),
        comparison=_comparison(accounts),
        sources=_sources(accounts),
        paper={"source": SOURCE, "doi": DOI, "cpu_j": CPU_J},
        curves=_curves(accounts),
        phases=[phase for phase in PHASES if any(phase in ledger.by_phase() for ledger in ledgers)],
    )


def _contents(runs: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Sections by place: a run's own by its name, or as the energy of the one run."""
    own = {f"run-{number}": Path(run["name"]).name for number, run in enumerate(runs)}
    return {
        **(own if len(runs) > 1 else {"run-0": "Energy"}),
        **({"comparison": "Against each other"} if len(runs) > 1 else {}),
        "what-if": "What if",
        "breakdown": "Components",
        "progress": "Accuracy",
        "sensitivity": "Sensitivity",
        "sources": "Sources",
    }


def _model(account: Account) -> Model:
    events = {phase: account.run["phases"][phase]["events"] for phase in PHASES}
    tables = {node: (ledger, costs_of(node)) for node, ledger in account.ledgers.items()}
    return build_model(account.config, events, point_of(account.config), tables)


def _run(account: Account) -> dict[str, Any]:
    run, config = account.run, account.config
    facts = [
        *([("shown", account.share)] if account.share else []),
        ("task", f"{run['task']}, preset {run['preset']}"),
        ("engine", f"{run['engine']}, seed {run['seed']}"),
        (f"test {run['result']['metric']}", f"{run['result']['value']:.4g}"),
        ("rows", f"{run['result']['rows_used']} of {config.rows}"),
        ("card", "{}, {:g} to {:g} uS".format(run["card"]["name"], *run["card"]["range_us"])),
        ("proposals", f"{run['chain']['proposals']}, {run['chain']['acceptance']:.1%} kept"),
        ("chip time", f"{seconds(run['time']['chip_s'])} at {run['time']['clock_hz'] / 1e6:g} MHz"),
    ]
    nodes = [node_facts(account, node) for node in account.ledgers]
    return {
        "name": str(account.path),
        "facts": facts,
        "warnings": run["warnings"],
        "notes": run["notes"],
        "nodes": nodes,
    }


def node_facts(account: Account, node: str) -> dict[str, Any]:
    """What a page shows of a run's joules at a node, with its tables of terms."""
    ledger, bands = account.ledgers[node], account.bands[node]
    training, comparison = ledger_of_part(ledger, HEADLINE), account.paper(node)
    return {
        "name": node,
        "base": costs_of(node).base,
        "changed": costs_of(node).changed,
        "total": ledger.total_j,
        "band": bands.total,
        "training": training.total_j,
        "training_band": uncertainty(training).total,
        "low": training.low_j,
        "high": training.high_j,
        "split": _split(training),
        "parts": _parts(account, node),
        "per": account.per(node),
        "per_bounds": account.per_bounds(node),
        "phases": dict.fromkeys(PHASES, 0.0) | ledger.by_phase(),
        "lanes": _lanes(training, comparison),
        "paper": comparison,
        "components": component_rows(ledger, bands),
        "figures": _tornado(ledger, bands),
        "repeats": summary(account.training_repeats[node]) if node in account.training_repeats else None,
    }


def _parts(account: Account, node: str) -> list[dict[str, Any]]:
    """Training, inference and what else the run has, with bands, time and mean power."""
    bands = account.part_bands(node)
    return [
        {
            "name": name, "total": part.ledger.total_j, "band": bands[name], "seconds": part.chip_s,
            "power": part.power_w,
        }
        for name, part in account.parts(node).items()
    ]  # fmt: skip


def _split(training: Ledger) -> list[dict[str, Any]]:
    """Array and converters, and memories and logic, of the training."""
    parts = []
    for label, inside in (("array and converters", True), ("memories and logic", False)):
        part = Ledger(tuple(line for line in training.lines if (line.component in ANALOGUE) == inside))
        parts.append({"label": label, "total": part.total_j, "band": uncertainty(part).total, "digital": not inside})
    return parts


def _lanes(training: Ledger, comparison: Comparison | None) -> list[dict[str, Any]]:
    """Bars on the axis of joules: what counts as in the comparison with the paper, else the training's two parts."""
    if comparison is None:
        whole = {"label": HEADLINE, "total": training.total_j, "band": uncertainty(training).total, "kind": "whole"}
        return [part | {"kind": "digital" if part["digital"] else "analogue"} for part in _split(training)] + [whole]
    return [
        {"label": part.name, "total": part.energy_j, "band": part.band, "kind": "analogue" if number else "whole"}
        for number, part in enumerate(comparison.counted)
    ]


def component_rows(ledger: Ledger, bands: Uncertainty) -> list[dict[str, Any]]:
    """Components with their joules by phase, the largest first."""
    rows = []
    for name, total in sorted(ledger.by_component().items(), key=lambda item: -item[1]):
        lines = [line for line in ledger.lines if line.component == name]
        phases = {phase: math.fsum(line.energy_j for line in lines if line.phase == phase) for phase in PHASES}
        share = total / ledger.total_j if ledger.total_j else 0.0
        band, digital = bands.components[name], name not in ANALOGUE
        rows.append(
            {"name": name, "total": total, "share": share, "phases": phases, "band": band, "digital": digital}
        )  # fmt: skip
    return rows


def _tornado(ledger: Ledger, bands: Uncertainty) -> list[dict[str, Any]]:
    """Figures by the width of their bar, with places in percent of a linear axis that holds all of them."""
    total = ledger.total_j
    ranked = sorted(bands.figures, key=lambda figure: figure.low_j - figure.high_j)[:FIGURES_SHOWN]
    ends = [(total - figure.energy_j + figure.low_j, total - figure.energy_j + figure.high_j) for figure in ranked]
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    scale = 100 / (high - low) if high > low else 0.0
    return [
        {
            "label": figure.label, "low": end[0], "high": end[1], "share": figure.variance_share,
            "left": (end[0] - low) * scale, "middle": (total - low) * scale, "right": (end[1] - low) * scale,
        }
        for figure, end in zip(ranked, ends, strict=True)
    ]  # fmt: skip


def _curves(accounts: Sequence[Account]) -> dict[str, Any]:
    """Learning curves of all runs on one pair of axes, and why a run has none."""
    node, lines, missing = next(iter(accounts[0].ledgers)), [], []
    for number, account in enumerate(accounts):
        try:
            stages = learning_curve(
                account.path, account.run, account.config, in_integers=in_integers(account.run["engine"])
            )
        except InputError as error:
            missing.append(str(error))
            continue
        phases = account.ledgers[node].by_phase()
        ahead, spent = (math.fsum(phases.get(name, 0.0) for name in names) for names in (AHEAD, ("train",)))
        lines.append((number, account, [(ahead + spent * stage.share, stage.accuracy) for stage in stages]))
    return {"node": node, "missing": missing, "plot": _plot(lines) if lines else None}


def _plot(lines: Sequence[tuple[int, Account, list[tuple[float, float]]]]) -> dict[str, Any]:
    """Places of step lines in a box of 100 x 100, y downward, with ticks; energy on a logarithmic axis."""
    points = [point for _, _, line in lines for point in line]
    bottom = max(0.0, math.floor(min(value for _, value in points) * 20 - 0.5) / 20)
    first, top = min(joules for joules, _ in points), max(joules for joules, _ in points)
    across = math.log10(top / first) or 1.0

    def left(joules: float) -> float:
        return 100 * math.log10(joules / first) / across

    def down(accuracy: float) -> float:
        return 100 * (1 - accuracy) / (1 - bottom) if bottom < 1 else 0.0

    step = 0.05 if 1 - bottom <= 0.3 else 0.1
    heights = [bottom + step * k for k in range(int((1 - bottom) / step + 1.001))]
    drawn = []
    for number, account, line in lines:
        path = f"M{left(line[0][0]):.2f} {down(line[0][1]):.2f}"
        path += "".join(f"H{left(joules):.2f}V{down(value):.2f}" for joules, value in line[1:])
        energy, accuracy = line[-1]
        reached = next(joules for joules, value in line if value >= accuracy)
        names = {"name": str(account.path), "colour": f"line-{number % LINE_COLOURS}"}
        drawn.append(names | {"path": path, "accuracy": accuracy, "energy": energy, "reached": reached})
    return {
        "lines": drawn,
        "ticks_x": [(value, left(value)) for value in _round_values(first, top)],
        "ticks_y": [(value, down(value)) for value in heights],
    }


def _round_values(low: float, high: float) -> list[float]:
    """1 and 3 times the powers of ten from `low` to `high`."""
    decades = range(math.floor(math.log10(low)), math.floor(math.log10(high)) + 1)
    return [value for decade in decades for factor in (1, 3) if low <= (value := factor * 10.0**decade) <= high]


def _axis(nodes: list[dict[str, Any]]) -> dict[str, Any]:
    """A logarithmic axis of joules that holds every lane's band and published figure."""
    values = [node["paper"].paper_j for node in nodes if node["paper"]]
    values += [end for node in nodes for lane in node["lanes"] for end in (lane["band"].low, lane["band"].high)]
    present = [value for value in values if value]
    low, high = math.log10(min(present)) - 0.08, math.log10(max(present)) + 0.08

    def place(value: float) -> float:
        return 100 * (math.log10(value) - low) / (high - low)

    return {"place": place, "ticks": [(value, place(value)) for value in _round_values(10**low, 10**high)]}


def _comparison(accounts: Sequence[Account]) -> list[dict[str, Any]]:
    """Each run's training after the first against the first's; shared errors cancel in the band of the ratio."""
    rows = []
    for other in accounts[1:]:
        for node in other.ledgers:
            first = accounts[0]
            one, two = (ledger_of_part(account.ledgers[node], HEADLINE) for account in (first, other))
            band: Band = ratio_band(uncertainty(one), uncertainty(two))
            sums = one.by_component(), two.by_component()
            parts = [(name, sums[0].get(name, 0.0), sums[1].get(name, 0.0)) for name in {**sums[0], **sums[1]}]
            parts.sort(key=lambda part: -max(part[1:]))
            rows.append(
                {
                    "node": node, "one": first, "other": other, "band": band, "parts": parts,
                    "totals": (one.total_j, two.total_j), "ratio": two.total_j / one.total_j,
                }
            )  # fmt: skip
    return rows


def _sources(accounts: Sequence[Account]) -> list[dict[str, Any]]:
    """The figures behind the lines of all runs, by node: one row a figure."""
    tables = []
    for node in accounts[0].ledgers:
        lines = [line for account in accounts for line in account.ledgers[node].lines]
        costs, used = costs_of(node), {(line.component, line.action, line.item) for line in lines}
        figures: dict[Any, list[Cost]] = {}
        for cost in costs.costs:
            if (cost.component, cost.action, cost.item) in used:
                figures.setdefault(cost.figure, []).append(cost)
        rows = [
            dataclasses.asdict(group[0]) | {"actions": "; ".join(cost.action for cost in group)}
            for group in figures.values()
        ]
        tables.append({"node": node, "rows": rows})
    return tables
