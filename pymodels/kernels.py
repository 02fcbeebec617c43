"""numba's `njit` with a cache of our own, or no numba at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any


def njit(*, cache: bool, borrows: bool = False, **options: Any) -> Callable[[Callable[..., Any]], Any]:
    """`numba.njit` with a sealed cache (`oxmc.pymodels.kernel_cache`).

    A kernel that `borrows` works on arrays that its caller holds, makes and returns none, and becomes part of whoever
    calls it. It counts no references: a count is an atomic operation, and a short kernel would spend more on counts,
    and on handing arrays over one by one, than on arithmetic. What it calls borrows, too: numba refuses to compile it
    where an array is made.

    With numba's own variable NUMBA_DISABLE_JIT=1 a kernel is the function that it was made from, and numba is not even
    loaded, which takes longer than a short bench draws for.
    """

    def kernel(function: Callable[..., Any]) -> Any:
        if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
            return function
        from oxmc.pymodels.kernel_cache import compiled

        return compiled(function, cache=cache, borrows=borrows, options=options)

    return kernel
