"""Parts are measured once: each result lies in the out folder under a key of all that it follows from.

The key is of the function, its arguments, and two digests: of the sources that decide a run's bits, presets and device
cards among them, and of all sources that the function's module imports. So a page that was stopped goes on where it
was, figures share what they have in common, and what was measured by other code is not taken.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from joblib import delayed
from threadpoolctl import threadpool_limits

from oxmc.campaign.workers import on_processes
from oxmc.paper.entry import Part, Values
from oxmc.pymodels import strict
from oxmc.pymodels.digests import say_damaged
from oxmc.pymodels.errors import InputError, RunError
from oxmc.pymodels.kernel_cache import closure_digest
from oxmc.pymodels.machine import PACKAGE
from oxmc.pymodels.whole import write_file
from oxmc.run.sources import sources_digest

Kept = dict[str, Any]
"""A part's file: `part`, `value`, and `cpu_s`, the processor time that it took."""
Watcher = Callable[[int, int, str], None]
"""Takes how many parts are done, how many there are, and the one that ended."""


@cache
def sources_of(module: str) -> str:
    """Digest of all sources that results of a module of `oxmc.paper.measure` follow from."""
    path = PACKAGE / "paper" / "measure" / f"{module}.py"
    closure = closure_digest(path, f"oxmc.paper.measure.{module}") if path.is_file() else ""  # a test's own module
    return f"{sources_digest()} {closure}"


def key_of(part: Part, sources: str = "") -> str:
    """What a part's result lies under."""
    text = json.dumps([part.function, part.arguments, sources or sources_of(part.function.partition(":")[0])])
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def place_of(part: Part, folder: Path) -> Path:
    return folder / f"{key_of(part)}.json"


def read_part(part: Part, folder: Path) -> Kept | None:
    """A part's file; None where it is not there, or is damaged, which is said."""
    path = place_of(part, folder)
    if not path.exists():
        return None
    try:
        kept: Kept = strict.loads(path.read_text(encoding="utf-8"))
        if kept["part"] == [part.function, part.arguments] and isinstance(kept["value"], dict):
            return {"part": kept["part"], "cpu_s": float(kept["cpu_s"]), "value": kept["value"]}
    except (ValueError, KeyError, TypeError, OSError):
        pass
    say_damaged(path)
    return None


def measured(part: Part) -> tuple[Part, Kept | Exception]:
    """Measure one part, in whatever process; what goes wrong comes back and ends no other part."""
    start = time.process_time()
    try:
        with threadpool_limits(1):  # matrices this small only wait for threads
            value: Values = part.call()
    except Exception as error:
        return part, error
    kept = {"part": [part.function, part.arguments], "cpu_s": time.process_time() - start, "value": value}
    return part, kept


def measure_all(parts: Sequence[Part], folder: Path, jobs: int, watcher: Watcher) -> dict[Part, Kept]:
    """All parts, those that are kept in `folder` from there; each is written as it comes.

    Raises `InputError` or `RunError` of the first part that fails once the others are done, `RunError` from what
    stopped it; what is done is kept.
    """
    wanted = list(dict.fromkeys(parts))
    found = {part: kept for part in wanted if (kept := read_part(part, folder)) is not None}
    failures: dict[Part, Exception] = {}
    try:
        for part, answer in _answers([part for part in wanted if part not in found], jobs):
            if isinstance(answer, Exception):
                failures[part] = answer
            else:
                write_file(place_of(part, folder), json.dumps(answer) + "\n")
                found[part] = answer
            watcher(len(found), len(wanted), named(part))
    except Exception:
        raise
    except BaseException as stop:  # Ctrl-C, SIGTERM
        raise RunError(_kept(len(found), len(wanted))) from stop
    for part, failure in failures.items():
        kind = InputError if isinstance(failure, InputError) else RunError
        raise kind(f"{named(part)}: {type(failure).__name__}: {failure}; {_kept(len(found), len(wanted))}") from failure
    return found


def _answers(parts: Sequence[Part], jobs: int) -> Iterator[tuple[Part, Kept | Exception]]:
    if jobs == 1 or len(parts) < 2:
        yield from map(measured, parts)
        return
    with on_processes(jobs, (delayed(measured)(part) for part in parts)) as answers:
        yield from answers


def _kept(done: int, wanted: int) -> str:
    return f"{done} of {wanted} parts are done and kept, the same command with --resume goes on"


def named(part: Part) -> str:
    """A part in a few words."""
    arguments = json.loads(part.arguments)
    words = [str(arguments[key]) for key in ("task", "preset", "card") if key in arguments]
    return " ".join([part.function.partition(":")[2].replace("_", " "), *words])
