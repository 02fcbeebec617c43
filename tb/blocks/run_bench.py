"""Builds one block, or the chip, and runs its bench."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oxmc.hdl.verilog.netlist import component_verilog
from oxmc.hdl.verilog.netlist_cache import cache_folder
from oxmc.tb.blocks.outputs import widths, with_word
from oxmc.tb.blocks.scoreboard import OUTPUTS, PARAMETERS_VARIABLE
from oxmc.tb.cosim import runners
from oxmc.tb.cosim.simulator import use_simulator

if TYPE_CHECKING:
    from amaranth.lib.wiring import Component

Mutation = tuple[str, str] | Callable[[str], str] | None
"""A change of Verilog: what replaces what, or what makes one text of another."""


LONGEST_NAME = 80
"""Characters of a test's name in that of a folder."""


def run_bench(
    design: Component | str,
    name: str,
    module: str,
    simulator: str,
    parameters: dict[str, Any],
    *,
    mutate: Mutation = None,
) -> None:
    """Build one block, or its Verilog, and run the cocotb tests of `module` on it; `parameters` reach them as JSON.

    `mutate` changes the Verilog, for a test that proves the bench can fail. Raises `SystemExit` if a
    test fails. With OXMC_WAVES set waves are left in the build folder, which then has the name of pytest's test, too.
    """
    use_simulator(simulator)
    waves = runners.waves_file(simulator) if os.environ.get("OXMC_WAVES") else ""
    text = design if isinstance(design, str) else component_verilog(design, name)
    if isinstance(mutate, tuple):
        assert text.count(mutate[0]) >= 1, f"nothing to mutate: {mutate[0]!r}"
        text = text.replace(*mutate)
    elif mutate:
        text = mutate(text)
    sources = {f"{name}.v": with_word(text, name)}
    if simulator == "icarus" and waves:
        sources["waves.v"] = f'module waves; initial begin $dumpfile("{waves}"); $dumpvars(0, {name}); end endmodule\n'
    arguments = {
        "verilator": ["-Wno-fatal", "-Wno-INITIALDLY", "-O1", "-DCOCOTB_SIM=1"],
        "icarus": ["-DCOCOTB_SIM=1", *(["-s", "waves"] if waves else [])],
    }[simulator]
    digest = hashlib.sha256(repr((sources, arguments, waves)).encode()).hexdigest()[:12]
    broken, test = "-broken" if mutate else "", _test_name() if waves else ""
    folder = cache_folder().parent / "bench" / f"{name}-{simulator}-{test}{digest}{broken}"

    def compile_in(scratch: Path) -> None:
        runners.build(simulator, scratch, name, list(sources), arguments=arguments, level="-O0", waves=waves)

    runners.build_into(folder, sources, compile_in)
    environment = {
        PARAMETERS_VARIABLE: json.dumps(parameters | {OUTPUTS: widths(text, name)}),
        "COCOTB_MAX_FAILURES": "1",  # the first failure ends a bench: it fails, whatever the rest would say
        # values beside a failed `assert` cost a compilation of every module; benches say them in their messages
        "COCOTB_REWRITE_ASSERTION_FILES": "*.py" if waves else "",
        "NUMBA_DISABLE_JIT": "1",  # an array model draws for a few thousand pulses; its kernels take longer to load
    }
    try:
        runners.simulate(simulator, folder, folder, name, module, environment, waves=waves)
    finally:
        print((folder / runners.SIMULATOR_LOG).read_text())  # pytest shows it where the test fails
    if failed := runners.failed_tests(folder / runners.RESULTS):
        raise SystemExit(f"FAILED {failed} tests.")


def _test_name() -> str:
    """The test that pytest runs, fit for the name of a folder; nothing where a bench runs without pytest."""
    _, _, test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition("::")
    words = re.sub(r"\W+", "-", test.removesuffix(" (call)").removeprefix("test_")).strip("-")
    return f"{words[:LONGEST_NAME]}-" if words else ""
