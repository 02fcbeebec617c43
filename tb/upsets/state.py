"""Every bit of state of a chip, by its place in the Verilog, and the class that it is counted under."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from oxmc.hdl.memory import geometry_of
from oxmc.hdl.verilog.netlist import CHIP_NAME, registers
from oxmc.pymodels.formats import Formats

CLASSES: dict[str, str] = {
    "state machines": r"\w+\.\w+_state_state",
    "array commands": r"pulse\.(?!\w+_parity)\w+ arbiter\.\w+_owns",
    "pointers": (
        r"trainer\.(command_\w+|current_row|sample|streak) "
        r"inference\.(index|command_row|command_segment|output_s|segment) "
        r"programmer\.(bank|pair|tried|command_\w+|cell|place) gate_dac\.(code|high|low|bank) "
        r"sample_order\.(front|back|bank) answers\.(fetched|answered) front_end\.tried"
    ),
    "counts": r"row_counters\.(count|lost|total) tally\.(clamps|skipped) trainer\.proposals",
    "sums": (
        r"log_likelihood\.(total|\w*sum\w*) acceptance\.current_cost log_prior\.(total|plus|magnitude|have_plus) "
        r"inference\.(total\w*|sum\w*)"
    ),
    "operands": r"programmer\.(read_\w+|answer\w*) gate_dac\.(low_value|low_end|high_begin)",
    "LFSR": r"lfsr\.(state|left)",
    "settings": r"control\.(?!answering|sync_parity)\w+ front_end\.trim",
    "flags": (
        r"guard\.(errors|stopped) control\.answering \w+\.adding trainer\.(exceeded|summing) "
        r"gate_dac\.(mapped|have_low) sample_order\.(was_hard|ordered) status\.intact "
        r"programmer\.(first_attempt|work_high|high_done|switched)"
    ),
    "parity": r"\w+\.\w+_parity",
    "LUT and code map": r"gate_dac\.(lut|code_map)\.\S+",
    "likelihood table": r"log_likelihood\.memory\.\S+",
    "response table": r"inference\.memory\.\S+",
    "row counters": r"row_counters\.memory\.\S+",
    "samples": r"samples\.\S+",
    "sample order": r"sample_order\.memory\.\S+",
    "gate codes and offsets": r"programmer\.(differences|offsets)\.\S+ gate_dac\.codes\.\S+",
}
"""Patterns of a register's place in the chip, BLOCK.SIGNAL, or of a memory's, which includes its output register."""
MEMORY, OUTPUT = "mem", "read_data"


@dataclasses.dataclass(frozen=True)
class Element:
    """A register, or a memory of `words`: `place` is its name below the chip, `kind` its class.

    Of a memory, `used` are the words that a training uses.
    """

    module: str
    place: str
    width: int
    kind: str
    words: int = 1
    used: tuple[range, ...] = (range(1),)

    @property
    def scope(self) -> str:
        return self.place.rpartition(".")[0]

    @property
    def signal(self) -> str:
        return self.place.rpartition(".")[2]

    @property
    def bits(self) -> int:
        """Bits that an upset may hit."""
        return self.width * sum(map(len, self.used))

    def at(self, number: int) -> tuple[int, int]:
        """Word and bit of the bit `number` of those that are used."""
        word, bit = divmod(number, self.width)
        for part in self.used:
            if word < len(part):
                return part[word], bit
            word -= len(part)
        raise IndexError(number)


def kind_of(place: str) -> str:
    """The class of a place. Raises `KeyError` for one that no class, or more than one, has."""
    found = [kind for kind, patterns in CLASSES.items() if any(re.fullmatch(p, place) for p in patterns.split())]
    if len(found) != 1:
        raise KeyError(f"{place} must be of one class, not of {found}")
    return found[0]


def _instances(text: str, module: str, path: str) -> Iterator[tuple[str, str]]:
    """Module and place of each instance within `module`."""
    body = re.search(rf"^module {module}\W(.*?)^endmodule", text, re.M | re.S)
    assert body is not None, module
    for inner, name in re.findall(rf"^  ({CHIP_NAME}\w*) (\w+) \($", body[1], re.M):
        place = f"{path}.{name}" if path else name
        yield inner, place
        yield from _instances(text, inner, place)


def used_words(formats: Formats, place: str, depth: int) -> tuple[range, ...]:
    """The words that a training uses of the memory at `place`; all of those that no geometry bounds."""
    config, samples = formats.config, formats.sample_capacity
    block = place.partition(".")[0]
    if block == "samples":
        return (range(config.train_samples + config.test_samples),)
    if block == "row_counters":
        return (range(config.rows),)
    if block == "sample_order":
        return (range(config.train_samples), range(samples, samples + config.train_samples))
    return (range(depth),)


def elements(text: str, formats: Formats) -> list[Element]:
    """All state of the chip that `text` is the Verilog of; `formats` are those of the training.

    Raises `KeyError` for state of no class.
    """
    clocked, found = registers(text), []
    for module, path in [(CHIP_NAME, ""), *_instances(text, CHIP_NAME, "")]:
        if geometry := geometry_of(module):
            place = f"{path}.{MEMORY}"
            kind = kind_of(place)
            used = used_words(formats, place, geometry.depth)
            found.append(Element(module, place, geometry.width, kind, geometry.depth, used))
            found.append(Element(module, f"{path}.{OUTPUT}", geometry.width, kind))
            continue
        for signal, width in clocked[module].items():
            place = f"{path}.{signal}" if path else signal
            found.append(Element(module, place, width, kind_of(place)))
    return found
