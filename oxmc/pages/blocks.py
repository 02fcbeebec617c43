"""A page for each block of the chip, from its source: role, ports, timing, memories, gates, joules."""

from __future__ import annotations

import gc
import inspect
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from amaranth.hdl import UnusedElaboratable
from amaranth.lib.wiring import Component

from oxmc.hdl.chip import Chip
from oxmc.hdl.ram import Ram
from oxmc.pages.gates import Gates
from oxmc.pages.joules import HELD_OUT, OFF, USUAL, held_out, joules_table, table
from oxmc.pages.ports import Port, ports
from oxmc.pymodels.blocks import instances
from oxmc.pymodels.config import Config, preset
from oxmc.pymodels.formats import Formats

CHIPS: dict[str, tuple[str, Config]] = {
    "paper": ("`cancer`, `paper`", preset("cancer", "paper")),
    "wide": ("`cancer`, `wide`", preset("cancer", "wide")),
    "hidden": ("`ecg`, `wide`", preset("ecg", "wide")),
    "reward": ("`cartpole`, `wide`", preset("cartpole", "wide")),
    "hastings": ("`cancer`, `paper`, `hastings = true`", preset("cancer", "paper").replace(hastings=True)),
    "prepare": (
        "`cancer`, `paper`, `form` and `calibrate`",
        preset("cancer", "paper").replace(form=True, calibrate=True),
    ),
    "front": ("`cancer`, `paper`, `auto_zero_bits = 6`", preset("cancer", "paper").replace(auto_zero_bits=6)),
    "ring": ("`cancer`, `wide`, `ring = true`", preset("cancer", "wide").replace(ring=True)),
    "softmax": (
        '`wine`, `wide`, `likelihood = "softmax"`',
        preset("wine", "wide").replace(likelihood="softmax", counters="shared"),
    ),
    "cell": ('`cancer`, `wide`, `verify = "cell"`', preset("cancer", "wide").replace(verify="cell")),
}
"""The chips that the pages look at: by a short name, in words, and the configuration."""


class Block(NamedTuple):
    """A block's class, its instance's name in each chip that has it, and its ports there."""

    kind: type[Component]
    instances: dict[str, str]
    ports: dict[str, list[Port]]
    memories: dict[str, dict[str, str]]

    @property
    def name(self) -> str:
        return self.kind.__module__.rpartition(".")[2]

    @property
    def file(self) -> str:
        return "/".join(self.kind.__module__.split(".")[1:]) + ".py"

    @property
    def role(self) -> str:
        """The first sentence of its file."""
        return (sys.modules[self.kind.__module__].__doc__ or "").partition("\n")[0]


