"""Designs with a mistake, for the tests that prove a bench can fail."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

Change = tuple[str, Callable[[Any], Any]]


def rewired(component: Any, name: str, change: Callable[[Any], Any]) -> Any:
    """`component`, inside which `change(port)` stands for port `name`, or for another attribute; its outside stays.

    "command.op" is the port `op` of the interface `command`. An input is seen changed; an output that becomes another
    signal, as by `Signal.like`, is driven no more and is 0.
    """
    *path, name = name.split(".")
    elaborate = component.elaborate

    def elaborate_changed(platform: Any) -> Any:
        holder = reduce(getattr, path, component)
        setattr(holder, name, change(getattr(holder, name)))
        return elaborate(platform)

    component.elaborate = elaborate_changed
    return component
