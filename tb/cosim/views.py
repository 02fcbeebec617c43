"""Views of a training's waves for GTKWave and Surfer, laid out as the timing diagram of docs/design.md.

What is shown is looked up in the chip's own Verilog: a block that a configuration leaves out has no lines, and names of
states and operations are attributes that Amaranth and `oxmc.hdl.safe` write beside their signals. Both programs read
the same files of names, a value in decimal and its name a line.
"""

from __future__ import annotations

import dataclasses
import io
import math
import re
from collections.abc import Iterator
from pathlib import Path

from vcd.gtkw import GTKWSave

from oxmc.hdl.verilog.netlist import CHIP_NAME

GTKWAVE, SURFER = "waves.gtkw", "waves.sucl"
WIDTH, HEIGHT, LABELS = 1250, 1300, 330
"""Pixels of GTKWave's window: its waves, and the names before them."""
ZOOM_PIXELS = 200
"""What a zoom of n in its file spreads 2^-n ps over."""
NAMES = Path(".surfer", "mappings")
"""Where Surfer looks for names of values, in the folder that it is started in."""
CYCLE_PS, SHOWN = 100_000, 50
"""A clock cycle of the co-simulation, whatever the chip's own clock is, and how many of them are seen at first."""
CLOCK = ("cosim.clk", "cosim.cycle[63:0]")
GROUPS = {
    "Trainer": (
        "trainer.train_state_state trainer.command_row trainer.command_cell trainer.sample trainer.current_row "
        "trainer.proposals"
    ),
    "Programmer": (
        "programmer.pair_state_state programmer.cell_state_state programmer.pair programmer.tried "
        "programmer.command_cell programmer.command_op programmer.answer programmer.error"
    ),
    "Pulse_pins": "array_wl array_bl array_sl array_inputs_on array_latch",
    "Array_port": "array_op array_row array_cell array_segment array_gate array_data",
    "Gate_codes": "gate_dac.fetch gate_dac.gate gate_dac.lookup gate_dac.lookup_code",
    "Samples": "sample_path.read_enable sample_path.read_address",
    "Draw": "trainer.draw lfsr.busy log_uniform.neg_log2",
    "Prior": "cell_reads.read cell_reads.code log_prior.square log_prior.cost",
    "Likelihood": (
        "log_likelihood.valid log_likelihood.code* log_likelihood.label_s log_likelihood.adding log_likelihood.entry "
        "log_likelihood.sum reward.step reward.steps reward.cost"
    ),
    "Decision": (
        "trainer.propose acceptance.threshold* acceptance.likelihood acceptance.exceeds trainer.decide "
        "acceptance.accept trainer.accepted trainer.rejected acceptance.current_cost row_counters.store "
        "row_counters.count"
    ),
    "Inference": (
        "inference.infer_state_state inference.command_row inference.voting inference.adding result_valid "
        "result_payload_winner result_payload_sum* result_payload_last"
    ),
    "Ahead": "gate_dac.build_state_state former.form_state_state calibrator.calibration_state_state",
}
"""Signals below the chip, BLOCK.SIGNAL, a group a part of the diagram; those with a star are signed."""
DECLARED = re.compile(
    r"((?:^  \(\*.*\*\)\n)*)(?:^  (?:input|output) .*;\n)?^  (?:wire|reg) (?:\[(\d+):0\] )?(\w+)", re.M
)
"""A signal in Verilog, after its attributes and, where it is a port, the direction."""


@dataclasses.dataclass(frozen=True)
class Enumeration:
    """Names of values of `bits` bits."""

    name: str
    bits: int
    values: dict[int, str]

    def text(self) -> str:
        """The file of names."""
        return "".join([f"Bits = {self.bits}\n", *(f"{value} {name}\n" for value, name in self.values.items())])


@dataclasses.dataclass(frozen=True)
class Line:
    """A signal of a view: `signal` by its place in the waves, without its range."""

    signal: str
    width: int
    signed: bool = False
    enumeration: Enumeration | None = None

    @property
    def alias(self) -> str:
        """What it is called in GTKWave, which shows no more than what follows a dot."""
        return self.signal.split(".", 2)[2].replace("_state_state", "_state").replace(".", "/")

    @property
    def ranged(self) -> str:
        """The signal as GTKWave calls it."""
        return f"{self.signal}[{self.width - 1}:0]" if self.width > 1 else self.signal


