"""Work in a thread of its own, beside other work or in its place, so that this thread hears what is sent to it.

Python hears Ctrl-C and SIGTERM in the main thread only, and only between two of its own instructions: not within a
compiled kernel or a library, however long that takes. Kernels let go of Python's lock (`nogil`), and the main thread
waits for them in Python.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")
NAME = "oxmc-beside"


def beside(compute: Callable[[], T]) -> Future[T]:
    """Start `compute` in a thread that ends with the program."""
    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(compute())
        except BaseException as error:  # the one who waits is to see it
            future.set_exception(error)

    threading.Thread(target=work, name=NAME, daemon=True).start()
    return future


def heard(compute: Callable[[], T]) -> T:
    """What `compute` returns, or raises; a signal's exception is raised here at once, and `compute` is left alone.

    It must not write anywhere, since whoever stops removes what was begun.
    """
    if threading.current_thread() is not threading.main_thread():  # signals are heard elsewhere
        return compute()
    return beside(compute).result()


def is_left_alone() -> bool:
    """Whether a computation still runs that nobody waits for."""
    return any(thread.name == NAME for thread in threading.enumerate())


class Ahead(Generic[T]):
    """What `compute` returns: worked out in a thread from the first `start` on, else when it is asked for."""

    def __init__(self, compute: Callable[[], T]):
        self._compute = compute
        self._future: Future[T] | None = None

    def start(self) -> None:
        if self._future is None:
            self._future = beside(self._compute)

    def value(self) -> T:
        """Raises whatever `compute` raises."""
        return self._compute() if self._future is None else self._future.result()
