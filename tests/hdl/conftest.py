"""What the benches of blocks share: Yosys turns the same RTLIL into Verilog once in a file of tests."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import pytest
from amaranth.back import verilog


@pytest.fixture(autouse=True, scope="module")
def each_text_once(request: pytest.FixtureRequest) -> Iterator[None]:
    """Benches that break a design's Verilog ask for the same text each time; a design that a test has changed before
    has another RTLIL. Yosys itself is what other tests are about."""
    if not hasattr(request.module, "run_bench"):
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verilog, "_convert_rtlil_text", functools.lru_cache(32)(verilog._convert_rtlil_text))
        yield
