"""Liberty's syntax: groups of attributes and groups, whatever they mean."""

from __future__ import annotations

import dataclasses
import re

from oxmc.pymodels.errors import InputError


@dataclasses.dataclass
class Group:
    """`kind (args) { ... }`: simple and complex attributes by name, and the groups inside."""

    kind: str
    args: tuple[str, ...]
    attributes: dict[str, str]
    groups: list[Group]

    def all(self, kind: str) -> list[Group]:
        return [group for group in self.groups if group.kind == kind]

    def number(self, name: str, default: float = 0.0) -> float:
        return float(self.attributes.get(name, default))


TOKEN = re.compile(r'"[^"]*"|[^\s:;(){},"]+|[:;(){},]')


def parse(text: str) -> Group:
    """The outermost group. Raises `InputError` where the text is no Liberty."""
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S).replace("\\\n", " ")
    tokens = TOKEN.findall(text)
    top = Group("", (), {}, [])
    try:
        end = _body(tokens, 0, top)
    except IndexError:
        end = -1
    if end != len(tokens) or len(top.groups) != 1 or top.groups[0].kind != "library":
        raise InputError("a Liberty file must be one whole library (...) { ... }, which this one is not")
    return top.groups[0]


def _body(tokens: list[str], at: int, group: Group) -> int:
    """Read statements into `group` until its bracket closes or the tokens end; where reading goes on."""
    while at < len(tokens) and tokens[at] != "}":
        name = tokens[at]
        if tokens[at + 1] == ":":
            end = tokens.index(";", at)
            group.attributes[name] = " ".join(tokens[at + 2 : end]).strip('"')
            at = end + 1
            continue
        if tokens[at + 1] != "(":
            raise IndexError(name)
        close = tokens.index(")", at)
        args = tuple(token.strip('"') for token in tokens[at + 2 : close] if token != ",")
        at = close + 1
        if at < len(tokens) and tokens[at] == "{":
            inner = Group(name, args, {}, [])
            at = _body(tokens, at + 1, inner)
            if tokens[at] != "}":
                raise IndexError(name)
            group.groups.append(inner)
            at += 1
        else:
            group.attributes[name] = ";".join(args)
            at += at < len(tokens) and tokens[at] == ";"
    return at
