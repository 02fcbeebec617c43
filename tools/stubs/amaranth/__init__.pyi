"""Amaranth has no type information: all of it is Any, but for `lib.enum`."""

from typing import Any

def __getattr__(name: str) -> Any: ...
