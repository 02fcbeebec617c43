"""oxmc: a chip that trains Bayesian models in its own OxRAM array, and the bench to prove it.

    import oxmc

    run = oxmc.train("cancer", engine="twin", seed=7)  # or arrays: oxmc.train(X, y)
    run.record["result"]["value"], run.predict(X_new), run.posterior, run.energy("28nm").total

Everything that goes wrong on purpose is an `OxmcError`, with the command line's texts. Names are loaded when they are
first used, so that importing oxmc costs nothing. `__init__.pyi` tells type checkers what they are; an import here would
make the whole program one of every kernel's sources (`oxmc/pymodels/kernels.py`).

"The paper" is Dalgaty et al., Nature Electronics 4, 151-161 (2021), doi:10.1038/s41928-020-00523-3. Shapes stand in
brackets, [n, columns], with a name for each dimension.
"""

from __future__ import annotations

import importlib
from typing import Any

_WHERE = {
    "train": "api.training",
    "adapt": "api.adapting",
    "train_many": "api.many",
    "sweep": "api.many",
    "calibrate": "api.tools",
    "verilog": "api.tools",
    "open_run": "api.run",
    "Run": "api.run",
    "Task": "api.task",
    "Config": "pymodels.config",
    "preset": "pymodels.config",
    "OxmcError": "pymodels.errors",
}
"""The module of each public name."""

__all__ = [
    "Config", "OxmcError", "Run", "Task", "adapt", "calibrate", "open_run", "preset", "sweep", "train", "train_many",
    "verilog",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'oxmc' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"oxmc.{_WHERE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
