"""Whole chips: who has the array, what ABORT and a reset leave. Memories may answer anything."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from amaranth import Cat, ResetSignal, Signal, Value

from oxmc.formal.bench import Bench
from oxmc.formal.mutant import Mutant
from oxmc.formal.proof import Proof
from oxmc.formal.proofs.machines import SLOW
from oxmc.formal.proofs.training import PULSES
from oxmc.hdl.chip import Chip
from oxmc.pymodels.config import Config, preset
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import ArrayOp, Command, Setting, Space, address

CHIPS: dict[str, Config] = {
    "paper": preset("cancer", "paper"),
    "slow": preset("cancer", "paper").replace(**SLOW),
    "best": preset("cancer", "best"),
    "hidden": preset("ecg", "best"),
    "reward": preset("cartpole", "best"),
    "prepare": preset("cancer", "paper").replace(form=True, calibrate=True, auto_zero_bits=6, hastings=True),
    "cell": preset("cancer", "best").replace(verify="cell"),
}
QUIET_CYCLES = 16
"""After an ABORT: the longest pulse or draw, and what an upset of their counters adds."""


def _registers(fragment: Any) -> Iterator[Signal]:
    """All clocked signals of a fragment and those within."""
    for domain, statements in fragment.statements.items():
        if domain != "comb":
            for statement in statements:
                yield from (signal for signal in statement._lhs_signals() if isinstance(signal, Signal))
    for inner, *_ in fragment.subfragments:
        yield from _registers(inner)


def reset_forgets(config: Config) -> Bench:
    """A cycle under reset leaves every register as power-up does; only what memories hold is left."""
    bench = Bench()
    chip = bench.add("chip", Chip(Formats(config)))
    was_reset = Signal(reset_less=True)
    bench.m.d.sync += was_reset.eq(ResetSignal())
    registers = {id(signal): signal for signal in _registers(bench.fragment(chip))}
    for signal in registers.values():
        bench.must(~was_reset | (signal == signal.init))
    bench.reached(chip.busy & ~was_reset)
    return bench


def _abort(chip: Any) -> Value:
    host = chip.host
    writes = host.valid & host.write & (host.address == address(Space.SETTINGS, Setting.COMMAND))
    return writes & (host.write_data == int(Command.ABORT))


def abort_ends(config: Config) -> Bench:
    """From whatever state, legal or not: not busy soon after an ABORT, unless the host starts something."""
    bench = Bench()
    chip = bench.add("chip", Chip(Formats(config)))
    bench.never_reset()
    since = Signal(range(QUIET_CYCLES + 1), init=QUIET_CYCLES)
    aborts = _abort(chip) & chip.control.abort & chip.busy
    with bench.m.If(aborts):
        bench.m.d.sync += since.eq(0)
    with bench.m.Elif(since < QUIET_CYCLES):
        bench.m.d.sync += since.eq(since + 1)
    bench.given((since >= QUIET_CYCLES) | ~chip.control.starting)
    bench.must((since != QUIET_CYCLES - 1) | ~chip.busy)
    bench.reached(chip.busy & (since == 0))
    return bench


def one_commander(config: Config) -> Bench:
    """At most one block asks for a pulse; address fields stand while a pulse runs; whose it is, has the array."""
    bench = Bench()
    chip = bench.add("chip", Chip(Formats(config.replace(read_bits=3, gate_codes=4))))  # a map is soon built
    array = chip.array
    blocks = [block for name, block in chip.commanders.items() if name != "programmer"]
    busy = [block.busy for block in blocks] + [chip.gate_dac.busy]
    bench.must(sum(busy, Value.cast(0)) <= 1)
    if "programmer" in chip.commanders:
        programmer = chip.commanders["programmer"]
        trains = bench.state(chip, "trainer.train_state_state")
        kind, first = ("pair", "OFFSET") if config.verify == "pair" else ("cell", "FETCH")
        begins = bench.state(chip, f"programmer.{kind}_state_state")(first)
        stray = programmer.busy & ~trains("PROGRAM")
        bench.must(~trains("PROGRAM") | programmer.busy)
        bench.must(~stray | trains("STORE") & begins & chip.guard.halt)  # told to begin in the cycle of an ABORT
        blocks.append(programmer)
    ops = [block.command.op != 0 for block in blocks]
    bench.must(sum(ops, Value.cast(0)) <= 1)
    for name in ("row", "cell", "segment", "mask", "gate"):
        field = getattr(array, name)
        before, stands = bench.past(field), bench.past(array.wl & ~array.latch)
        bench.must(~stands | ResetSignal() | (field == before))
    bench.must(~chip.guard.illegal)
    if set(chip.commanders) == {"trainer", "inference"}:
        _whose_pulse(bench, chip)
    return bench


def _whose_pulse(bench: Bench, chip: Any) -> None:
    """Each pulse is that of its commander's state, which has the array as long as the pulse runs."""
    trains = bench.state(chip, "trainer.train_state_state")
    infers = bench.state(chip, "inference.infer_state_state")("EVAL")
    pulse, running = chip.pulse, chip.pulse.running
    owns = bench.inner(chip, "arbiter.inference_owns")
    asked = [trains(state) & (running == op.value) for state, op in PULSES.items()]
    bench.must(ResetSignal() | (pulse.wl == (infers | trains(*PULSES))))
    bench.must(~pulse.wl | Cat(asked).any() | infers & (running == ArrayOp.EVAL.value))
    bench.must(~infers | owns)
    bench.must(~owns | ~chip.trainer.busy)
    bench.must(pulse.wl == (running != 0))
    bench.must(pulse.bl == (running == ArrayOp.RESET.value))
    if max(pulse.widths.values()) > 1:
        elapsed = bench.inner(chip, "pulse.elapsed")
        for op, width in pulse.widths.items():
            bench.must((running != op.value) | (elapsed < width))
        bench.must(ResetSignal() | pulse.wl | (elapsed == 0))


FORGETS = "a reset leaves each register as power-up does; memories alone keep what they hold"
ENDS = "from any state, upsets among them: not busy 16 cycles after an ABORT"
ONE = "at most one block commands the array; address fields stand while a pulse runs"


def _proof(claim: str, says: str, bench: Any, chip: str, mutant: Mutant, **options: Any) -> Proof:
    return Proof(f"{claim}-{chip}", "Chip", says, partial(bench, CHIPS[chip]), mutant, free_memories=True, **options)


def _proofs(chip: str) -> Iterator[Proof]:
    high = "high = Signal(bits_for(config.gate_codes)"
    forgets = Mutant("gate_dac", high, f"{high}, reset_less=True")
    yield _proof("reset-forgets", FORGETS, reset_forgets, chip, forgets, depth=1, reach=8)
    halt = "(upset | (self.stopped & self.busy))"
    yield _proof("abort-ends", ENDS, abort_ends, chip, Mutant("guard", halt, "upset"), depth=QUIET_CYCLES, reach=22)
    takes = "takes.eq(~self.busy | self.always | in_episode)"
    yield _proof("one-commander", ONE, one_commander, chip, Mutant("host", takes, "takes.eq(1)"), reach=24)


PROOFS = tuple(proof for chip in CHIPS for proof in _proofs(chip))
