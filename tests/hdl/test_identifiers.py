"""Plain names: what is one, and Verilog brought to them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import random_chips as tools
from hypothesis import given
from hypothesis import strategies as st

from oxmc.hdl.verilog.identifiers import SYSTEM_VERILOG, VERILOG, is_plain, plain, plain_verilog

pytestmark = pytest.mark.testpoint(
    "plain names",
    "what is one; only names change, and no two become one; reserved words are so in slang",
)


@pytest.mark.parametrize(
    ("name", "due"),
    [("bus__write", "bus_write"), ("cell", "cell_s"), ("$1", "s1"), ("a.b$3", "a_b_3"), ("_x_", "x"),
     ("Signal", "Signal_s"), ("fine_7", "fine_7"), ("$", "s")],
)  # fmt: skip
def test_a_plain_name_says_the_same(name: str, due: str) -> None:
    assert plain(name) == due and is_plain(due) and is_plain(name) == (name == due)


SOURCE = """\
// \\cell stays in a comment, so does a__b
(* src = "a__b \\\\cell " *)
module \\top.sub (a__b, \\a_b , \\A_B , \\cell , label);
  input [3:0] a__b; input \\a_b ; input \\A_B ; input \\cell ; output label;
  wire [3:0] \\$1  = 4'hb & 4'b1__0; assign label = \\cell  & \\$1 [0] & $signed(a__b);
endmodule
"""
PLAIN = """\
// \\cell stays in a comment, so does a__b
(* src = "a__b \\\\cell " *)
module top_sub(a_b_2, a_b, A_B_1, cell_s, label_s);
  input [3:0] a_b_2; input a_b; input A_B_1; input cell_s; output label_s;
  wire [3:0] s1 = 4'hb & 4'b1__0; assign label_s = cell_s & s1[0] & $signed(a_b_2);
endmodule
"""


def test_only_names_change_and_no_two_become_one() -> None:
    """Names that are plain stay; of two that differ in case alone the first does."""
    found = plain_verilog(SOURCE)
    assert found == PLAIN and plain_verilog(found) == found


@given(st.lists(st.from_regex(r"[!-~]{1,6}", fullmatch=True), min_size=1, unique=True))
def test_any_names_stay_apart(names: list[str]) -> None:
    text = "".join(f"\\{name} ;\n" for name in names)
    found = [line.removesuffix(";") for line in plain_verilog(text).splitlines()]
    assert all(map(is_plain, found)) and len({name.lower() for name in found}) == len(names)


@pytest.mark.parametrize("word", ["cell", "logic", "checker", "global", "uwire", "type", "macromodule", "strong"])
def test_reserved_words_are_reserved_in_slang(word: str, tmp_path: Path) -> None:
    """Some of each list, and a word of none."""
    assert word in VERILOG | SYSTEM_VERILOG
    for name, refused in ((word, True), (f"{word}_s", False)):
        (tmp_path / "a.v").write_text(f"module top; wire {name}; endmodule\n")
        assert bool(re.search("exit code", tools.slang(tmp_path, "a.v"))) == refused
