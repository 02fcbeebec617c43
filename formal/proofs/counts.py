"""RowCounters, Tally, Likelihood: what is counted and added up."""

from __future__ import annotations

from amaranth import Signal

from oxmc.formal.bench import Bench
from oxmc.formal.mutant import Mutant
from oxmc.formal.proof import Proof
from oxmc.hdl.likelihood import Likelihood
from oxmc.hdl.row_counters import LOST_BITS, RowCounters
from oxmc.hdl.top.tally import CLAMP_BITS, Tally
from oxmc.pymodels.config import preset
from oxmc.pymodels.formats import Formats

PAPER = Formats(preset("cancer", "paper"))
FEW_BITS = Formats(preset("cancer", "paper").replace(counter_bits=3))
GROUPS = Formats(preset("cancer", "paper").replace(gate_dacs=8))


def conservation() -> Bench:
    """Every begin and bump is in a counter that was left, in the running one or in `lost`."""
    bench = Bench()
    block = bench.add("counters", RowCounters(FEW_BITS))
    decided, left = Signal(LOST_BITS + 8), Signal(LOST_BITS + 8)
    with bench.m.If(block.restart):
        bench.m.d.sync += [decided.eq(0), left.eq(0)]
    with bench.m.Elif(block.begin):
        bench.m.d.sync += [decided.eq(decided + 1), left.eq(left + block.count)]
    with bench.m.Elif(block.bump):
        bench.m.d.sync += decided.eq(decided + 1)
    bench.given(decided < 2**LOST_BITS - 1)
    bench.must(left + block.count + block.lost == decided)
    bench.reached((block.lost == 2) & (left > 8))
    return bench


def one_a_decision() -> Bench:
    """Full width: a bump adds one to the counter or, where it is full, to `lost`; neither wraps."""
    bench = Bench()
    block = bench.add("counters", RowCounters(PAPER))
    count, lost = bench.past(block.count), bench.past(block.lost)
    restart, begin, bump = (bench.past(signal) for signal in (block.restart, block.begin, block.bump))
    full = count.all()
    held = bench.started & ~restart
    bench.must(~(held & begin) | ((block.count == 1) & (block.lost == lost)))
    bench.must(~(held & ~begin & ~bump) | ((block.count == count) & (block.lost == lost)))
    bench.must(~(held & ~begin & bump & ~full) | ((block.count == count + 1) & (block.lost == lost)))
    bench.must(~(held & ~begin & bump & full) | full & block.count.all())
    bench.must(~(held & ~begin & bump & full & ~lost.all()) | (block.lost == lost + 1))
    bench.must(~(held & lost.all()) | block.lost.all())
    bench.must(~(bench.started & restart) | (block.count == 0) & (block.lost == 0) & (block.total == 0))
    bench.reached(held & bump & (count == 9))
    return bench


def total() -> Bench:
    """TOTAL is the sum of what was fetched with a vote, at most one vote a row."""
    bench = Bench()
    block = bench.add("counters", RowCounters(PAPER))
    votes, exact = Signal(PAPER.row_bits + 2), Signal(PAPER.total_bits + 4)
    clears = block.restart | block.begin_vote
    with bench.m.If(clears):
        bench.m.d.sync += [votes.eq(0), exact.eq(0)]
    with bench.m.Elif(block.vote):
        bench.m.d.sync += [votes.eq(votes + 1), exact.eq(exact + block.counter)]
    bench.given(clears | ~block.vote | (votes < PAPER.row_capacity))
    bench.must(votes <= PAPER.row_capacity)
    bench.must(exact <= votes * (2**PAPER.config.counter_bits - 1))
    bench.must(block.total == exact)
    bench.reached(block.total > 300)
    return bench


def stored() -> Bench:
    """Of a row that is chosen once: a fetch returns what was last stored there."""
    bench = Bench()
    block = bench.add("counters", RowCounters(FEW_BITS))
    row = bench.any_constant("row", FEW_BITS.row_bits)
    value, known = Signal(FEW_BITS.config.counter_bits), Signal()
    with bench.m.If((block.store | block.store_zero) & (block.row == row)):
        bench.m.d.sync += known.eq(1)
        with bench.m.If(block.store_zero):
            bench.m.d.sync += value.eq(0)
        with bench.m.Else():
            bench.m.d.sync += value.eq(block.count)
    asked = bench.past(block.fetch & (block.fetch_row == row) & known)
    due = bench.past(value)
    bench.must(~asked | (block.counter == due))
    bench.reached(asked & (due == 3))
    return bench


