"""A mistake put into the RTL's source for a while, which a proof must find."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@dataclasses.dataclass(frozen=True)
class Mutant:
    """In the source of `module`, a name below `oxmc.hdl`, `old` stands once; `new` takes its place."""

    module: str
    old: str
    new: str

    @contextmanager
    def planted(self) -> Iterator[None]:
        """The module's functions have the mistake. Raises `ValueError` where `old` does not stand there once."""
        module = importlib.import_module(f"oxmc.hdl.{self.module}")
        source = inspect.getsource(module)
        if source.count(self.old) != 1:
            raise ValueError(f"a mutant's text must stand once in {self.module}, not {source.count(self.old)} times")
        wrong: dict[str, Any] = {"__name__": module.__name__, "__file__": module.__file__}
        exec(compile(source.replace(self.old, self.new), str(module.__file__), "exec"), wrong)
        saved = []
        for function, mutated in _pairs(vars(module), wrong, module.__name__):
            saved.append((function, function.__code__))
            function.__code__ = mutated.__code__
        try:
            yield
        finally:
            for function, code in saved:
                function.__code__ = code


def _pairs(names: Any, wrong: Any, module: str) -> Iterator[tuple[types.FunctionType, types.FunctionType]]:
    """The functions and methods that a module defines, each with the one that takes its place."""
    for name, right in list(names.items()):
        if getattr(right, "__module__", None) != module and not isinstance(right, property):
            continue
        if isinstance(right, type):
            yield from _pairs(vars(right), vars(wrong[name]), module)
        elif isinstance(right, property) and isinstance(right.fget, types.FunctionType):
            yield right.fget, wrong[name].fget
        elif isinstance(right, types.FunctionType) and isinstance(wrong.get(name), types.FunctionType):
            yield right, wrong[name]
