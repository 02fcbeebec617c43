"""The printed pages of the blocks: those in docs/ follow from the sources, and say all that a block has."""

from __future__ import annotations

import ast
import json

import pytest
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from commands import ROOT

from oxmc.hdl.verilog.netlist import build_config, chip_verilog, module_ports
from oxmc.pages.__main__ import KEPT, REFERENCE, block_pages
from oxmc.pages.blocks import CHIPS, USUAL, Block, blocks, index, page, unexplained
from oxmc.pages.gates import digest, gates, gates_file
from oxmc.pages.ports import Port, meanings, registers
from oxmc.pymodels.interface import Command, Setting, Status

pytestmark = pytest.mark.testpoint(
    "block pages",
    "printed pages equal those in docs/; every port with its width as in the Verilog and its meaning; every block "
    "has a page and its latency; "
    "gates are those of today's netlist; a page of another source is found",
)

PRINTED = json.loads((ROOT / REFERENCE / KEPT).read_text())


@pytest.fixture(scope="module")
def every() -> list[Block]:
    return blocks()


def test_the_pages_in_docs_are_those_of_the_sources(every: list[Block]) -> None:
    pages = block_pages(every, PRINTED)
    there = {path.relative_to(ROOT / REFERENCE) for path in (ROOT / REFERENCE / "blocks").glob("*.md")}
    assert there == set(pages)
    stale = [str(name) for name, text in pages.items() if (ROOT / REFERENCE / name).read_text() != text]
    assert stale == [], "run: make docs"


@pytest.mark.parametrize("chip", USUAL)
def test_widths_are_those_of_the_verilog(every: list[Block], chip: str) -> None:
    """What stands on a page against the modules that Yosys wrote, which leaves out ports that nothing uses."""
    text, seen = chip_verilog(build_config(CHIPS[chip][1])), 0
    for block in (block for block in every if chip in block.instances and block.name != "ram"):
        module = {port.name: port for port in module_ports(text, f"oxmc_chip_{block.instances[chip]}")}
        for port in block.ports[chip]:
            if found := module.get(port.name.replace(".", "_")):
                seen += 1
                assert found.width == port.bits, (block.name, port)
    assert seen > 0.7 * sum(len(block.ports.get(chip, ())) for block in every if block.name != "ram")


def test_every_block_says_what_it_is_and_its_latency(every: list[Block]) -> None:
    assert [block.name for block in every if "Latency: " not in (block.kind.__doc__ or "") or not block.role] == []


@pytest.mark.parametrize("chip", USUAL)
def test_gates_are_those_of_the_netlist(chip: str) -> None:
    assert PRINTED[chip]["digest"] == digest(CHIPS[chip][1]), "run: make docs"


@pytest.mark.campaign
@pytest.mark.parametrize("chip", sorted(set(CHIPS) - set(USUAL)))
def test_gates_of_the_other_chips_are_those_of_their_netlists(chip: str) -> None:
    assert PRINTED[chip]["digest"] == digest(CHIPS[chip][1]), "run: make docs"


def test_kept_gates_are_not_synthesised_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oxmc.pages.gates.digest", lambda config: "now")
    monkeypatch.setattr("oxmc.pages.gates.synthesise", lambda *_: pytest.fail("nothing has changed"))
    kept = {"paper": {"digest": "now", "fmax_mhz": 1.0, "blocks": {"top": [3, 2, 10]}}}
    assert gates({"paper": CHIPS["paper"][1]}, kept) == kept
    assert json.loads(gates_file(kept)) == kept and '"top": [3, 2, 10]' in gates_file(kept)
    with pytest.raises(pytest.fail.Exception, match="nothing has changed"):
        gates({"paper": CHIPS["paper"][1]}, {})


class Example(wiring.Component):
    """A block of this test."""

    def __init__(self) -> None:
        super().__init__(
            {
                "go": In(1),  # begins, (always)
                "sum": Out(7),
            }
        )

    def elaborate(self, platform: object) -> wiring.Component:
        raise AssertionError("looked at only")


def test_what_stands_beside_a_port_is_found(every: list[Block]) -> None:
    assert meanings(Example) == {"go": "begins, (always)", "sum": ""}
    (host,) = (block for block in every if block.name == "host")
    (error,) = (port for port in host.ports["paper"] if port.name == "bus.error")
    assert error == Port("bus.error", "out", 1, error.meaning) and error.meaning.startswith("with `ready`")
    assert "setting BURN_IN: first row that votes" in [port.meaning for port in host.ports["paper"]]


def test_every_port_has_a_meaning(every: list[Block]) -> None:
    assert unexplained(every) == []
    assert len(registers()) == len(Setting) + len(Command) + len(Status), "a register without a word beside it"


def test_a_port_without_a_meaning_is_found() -> None:
    said = meanings(Example)
    block = Block(Example, {}, {"paper": [Port(name, "in", 1, said[name]) for name in ("go", "sum")]}, {})
    assert unexplained([block]) == [f"{block.name}.sum"]


PARTS = {"LawTerm", "Core", "Chip"}
"""Components without a page: a part of `Hastings`, and the whole chip."""


def test_every_block_has_a_page(every: list[Block]) -> None:
    written = {
        node.name
        for path in (ROOT / "hdl").rglob("*.py")
        if path.parent.name != "bus"  # around the chip: docs/reference/ip.md
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and any(getattr(part, "name", "") == "elaborate" for part in node.body)
    }
    assert written - PARTS <= {block.kind.__name__ for block in every}


def test_a_page_of_other_gates_is_found(every: list[Block]) -> None:
    other = {**PRINTED, "paper": {**PRINTED["paper"], "blocks": {**PRINTED["paper"]["blocks"], "lfsr": [1, 2, 3]}}}
    changed = {block.name for block in every if page(block, PRINTED) != page(block, other)}
    assert changed == {"lfsr"} and index(every, PRINTED) != index(every, other)
