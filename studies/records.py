"""Results that are kept as they are measured, so that a stopped study goes on, and a line of progress."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from oxmc.pymodels.config import Config
from oxmc.pymodels.files import read_text, understood
from oxmc.studies.tables import Row

RECORDS = "records.jsonl"


def digest(config: Config) -> str:
    """Tells configurations apart in a record: a preset that was changed since is measured anew."""
    return hashlib.sha256(config.to_toml().encode()).hexdigest()[:16]


class Records:
    """Results by key in a file of JSON lines; without a folder in memory only."""

    def __init__(self, folder: Path | None) -> None:
        self.path = None if folder is None else folder / RECORDS
        self.known: dict[str, Row] = {}
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            text = read_text(self.path, "--out must hold whole records") if self.path.exists() else ""
            for number, line in enumerate(text.splitlines(), 1):
                with understood(f"line {number} must be a whole record: delete it", self.path):
                    entry = json.loads(line)
                    self.known[json.dumps(entry["key"])] = entry["value"]

    def of(self, key: Sequence[Any], measure: Callable[..., Row], *arguments: Any) -> Row:
        """The result under `key`: what `measure` finds with the arguments, unless it is known already."""
        name = json.dumps(list(key))
        if name not in self.known:
            self.known[name] = measure(*arguments)
            if self.path is not None:
                with self.path.open("a") as file:
                    file.write(json.dumps({"key": list(key), "value": self.known[name]}) + "\n")
        return self.known[name]


class Progress:
    """A line on stderr every few seconds."""

    EVERY_S = 15.0

    def __init__(self, total: int) -> None:
        self.total, self.done, self.started, self.shown = total, 0, time.monotonic(), 0.0

    def step(self, what: str) -> None:
        self.done += 1
        passed = time.monotonic() - self.started
        if passed - self.shown > self.EVERY_S or self.done == self.total:
            self.shown = passed
            print(f"{self.done}/{self.total}  {passed:.0f} s  {what}", file=sys.stderr, flush=True)
