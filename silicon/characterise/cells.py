"""The cells that the chip is mapped onto, with what they do."""

from __future__ import annotations

import dataclasses
import itertools
import re

PREFIX = "sky130_fd_sc_hd__"


@dataclasses.dataclass(frozen=True)
class Cell:
    """`function` of the output in Liberty's terms (! & | ^ and brackets); `kind` says how it is measured. `clear` is
    the input that holds a flip-flop at 0 while it is low."""

    name: str
    inputs: tuple[str, ...]
    output: str
    function: str
    kind: str = "gate"
    clear: str | None = None

    @property
    def family(self) -> str:
        """The name without the drive strength: the PDK's folder."""
        return self.name.rpartition("_")[0]

    def value(self, state: dict[str, bool]) -> bool:
        """The output of a gate whose inputs are `state`."""
        return evaluate(self.function, state)

    def sensitised(self, pin: str) -> list[dict[str, bool]]:
        """States of the other inputs in which the output follows `pin`."""
        return [state for state in self._others(pin) if self._follows(pin, state)]

    def hidden(self, pin: str) -> list[dict[str, bool]]:
        """States of the other inputs in which `pin` toggles for nothing."""
        return [state for state in self._others(pin) if not self._follows(pin, state)]

    def _others(self, pin: str) -> list[dict[str, bool]]:
        others = [name for name in self.inputs if name != pin]
        return [dict(zip(others, bits, strict=True)) for bits in itertools.product((False, True), repeat=len(others))]

    def _follows(self, pin: str, state: dict[str, bool]) -> bool:
        return self.value(state | {pin: False}) != self.value(state | {pin: True})


def evaluate(function: str, state: dict[str, bool]) -> bool:
    """The value of a Liberty function of pins, where each ! stands first in brackets.

    Raises `KeyError` for a pin that is not in `state`.
    """
    text = re.sub(r"[A-Za-z_]\w*", lambda match: str(state[match[0]]), function).replace("!", "not ")
    return bool(eval(text.strip(), {"__builtins__": {}}))  # only True, False, operators and brackets are left


def _gates(family: str, inputs: str, output: str, function: str, drives: str = "1") -> list[Cell]:
    return [Cell(f"{family}_{drive}", tuple(inputs.split()), output, function) for drive in drives.split()]


CELLS = {
    cell.name: cell
    for cell in (
        *_gates("inv", "A", "Y", "(!A)", "1 2 4"),
        *_gates("buf", "A", "X", "(A)", "1 2 4"),
        *_gates("clkbuf", "A", "X", "(A)", "4 16"),
        *_gates("nand2", "A B", "Y", "(!(A & B))", "1 2"),
        *_gates("nand3", "A B C", "Y", "(!(A & B & C))"),
        *_gates("nor2", "A B", "Y", "(!(A | B))", "1 2"),
        *_gates("nor3", "A B C", "Y", "(!(A | B | C))"),
        *_gates("and2", "A B", "X", "(A & B)"),
        *_gates("or2", "A B", "X", "(A | B)"),
        *_gates("and3", "A B C", "X", "(A & B & C)"),
        *_gates("or3", "A B C", "X", "(A | B | C)"),
        *_gates("xor2", "A B", "X", "(A ^ B)"),
        *_gates("xnor2", "A B", "Y", "(!(A ^ B))"),
        *_gates("mux2", "A0 A1 S", "X", "((A0 & (!S)) | (A1 & S))"),
        *_gates("a21oi", "A1 A2 B1", "Y", "(!((A1 & A2) | B1))"),
        *_gates("o21ai", "A1 A2 B1", "Y", "(!((A1 | A2) & B1))"),
        *_gates("a22oi", "A1 A2 B1 B2", "Y", "(!((A1 & A2) | (B1 & B2)))"),
        Cell("dfxtp_1", ("D", "CLK"), "Q", "IQ", "flip-flop"),
        Cell("dfrtp_1", ("D", "CLK", "RESET_B"), "Q", "IQ", "flip-flop", clear="RESET_B"),
        Cell("dlclkp_1", ("GATE", "CLK"), "GCLK", "", "clock gate"),
    )
}
