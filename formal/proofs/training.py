"""The trainer of each kind of chip: it ends, and what it counts is what was decided."""

from __future__ import annotations

from functools import partial
from typing import Any

from amaranth import Mux, Signal, Value

from oxmc.formal.bench import Bench
from oxmc.formal.mutant import Mutant
from oxmc.formal.proof import Proof
from oxmc.formal.proofs.machines import SLOW, Machine, distance, measure
from oxmc.hdl.episode import trainer_of
from oxmc.hdl.lfsr import Lfsr
from oxmc.hdl.row_counters import LOST_BITS, RowCounters
from oxmc.pymodels.config import Config, preset
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import ArrayOp

QUICK = SLOW | dict(reset_pulse_s=100e-9, read_pulse_s=100e-9, eval_pulse_s=100e-9, conversion_s=100e-9)
"""Covers take less long."""
FEW = dict(features=1, **QUICK)
CHIPS: dict[str, Config] = {
    "plain": preset("cancer", "paper").replace(**FEW),
    "groups": preset("cancer", "paper").replace(**QUICK, features=3, gate_dacs=2),
    "options": preset("cancer", "paper").replace(
        **FEW, verify="pair", early_rejection=True, sample_order="hard_first", reject_limit=5
    ),
    "random": preset("cancer", "paper").replace(**FEW, init="random", outputs=3, hastings=True),
    "hidden": preset("cancer", "paper").replace(**FEW, hidden=2, outputs=1, early_rejection=True),
    "reward": preset("cartpole", "paper").replace(**QUICK, features=1),
}
"""By what changes the trainer's states."""
STAGES = (
    ("DECIDE",), ("SETTLE",), ("EVAL", "LAYER"), ("ORDER",), ("THRESHOLD",), ("READ",), ("SET", "PROGRAM"), ("UNDO",),
)  # fmt: skip
"""States of a proposal, the last first."""
PULSES = {
    "CLEAR": ArrayOp.RESET,
    "SET": ArrayOp.SET,
    "READ": ArrayOp.READ,
    "EVAL": ArrayOp.EVAL,
    "UNDO": ArrayOp.RESET,
}


class Training(Machine):
    """A trainer with Pulse and Lfsr; programmers, sums and the host answer at any time."""

    def __init__(self, config: Config) -> None:
        trainer = trainer_of(Formats(config))
        self.draws = draws = config.init == "random"
        pulses = {state: op for state, op in PULSES.items() if not (draws and state == "SET")}
        super().__init__(trainer, "train_state", "last_row", "last_sample", "max_proposals", "reject_limit", **pulses)
        bench = self.bench
        self.lfsr = bench.add("lfsr", Lfsr(width=8, step_bits=8 if not draws else 4))
        bench.drive(self.lfsr.draw, trainer.draw)
        bench.drive(trainer.drawing, self.lfsr.busy)
        bench.given(~(self.lfsr.load | self.lfsr.load_high))
        bench.given(trainer.max_proposals != 0)  # the host refuses it
        bench.given(~trainer.start | ~self.lfsr.busy)
        bench.must(~self.is_in("CLEAR") | ~self.lfsr.busy)
        if draws:
            bench.drive(trainer.draw_ends, self.lfsr.ends)
        self.trainer = trainer

    def _quiet(self, states: Any) -> Value:
        """Where no pulse may run. In row 0 each SET waits for a draw, so there one may or may not."""
        return super()._quiet([*states, *(["SET"] if self.draws else [])])


