"""GateDac: the code map that a build leaves."""

from __future__ import annotations

from amaranth import Array, Mux, Signal

from oxmc.formal.bench import Bench
from oxmc.formal.mutant import Mutant
from oxmc.formal.proof import Proof
from oxmc.hdl.gate_dac import GateDac
from oxmc.pymodels.config import preset
from oxmc.pymodels.formats import Formats

PLAIN = Formats(preset("cancer", "paper").replace(gate_codes=8, read_bits=5))
"""The solver takes minutes for 21 entries of 8 bits."""


def _built(formats: Formats) -> tuple[Bench, GateDac, list[Signal]]:
    """Any LUT that rises, which nobody writes meanwhile; what a build knows of it at each cycle is proven beside."""
    bench, config = Bench(), formats.config
    block = bench.add("gate_dac", GateDac(formats))
    lut = [bench.any_constant(f"entry_{i}", config.read_bits) for i in range(config.gate_codes)]
    for low, high in zip(lut, lut[1:], strict=False):
        bench.given(low <= high)
    bench.given(~block.halt)
    fetched = bench.past(block.lut.read_enable)
    address = bench.past(block.lut.read_address)
    bench.given(~fetched | (block.lut.read_data == Array(lut)[address]))
    code, high, low = (bench.inner(block, name) for name in ("code", "high", "low"))
    low_value, have_low = bench.inner(block, "low_value"), bench.inner(block, "have_low")
    is_in = bench.state(block, "build_state_state")
    table = Array(lut)
    below = table[(high - 1)[: formats.gate_bits]]
    bench.must(~block.illegal)
    bench.must(~block.busy | (high <= config.gate_codes))
    bench.must(~block.busy | (have_low == (high != 0)))
    bench.must(~(block.busy & have_low) | ((low_value == below) & (below <= code) & (low < high)))
    bench.must(
        ~(block.busy & have_low)
        | ((table[low] == below) & ((low == 0) | (table[(low - 1)[: formats.gate_bits]] < below)))
    )
    bench.must(
        ~(is_in("COMPARE") & (high != config.gate_codes)) | (block.lut.read_data == table[high[: formats.gate_bits]])
    )
    return bench, block, lut


def nearest() -> Bench:
    """No entry is nearer than the one that the map names, and none of a lower code is as near."""
    bench, block, lut = _built(PLAIN)
    code, gate = block.map.write_address, block.map.write_data[: PLAIN.gate_bits]
    other = bench.any_constant("other", PLAIN.gate_bits)

    bench.given(other < PLAIN.config.gate_codes)

    def off(entry: Signal) -> Signal:
        return Mux(entry > code, entry - code, code - entry)

    high, low = bench.inner(block, "high"), bench.inner(block, "low")
    for point in (high, high - 1, low, low - 1):  # follow from the order of neighbours, spares the solver to find out
        entry = Array(lut)[point[: PLAIN.gate_bits]]
        inside = point[: PLAIN.gate_bits + 1] < PLAIN.config.gate_codes
        bench.given(~inside | (other < point) | (Array(lut)[other] >= entry))
        bench.given(~inside | (other > point) | (Array(lut)[other] <= entry))
    mine, its = off(Array(lut)[gate]), off(Array(lut)[other])
    bench.must(~block.mapping | (mine < its) | ((mine == its) & (gate <= other)))
    bench.must(~block.mapping | (gate < PLAIN.config.gate_codes))
    outside = (code < lut[0]) | (code > lut[-1])
    bench.must(~block.mapping | (block.map.write_data[PLAIN.gate_bits] == outside))
    bench.reached(block.mapping & (gate == 1) & (code == 2))
    return bench


def whole() -> Bench:
    """`mapped` says that each read code was written since the LUT last changed: one that is chosen once."""
    bench = Bench()
    block = bench.add("gate_dac", GateDac(PLAIN))
    bench.release("write_lut", block.lut.write_lanes)
    code, written = bench.any_constant("any_code", PLAIN.config.read_bits), Signal()
    with bench.m.If(block.lut.write_lanes | (block.build & ~block.busy)):
        bench.m.d.sync += written.eq(0)
    with bench.m.Elif(block.mapping & (block.map.write_address == code)):
        bench.m.d.sync += written.eq(1)
    bench.given(~block.busy | ~(block.lut.write_lanes | block.build))  # the host is refused
    pointer = bench.inner(block, "code")
    bench.must(~block.mapped | written)
    bench.must(~block.busy | ~block.mapped)
    bench.must(~block.busy | (written == (code < pointer)))
    bench.reached(block.mapping & (block.map.write_address == 2))
    return bench


PROOFS = (
    Proof(
        "gate-nearest",
        "GateDac",
        "for every rising LUT of 8 entries and code of 5 bits: the nearest entry, ties to the lowest; clamps",
        nearest,
        Mutant(
            "gate_dac",
            "low_is_nearer.eq((code - low_value) <= (entry - code))",
            "low_is_nearer.eq((code - low_value) < (entry - code))",
        ),
        depth=1,
        reach=10,
        seconds=300,
        free_memories=True,
    ),
    Proof(
        "gate-whole-map",
        "GateDac",
        "the map is `mapped` once every read code was written since the LUT changed",
        whole,
        Mutant("gate_dac", "with m.If(code.all()):", "with m.If(code[:2].all()):"),
        depth=3,
        reach=30,
        seconds=200,
        free_memories=True,
    ),
)
