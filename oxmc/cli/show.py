"""`oxmc show`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from oxmc.cli import terminal
from oxmc.pymodels.errors import InputError


def show(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run directories, or one sweep.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Say what a run is, and of several what differs. It shows task, settings, result, warnings and files."""
    if any((run / "sweep.json").exists() for run in runs):
        _show_sweep(runs, as_json)
        return
    found = [_described(run) for run in runs]
    if as_json:
        print(json.dumps({"runs": found, "differences": _differences(found), "same_bits": _same_bits(found)}, indent=2))
    else:
        terminal.show(*([_one(found[0])] if len(found) == 1 else _several(found)))


def _show_sweep(runs: list[Path], as_json: bool) -> None:
    from oxmc.cli import console
    from oxmc.plots.sweep import read_sweep

    if len(runs) > 1:
        raise InputError(f"RUN must be one sweep or run directories, not {len(runs)} folders with a sweep among them")
    record = read_sweep(runs[0])
    if as_json:
        print(json.dumps(record, indent=2))
    else:
        console.wide().print(console.sweep_table(record, runs[0]))


def _described(path: Path) -> dict[str, Any]:
    """A run that was checked, by what a reader asks. Raises `InputError` if it is none or not whole."""
    from oxmc.run.checked import checked_run
    from oxmc.run.foreseen import changed_keys

    run = checked_run(path).run
    files = sorted(str(file.relative_to(path)) for file in path.rglob("*") if file.is_file()) if path.is_dir() else []
    return {
        "run": str(path),
        "changed": changed_keys(run["task"], run["preset"], run["config"]),
        "files": files,
        "record": run,
    }


def _facts(found: dict[str, Any]) -> dict[str, str]:
    from oxmc.cli import console
    from oxmc.cli.config_page import text_of

    run = found["record"]
    rows = [("run", found["run"]), ("task", f"{run['task']}, preset {run['preset']}")]
    changed = (f"{name} = {text_of(value)}" for name, value in found["changed"].items())
    rows += [("changed from it", ", ".join(changed) or "nothing"), ("engine", run["engine"])]
    rows.append(("seed", str(run["seed"])))
    if "repeats" in run:
        rows += console.repeats_facts(run)
    else:
        value, *others = console.facts(run)
        rows += [value, *console.interval_rows(run), *others]
    rows.append(("state", run["result"]["state_sha256"][:16]))
    rows.append(("made by", f"oxmc {run['versions'].get('oxmc', '?')}, sources {run['versions']['sources'][:12]}"))
    return dict(rows)


def _one(found: dict[str, Any]) -> Any:
    from oxmc.cli import console

    files = ("files", ", ".join(found["files"]) or "none beside run.json")
    return console.pairs([*_facts(found).items(), *console.caution_rows(found["record"]), files])


def _several(found: list[dict[str, Any]]) -> list[Any]:
    """A table with a column a run, in which what differs is marked, then the keys that differ and the warnings."""
    from rich.table import Table

    from oxmc.cli.config_page import text_of

    columns = [_facts(each) for each in found]
    table = Table("run directory", *(Path(each["run"]).name for each in found), box=None, pad_edge=False)
    longest_first = sorted(columns, key=lambda column: (-len(column), list(column)))  # whatever the runs' order is
    for name in dict.fromkeys(name for column in longest_first for name in column):
        values = [column.get(name, "-") for column in columns]
        table.add_row(f"{name} {'*' if len(set(values)) > 1 else ''}", *values)
    for name, keys in _differences(found).items():
        table.add_row(f"key {name} *", *(text_of(value) for value in keys))
    warned = [f"warning, {each['run']}: {sentence}" for each in found for sentence in each["record"]["warnings"]]
    bits = "all have the same bits" if _same_bits(found) else "their states differ"
    return [table, f"* differs; {bits}", *warned]


def _differences(found: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """The configuration's keys that differ, with the value of each run."""
    configs = [each["record"]["config"] for each in found]
    values = {name: [config[name] for config in configs] for name in configs[0]}
    return {name: each for name, each in values.items() if any(value != each[0] for value in each)}


def _same_bits(found: list[dict[str, Any]]) -> bool:
    return len({each["record"]["result"]["state_sha256"] for each in found}) == 1
