"""One clock cycle of a block bench, for blocks whose outputs follow their inputs within the cycle."""

from __future__ import annotations

from collections.abc import Iterable

from cocotb.triggers import FallingEdge, ReadOnly


async def cycle(dut, outputs: Iterable[str] = (), **inputs: int) -> dict[str, int]:
    """Drive `inputs` in the middle of a cycle and sample `outputs` once they have settled, before the clock edge.

    Returns in the middle of the next cycle; inputs that are not named keep their value. Raises `ValueError` for an
    output that is X or Z.
    """
    for name, value in inputs.items():
        getattr(dut, name).value = value
    await ReadOnly()
    sampled = {name: int(getattr(dut, name).value) for name in outputs}
    await FallingEdge(dut.clk)
    return sampled