def trainer_ends(config: Config) -> Bench:
    it = Training(config)
    bench, trainer, is_in, formats = it.bench, it.trainer, it.is_in, it.trainer.formats
    draws = config.init == "random"
    cell, proposals = trainer.command.cell, trainer.proposals
    known = set(it.states)
    stages = [tuple(name for name in names if name in known) for names in STAGES]
    stage = sum((Mux(is_in(*names), i + 1, 0) for i, names in enumerate(stages) if names), Value.cast(0))
    works = is_in(*(name for names in stages for name in names))
    stops = proposals < trainer.max_proposals
    bench.must(is_in("IDLE", "STORE") | stops | is_in("UNDO") & (proposals == trainer.max_proposals))
    bench.must(~is_in("UNDO") | ~trainer.first)
    bench.must(is_in("IDLE", "STORE") | (trainer.command.row <= trainer.last_row))
    bench.must(~is_in("SET") | (cell <= formats.last_group) & (cell % config.gate_dacs == 0))
    bench.must(~is_in("READ") | (cell < formats.cells))
    bench.must(is_in("SET", "READ", "IDLE", "STORE") | (cell == 0))
    cells = Mux(is_in("SET"), formats.last_group - cell, Mux(is_in("READ"), formats.cells - 1 - cell, 0))
    rank: list[Any] = [
        ~is_in("STORE"),
        is_in("CLEAR"),
        distance(proposals, trainer.max_proposals),
        distance(trainer.command.row, trainer.last_row),
        works & Value.cast(1),
        stage,
        cells[: len(cell)],
    ]
    waits: Value = is_in("SETTLE") & (trainer.command.converting | it.lfsr.busy)
    if "PROGRAM" in known:
        waits |= is_in("PROGRAM") & ~trainer.programmed
    if "THRESHOLD" in known:
        waits |= is_in("THRESHOLD", "SETTLE") & (trainer.command.converting | trainer.adding | it.lfsr.busy)
    if draws:
        running = it.pulse.running == ArrayOp.SET.value
        draws_first = ~it.pulse.wl & trainer.first & it.lfsr.busy
        bench.must(~is_in("SET") | draws_first | running & ~(trainer.first & it.lfsr.busy))
        waits |= is_in("SET") & ~it.pulse.latch
    if formats.rewards:
        return _episodes(it, rank, waits)
    sample, part = trainer.sample, trainer.part
    evaluates = is_in(*(stages[2]))
    bench.must(~evaluates | (part < formats.segments))
    bench.must(evaluates | is_in("IDLE", "STORE") | ((sample == 0) & (part == 0)) | is_in("IDLE"))
    rank += [
        Mux(evaluates, distance(sample, trainer.last_sample), 0),
        Mux(evaluates, (formats.segments - 1 - part)[: len(part)], 0),
    ]
    if config.hidden:
        bench.must(~is_in("LAYER") | (part == config.hidden))
        rank += [is_in("LAYER")]
        waits |= is_in("LAYER") & (trainer.command.converting | trainer.adding)
    return it.falls(measure(*rank), waits)


def _episodes(it: Training, rank: list[Any], waits: Value) -> Bench:
    """A host that ends its episodes: a budget of steps that no step exceeds."""
    bench, trainer, is_in = it.bench, it.trainer, it.is_in
    budget = Signal(8, init=200)
    with bench.m.If(trainer.step):
        bench.m.d.sync += budget.eq(budget - 1)
    with bench.m.Elif(trainer.propose):
        bench.m.d.sync += budget.eq(200)
    bench.given(~trainer.step | (budget != 0) & is_in("OBSERVE"))
    bench.must(~is_in("EVAL") | (trainer.part < it.trainer.formats.config.outputs))
    acts = is_in("OBSERVE", "EVAL", "SETTLE")
    rank[4] = rank[4] | is_in("OBSERVE")
    rank[5] = Mux(acts, 3, rank[5])
    rank += [
        Mux(acts, budget, 0),
        Mux(is_in("EVAL"), 2, is_in("SETTLE")),
        Mux(is_in("EVAL"), (it.trainer.formats.config.outputs - 1 - trainer.part)[: len(trainer.part)], 0),
    ]
    waits |= is_in("OBSERVE") & ~trainer.step & ~trainer.done
    waits |= is_in("SETTLE") & (trainer.command.converting | it.lfsr.busy | ~trainer.taken)
    return it.falls(measure(*rank), waits)


