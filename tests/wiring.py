"""Mistakes in the wiring of the chip, all in one Verilog file, of which a bench chooses one at a time.

The top module gets a register `mistake`; where it is a mistake's number, that one is in force. Tied to 0, those of one
bit to 1, too, is each input and each output of each block; inverted is each select and condition of the blocks between
the others, `GLUE`; a register that the host reads shows another one in its place; each use of `restart` in the row
counters is dropped.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from functools import partial

from oxmc.hdl.verilog.netlist import CHIP_NAME, Port, module_ports
from oxmc.pymodels.blocks import BETWEEN
from oxmc.pymodels.config import Config
from oxmc.pymodels.formats import Formats

INSTANCE = re.compile(r"^  (\w+) (\w+) \(\n(.*?)^  \);", flags=re.M | re.S)
SELECT = re.compile(r"^(  assign (\S+) = )(\w+)( \? .*;)$", flags=re.M)
CONDITION = re.compile(r"^( +(?:end else )?if \()(\w+)(\) begin)$", flags=re.M)
GLUE = (*BETWEEN, "results")
RESTART = re.compile(r"\brestart(?= \||\) begin\n +(.*;))")
UNTOUCHED = {"clk", "pins_clk", "pins_rst"}
STATUS_PORTS = ("port_", "status_")
"""Ports of the host for what it shows; Yosys names most by number."""


@dataclasses.dataclass(frozen=True)
class Mistake:
    """`what` goes wrong ("0", "1", "inverted", "in its place") at `port` of block `block`, wired to `net`."""

    block: str
    port: str
    net: str
    what: str

    def __str__(self) -> str:
        return f"{self.block}.{self.port} ({self.net}) {self.what}"


class Wiring:
    """`text` of a chip, with every mistake built in but none in force; `mistakes` by number from 1 on."""

    def __init__(self, text: str):
        self.mistakes: dict[int, Mistake] = {}
        self.wires: list[str] = []
        self.assigns: list[str] = []
        head, body = text.split(f"\nmodule {CHIP_NAME}(", 1)
        end = body.index("\nendmodule")
        self.ports = {name: _ports(text, name) for name in _modules(body[:end])}
        top = INSTANCE.sub(lambda found: self._instance(*found.groups()), body[:end])
        first = top.index(";") + 1
        declared = "".join(f"\n  {line}" for line in ("integer mistake = 0;", *self.wires))
        assigned = "".join(f"\n  {line}" for line in self.assigns)
        rest = _within("row_counters", body[end:], lambda module: RESTART.sub(self._restart, module))
        for block in GLUE:
            rest = _within(block, rest, partial(self._choices, block))
        self.text = f"{head}\nmodule {CHIP_NAME}({top[:first]}{declared}{top[first:]}{assigned}{rest}"

    def _number(self, *mistake: str) -> int:
        self.mistakes[len(self.mistakes) + 1] = Mistake(*mistake)
        return len(self.mistakes)

    def _instance(self, module: str, block: str, connections: str) -> str:
        ports = self.ports[module]
        found = re.findall(r"^    \.(\w+)\((.*)\),?$", connections, flags=re.M)
        shown = [net for name, net in found if block == "control" and self._shows(ports.get(name), net)]
        next_of, lines = dict(zip(shown, shown[1:] + shown[:1], strict=True)), []
        for name, net in found:
            if name not in UNTOUCHED and name in ports:
                wrong = self._input if ports[name].way == "input" else self._output
                other, net = next_of.get(net), wrong(block, ports[name], net)
                if other:
                    net = f"mistake == {self._number(block, name, other, 'in its place')} ? {other} : {net}"
            lines.append(f"    .{name}({net})")
        return f"  {module} {block} (\n" + ",\n".join(lines) + "\n  );"

    def _restart(self, use: re.Match[str]) -> str:
        number = self._number("row_counters", "restart", use[1] or "total", "dropped")
        return f"(restart & ({CHIP_NAME}.mistake != {number}))"

    @staticmethod
    def _shows(port: Port | None, net: str) -> bool:
        """Whether it is an input for a register that the host reads."""
        wide = port is not None and port.way == "input" and port.width > 4
        return bool(wide and port.name.startswith(STATUS_PORTS) and re.fullmatch(r"[a-z]\w+", net))

    def _input(self, block: str, port: Port, net: str) -> str:
        wrong = net
        for value in range(2 if port.width == 1 else 1):
            number = self._number(block, port.name, net, str(value))
            wrong = f"mistake == {number} ? {port.width}'d{value} : {wrong}"
        return wrong

    def _output(self, block: str, port: Port, net: str) -> str:
        """What the block says goes to a wire of its own."""
        if not re.fullmatch(r"\w+", net):
            return net
        own, value = f"true_{block}_{port.name}", f"true_{block}_{port.name}"
        for constant in range(2 if port.width == 1 else 1):
            number = self._number(block, port.name, "output", str(constant))
            value = f"mistake == {number} ? {port.width}'d{constant} : {value}"
        self.wires.append(f"wire [{port.width - 1}:0] {own};")
        self.assigns.append(f"assign {net} = {value};")
        return own

    def _choices(self, block: str, module: str) -> str:
        """The text of a block of `GLUE` with its selects and conditions."""
        module = SELECT.sub(lambda found: self._select(block, *found.groups()), module)
        return CONDITION.sub(lambda found: self._condition(block, *found.groups()), module)

    def _select(self, block: str, start: str, name: str, select: str, rest: str) -> str:
        number = self._number(block, name, select, "inverted")
        return f"{start}({CHIP_NAME}.mistake == {number}) ^ {select}{rest}"

    def _condition(self, block: str, start: str, condition: str, rest: str) -> str:
        if condition == "rst" or condition.startswith("auto_"):
            return f"{start}{condition}{rest}"
        number = self._number(block, "if", condition, "inverted")
        return f"{start}({CHIP_NAME}.mistake == {number}) ^ {condition}{rest}"

    def representative(self) -> list[int]:
        """Those of what the host reads, of what a training clears, counts and orders by."""
        return [
            number
            for number, it in self.mistakes.items()
            if (it.block == "control" and it.port.startswith(STATUS_PORTS))
            or (it.block == "status" and it.what in ("0", "in its place") and it.net != "output")
            or (it.block in ("row_counters", "sample_order") and it.what in ("0", "dropped"))
        ]


def _within(block: str, text: str, change: Callable[[str], str]) -> str:
    """`text` with the module of a block changed, if there is one."""
    return re.sub(rf"\nmodule {CHIP_NAME}_{block}\(.*?\nendmodule", lambda it: change(it[0]), text, flags=re.S)


def _ports(text: str, module: str) -> dict[str, Port]:
    """A module's ports, without inputs that are there for their name alone: a wire that leads through a block is drawn
    past it, and the block has its names as inputs that it does not read."""
    ports = {port.name: port for port in module_ports(text, module)}
    body = text[text.index(f"\nmodule {module}(") :]
    body = re.sub(r"^  (?:input|output|wire|reg) .*", "", body[body.index(";") : body.index("endmodule")], flags=re.M)
    for line, target in re.findall(r"^(  assign (\w+) = .*;\n)", body, flags=re.M)[::-1]:
        if target not in ports and len(re.findall(rf"\b{target}\b", body)) == 1:
            body = body.replace(line, "")
    return {name: port for name, port in ports.items() if port.way == "output" or re.search(rf"\b{name}\b", body)}


def _modules(top: str) -> set[str]:
    return {module for module, _, _ in INSTANCE.findall(top)}


Rule = tuple[str, str, str, Callable[[Config], bool], str]


def always(_: Config) -> bool:
    return True


def in_one_cycle(it: Config) -> bool:
    widths = (it.set_pulse_s, it.reset_pulse_s, it.read_pulse_s, it.eval_pulse_s)
    return all(it.cycles(width) == 1 for width in widths)


def narrow_tags(it: Config) -> bool:
    return it.sample_order == "given" and not it.hidden


def rewarded(it: Config) -> bool:
    return it.acceptance == "reward"


def one_segment(it: Config) -> bool:
    return Formats(it).segments == 1


def added_at_once(it: Config) -> bool:
    return it.early_rejection and in_one_cycle(it) and one_segment(it) and it.cycles(it.conversion_s) == 1


HARMLESS: list[Rule] = [
    (
        "acceptance|log_likelihood|log_prior|activation|hastings.*|reward",
        "rst",
        "0",
        always,
        "cleared before anyone reads it",
    ),
    ("sample_order", "rst", "0", always, "TRAIN clears it"),
    ("trainer", "drawing", "0", always, "a draw is over long before the row is programmed"),
    ("answers", "wide", "1", always, "keeps the tag from moving: energy alone"),
    ("answers", "inputs_on", "0", narrow_tags, "a tag that is wider than it needs to be: energy alone"),
    ("answers", "counter_fetch|host_fetch", "1", always, "a memory that reads for nobody: energy alone"),
    ("sample_path", "train_fetch|vote_fetch|read_enable", "1", always, "a memory that reads for nobody: energy alone"),
    ("arbiter", "bl", "1", always, "the mask is for a RESET: energy alone"),
    ("arbiter|answers", "rst", "0", always, "a cycle later it is as if it had been"),
    ("tally", "training", "1", lambda it: not (it.form or it.calibrate), "nobody else SETs"),
    ("trainer", "is_label", "0|1", lambda it: it.outputs == 1, "the tag has the label of one output"),
    ("acceptance", "compare", "1", always, "keeps operands from moving: energy alone"),
    ("log_prior|hastings.*|reward", "ready", "1", always, "keeps operands from moving: energy alone"),
    ("trainer", "summing", "1", always, "keeps operands from moving: energy alone"),
    ("pulse", "wide", "1", always, "keeps the tag from moving: energy alone"),
    (
        "gate_dac|row_counters|samples|sample_order",
        r"read_enable\w*",
        "1",
        always,
        "a memory that reads for nobody: energy alone",
    ),
    (
        "acceptance",
        "partial",
        "1",
        lambda it: not it.hastings,
        "the sum is 0 until a code comes, and the prior only grows: what exceeds early is hopeless",
    ),
    ("answers", "fetch", "1", in_one_cycle, "each cycle of a sweep fetches but the last, whose successor has no tag"),
    (
        "trainer",
        "command_converting",
        "0",
        added_at_once,
        "the last code is added while the trainer waits for the one before, or decides",
    ),
    ("answers|trainer", "last_output", "1", one_segment, "each evaluation is its sample's last"),
    ("acceptance", "hopeless", "0|1", lambda it: not it.early_rejection, "nobody asks"),
    ("guard", "latch", "0", in_one_cycle, "the port is WL, too: a pulse that is on ends"),
    ("action", "restart|rst", "0", lambda it: it.outputs == 2, "its count of outputs wraps by itself"),
    ("trainer", "fetch_gate|fetch_cell", "0|1", lambda it: it.verify == "pair", "there are no gate codes to fetch"),
    (
        "inference|trainer|guard|programmer|tally",
        "(command_)?latch",
        "1",
        in_one_cycle,
        "every cycle of a pulse is its last",
    ),
    ("programmer", "illegal", "0", lambda it: it.verify == "pair", "every encoding is one of its states"),
    ("log_likelihood", "total", "0", lambda it: it.early_rejection, "the chip compares what it will be; for observers"),
    ("control", "last_sample", "0", rewarded, "it is 0"),
    ("control", "last_test", "1", rewarded, "it is 1"),
    ("inference", "first_index|last_index|index", "1", rewarded, "it is 1"),
    ("sample_path", "vote_index", "1", rewarded, "it is 1"),
    (
        "tally|arbiter",
        r"s\d+",
        "inverted",
        lambda it: it.gate_dacs > 1,
        "the last group has cells of the first DACs, too",
    ),
    ("calibrator", "command_converting", "0", lambda it: it.reset_pulse_s > it.conversion_s, "a RESET is longer"),
    ("pulse", "halt", "0", in_one_cycle, "no pulse has begun that it could forget"),
    ("inference", "output_s", "0", lambda it: it.outputs == 1, "there is one output"),
    ("trainer|inference", "command_segment", "0", one_segment, "there is one segment"),
    ("arbiter", r"(\w+_)?segment", "0|inverted", one_segment, "there is one segment"),
    ("trainer|row_counters", "store_zero", "0", lambda it: not it.reject_limit, "no row is skipped"),
]
"""Mistakes that change nothing that anyone could see, with the configurations where it is so, and why."""


def harmless(mistake: Mistake, config: Config) -> bool:
    """Whether a mistake changes nothing: one of `HARMLESS`, or a constant that is that constant."""
    if re.fullmatch(rf"\d+'[hd]0*{mistake.what}", mistake.net):
        return True
    return any(
        re.fullmatch(block, mistake.block)
        and re.fullmatch(port, mistake.port)
        and re.fullmatch(what, mistake.what)
        and where(config)
        for block, port, what, where, _ in HARMLESS
    )
