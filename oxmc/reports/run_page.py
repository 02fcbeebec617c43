"""`oxmc report`: a run on one page that needs nothing but a browser.

The result beside its baseline, warnings, the chain, the array by row, every weight, calibration and joules. What the
page shows is worked out here and in `chain_parts`; in `page`, `run.html` is its markup, `run.css` its look, `run.js`
what moves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from oxmc.pymodels.errors import InputError
from oxmc.pymodels.events import PHASES
from oxmc.pymodels.uncertainty import wilson_interval
from oxmc.reports.accounts import account_of
from oxmc.reports.chain_parts import (
    COLOURS,
    Parameter,
    array_of,
    chains_of,
    counter_bars,
    decisive,
    parameters_of,
    traces,
)
from oxmc.reports.energy_page import node_facts
from oxmc.reports.markup import rendered, seconds
from oxmc.run.baseline import NAMES, baseline_of
from oxmc.run.cautions import ESS_LEAST, RHAT_MOST
from oxmc.run.checked import CheckedRun, checked_run
from oxmc.run.engine import in_integers
from oxmc.run.foreseen import changed_keys
from oxmc.run.interval import interval_of, tested_on
from oxmc.run.provenance import provenance
from oxmc.run.result import NODES

OPEN = 24
"""Weights in the table before the others, which unfold."""
MOST_WEIGHTS = 2000
"""Weights in the table at all."""
BARS = 12
"""Of the histogram of repeats."""


def run_page(path: Path) -> str:
    """The page of a run directory as HTML. Raises `InputError` if it is not whole, `RunError` if it contradicts itself.

    Of repeats, their results and repeat 0; of several chains, all of them and the array of the first.
    """
    checked = checked_run(path)
    if checked.state is None:
        raise InputError(f"RUN must be a run directory, not {str(path)!r}")
    run, config = checked.run, checked.config
    chains = chains_of(path, checked)
    parameters = parameters_of(config, run, chains)
    array, account = array_of(path, checked, parameters), account_of(path, checked, NODES)
    return rendered(
        "run",
        {"array": array},
        command="report",
        contents=_contents(run),
        run=run,
        about=[*provenance(run), ("run directory", str(path))],
        share=account.share,
        result=_result(path, checked),
        facts=_chain_facts(checked),
        chains=[(chain.name, number % COLOURS) for number, chain in enumerate(chains)],
        traces=traces(config, chains, parameters),
        proposals=max(int(chain.counters.sum()) for chain in chains),
        array=array,
        bars=counter_bars(array["counters"], config.rows, config.burn_in) if array else None,
        weights=_weights(parameters, config.prior_sigma_us),
        calibration=_calibration(run),
        nodes=[node_facts(account, node) for node in account.ledgers],
        phases=[phase for phase in PHASES if any(phase in each.by_phase() for each in account.ledgers.values())],
        settings=_settings(run),
    )


def _contents(run: dict[str, Any]) -> dict[str, str]:
    """Sections by place."""
    names = ["result", "chain", "array", "weights", *(["calibration"] if "uncertainty" in run else []), "energy"]
    return {name: name.capitalize() for name in [*names, "settings"]}


def _result(path: Path, checked: CheckedRun) -> dict[str, Any]:
    """The result and its baseline on one axis, each with what its interval is."""
    run, result = checked.run, checked.run["result"]
    metric, value = result["metric"], result["value"]
    try:
        baseline, missing = baseline_of(path, checked), ""
    except InputError as error:
        baseline, missing = None, str(error)
    n, tested = tested_on(run)
    span, what = interval_of(run)
    what = f"A band is the {what}." if metric == "accuracy" else f"The band is the {what}."
    lanes = [{"label": "this run", "value": value, "span": span, "kind": "analogue"}]
    repeats = _repeats(run, baseline) if "repeats" in run else None
    if repeats:
        lanes = [{"label": f"median of {repeats['n']} repeats", "value": repeats["median"], "kind": "analogue",
                  "span": (repeats["low"], repeats["high"])}]  # fmt: skip
        what = "The band holds 5 to 95 % of the repeats."
    if baseline is not None:
        of_points = metric == "accuracy" and not repeats
        spread = wilson_interval(round(baseline * n), n) if of_points else (baseline, baseline)
        lanes.append({"label": NAMES[metric], "value": baseline, "span": spread, "kind": "whole"})
    return {
        "metric": metric, "value": lanes[0]["value"], "tested": tested, "baseline": baseline, "missing": missing,
        "baseline_name": NAMES[metric], "lanes": lanes, "what": what, "axis": _axis(lanes, metric), "repeats": repeats,
        "values": run.get("chains", {}).get("values", []), "digits": 4 if metric == "accuracy" else 1,
        "where": "in the chip's integers" if in_integers(run["engine"]) else "in real numbers",
    }  # fmt: skip


def _axis(lanes: Sequence[dict[str, Any]], metric: str) -> dict[str, Any]:
    """A linear axis that holds every lane, with round ticks; an accuracy's ends at 1."""
    ends = [end for lane in lanes for end in (lane["value"], *lane["span"])]
    low, high = min(ends), 1.0 if metric == "accuracy" else max(ends)
    step = _round_step((high - low or 1.0) / 4)
    first = math.floor(low / step)
    last = math.ceil(high / step - 1e-9)
    scale = 100 / ((last - first) * step or 1.0)
    return {
        "place": lambda value: (value - first * step) * scale,
        "ticks": [(f"{k * step:.6g}", (k - first) * step * scale) for k in range(first, last + 1)],
    }


