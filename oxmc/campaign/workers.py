"""What a worker process of a run of repeats does beside its repeats."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import pkgutil
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from joblib import Parallel, parallel_config

from oxmc.run.sources import sources_digest

LOOK_S = 0.5
PACKAGES = ("oxmc", "numpy", "numba")


def surroundings() -> tuple[tuple[str, ...], str, tuple[tuple[str, str], ...]]:
    """What a worker must share with its parent: where modules are found, the working folder, our own variables.

    joblib keeps workers for the next call, and starts new ones if what they were started with has changed.
    """
    ours = tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith("OXMC_")))
    return tuple(sys.path), os.getcwd(), ours


def begin(path: tuple[str, ...], folder: str, variables: tuple[tuple[str, str], ...]) -> None:
    """Take over the parent's `surroundings`, and end with it; called once in each worker on this machine."""
    sys.path[:] = path
    os.chdir(folder)
    os.environ.update(variables)
    _end_with_parent()


@contextmanager
def on_processes(jobs: int, calls: Iterable[Any]) -> Iterator[Iterator[Any]]:
    """What joblib's delayed `calls` return, as it comes, from `jobs` processes on this machine.

    The workers, who may not have got to the end, stop without joblib's advice.
    """
    with parallel_config(backend="loky", initializer=begin, initargs=surroundings()):
        pool = Parallel(n_jobs=jobs, batch_size=1, return_as="generator_unordered")
    answers: Any = pool(calls)
    try:
        yield answers
    finally:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*tasks which were still being processed", UserWarning)
            answers.close()


def _end_with_parent() -> None:
    """Leave Ctrl-C to the parent, which decides what is kept, and end when the parent was killed.

    A worker without parent would wait for minutes.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@functools.cache
def _identity() -> tuple[tuple[str, str], ...]:
    versions = [(name, importlib.metadata.version(name)) for name in PACKAGES]
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return (*versions, ("Python", python), ("sources of oxmc", sources_digest()))


def identity() -> dict[str, str]:
    """What decides the bits of a result: versions, and a digest of this program's sources."""
    return dict(_identity())


def differences(other: Mapping[str, str]) -> str:
    """In what a worker that is `other` differs from this process; empty where it does not."""
    own = identity()
    found = ((name, own.get(name), other.get(name)) for name in {**own, **other})
    return ", ".join(f"{name} {theirs}, not {ours}" for name, ours, theirs in found if ours != theirs)


def work(name: str, asked: Mapping[str, str], sent: bytes) -> bytes:
    """`name` of `sent` on a worker of a cluster. Raises `RuntimeError` where this is another version by now."""
    if asked != identity():
        raise RuntimeError("its worker has another oxmc than it had before")
    result: bytes = pkgutil.resolve_name(name)(sent)
    return result