def clamps() -> Bench:
    bench = Bench()
    single, group = (bench.add(name, Tally(formats)) for name, formats in (("single", PAPER), ("group", GROUPS)))
    for block, most in ((single, 1), (group, 8)):
        before, restart = bench.past(block.clamps), bench.past(block.restart)
        bench.must(~bench.started | restart | (block.clamps >= before))
        bench.must(~bench.started | restart | (block.clamps - before <= most))
        bench.must(~bench.started | ~restart | (block.clamps == 0))
    added = bench.past(sum(group.clamped[lane] for lane in range(8)))
    counts = bench.past((group.running == 3) & group.latch & group.training & ~group.first & ~group.restart)
    before, whole = bench.past(group.clamps), bench.past(group.cell != GROUPS.last_group)
    bench.must(~(counts & whole) | (group.clamps == before + added) | group.clamps.all())
    bench.reached(group.clamps == 13)
    bench.must(group.clamps < 2**CLAMP_BITS)
    return bench


def likelihood() -> Bench:
    """The sum that is added in two halves is the sum, and no training point more than the memory holds wraps it."""
    bench = Bench()
    block = bench.add("likelihood", Likelihood(PAPER))
    added, exact = Signal(PAPER.sample_bits + 3), Signal(PAPER.sum_bits + 4)
    with bench.m.If(block.clear):
        bench.m.d.sync += [added.eq(0), exact.eq(0)]
    with bench.m.Elif(block.adding):
        bench.m.d.sync += [added.eq(added + 1), exact.eq(exact + block.entry)]
    bench.given(block.clear | ~block.adding | (added < PAPER.sample_capacity * PAPER.config.outputs))
    bench.must(added <= PAPER.sample_capacity * PAPER.config.outputs)
    bench.must(exact <= added * (2**PAPER.likelihood_bits - 1))
    bench.must(block.sum == exact)
    bench.must(~block.adding | block.clear | (block.next_sum == exact + block.entry))
    bench.reached(block.sum == 5000)
    return bench


PROOFS = (
    Proof(
        "counters-conserve",
        "RowCounters",
        "sum of counters + `lost` = decisions since the restart, whatever the caller does",
        conservation,
        Mutant("row_counters", "lost.eq(lost + ~lost.all())", "lost.eq(lost + lost.any())"),
        reach=16,
        free_memories=True,
    ),
    Proof(
        "counters-one-a-decision",
        "RowCounters",
        "one count a decision, in the counter or in `lost`; neither wraps",
        one_a_decision,
        Mutant("row_counters", "with m.If(count.all()):", "with m.If(count[:2].all()):"),
        reach=14,
        free_memories=True,
    ),
    Proof(
        "counters-total",
        "RowCounters",
        "TOTAL is the sum of the votes and never wraps",
        total,
        Mutant("row_counters", "m.d.sync += total.eq(total + memory.read_data)", "m.d.sync += total.eq(total + count)"),
        reach=8,
        free_memories=True,
    ),
    Proof(
        "counters-stored",
        "RowCounters",
        "a fetch returns what was last stored in that row, any of 256",
        stored,
        Mutant("row_counters", "data = Mux(self.store_zero, 0, stored)", "data = stored"),
        depth=12,
        reach=8,
        bounded=True,
    ),
    Proof(
        "clamps-saturate",
        "Tally",
        "clamps grow by those of each SET and never wrap; 1 and 8 gate DACs",
        clamps,
        Mutant("top.tally", "clamped = self.clamped & present", "clamped = self.clamped[1:] & present"),
        reach=6,
    ),
    Proof(
        "likelihood-sum",
        "Likelihood",
        "the sum in two halves is the sum, and never wraps",
        likelihood,
        Mutant("likelihood", "m.d.sync += carries.eq(carries + 1)", "m.d.sync += carries.eq(carries + 2)"),
        reach=10,
        free_memories=True,
    ),
)
