"""Compiled kernels of changed sources are not used again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from pymodels.kernels import drop_stale_kernels

CALLEE = "from numba import njit\n\n@njit(cache=True)\ndef value():\n    return {}\n"
CALLER = "from numba import njit\nfrom callee import value\n\n@njit(cache=True)\ndef twice():\n    return 2 * value()\n"


def twice(folder: Path, *, drop: bool) -> str:
    """What a process of its own gets from the caller."""
    if drop:
        drop_stale_kernels(folder)
    command = [sys.executable, "-c", "from caller import twice; print(twice())"]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def test_change_of_a_callee_counts(tmp_path: Path) -> None:
    (tmp_path / "caller.py").write_text(CALLER)
    (tmp_path / "callee.py").write_text(CALLEE.format(1))
    assert twice(tmp_path, drop=True) == "2"
    (tmp_path / "callee.py").write_text(CALLEE.format(21))
    assert twice(tmp_path, drop=False) == "2", "numba looks at callees by now: this module can go"
    assert twice(tmp_path, drop=True) == "42"


def test_unchanged_kernels_stay(tmp_path: Path) -> None:
    (tmp_path / "kernel.py").write_text(CALLEE.format(1))
    drop_stale_kernels(tmp_path)
    compiled = tmp_path / "__pycache__" / "kernel.value-1.py311.nbi"
    compiled.touch()
    drop_stale_kernels(tmp_path)
    assert compiled.exists()
    os.utime(tmp_path / "kernel.py")  # a fresh checkout of the same text
    drop_stale_kernels(tmp_path)
    assert compiled.exists()
