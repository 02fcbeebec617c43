"""What the command line shows at the end: a summary, a table."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from oxmc.campaign.sweep_points import value_text
from oxmc.energy.costs import NODES
from oxmc.pymodels.config import Config
from oxmc.pymodels.tasks.table_columns import shown_names
from oxmc.reports.plain import PlainConsole
from oxmc.run.adapt import price_lines
from oxmc.run.baseline import NAMES
from oxmc.run.engine import in_integers
from oxmc.run.interval import interval_of, tested_on

WIDE = 160
"""Columns of a table that goes into a file or a pipe, where there is no width to keep to."""
ENDS = "every cost at its lower, then its upper bound"
"""What the range beside joules is."""
OF = {"accuracy": "on the same split", "reward": "steps"}
"""What a metric's baseline is of."""


def wide() -> Console:
    """Standard output; wide where it is no terminal."""
    return PlainConsole(width=None if sys.stdout.isatty() else WIDE)


def sweep_table(record: dict[str, Any], out: Path) -> Table:
    """The points of a sweep; a star marks the front at a node. Around a centre they are shown by what they change."""
    nodes, around = list(record["points"][0]["energy_j"]), record["around"]
    table = Table("point")
    for key in ["change"] if around else record["vary"]:
        table.add_column(key, overflow="fold", justify="left" if around else "right")
    metric, error = record["points"][0]["metric"], "standard\nerror"
    figures = [f"mean\n{metric}", error, *(["more than\npoint 0", error] if around else []), "chip\ntime, ms"]
    for name in figures + [f"{what},\nuJ at\n{node}" for node in nodes for what in ("training", "total")]:
        table.add_column(name, justify="right", no_wrap=True)
    for number, point in enumerate(record["points"]):
        settings = [point["change"] or "none"] if around else map(value_text, point["settings"].values())
        means = [point, point["difference"]] if around else [point]
        values = [text for mean in means for text in _mean_texts(mean)]
        joules: list[str] = []
        for node in nodes:
            training, total = (point[key][node]["mean"] * 1e6 for key in ("training_j", "energy_j"))
            joules += [f"{training:.4g}", f"{total:.4g} {'*' if point['pareto'][node] else ' '}"]
        table.add_row(str(number), *settings, *values, f"{point['chip_s'] * 1e3:.4g}", *joules)
    paired = "differences are paired; " if around else ""
    beyond = [str(number) for number, point in enumerate(record["points"]) if point["extrapolated"]]
    marked = f"points {', '.join(beyond)} are extrapolated beyond their card; " if beyond else ""
    table.caption = (
        f"{marked}* no other point has as high a mean for fewer joules at this node; total: training and test; "
        f"{paired}all of it in {out}; bounds and sources: oxmc energy {out}/points/0000 --all"
    )
    return table


def _mean_texts(mean: dict[str, Any]) -> tuple[str, str]:
    return f"{mean['mean']:.4f}", "-" if mean["sem"] is None else f"{mean['sem']:.4f}"


def _mixing(mixing: dict[str, Any]) -> str:
    """How one chain or several have mixed; of several, what an effective draw costs."""
    if mixing["rhat_max"] is None or mixing["ess_bulk_min"] is None:
        return "R-hat and effective draws unknown"
    cost = f", {mixing['ess_per_uj']:.3g} a uJ ({mixing['node']})" if "ess_per_uj" in mixing else ""
    return f"R-hat at most {mixing['rhat_max']:.2f}, effective draws at least {mixing['ess_bulk_min']:.3g}{cost}"


def caution_rows(run: dict[str, Any]) -> list[tuple[str, str]]:
    """What warns of a run, and what a reader should know of it."""
    warned, noted = run["warnings"], run["notes"]
    return [("warning", sentence) for sentence in warned] + [("note", sentence) for sentence in noted]


def _rows_text(result: dict[str, Any], config: dict[str, Any]) -> str:
    chains = config["outputs"] if config["counters"] == "own" else 1
    each = f" x {chains} outputs" if chains > 1 else ""
    return f"{result['rows_used']} of {config['rows']}{each}, burn-in {result['burn_in']}"


def _joules_text(joules: dict[str, Any]) -> str:
    """The first part, which is the training, with its bounds; then the other parts."""
    (name, first), *others = joules["parts"].items()
    span = f"{first['low'] * 1e6:.3g} to {first['high'] * 1e6:.3g}, {ENDS}"
    more = "".join(f", {name} {part['total'] * 1e6:.3g} uJ" for name, part in others)
    return f"{name} {first['total'] * 1e6:.3g} uJ ({span}){more}"


def _data_rows(run: dict[str, Any]) -> list[tuple[str, str]]:
    """A user's data: its points, features and classes."""
    data, config = run.get("data") or {}, run["config"]
    if not (counts := data.get("counts")):
        return []
    features, components = config["features"] - config["bias"], config["components"]
    names = [shown_names([name]) for name in data["classes"]]
    classes = ", ".join(f"{name} {count}" for name, count in zip(names, counts, strict=True))
    bias = " and a bias" if config["bias"] else ""
    made = f"{config['raw_features']} features as {components} components" if components else f"{features} features"
    return [("data", f"{sum(counts)} rows, {made}{bias}, {len(counts)} classes: {classes}")]


