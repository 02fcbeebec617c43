"""The ports of a block, and what its source says beside each."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any, NamedTuple

from amaranth.hdl import Value
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Member, Signature

from oxmc.hdl import safe
from oxmc.hdl.host import Host
from oxmc.pymodels.interface import Command, Setting, Status
from oxmc.pymodels.interface import meanings as comments

PORT = re.compile(r'^ *"(\w+)": (?:In|Out)\(.*?\),?(?:  # (.*))?$|^ *\w+ = \{"(\w+)": .*\}  # (.*)$', re.M)
"""A line that declares a port, or an option's one, and its comment."""

STREAM = {"valid": "a result is there; held until `ready` or a stop", "ready": "the result is taken in this cycle"}
"""Ports of Amaranth's streams. `payload` is what the block says of the stream."""


class Port(NamedTuple):
    """A port of a block. `name` has a dot for each interface that it is in, `way` is in or out, seen from the block."""

    name: str
    way: str
    bits: int
    meaning: str


def meanings(*sources: type | ModuleType) -> dict[str, str]:
    """The comments beside the ports that these classes or modules declare; of one name in several the first counts."""
    found: dict[str, str] = {}
    for each in sources:
        for name, comment, option, option_comment in PORT.findall(inspect.getsource(each)):
            found.setdefault(name or option, comment or option_comment)
    return found


def registers() -> dict[str, str]:
    """What the address map says of the ports that the host port makes from it."""
    setting, command, status = (comments(each) for each in (Setting, Command, Status))
    return {
        **{name.lower(): f"setting {name}: {words}" for name, words in setting.items()},
        **{name.lower(): f"command {name}, for one cycle: {words}" for name, words in command.items()},
        **{f"status_{name.lower()}": f"register {name}: {words}" for name, words in status.items()},
    }


def _ours(owner: Any) -> list[type]:
    return [each for each in type(owner).__mro__ if each.__module__.startswith("oxmc.")]


def ports(block: Component) -> list[Port]:
    """The ports of a block in the order of its source, those of its interfaces each by itself."""
    said = meanings(*_ours(block), safe)
    return list(_ports(block.signature, {**registers(), **said} if isinstance(block, Host) else said, block, False))


def _ports(signature: Signature, said: Mapping[str, str], values: Any, flipped: bool) -> Iterator[Port]:
    for name, member in signature.members.items():
        yield from _port(name, member, said.get(name, ""), getattr(values, name), flipped)


def _port(name: str, member: Member, meaning: str, value: Any, flipped: bool) -> Iterator[Port]:
    is_input = (member.flow == In) != flipped
    if member.is_port:
        yield Port(name, "in" if is_input else "out", len(Value.cast(value)), meaning)
        return
    inner = member.signature.flip() if member.flow == In else member.signature
    said = STREAM if isinstance(inner, stream.Signature) else meanings(*_ours(inner))
    for port in _ports(inner, said, value, is_input):
        yield port._replace(name=f"{name}.{port.name}", meaning=port.meaning or meaning)
