"""A run of repeats while it is unfinished: the hidden folder `.NAME.partial` beside the run directory NAME.

It holds what was asked for (`request.json`), a line for each repeat that is done, in order of completion
(`runs.jsonl`), run.json and state of repeat 0, the wall time so far, and the repeats that failed (`failures.json`).
Each file is whole at any time, but for the last line of `runs.jsonl`: whoever goes on cuts off what is torn.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from oxmc.pymodels import strict
from oxmc.pymodels.errors import InputError, shown
from oxmc.pymodels.files import read_json, understood
from oxmc.pymodels.whole import write_file
from oxmc.run.cards import FOLDER, keep_card
from oxmc.run.cautions import repeats_warnings
from oxmc.run.checked import checked_run, is_first
from oxmc.run.records import check_record
from oxmc.run.rundir import json_text, made_parents, read_run, take_name, write_json
from oxmc.run.sources import check_code, sources_digest

KEPT_RULE = "--out must have a whole run beside it to go on with"
DATA_NAMES = {
    "sha256": "the SHA-256 of --data", "subject": "--subject", "label": "--label", "keep": "--keep", "drop": "--drop",
}  # fmt: skip
"""What a user calls the parts of `DataSource.identity`."""


def partial_folder(out: Path) -> Path:
    """Where the run of repeats that becomes `out` is kept until it is whole."""
    target = out.resolve()
    return target.parent / f".{target.name}.partial"


def check_same(given: Mapping[str, Any], kept: Mapping[str, Any], where: str) -> None:
    """Raises `InputError`, naming the first that differs, unless a run with identity `given` may go on with `kept`."""
    with understood(KEPT_RULE, where):
        _check_same(given, kept, where)


def _check_same(given: Mapping[str, Any], kept: Mapping[str, Any], where: str) -> None:
    for key in ("task", "preset", "engine", "seed"):
        if given[key] != kept[key]:
            raise InputError(f"{key} must be {shown(kept[key])} as in {where!r} to go on with it, not {given[key]!r}")
    for key, name in DATA_NAMES.items():
        new, old = (side.get("data", {}).get(key) for side in (given, kept))
        if new != old:
            raise InputError(f"{name} must be {shown(old)} as in {where!r} to go on with it, not {new!r}")
    new, old = (side.get("card", {}).get("sha256") for side in (given, kept))
    if "card" in given and new != old:
        raise InputError(f"the SHA-256 of card must be {shown(old)} as in {where!r} to go on with it, not {new!r}")
    check_config(given["config"], kept["config"], where)


def check_config(given: Mapping[str, Any], kept: Mapping[str, Any], where: str) -> None:
    """Raises `InputError` naming the first key that differs."""
    for key in {**given, **kept}:
        new, old = given.get(key), kept.get(key)
        if new != old:
            raise InputError(f"{key} must be {shown(old)} as in {where!r} to go on with it, not {new!r}")


def replace_text(path: Path, text: str) -> None:
    """Write a file that is the old or the new one, whole, if this process is killed."""
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(text, "utf-8")
    beside.replace(path)


@contextlib.contextmanager
def _locked(folder: Path, out: Path) -> Iterator[None]:
    """Keeps other processes out of `folder`; the system opens the lock again even for one that was killed."""
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(f"--out must be a folder that no other run is writing, not {str(out)!r}") from error
        yield


def _seconds(path: Path) -> float:
    """The wall time that a file keeps; none where it was lost."""
    try:
        value = float(path.read_text())
    except (OSError, ValueError):
        return 0.0
    return value if 0 <= value < strict.MOST else 0.0


def _record(line: bytes, seed_of: Callable[[int], int]) -> dict[str, Any] | None:
    """The record of a whole line of a run under these seeds."""
    try:
        record: dict[str, Any] = strict.loads(line)
        check_record(record)
    except (ValueError, RecursionError):
        return None
    return record if line.endswith(b"\n") and record["seed"] == seed_of(record["repeat"]) else None


class Partial:
    """The folder of an unfinished run of repeats; `values` holds the result of each repeat that is done."""

    def __init__(self, folder: Path, code: list[str]):
        self.folder, self.code = folder, code
        self.scratch = folder / "scratch"
        self.values: dict[int, float] = {}
        self.failures: list[dict[str, Any]] = []
        self._offsets: dict[int, int] = {}
        self._started = time.monotonic()
        self._earlier_s = _seconds(folder / "wall_s")
        self._lines = (folder / "runs.jsonl").open("a+b", buffering=0)

    @property
    def wall_s(self) -> float:
        """Wall time in s of all sessions; one that was killed counts up to its last finished repeat."""
        return self._earlier_s + time.monotonic() - self._started

    @property
    def mean(self) -> float:
        """Mean of the values so far, not a number while there is none."""
        return math.fsum(self.values.values()) / len(self.values) if self.values else math.nan

    def load(self, seed_of: Callable[[int], int]) -> None:
        """Take up the repeats that are done; from the first line that is torn or has another seed all is cut off.

        Repeat 0 is done again unless its run.json and state are whole and those of its line.
        """
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir(exist_ok=True)
        (self.folder / "failures.json").unlink(missing_ok=True)
        whole, first = 0, None
        with (self.folder / "runs.jsonl").open("rb") as lines:
            for line in lines:
                record = _record(line, seed_of)
                if record is None:
                    break
                first = record if record["repeat"] == 0 else first
                self._note(record, whole)
                whole += len(line)
        self._lines.truncate(whole)
        if first is not None and not is_first(self.folder, first):
            del self.values[0]

    def _note(self, record: Mapping[str, Any], offset: int) -> None:
        self._offsets[record["repeat"]] = offset
        self.values[record["repeat"]] = record["value"]

    def add(self, record: Mapping[str, Any], first: tuple[dict[str, Any], bytes] | None) -> None:
        """Keep the record of a repeat; before it, for repeat 0, run.json and state.npz."""
        if first is not None:
            write_file(self.folder / "run.json", json_text(first[0]))
            write_file(self.folder / "state.npz", first[1])
            keep_card(first[0], self.folder)
        line = (json.dumps(record, allow_nan=False) + "\n").encode()
        offset = self._lines.seek(0, os.SEEK_END)
        if self._lines.write(line) != len(line):
            raise OSError(f"{str(self.folder)!r} takes no more: is the disk full?")
        self._note(record, offset)
        replace_text(self.folder / "wall_s", repr(self.wall_s))

    def fail(self, failure: dict[str, Any]) -> None:
        """Keep what became of a repeat that failed: `repeat`, `seed` and `error`."""
        self.failures = sorted([*self.failures, failure], key=lambda entry: entry["repeat"])
        replace_text(self.folder / "failures.json", json.dumps({"failures": self.failures}, indent=2) + "\n")

    def finish(self, target: Path, repeats: Mapping[str, Any], config_toml: str) -> dict[str, Any]:
        """Make the run directory of the repeats 0 to repeats["n"] - 1 and remove this folder; returns run.json."""
        final = self.folder / "final"
        shutil.rmtree(final, ignore_errors=True)
        final.mkdir()
        warned = 0
        with (self.folder / "runs.jsonl").open("rb") as lines, (final / "runs.jsonl").open("wb") as ordered:
            for repeat in range(repeats["n"]):
                lines.seek(self._offsets[repeat])
                line = lines.readline()
                ordered.write(line)
                warned += bool(strict.loads(line)["warnings"])
        run = {**read_run(self.folder), "repeats": {**repeats, "warned": warned}}
        run["warnings"] = repeats_warnings(warned, repeats["n"])
        if len(self.code) > 1:
            run["notes"].append(f"repeats were made by several versions of the code: {', '.join(self.code)}")
        write_json(final / "run.json", run)
        shutil.copy(self.folder / "state.npz", final)
        write_file(final / "config.toml", config_toml)
        if (self.folder / FOLDER).exists():
            shutil.copytree(self.folder / FOLDER, final / FOLDER)
        checked_run(final)
        take_name(final, target)
        shutil.rmtree(self.folder)
        return run

    def close(self) -> None:
        """End the session; the folder stays if it has anything to go on with."""
        empty = self._lines.seek(0, os.SEEK_END) == 0
        self._lines.close()
        shutil.rmtree(self.scratch, ignore_errors=True)
        if empty and not self.failures:
            shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def opened(
    out: Path, identity: dict[str, Any], seed_of: Callable[[int], int], *, resume: bool, other_code: bool = False
) -> Iterator[Partial]:
    """The partial folder of `out`, new or, with `resume`, taken up. Raises `InputError` where it may not be.

    What other code has done is only taken up with `other_code`; run.json will note it.
    """
    folder = partial_folder(out)
    if folder.exists() and not resume:
        raise InputError(f"--out has an unfinished run beside it, {str(folder)!r}: --resume goes on with it")
    with made_parents(out):
        folder.mkdir(exist_ok=True)
        with _locked(folder, out):
            request, code = folder / "request.json", []
            if request.exists():
                kept = read_json(request, KEPT_RULE)
                check_same(identity, kept, str(folder))
                code = kept.get("code", [])
                check_code(code[-1] if code else None, folder, other_code=other_code)
            code = list(dict.fromkeys([*code, sources_digest()]))
            write_file(request, json_text(identity | {"code": code}))
            partial = Partial(folder, code)
            try:
                partial.load(seed_of)
                yield partial
            finally:
                partial.close()