def interval_rows(run: dict[str, Any]) -> list[tuple[str, str]]:
    """How far the result may be from what so few test points or episodes tell."""
    ((low, high), _), (_, tested) = interval_of(run), tested_on(run)
    kind = "Wilson's" if run["result"]["metric"] == "accuracy" else "normal, of the mean"
    return [("95 % interval", f"{low:.4f} to {high:.4f}, which {tested} leave ({kind})")]


def facts(run: dict[str, Any]) -> list[tuple[str, str]]:
    """What a training came to, by name, the result first; of several chains the first, of repeats repeat 0."""
    result, chain, clock, config = run["result"], run["chain"], run["time"], run["config"]
    where = "on the chip" if in_integers(run["engine"]) else "in real numbers"
    rewards = result["metric"] == "reward"
    tested = f"{config['test_episodes']} episodes" if rewards else f"{config['test_samples']} points"
    rows = [
        (f"test {result['metric']}", f"{result['value']:.4f} on {tested} ({where})"),
        ("rows", _rows_text(result, config)),
        ("proposals", f"{chain['proposals']}, acceptance {chain['acceptance']:.3f}"),
        ("row counters", f"largest {chain['counter_max']}, counts lost {chain['counters_saturated']}"),
        ("clamped gate codes", f"{chain['dac_clamps']} of {run['events']['set']} SETs"),
        ("chip time", f"{clock['cycles']} cycles, {clock['chip_s'] * 1e3:.1f} ms at {clock['clock_hz'] / 1e6:g} MHz"),
        ("simulation", f"{clock['wall_s']:.1f} s, {clock['cycles_per_s'] / 1e3:.1f} kcycles/s ({run['engine']})"),
    ]
    chains = run.get("chains")
    rows.append((f"{chains['n']} chains", _mixing(chains)) if chains else ("convergence", _mixing(run["mixing"])))
    rows += [(f"energy at {node}", _joules_text(joules)) for node, joules in run["energy_j"].items()]
    return rows + _data_rows(run)


def summary(run: dict[str, Any], reference: float) -> Table:
    """What `oxmc train` says first; `reference` is the value of its baseline."""
    metric = run["result"]["metric"]
    value, *others = facts(run)
    answer = [value, *interval_rows(run), (NAMES[metric], f"{reference:.4f} {OF[metric]}")]
    return pairs([*answer, *caution_rows(run), *others])


def adapted(run: dict[str, Any], config: Config) -> Table:
    """What `oxmc adapt` says first: the result beside that of the rows of before, and what it takes."""
    told, (value, *others) = run["adapted"], facts(run)
    points = f"{told['points']} new points" + (f", each {told['copies']} times" if told["copies"] > 1 else "")
    kept = f", beside {config.train_samples - told['points'] * told['copies']} of RUN" if told["extended"] else ""
    before = ("before it", f"{told['value_before']:.4f} on the same points")
    learned = ("adaptation", f"number {told['number']} of this array, {points}{kept}")
    prices = price_lines(run, config, NODES)
    return pairs([value, before, *interval_rows(run), learned, *prices, *caution_rows(run), *others])


def ending(run: dict[str, Any], out: Path) -> Table:
    """Where a run lies, and how to look at it."""
    place = shlex.quote(str(out))
    rows = [
        ("state", run["result"]["state_sha256"][:16]),
        ("run directory", str(out)),
        ("as a page", f"oxmc report {place}"),
    ]
    if any(out.glob("waves.*")):
        from oxmc.run.simulated import viewers

        rows += [(f"waves in {name}", f"cd {place} && {command}") for name, command in viewers(out).items()]
    return pairs(rows)


def pairs(rows: list[tuple[str, str]]) -> Table:
    """Names and what they are; warnings in a colour of their own."""
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in rows:
        table.add_row(name, value, style="yellow" if name == "warning" else None)
    return table


def repeats_summary(run: dict[str, Any], out: Path, reference: float) -> Table:
    """The end of `oxmc train --repeats` on a terminal; `reference` is the mean of their baselines."""
    metric = run["result"]["metric"]
    *values, many = repeats_facts(run)
    rows = [*values, (NAMES[metric], f"mean {reference:.4f} {OF[metric]}{'s' if metric == 'accuracy' else ''}"), many]
    where = [("run directory", str(out)), ("as a page", f"oxmc report {shlex.quote(str(out))}")]
    return pairs([*rows, *caution_rows(run), *_data_rows(run), *where])


def repeats_facts(run: dict[str, Any]) -> list[tuple[str, str]]:
    """What repeats came to, and how many there were."""
    repeats = run["repeats"]
    sem = "" if repeats["sem"] is None else f" +- {repeats['sem']:.4f} (standard error)"
    return [
        (f"test {run['result']['metric']}", f"median {repeats['median']:.4f}, mean {repeats['mean']:.4f}{sem}"),
        ("5th to 95th percentile", f"{repeats['low']:.4f} to {repeats['high']:.4f}"),
        ("repeats", f"{repeats['n']} in {repeats['wall_s']:.1f} s ({run['engine']})"),
    ]
