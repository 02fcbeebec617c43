"""Where a result comes from, as every picture of it says."""

from __future__ import annotations

from typing import Any


def provenance(run: dict[str, Any]) -> list[tuple[str, str]]:
    """Task, preset, engine, seed and data of a run.json, by name."""
    data = run["data"]
    kept = f"{data['file'] or 'arrays'}, SHA-256 {data['sha256'][:12]}" if data["sha256"] else "those of the task"
    of = {"label": "column", "subject": "subject"}
    kept += "".join(f", {word} {data[name]}" for name, word in of.items() if data[name] is not None)
    return [*((name, str(run[name])) for name in ("task", "preset", "engine", "seed")), ("data", kept)]
