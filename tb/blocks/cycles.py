"""One clock cycle of a block bench, for blocks whose outputs follow their inputs within the cycle."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from cocotb.triggers import FallingEdge, ReadOnly

from oxmc.hdl.verilog.identifiers import plain
from oxmc.tb.blocks.outputs import Outputs

outputs_of = cache(Outputs)


async def cycle(dut, outputs: Iterable[str] = (), **inputs: int) -> dict[str, int]:
    """Drive `inputs` in the middle of a cycle and sample `outputs` once they have settled, before the clock edge.

    Both are named as in the Python of the block. Returns in the middle of the next cycle; inputs that are not named
    keep their value. Raises `AssertionError` for an output that is X or Z.
    """
    for name, value in inputs.items():
        getattr(dut, plain(name)).value = value
    await ReadOnly()
    seen = outputs_of(dut)
    seen.read()
    values = {name: seen[name] for name in outputs}
    await FallingEdge(dut.clk)
    return values
