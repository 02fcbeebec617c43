"""The memories of a design in Verilog: which it has and where, their modules, and the list to choose macros by."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from typing import Any

from oxmc.hdl.memory import HEAD, TAIL, geometry_of, memory_verilog

COLUMNS = "module instances depth width lanes lane_bits ports read_latency read_during_write bits".split()


def memories(text: str) -> list[str]:
    """The modules of the memories that a design's Verilog instantiates, by geometry."""
    kinds = set(re.findall(r"^ *(\w+) \w+ \(", text, flags=re.M))
    found = {kind: geometry for kind in kinds if (geometry := geometry_of(kind))}
    return sorted(found, key=found.__getitem__)


def memories_verilog(modules: Iterable[str], **options: Any) -> str:
    """Modules of memories, with the options of `oxmc.hdl.memory.memory_verilog`; nothing of none."""
    bodies = [memory_verilog(module, **options) for module in modules]
    return "".join(["\n", HEAD, *bodies, TAIL]) if bodies else ""


def memory_list(text: str, top: str) -> str:
    """CSV of the memories below module `top`, a line a module: bits are of one instance, read latency is in cycles.

    `instances` are the paths from `top` on, separated by spaces. `lanes` is how many parts of a word can be written
    apart, each of `lane_bits`, the last one of what is left.
    """
    places: dict[str, list[str]] = {}
    for path, module in _instances(text, top):
        places.setdefault(module, []).append(path)
    file = io.StringIO()
    table = csv.writer(file, lineterminator="\n")
    table.writerow(COLUMNS)
    for module in memories(text):
        it = geometry_of(module)
        assert it is not None
        shape = (it.depth, it.width, it.lanes, it.lane_bits)
        table.writerow([module, " ".join(places[module]), *shape, "1R1W", 1, "old", it.depth * it.width])
    return file.getvalue()


def _instances(text: str, top: str) -> Iterator[tuple[str, str]]:
    """Path and module of every instance below `top`, in the order of the text."""
    bodies = dict(re.findall(r"^module (\w+)(.*?)^endmodule", text, flags=re.M | re.S))

    def below(module: str, path: str) -> Iterator[tuple[str, str]]:
        for kind, name in re.findall(r"^  (\w+) (\w+) \($", bodies[module], flags=re.M):
            if kind in bodies:
                yield f"{path}{name}", kind
                yield from below(kind, f"{path}{name}.")

    return below(top, "")
