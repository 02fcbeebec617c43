"""All outputs of a design side by side in one word: a bench reads them at the price of one."""

from __future__ import annotations

from typing import Any

from oxmc.hdl.verilog.identifiers import plain
from oxmc.hdl.verilog.netlist import module_ports
from oxmc.tb.blocks.scoreboard import OUTPUTS, parameters

WORD = "all_outputs"


def with_word(text: str, name: str) -> str:
    """Verilog whose module `name` has a wire of its outputs, the first one highest, for benches alone."""
    found = [port for port in module_ports(text, name) if port.way == "output"]
    word = f"  wire [{sum(port.width for port in found) - 1}:0] {WORD} = {{{', '.join(port.name for port in found)}}};"
    start = text.index(f"\nmodule {name}(")
    end = text.index("\nendmodule", start)
    return f"{text[:end]}\n{word}{text[end:]}"


def widths(text: str, name: str) -> dict[str, int]:
    """Bits of each output in their order in that word."""
    return {port.name: port.width for port in module_ports(text, name) if port.way == "output"}


class Outputs:
    """The outputs of `dut` as they were when `read` was called last, by their names in the Python of the block."""

    def __init__(self, dut: Any):
        self._handle, self._word = getattr(dut, WORD), ""
        self._places: dict[str, slice] = {}
        start = 0
        for name, width in parameters()[OUTPUTS].items():
            self._places[name] = slice(start, start := start + width)

    def read(self) -> None:
        self._word = str(self._handle.value)

    def bits(self, name: str) -> str:
        """The highest bit first."""
        return self._word[self._places[plain(name)]]

    def __getitem__(self, name: str) -> int:
        """Raises `AssertionError` where a bit is X or Z."""
        try:
            return int(self.bits(name), 2)
        except ValueError:
            raise AssertionError(f"{name} is {self.bits(name)}") from None
