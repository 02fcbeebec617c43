"""Ports of a top of anybody's, found by the prefix of their names and held against what the chip's have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from amaranth.hdl import Shape
from amaranth.lib.wiring import Signature

from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.formats import Formats


def port(dut: Any, name: str, width: int | None = None) -> Any:
    """The signal `name` of a top. Raises `InputError` where it is not there or not `width` bits wide."""
    try:
        signal = getattr(dut, name)
    except AttributeError:
        raise InputError(f"{dut._name} must have the port {name}, which it has not") from None
    if width is not None and len(signal) != width:
        raise InputError(f"port {dut._name}.{name} must have the configuration's {width} bits, not {len(signal)}")
    return signal


def ports(dut: Any, prefix: str, signature: Signature, *, without: Iterable[str] = ()) -> dict[str, Any]:
    """The signals of an interface of the chip by their names in it. Raises as `port`."""
    return {
        name: port(dut, prefix + name, Shape.cast(member.shape).width)
        for name, member in signature.members.items()
        if name not in without
    }


def level(signal: Any) -> int | None:
    """0 or 1, None while a one-bit signal is neither."""
    value = signal.value
    return int(value) if value.is_resolvable else None


def formats_of(config: Config) -> Formats:
    """Widths and tables of a chip. Raises `InputError` where a configuration asks for one chain after the other."""
    if config.counters == "own":
        rule = "counters must be shared for a chip in a bench of one's own, which trains one chain"
        raise InputError(f"{rule}, not {config.counters!r}")
    return Formats(config)