def _round_step(least: float) -> float:
    """The least of 1, 2 and 5 times a power of ten that is not below `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))


def _repeats(run: dict[str, Any], baseline: float | None) -> dict[str, Any]:
    """Statistics of the repeats and a histogram of them, on which mean and baseline have their place."""
    repeats = run["repeats"]
    values = [*repeats["values"], *([] if baseline is None else [baseline])]
    counts, edges = np.histogram(repeats["values"], bins=BARS, range=(min(values), max(values) or 1.0))
    width = float(edges[-1] - edges[0]) or 1.0
    places = {name: 100 * (value - edges[0]) / width for name, value in
              (("mean", repeats["mean"]), ("baseline", baseline)) if value is not None}  # fmt: skip
    return repeats | {
        "counts": counts.tolist(), "most": int(counts.max()), "first": float(edges[0]), "last": float(edges[-1]),
        "places": places,
    }  # fmt: skip


def _chain_facts(checked: CheckedRun) -> list[tuple[str, str]]:
    run, config = checked.run, checked.config
    chain, result, events = run["chain"], run["result"], run["events"]
    mixing = run.get("chains") or run["mixing"]
    each = f" × {config.chains} outputs" if config.chains > 1 else ""
    unfinished = "" if result["complete"] else ", stopped before the end"
    rhat, ess = mixing["rhat_max"], mixing["ess_bulk_min"]
    return [
        ("R-hat, worst weight", "unknown" if rhat is None else f"{rhat:.2f}"),
        ("effective draws, worst weight", "unknown" if ess is None else f"{ess:.3g}"),
        ("proposals", f"{chain['proposals']}, {chain['acceptance']:.1%} accepted"),
        ("rows", f"{result['rows_used']} of {config.rows}{each}{unfinished}"),
        ("burn-in", f"{result['burn_in']} rows, which do not vote"),
        ("rows skipped", str(chain["rows_skipped"])),
        ("largest row counter", f"{chain['counter_max']}, counts lost {chain['counters_saturated']}"),
        ("clamped gate codes", f"{chain['dac_clamps']} of {events['set']} SETs"),
        ("chip time", f"{seconds(run['time']['chip_s'])} at {run['time']['clock_hz'] / 1e6:g} MHz"),
    ]


def _weights(parameters: Sequence[Parameter], sigma: float) -> dict[str, Any]:
    """The table of weights, the most decisive first; `reach` holds every interval and the prior's s.d., in uS."""
    rows = [parameters[pair] for pair in decisive(parameters, MOST_WEIGHTS)]
    return {
        "first": rows[:OPEN],
        "others": rows[OPEN:],
        "left_out": len(parameters) - len(rows),
        "several": len({each.neuron for each in parameters}) > 1,
        "sigma": sigma,
        "reach": max([sigma, *(abs(end) for each in parameters for end in (each.low, each.high))]),
        "rhat_most": RHAT_MOST,
        "ess_least": ESS_LEAST,
    }


def _calibration(run: dict[str, Any]) -> dict[str, Any] | None:
    """The bins of confidence with counts and intervals; None of a run without classes or votes."""
    if "uncertainty" not in run:
        return None
    found = run["uncertainty"]
    bins = [
        entry | {"span": wilson_interval(round(entry["accuracy"] * entry["n"]), entry["n"])}
        for entry in found["calibration"]
    ]
    most = max(entry["n"] for entry in bins)
    return found | {"bins": bins, "sizes": [0.4 + 0.9 * math.sqrt(entry["n"] / most) for entry in bins]}


def _settings(run: dict[str, Any]) -> dict[str, Any]:
    """What the run was made from: keys that differ from its preset, all keys, versions."""
    changed = changed_keys(run["task"], run["preset"], run["config"])
    return {"changed": list(changed.items()), "all": list(run["config"].items()), "versions": run["versions"]}
