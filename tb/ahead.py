"""A value that is computed beside other work, if there is time for it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")


class Ahead(Generic[T]):
    """What `compute` returns: worked out in a thread from the first `start` on, else when it is asked for."""

    def __init__(self, compute: Callable[[], T]):
        self._compute = compute
        self._future: Future[T] | None = None

    def start(self) -> None:
        if self._future is None:
            self._future = ThreadPoolExecutor(1).submit(self._compute)

    def value(self) -> T:
        """Raises whatever `compute` raises."""
        return self._compute() if self._future is None else self._future.result()
