"""Compiled kernels are cached beside their sources, each by its own file only; here a change in any of them counts."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pymodels.machine import kept_elsewhere

STAMP = "kernels.sha256"


def drop_stale_kernels(folder: Path) -> None:
    """Remove the compiled kernels of the sources in `folder` unless they were made from what those are now.

    numba looks at the source of the outermost function alone, so a kernel would go on with what its callees were.
    Where the folder cannot be written, numba gets one elsewhere that is named after the sources.
    """
    sources = [path for path in sorted(folder.glob("*.py")) if b"njit" in path.read_bytes()]
    now = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    stamp = folder / "__pycache__" / STAMP
    if kept_elsewhere(folder, now[:16]):
        return
    try:
        if stamp.exists() and stamp.read_text() == now:
            return
        for path in stamp.parent.glob("*.nb[ic]"):
            path.unlink(missing_ok=True)
        stamp.parent.mkdir(exist_ok=True)
        stamp.write_text(now)
    except OSError:
        return