def lines_of(verilog: str, module: str = CHIP_NAME, place: str = "chip") -> dict[str, list[Line]]:
    """The lines of each group that has any, of the chip that is `module` in `verilog` and `place` in the top."""
    bodies = {name: body for name, body in re.findall(r"^module (\w+)(.*?)^endmodule", verilog, re.M | re.S)}
    blocks = {module: "", **{of: f"{block}." for of, block in re.findall(r"^  (\w+) (\w+) \(", bodies[module], re.M)}}
    found = {
        name + signal: (int(high or 0) + 1, _enumeration(attributes))
        for block, name in blocks.items()
        for attributes, high, signal in DECLARED.findall(bodies[block])
    }
    groups = {name: [entry for entry in text.split() if entry.strip("*") in found] for name, text in GROUPS.items()}
    return {
        name: [_line(place, entry, *found[entry.strip("*")]) for entry in entries]
        for name, entries in groups.items()
        if entries
    }


def _line(place: str, entry: str, width: int, enumeration: Enumeration | None) -> Line:
    return Line(f"cosim.{place}.{entry.strip('*')}", width, entry.endswith("*"), enumeration)


def _enumeration(attributes: str) -> Enumeration | None:
    """What a declaration's attributes say of its values."""
    if not (base := re.search(r'enum_base_type = "(\w+)"', attributes)):
        return None
    values = re.findall(r'enum_value_([01]+) = "(\w+)"', attributes)
    return Enumeration(base[1], len(values[0][0]), {int(bits, 2): name for bits, name in values})


def view_files(groups: dict[str, list[Line]], waves: str, cycle: int) -> dict[Path, str]:
    """Names and texts of the files of both views of the file `waves` in the same folder; they begin at `cycle`."""
    named = {each.name: each for lines in groups.values() for line in lines if (each := line.enumeration)}
    return {
        Path(GTKWAVE): _gtkwave_view(groups, waves, cycle),
        Path(SURFER): "".join(f"{command}\n" for command in _surfer_commands(groups, cycle)),
        **{_names_of(each): each.text() for each in named.values()},
    }


def _names_of(enumeration: Enumeration) -> Path:
    return NAMES / f"{enumeration.name}.txt"


def _gtkwave_view(groups: dict[str, list[Line]], waves: str, cycle: int) -> str:
    """A save file, in which names are relative to its folder."""
    text = io.StringIO()
    save = GTKWSave(text)
    save.dumpfile(waves, abspath=False)
    save.timestart(cycle * CYCLE_PS)
    save.zoom_markers(-math.log2(SHOWN * CYCLE_PS * ZOOM_PIXELS / WIDTH))
    save.size(WIDTH + LABELS, HEIGHT)
    save.signals_width(LABELS)
    save.sst_expanded(False)
    for signal in CLOCK:
        save.trace(signal, datafmt="dec")
    for name, lines in groups.items():
        save.blank(name.replace("_", " "))
        for line in lines:
            names = str(_names_of(line.enumeration)) if line.enumeration else None
            form = "signed" if line.signed else "dec"
            save.trace(line.ranged, alias=line.alias, datafmt=form, translate_filter_file=names)
    return text.getvalue()


def _surfer_commands(groups: dict[str, list[Line]], cycle: int) -> Iterator[str]:
    """Commands for Surfer, which can give a format to the item in focus alone, by its number in letters."""
    count = 0
    for signal in CLOCK:
        yield f"variable_add {signal.partition('[')[0]}"
        count += 1
    for name, lines in groups.items():
        yield f"divider_add {name}"
        count += 1
        for line in lines:
            yield f"variable_add {line.signal}"
            if line.width > 1:
                yield f"item_focus {_letters(count)}_"
                yield f"item_set_format {_surfer_format(line)}"
            count += 1
    yield from ("item_unfocus", "variable_force_name_type Unique", f"cursor_set {cycle * CYCLE_PS}", "goto_cursor")


def _surfer_format(line: Line) -> str:
    if line.enumeration:
        return line.enumeration.name
    return "Signed" if line.signed else "Unsigned"


def _letters(number: int) -> str:
    """A number in hexadecimal whose digits are the letters a to p."""
    return "".join("abcdefghijklmnop"[int(digit, 16)] for digit in f"{number:x}")
