"""The table of a chip's blocks and memories against netlists, both ways; sizes of `paper` by hand."""

from __future__ import annotations

import csv
import re
from collections import Counter

import pytest

from oxmc.hdl.verilog.memories import memory_list
from oxmc.hdl.verilog.netlist import CHIP_NAME, build_config, chip_verilog
from oxmc.pymodels.blocks import instances, memories
from oxmc.pymodels.config import Config, preset
from oxmc.pymodels.formats import Formats

pytestmark = pytest.mark.testpoint("power of gates")

CHIPS = {
    "paper": Config(),
    "wide": preset("cancer", "wide"),
    "cell": Config(verify="cell", hidden=2, features=3, calibrate=True, read_bits=6),
    "hastings": Config(hastings=True, gate_dacs=4, outputs=3, features=3, form=True, log_fraction_bits=4),
    "softmax": Config(outputs=3, features=3, likelihood="softmax", hidden=2, response_bits=6),
    "rewards": preset("cartpole", "wide"),
    "auto-zero": Config(auto_zero_bits=6, rows=8, burn_in=1),
}


def memories_of(text: str) -> Counter[tuple[int, int]]:
    """How many memories of which width and depth are below the chip of a netlist."""
    found = Counter[tuple[int, int]]()
    for line in csv.DictReader(memory_list(text, CHIP_NAME).splitlines()):
        found[int(line["width"]), int(line["depth"])] += len(line["instances"].split())
    return found


def instances_of(text: str) -> set[str]:
    """Blocks that the chip's own module has."""
    body = text[text.index(f"\nmodule {CHIP_NAME}(") :]
    body = body[: body.index("\nendmodule")]
    return set(re.findall(rf"^  {CHIP_NAME}_\w+ (\w+) \($", body, flags=re.M))


def differences(text: str, config: Config) -> list[str]:
    """What a netlist has more or less than the table says."""
    table = Counter[tuple[int, int]]()
    for memory in memories(Formats(config)).values():
        if memory.built:
            table[memory.width, memory.depth] += memory.copies
    blocks = set(instances(config)) - {"memories"} | {"samples"}
    found, there = memories_of(text), instances_of(text)
    return [*map(str, (found - table) + (table - found)), *sorted(blocks ^ there)]


@pytest.mark.parametrize("chip", CHIPS)
def test_blocks_and_memories_are_those_of_the_netlist(chip: str) -> None:
    config = build_config(CHIPS[chip])
    assert differences(chip_verilog(config, observed=True), config) == []


def test_a_missing_block_and_another_memory_are_found() -> None:
    """Of the netlist with fewer counter bits and without forming, held against the table of one with both."""
    text = chip_verilog(build_config(Config()), observed=True)
    assert differences(text, build_config(Config(form=True, counter_bits=9))) == ["(8, 256)", "(9, 256)", "former"]


def test_sizes_of_paper() -> None:
    """569 samples of 16 features and a label, 256 rows, tables of 256 entries, 21 gate codes for 32 cells twice."""
    bits = {name: memory.bits for name, memory in memories(Formats(Config())).items() if memory.built}
    assert bits == {
        "samples": 1024 * (16 * 8 + 1), "counters": 256 * 8, "likelihood": 256 * 12, "response": 256 * 8,
        "lut": 21 * 8, "map": 256 * 6, "gate_codes": 2 * 32 * 6,
    }  # fmt: skip