@contextmanager
def _never_built() -> Iterator[None]:
    """Components that are looked at and not elaborated leave without Amaranth's warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnusedElaboratable)
        yield
        gc.collect()


def blocks() -> list[Block]:
    """Every block of every chip in `CHIPS`, in the order in which chips build them."""
    found: dict[type[Component], Block] = {}
    with _never_built():
        _look(found)
    return list(found.values())


def _look(found: dict[type[Component], Block]) -> None:
    for chip, (_, config) in CHIPS.items():
        top = Chip(Formats(config))
        top.elaborate(None)
        parts = {name: part for name, part in vars(top).items() if isinstance(part, Component)}
        for name, part in parts.items():
            block = found.setdefault(type(part), Block(type(part), {}, {}, {}))
            block.instances[chip] = name
            block.ports[chip] = ports(part)
            block.memories[chip] = {name: _size(ram) for name, ram in vars(part).items() if isinstance(ram, Ram)}


def _size(ram: Ram) -> str:
    return f"{ram.geometry.depth:,} x {ram.width}"


def looked_at(block: Block) -> list[str]:
    """The chips whose columns the page has: the usual ones, and each other that shows a port not seen so far."""
    chosen: list[str] = []
    seen: set[str] = set()
    for chip, found in block.ports.items():
        names = {port.name for port in found}
        if chip in USUAL or names - seen:
            chosen.append(chip)
            seen |= names
    return chosen


def unexplained(found: list[Block]) -> list[str]:
    """Ports, as BLOCK.PORT, of which no source says what they mean."""
    each = {(block.name, port): None for block in found for ports in block.ports.values() for port in ports}
    return list(dict.fromkeys(f"{name}.{port.name}" for name, port in each if not port.meaning))


def page(block: Block, gates: Mapping[str, Gates]) -> str:
    """The whole of `docs/reference/blocks/NAME.md`."""
    text, latency = _parts(block.kind)
    chips = looked_at(block)
    lines = [f"# {block.kind.__name__}\n", f"{block.role}\n", f"Source: `{block.file}`. {_where(block, chips)}\n", text]
    lines += ["## Timing\n", latency + "\n", "## Ports\n", *_port_table(block, chips)]
    lines += _memory_table(block, chips) + _gate_table(block, gates) + _joules(block)
    return "\n".join(lines)


def _parts(kind: type[Component]) -> tuple[str, str]:
    """What a class says of itself, and of its latency."""
    said = (inspect.getdoc(kind) or "").split("\n\n")
    timing = [part for part in said if part.startswith("Latency: ")]
    rest = [part for part in said if not part.startswith("Latency: ")]
    latency = "\n\n".join(timing).removeprefix("Latency: ")
    return "\n\n".join(rest) + "\n", latency[:1].upper() + latency[1:]


def _where(block: Block, chips: list[str]) -> str:
    if len(block.instances) == len(CHIPS):
        built = "Every chip has it."
    else:
        built = f"Built in {', '.join(f'`{chip}`' for chip in block.instances)} of the [chips here](README.md#chips)."
    names = dict.fromkeys(block.instances[chip] for chip in chips)
    return f"{built} Instance: {', '.join(f'`{name}`' for name in names)}."


def _port_table(block: Block, chips: list[str]) -> list[str]:
    """A line a port; a chip without it has an empty cell."""
    bits = {chip: {port.name: port.bits for port in block.ports[chip]} for chip in chips}
    every = {port.name: port for chip in reversed(chips) for port in block.ports[chip]}
    order = list(dict.fromkeys(port.name for chip in chips for port in block.ports[chip]))
    rows = (
        (f"`{name}`", every[name].way, *(bits[chip].get(name, "") for chip in chips), every[name].meaning)
        for name in order
    )
    return table(("port", "way", *(f"bits, `{chip}`" for chip in chips), "meaning"), rows)


def _memory_table(block: Block, chips: list[str]) -> list[str]:
    names = dict.fromkeys(name for chip in chips for name in block.memories[chip])
    if not names:
        return []
    rows = ((f"`{name}`", *(block.memories[chip].get(name, "") for chip in chips)) for name in names)
    return ["## Memories\n", *table(("memory", *(f"words x bits, `{chip}`" for chip in chips)), rows)]


def _gate_table(block: Block, gates: Mapping[str, Gates]) -> list[str]:
    """Cells of the block by itself, in the usual chips or in the one that has it."""
    if block.kind is Ram:
        return ["## Gates\n", "A memory is a macro. It is not counted in the gates.\n"]
    chips = [chip for chip in USUAL if chip in block.instances] or list(block.instances)[:1]
    rows = ((f"`{chip}`", *_cells(gates[chip], block.instances[chip])) for chip in chips)
    return ["## Gates\n", "On our 130 nm cells:\n", *table(("chip", "cells", "flip-flops", "area, um2"), rows)]


def _cells(gates: Gates, instance: str) -> list[str]:
    return [f"{count:,}" for count in gates["blocks"].get(instance, (0, 0, 0))]


def _joules(block: Block) -> list[str]:
    if block.kind is Ram:
        return []
    paid = dict.fromkeys(instances(CHIPS[chip][1])[name] for chip, name in block.instances.items())
    lines = ["## Joules\n"]
    if set(paid) == {"top"}:
        return [*lines, "It is paid as part of the block `top`: see [the list of blocks](README.md#joules-of-top).\n"]
    for name in paid:
        lines += joules_table(name)
    return [*lines, OFF + "\n"]


INDEX = """\
# Blocks

A page a block of the chip: what it does, its ports, its timing, its gates, its joules. `make docs` prints these pages
from `hdl/` and from the cost tables; do not edit them. [design.md](../../design.md#blocks) shows how the blocks work
together.

"""


def index(found: list[Block], gates: Mapping[str, Gates]) -> str:
    """The whole of `docs/reference/blocks/README.md`."""
    head = ("block", "what it is", *(f"{what}, `{chip}`" for chip in USUAL for what in ("cells", "flip-flops")))
    rows = [(f"[{block.kind.__name__}]({block.name}.md)", block.role, *_index_cells(block, gates)) for block in found]
    lines = [INDEX + "\n".join(table(head, [*rows, ("wiring", "", *_wiring(gates)), ("**all**", "", *_all(gates))]))]
    lines += ["Cells are those of our 130 nm library (`oxmc synth`). Memories are macros and not counted.\n"]
    lines += ["## Chips\n", *table(("chip", "task, preset, keys", *CHIP_HEAD), _chips(gates))]
    lines += ["## Joules of top\n", "Guard, choosers and wiring have one entry together:\n", *joules_table("top")]
    lines += ["## Joules of memories\n", "What follows the outputs of all memories:\n", *joules_table("memories")]
    lines += ["The macros themselves are priced by bits and capacity ([energy.md](../energy.md#memories)).\n"]
    return "\n".join([*lines, HELD_OUT, *held_out()])


CHIP_HEAD = ("cells", "flip-flops", "area, um2", "clock at most")


def _sums(gates: Gates) -> list[str]:
    return [f"{sum(counts):,}" for counts in zip(*gates["blocks"].values(), strict=True)]


def _chips(gates: Mapping[str, Gates]) -> Iterator[list[Any]]:
    for chip, (words, _) in CHIPS.items():
        yield [f"`{chip}`", words, *_sums(gates[chip]), f"{gates[chip]['fmax_mhz']} MHz"]


def _index_cells(block: Block, gates: Mapping[str, Gates]) -> list[str]:
    cells: list[str] = []
    for chip in USUAL:
        there = chip in block.instances and block.kind is not Ram
        cells += _cells(gates[chip], block.instances[chip])[:2] if there else ["", ""]
    return cells


def _wiring(gates: Mapping[str, Gates]) -> list[str]:
    return [count for chip in USUAL for count in _cells(gates[chip], "top")[:2]]


def _all(gates: Mapping[str, Gates]) -> list[str]:
    return [count for chip in USUAL for count in _sums(gates[chip])[:2]]
