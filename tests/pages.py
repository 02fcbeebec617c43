"""What a page tells its reader to do: commands and blocks of Python, in order, with the answers that it shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

INDENTED = re.compile(r"^    (?!\s|oxmc )(\S[^\n]*)$", re.M)
"""A command outside a block of code. An `oxmc` line there is one that a sentence talks about."""
REMARK = re.compile(r"\s+# .*")


class Step(NamedTuple):
    """A command line, or where `python` a block of Python, and the lines that the page shows as its answer."""

    text: str
    python: bool = False
    shown: tuple[str, ...] = ()


def steps(page: str) -> Iterator[Step]:
    """The steps of a page in Markdown, in order: commands after a prompt or indented, blocks of Python."""
    parts = re.split(r"^```(\w*)\n", page + "\n", flags=re.M)  # text, language, block, "", text, ...
    for number in range(0, len(parts), 4):
        for line in INDENTED.findall(parts[number]):
            yield Step(REMARK.sub("", line))
        if number + 2 < len(parts):
            language, block = parts[number + 1 : number + 3]
            yield from [Step(block, python=True)] if language == "python" else _prompted(block)


def _prompted(block: str) -> Iterator[Step]:
    for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
        command, *answer = part.splitlines()
        yield Step(REMARK.sub("", command), shown=tuple(filter(None, map(str.rstrip, answer))))


def unlike(shown: tuple[str, ...], output: str) -> list[str]:
    """Lines that a page shows and that the output has not, in this order; `...` stands for anything."""
    rest, absent = [line.rstrip() for line in output.splitlines()], []
    for line in shown:
        pattern = ".*".join(map(re.escape, line.split("...")))
        found = [number for number, each in enumerate(rest) if re.fullmatch(pattern, each)]
        if line == "...":
            continue
        if found:
            rest = rest[found[0] + 1 :]
        else:
            absent.append(line)
    return absent
