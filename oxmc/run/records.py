"""`runs.jsonl`: a line for each repeat, and what run.json's `repeats` says of all."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import numpy as np

from oxmc.energy.costs import NODES
from oxmc.energy.parts import HEADLINE, PARTS
from oxmc.pymodels import strict
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.events import EVENTS

FILE = "runs.jsonl"
LOW_HIGH_PERCENT = (5, 95)


def short_record(repeat: int, run: dict[str, Any], reference: float) -> dict[str, Any]:
    """The line of runs.jsonl: no wall times, so that it is the same each time."""
    result = run["result"]
    return {
        "repeat": repeat,
        "seed": run["seed"],
        **{key: result[key] for key in ("value", "rows_used", "complete", "state_sha256")},
        "chain": run["chain"],
        "events": run["events"],
        "cycles": run["time"]["cycles"],
        "energy_j": {node: joules["total"] for node, joules in run["energy_j"].items()},
        "training_j": {node: joules["parts"][HEADLINE]["total"] for node, joules in run["energy_j"].items()},
        "training_events": {
            name: sum(run["phases"][phase]["events"][name] for phase in PARTS[HEADLINE]) for name in run["events"]
        },
        "reference": reference,
        "warnings": run["warnings"],
    }


def summarise(values: list[float], wall_s: float) -> dict[str, Any]:
    """Statistics over repeats: `sem` is null for one repeat, `low` and `high` are the 5th and 95th percentile.

    Percentiles lie between the two nearest of the sorted values, linearly (numpy's default).
    """
    low, high = np.percentile(values, LOW_HIGH_PERCENT)
    return {
        "n": len(values),
        "values": values,
        "median": float(np.median(values)),
        "mean": float(np.mean(values)),
        "sem": float(np.std(values, ddof=1) / len(values) ** 0.5) if len(values) > 1 else None,
        "low": float(low),
        "high": float(high),
        "wall_s": wall_s,
    }


CHAIN = ("proposals", "accepted", "acceptance", "counter_max", "counters_saturated", "rows_skipped", "dac_clamps")
NUMBERS = {
    "chain": CHAIN,
    "events": tuple(EVENTS),
    "energy_j": NODES,
    "training_j": NODES,
    "training_events": tuple(EVENTS),
}
"""Parts of a record that hold a number of each name."""
PLAIN = ("repeat", "seed", "value", "rows_used", "cycles", "reference")
RECORD = (*PLAIN, "complete", "state_sha256", "warnings", *NUMBERS)
TYPES = {
    "repeat": int, "seed": int, "rows_used": int, "cycles": int, "complete": bool, "state_sha256": str,
    "warnings": list,
}  # fmt: skip


def check_record(record: Any) -> None:
    """Raises `ValueError` unless `record` has what `short_record` makes, all numbers finite and not negative."""
    if not isinstance(record, dict) or record.keys() != set(RECORD):
        raise ValueError(f"a line must have {', '.join(RECORD)}")
    for name, kind in TYPES.items():
        if type(record[name]) is not kind:
            raise ValueError(f"{name} must be of type {kind.__name__}, not {record[name]!r}")
    for part, keys in NUMBERS.items():
        if not isinstance(record[part], dict) or record[part].keys() != set(keys):
            raise ValueError(f"{part} must have {', '.join(keys)}")
    parts = [record[part].items() for part in NUMBERS]
    plain = [(name, record[name]) for name in PLAIN]
    for name, value in (pair for pairs in (plain, *parts) for pair in pairs):
        if not strict.is_number(value, 0):
            raise ValueError(f"{name} must be a finite number that is not negative, not {value!r}")


def read_records(folder: Path) -> list[dict[str, Any]]:
    """The lines of a folder's runs.jsonl. Raises `InputError` where one is not whole or not in its place."""
    path = folder / FILE
    rule = f"RUN must hold whole repeats, which {str(path)!r} does not"
    try:
        records = [strict.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for repeat, record in enumerate(records):
            check_record(record)
            if record["repeat"] != repeat:
                raise ValueError(f"line {repeat + 1} must be of repeat {repeat}, not {record['repeat']}")
    except OSError as error:
        raise InputError(f"{rule} ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{rule} ({error})") from error
    return records


def mean_reference(out: Path) -> float:
    """Mean of the reference over a run of repeats."""
    return statistics.fmean(record["reference"] for record in read_records(out))
