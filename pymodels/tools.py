"""What starts a tool: `environment` of `oxmc.pymodels.machine`, and what Python, Yosys and Verilator need beside it."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from oxmc.pymodels.errors import InputError
from oxmc.pymodels.machine import PACKAGE, cache_root, environment

_adopting = threading.RLock()


def python_environment(**own: str) -> dict[str, str]:
    """Variables for a Python that imports what this one does, `oxmc` before another of its name."""
    path = dict.fromkeys(os.path.abspath(entry) for entry in (str(PACKAGE.parent), *sys.path))
    caches = {name: os.environ[name] for name in ("NUMBA_CACHE_DIR",) if name in os.environ}
    python = {"PYTHONPATH": os.pathsep.join(path), "PYTHONSAFEPATH": "1", "PYTHONUTF8": "1", "PYTHONNOUSERSITE": "1"}
    return environment(**python, **caches) | own


def wasm_environment(**own: str) -> dict[str, str]:
    """The same for Yosys and nextpnr, whose WebAssembly is compiled into a cache."""
    kept = {name: os.environ[name] for name in ("YOWASP_CACHE_DIR",) if os.environ.get(name)}
    return python_environment(XDG_CACHE_HOME=str(cache_root()), **kept, **own)


@contextmanager
def adopted(variables: dict[str, str]) -> Iterator[None]:
    """This process has `variables` alone for a while: for a library that hands its own environment on to a tool."""
    with _adopting:
        saved = dict(os.environ)
        os.environ.clear()
        os.environ.update(variables)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(saved)


def find_tool(name: str, wanted_by: str) -> str:
    """Absolute path of a tool on PATH. Raises `InputError` naming the option that wants it."""
    found = shutil.which(name)
    if found is None:
        raise InputError(f"{wanted_by} needs {name!r} on PATH, which is not there")
    return os.path.abspath(found)
