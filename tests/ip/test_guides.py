"""The guide's pages for integrators and for firmware: every block of code is taken by the tool that it is for."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import random_chips as tools
from commands import ROOT
from opensta import complaints, needs_sta, sta
from test_core import needs_make, run
from test_core import tools as tools_on_path  # noqa: F401
from test_sdc import bare, cells

from oxmc.hdl.verilog.netlist import module_ports
from oxmc.ip.package import write_ip
from oxmc.pymodels.config import resolve
from oxmc.tb.cosim.simulator import use_simulator

pytestmark = pytest.mark.testpoint(
    "guide of an IP",
    "the instance elaborates, reads ID in simulation, is linted from a FuseSoC core of its own; the memory's wrapper "
    "has the pins of the black box; the constraints are read; the firmware compiles strictly and gives the commands",
)
GCC = "gcc -std=c99 -Wall -Wextra -pedantic -Wconversion -Werror"


def blocks(page: str) -> dict[str, list[str]]:
    """The code of a page by its language."""
    found: dict[str, list[str]] = {}
    for language, text in re.findall(r"^```(\w+)\n(.*?)^```", (ROOT / "docs/guide" / page).read_text(), re.M | re.S):
        found.setdefault(language, []).append(text)
    return found


PAGE, FIRMWARE = blocks("integration.md"), blocks("programming.md")
SOC, FIRST_READ, MEMORY = PAGE["verilog"]


def test_all_blocks_are_here() -> None:
    assert {name: len(texts) for name, texts in PAGE.items()} == {"text": 1, "verilog": 3, "tcl": 1, "yaml": 1}
    assert {name: len(texts) for name, texts in FIRMWARE.items()} == {"c": 6}
    assert len(SOC.strip().splitlines()) <= 30


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the page's command writes."""
    assert "$ oxmc ip cancer --preset paper --bus apb --name trainer --out build/ip\n" in PAGE["text"][0]
    out = tmp_path_factory.mktemp("guide")
    write_ip(resolve("cancer", "paper"), "apb", out, name="trainer")
    (out / "soc.v").write_text(SOC)
    return out


@pytest.mark.cosim
def test_the_first_transfer(folder: Path) -> None:
    use_simulator("icarus")
    (folder / "first_read.v").write_text(FIRST_READ)
    files = ["soc.v", "trainer_array.v", *(folder / "trainer.f").read_text().split()]
    assert tools.slang(folder, "--timescale=1ns/1ps", *files) == ""  # only the array has one of its own
    assert (
        tools.tool(folder, "iverilog", "-g2005", "-Wall", "-Wno-timescale", "-o", "first", "first_read.v", *files) == ""
    )
    assert tools.tool(folder, "vvp", "-n", "first").splitlines()[:1] == ["OXMC"]


@pytest.mark.cosim
def test_a_memory_of_another_kind(folder: Path) -> None:
    """The wrapper has the black box's pins and fits a macro that has the pins it takes."""
    use_simulator("icarus")
    (name,) = re.findall(r"^module (\w+)\($", MEMORY, re.M)
    box = re.search(rf"^module {name} \((.*?)\);", (folder / "trainer_chip.v").read_text(), re.M | re.S)
    own = re.search(rf"^module {name}\((.*?)\);", MEMORY, re.M | re.S)
    assert box and own

    def pins(text: str) -> list[str]:
        return [" ".join(re.sub(r"\b(wire|reg)\b", "", pin).split()) for pin in text.split(",")]

    assert pins(own[1]) == pins(box[1])
    macro = "module sram_1r1w_256x8(input clk0, csb0, clk1, csb1, input [7:0] addr0, din0, addr1, output [7:0] dout1);"
    (folder / "memory.v").write_text(f"{MEMORY}\n{macro}\nendmodule\n")
    assert tools.tool(folder, "iverilog", "-g2005", "-Wall", "-Wno-timescale", "-t", "null", "memory.v") == ""


@needs_sta
def test_the_constraints(folder: Path) -> None:
    cells(folder)
    (folder / "netlist.v").write_text(bare(module_ports((folder / "trainer.v").read_text(), "trainer"), "trainer"))
    (folder / "sta.tcl").write_text(PAGE["tcl"][0])
    assert complaints(sta(folder)) == []


@needs_make
@pytest.mark.cosim
def test_a_core_that_takes_it(folder: Path, tools_on_path: Path, tmp_path: Path) -> None:  # noqa: F811
    pytest.importorskip("fusesoc")
    files = {path.name: path.read_text() for path in folder.glob("*") if path.suffix in (".v", ".vlt", ".sdc", ".core")}
    code, said = run(tmp_path, files | {"soc.core": PAGE["yaml"][0]}, tools_on_path, "lint", top="soc")
    assert code == 0 and "%" not in said, said


MAIN = """
#include <stdio.h>
#include <stdlib.h>
int main(void)
{
    static int16_t codes[POINTS][FEATURES];
    static uint8_t labels[POINTS];
    static struct oxmc_answer answers[POINTS - TRAINING];
    trainer_t *chip = calloc(1, sizeof *chip);
    struct oxmc_chip driver = {.read = my_read, .write = my_write, .context = chip};
    uint32_t why = 0;

    chip->port.id = 0x4f584d43;
    chip->port.shape = 16u << 16 | 1;
    chip->port.samples = 1024;
    chip->port.codes = 32u << 24 | 8;
    chip->port.commands = 1u << 1 | 1u << 2 | 1u << 3 | 1u << 8;
    chip->port.irq_status = 2 | 8;
    chip->port.result_sum = 5;
    chip->port.result = 1u << 31 | 1u << 30 | 1;
    chip->status.errors = 4;
    codes[568][0] = -3;
    printf("%d ", learn(chip, codes, labels, answers));
    printf("%u %u %u ", chip->settings.command, chip->settings.last_sample, chip->settings.last_test);
    printf("%d %u %u ", (int)answers[199].sum, answers[199].winner, chip->samples[568].lane0);
    train_again(chip, 9);
    printf("%u %u ", chip->settings.command, chip->settings.seed_low);
    if (oxmc_open(&driver) || start_training(&driver))
        return 1;
    printf("%u ", chip->port.irq_enable);
    on_irq(&driver);
    printf("%d %u %d ", trained, chip->port.irq_enable, can_classify(chip));
    chip->status.state = 1u << 4;
    printf("%d ", can_classify(chip));
    printf("%d ", learn_by_doing(&driver, codes[0], &why));
    printf("%d ", stop(&driver, &why));
    printf("%u %u %u\\n", why, chip->settings.clear_errors, chip->settings.command);
    return 0;
}
"""
"""Runs the page's functions on memory that reads as an idle chip, and prints what they left there."""


@pytest.mark.skipif(shutil.which("gcc") is None, reason="GCC is not installed")
def test_the_firmware(folder: Path) -> None:
    (folder / "firmware.c").write_text("".join(FIRMWARE["c"]) + MAIN)
    command = [*GCC.split(), "-o", "firmware", "firmware.c", "oxmc_driver.c"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = subprocess.run([str(folder / "firmware")], capture_output=True, text=True, check=True).stdout
    assert said == f"0 3 368 568 5 1 {-3 & 255} 2 9 3 1 0 0 1 4 0 4 4 8\n"
    (folder / "other.c").write_text("".join(FIRMWARE["c"]).replace("settings.seed_low", "settings.seed") + MAIN)
    wrong = subprocess.run([*GCC.split(), "-c", "other.c"], cwd=folder, capture_output=True, text=True)
    assert wrong.returncode != 0 and "seed" in wrong.stderr