def bookkeeping(config: Config) -> Bench:
    """With RowCounters: at each end, all counters that were stored + `lost` are the proposals and row 0."""
    it = Training(config)
    bench, trainer = it.bench, it.trainer
    counters = bench.add("counters", RowCounters(trainer.formats))
    train = trainer.start & ~trainer.busy
    bench.given(~trainer.start | ~trainer.busy)
    for target, source in (
        ("begin", trainer.accepted), ("bump", trainer.rejected), ("store", trainer.store), ("restart", train),
        ("store_zero", trainer.store_zero), ("row", trainer.store_row),
    ):  # fmt: skip
        bench.drive(getattr(counters, target), source)
    is_in, stores = it.is_in, trainer.store & ~trainer.store_zero
    kept, begun = Signal(LOST_BITS + 8), Signal()
    with bench.m.If(train):
        bench.m.d.sync += [kept.eq(0), begun.eq(0)]
    with bench.m.Elif(stores):
        bench.m.d.sync += kept.eq(kept + counters.count)
    with bench.m.If(~train & trainer.accepted):
        bench.m.d.sync += begun.eq(1)
    decided = trainer.proposals + begun
    row = trainer.command.row
    bench.given(trainer.proposals < 2**LOST_BITS - 2)
    bench.must(begun == (counters.count != 0))
    live = Mux(is_in("IDLE"), 0, counters.count)
    bench.must(kept + live + counters.lost == decided)
    works = ~is_in("IDLE", "STORE", "CLEAR")
    bench.must(~works | (row <= trainer.last_row) & (begun == (row != 0)))
    bench.must(~is_in("UNDO") | begun)
    bench.must(begun | is_in("IDLE") | (trainer.proposals == 0))
    bench.must(begun | (kept == 0) & (counters.lost == 0))
    bench.must(~it.is_in("STORE") | begun | (kept == 0))
    done = bench.past(trainer.busy) & ~trainer.busy & begun
    bench.must(~done | (kept + counters.lost == trainer.proposals + 1))
    bench.reached(done & (trainer.proposals == 1))
    bench.must(~is_in("CLEAR") | ~begun & (kept == 0) & (counters.lost == 0) & (trainer.proposals == 0))
    return bench


def _proof(name: str, says: str, bench: Any, config: str, old: str, new: str, **options: Any) -> Proof:
    label = "EpisodeTrainer" if config == "reward" else "Trainer"
    module = options.pop("module", "trainer")
    return Proof(
        f"{name}-{config}",
        label,
        says,
        partial(bench, CHIPS[config]),
        Mutant(module, old, new),
        free_memories=True,
        **options,
    )


ENDS = "always back to IDLE: each cycle brings it nearer, or waits for what is on its way"
SUM = "at the end of a training, stopped or not: stored counters + `lost` = proposals decided + row 0"
PROOFS = (
    _proof(
        "trainer-ends",
        ENDS,
        trainer_ends,
        "plain",
        "at_limit.eq(proposals + 1 == self.max_proposals)",
        "at_limit.eq(proposals + 2 == self.max_proposals)",
        reach=40,
        depth=3,
    ),
    _proof(
        "trainer-ends",
        ENDS + "; 2 gate DACs",
        trainer_ends,
        "groups",
        "last_group.eq(cell == self.formats.last_group)",
        "last_group.eq(cell == self.formats.last_group + 1)",
        reach=40,
        depth=3,
    ),
    _proof(
        "trainer-ends",
        ENDS + "; verified pairs, early rejection, order, reject limit",
        trainer_ends,
        "options",
        "with m.If((proposals == self.max_proposals) | (",
        "with m.If((",
        reach=40,
        depth=3,
    ),
    _proof(
        "trainer-ends",
        ENDS + "; random row 0, 3 outputs, Hastings",
        trainer_ends,
        "random",
        "self.draw.eq(self.command.latch),",
        "self.draw.eq(self.command.latch & (cell != 1)),",
        reach=45,
        depth=3,
    ),
    _proof(
        "trainer-ends",
        ENDS + "; hidden layer",
        trainer_ends,
        "hidden",
        "m.d.sync += segment.eq(segment + 1)",
        "m.d.sync += segment.eq(segment + ~self.label[0])",
        reach=45,
        depth=3,
    ),
    _proof(
        "trainer-ends",
        ENDS + ", while episodes end",
        trainer_ends,
        "reward",
        "m.d.sync += output.eq(output + 1)",
        "m.d.sync += output.eq(output)",
        module="episode",
        reach=45,
        depth=3,
    ),
    _proof(
        "counters-sum",
        SUM,
        bookkeeping,
        "plain",
        "*self._keeps(row, current)]",
        "*self._keeps(row, current), self.store.eq(~self.first & ~at_limit)]",
        reach=34,
    ),
    _proof(
        "counters-sum",
        SUM,
        bookkeeping,
        "options",
        "self.store_zero.eq(self.command.latch & self.at_reject_limit)",
        "self.store.eq(self.command.latch & self.at_reject_limit)",
        reach=34,
    ),
)
