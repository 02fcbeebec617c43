"""Results leave once each, in order, and stand still until they are taken."""

from __future__ import annotations

from functools import partial

from amaranth import Mux, Signal

from oxmc.formal.bench import Bench
from oxmc.formal.mutant import Mutant
from oxmc.formal.proof import Proof
from oxmc.formal.proofs.machines import CANCER, Machine
from oxmc.hdl.softmax.softmax_inference import inference_of
from oxmc.hdl.top.results import Results
from oxmc.pymodels.config import Config, preset
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import ArrayOp


def votes(config: Config) -> Bench:
    """Of each test point each output once, points and outputs rising; a result that waits does not change."""
    block = inference_of(Formats(config))
    it = Machine(block, "infer_state", "first_index", "last_index", "burn_in", "last_row", EVAL=ArrayOp.EVAL)
    bench, result = it.bench, block.result
    payload = result.payload.as_value()
    output, index = bench.inner(block, "output"), block.fetch_index
    taken, points, outputs = result.valid & result.ready, Signal(len(index)), Signal(len(output))
    last = outputs == config.outputs - 1
    with bench.m.If(block.start):
        bench.m.d.sync += [points.eq(block.first_index), outputs.eq(0)]
    with bench.m.Elif(taken):
        bench.m.d.sync += [outputs.eq(Mux(last, 0, outputs + 1)), points.eq(points + last)]
    stuck = bench.past(result.valid & ~result.ready & ~block.halt)
    before = bench.past(payload)
    bench.must(~stuck | result.valid & (payload == before))
    bench.must(~result.valid | block.busy)
    bench.must(~block.busy | (index == points))
    bench.must(~block.busy | it.is_in("FETCH") | (output == outputs))
    bench.must(~it.is_in("FETCH") | (outputs == 0))
    bench.must(outputs < config.outputs)
    bench.must(~result.valid | (result.payload.last == last))
    bench.must(it.is_in("EVAL") | ~result.valid | ~block.adding)
    ended = bench.past(taken & (index == block.last_index) & last)
    bench.must(~(bench.past(block.busy) & ~block.busy) | ended | bench.past(block.halt))
    bench.must(bench.past(block.halt) | ~bench.started | ~ended | ~block.busy)
    bench.must(~block.adding | bench.past(block.answer))
    bench.must(~it.is_in("RESULT") | ~it.pulse.converting & ~block.adding)
    bench.reached(taken & (index == 3))
    return bench


def actions() -> Bench:
    """A vote and an action never share a transfer, so none is lost."""
    bench, formats = Bench(), Formats(preset("cartpole", "paper"))
    block = bench.add("results", Results(formats))
    bench.given(~(block.acting & block.votes.valid))  # trainer and inference are never both at work
    sent = block.result.valid & block.result.ready
    bench.must(sent == ((block.votes.valid & block.votes.ready) | (block.acting & block.result.ready)))
    bench.must(~sent | block.acting | (block.result.payload.as_value() == block.votes.payload.as_value()))
    bench.must(~(sent & block.acting) | (block.result.payload.winner == block.winner) & block.result.payload.last)
    bench.reached(sent & block.acting)
    return bench


PROOFS = (
    Proof(
        "results-one",
        "Inference",
        "each test point's result leaves once, in order, and stands until it is taken",
        partial(votes, CANCER),
        Mutant("inference", "with m.Elif(index == self.last_index):", "with m.Elif(index + 1 == self.last_index):"),
        free_memories=True,
        reach=40,
    ),
    Proof(
        "results-outputs",
        "Inference",
        "the same with 3 outputs",
        partial(votes, CANCER.replace(outputs=3)),
        Mutant("inference", "with m.If(~last_output):", "with m.If(~last_output & ~index[0]):"),
        free_memories=True,
        reach=40,
    ),
    Proof(
        "results-actions",
        "Results",
        "no vote and no action is lost or doubled",
        actions,
        Mutant("top.results", "self.votes.valid | self.acting", "self.votes.valid & ~self.acting"),
        depth=1,
        reach=3,
    ),
)
