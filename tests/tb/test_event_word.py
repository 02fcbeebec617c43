"""The layout of an event: both sides take it from one table, and Python reads what the top has packed."""

from __future__ import annotations

import random
import re
import subprocess
from pathlib import Path

import pytest

from oxmc.tb.cosim import event_word
from oxmc.tb.cosim.event_word import BITS, WIDTHS, Event, header, unpack

pytestmark = pytest.mark.testpoint(
    "event word",
    "fields packed by a simulator as the top's header says and unpacked in Python; two fields in each other's "
    "place are seen; the top has no layout of its own",
)

BENCH = """
module bench;
{header}
    assign {{{assigned}}} = {{{values}}};
    initial #1 $display("%0d", pulse_word);
endmodule
"""


def packed(fields: Event, folder: Path, text: str) -> int:
    """What a simulator makes of these fields by a header."""
    assigned = ", ".join(f"pulse_{name}" for name in Event._fields)
    values = ", ".join(f"{width}'d{value}" for width, value in zip(WIDTHS, fields, strict=True))
    (folder / "bench.v").write_text(BENCH.format(header=text, assigned=assigned, values=values))
    subprocess.run(["iverilog", "-g2012", "-o", "bench", "bench.v"], cwd=folder, check=True)
    return int(subprocess.run(["vvp", "bench"], cwd=folder, check=True, capture_output=True, text=True).stdout)


def test_python_reads_what_the_top_has_packed(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    fields = Event(*(rng.randrange(2**width) for width in WIDTHS))
    assert unpack(packed(fields, tmp_path, header())) == fields and unpack(2**BITS - 1) == Event(
        *(2**width - 1 for width in WIDTHS)
    )


def test_two_fields_that_change_places_are_seen(tmp_path: Path) -> None:
    fields = Event(op=3, phase=1, fault=0, width=2, row=7, place=9, gate=20)
    swapped = header().replace("pulse_place, pulse_row", "pulse_row, pulse_place")
    assert unpack(packed(fields, tmp_path, swapped)) == fields._replace(row=9, place=7)


def test_the_layout_is_said_once() -> None:
    """The top has no number of its own but a parameter's default."""
    top = Path(event_word.__file__).with_name("cosim.v").read_text()
    assert re.findall(r"event_word <= .*", top) == ["event_word <= pulse_word;"]
    assert f"parameter EVENT_BITS = {BITS}," in top and top.count(str(BITS)) == 1
