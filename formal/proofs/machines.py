"""No state machine waits for what cannot come: whoever is busy gets nearer to its end with each step.

The measure is a number made of the machine's registers. It falls with each cycle but those in which the machine waits
for a pulse that runs, an answer that is on its way or the surroundings. So the time to IDLE is bounded by the first
value times the longest wait, for every setting and every answer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from amaranth import Cat, Mux, ResetInserter, Value
from amaranth.lib.wiring import Component

from oxmc.formal.bench import Bench
from oxmc.formal.mutant import Mutant
from oxmc.formal.proof import Proof
from oxmc.hdl.calibrator import Calibrator
from oxmc.hdl.cell_programmer import CellProgrammer
from oxmc.hdl.former import Former
from oxmc.hdl.front.auto_zero import AutoZero
from oxmc.hdl.gate_dac import GateDac
from oxmc.hdl.pair_programmer import PairProgrammer
from oxmc.hdl.pulse import Pulse
from oxmc.hdl.softmax.softmax_inference import inference_of
from oxmc.pymodels.config import Config, preset
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import ArrayOp

SLOW = dict(set_pulse_s=300e-9, reset_pulse_s=200e-9, read_pulse_s=200e-9, eval_pulse_s=200e-9, conversion_s=200e-9)
"""Pulses and conversions of several cycles."""
CANCER = preset("cancer", "paper").replace(**SLOW)


def measure(*fields: Any) -> Value:
    """A number that is ordered as its fields are, the first above all others."""
    return Cat(Value.cast(field) for field in reversed(fields))


def distance(now: Value, last: Any) -> Value:
    """Steps of one until `last`, which is met by equality, wherever `now` stands."""
    return (last - now)[: len(now)]


class Machine:
    """A block that commands the array, Pulse behind it and halts by the guard's rule."""

    def __init__(self, block: Any, machine: str, *settings: str, **states: ArrayOp) -> None:
        self.bench = bench = Bench()
        self.block = bench.add("block", block)
        halt = bench.free("halt_all")
        self.pulse = pulse = bench.add("pulse", Pulse(block.formats, tag_bits=1), ResetInserter(halt))
        self.is_in = bench.state(block, f"{machine}_state")
        self.states = set(bench.state_names(block, f"{machine}_state"))
        bench.never_reset()
        bench.given(~halt | pulse.latch | ~pulse.wl)
        bench.given(~halt | ~block.start)
        bench.given(~block.start | ~block.busy)
        bench.given(block.busy | ~pulse.wl & ~pulse.converting)  # all were quiet when the command came
        bench.drive(block.halt, halt)
        self._wire(halt)
        for name in settings:
            bench.steady(getattr(block, name), block.busy | block.start)
        states = {state: op for state, op in states.items() if state in self.states}
        self.waits_for_pulse = self.is_in(*states) & ~pulse.latch
        for state, op in states.items():
            bench.must(~self.is_in(state) | (pulse.running == op.value))
        bench.must(~self._quiet(states) | ~pulse.wl)
        running = pulse.running
        bench.must(pulse.wl == (running != 0))
        bench.must(pulse.inputs_on == (running == ArrayOp.EVAL.value))
        bench.must(~block.illegal)

    def _quiet(self, states: Any) -> Value:
        """Where no pulse may run."""
        return ~self.is_in(*states)

    def _wire(self, halt: Value) -> None:
        bench, block, pulse = self.bench, self.block, self.pulse
        bench.drive(pulse.op, Mux(halt, 0, block.command.op))
        bench.drive(block.command.latch, pulse.latch)
        if "converting" in block.command.signature.members:
            bench.drive(block.command.converting, pulse.converting)
        if hasattr(block, "answer"):
            bench.drive(block.answer, pulse.result_valid & block.busy)

    def falls(self, rank: Value, waits: Any, reached: Any = 0) -> Bench:
        """The measure falls, or stays where the machine `waits`; it can come home by itself, or to `reached`."""
        bench, busy = self.bench, self.block.busy
        before, was_busy = bench.past(rank), bench.past(busy)
        waited = bench.past(self.waits_for_pulse | waits)
        bench.must(~(was_busy & busy) | (rank < before) | (waited & (rank == before)))
        halted = bench.past(self.block.halt)
        bench.reached(was_busy & ~busy & ~halted | reached)
        return bench


def former(config: Config) -> Bench:
    block = Former(Formats(config))
    it = Machine(block, "form_state", "last_row", "cycles", FORM=ArrayOp.FORM, RESET=ArrayOp.RESET, SET=ArrayOp.SET)
    bench, formats, cell = it.bench, block.formats, block.command.cell
    done = bench.inner(block, "done")
    forms, resets = it.is_in("FORM"), it.is_in("RESET")
    bench.must(~block.busy | (done <= block.cycles))
    bench.must(~forms | (done == 0))
    bench.must(~resets | (cell == 0))
    bench.must(~it.is_in("SET") | (cell <= formats.last_group) & (cell % config.gate_dacs == 0))
    left = Mux(resets, 0, Mux(forms, formats.cells - 1, formats.last_group) - cell)[: len(cell)]
    bench.must(~forms | (cell < formats.cells))
    rank = measure(distance(block.command.row, block.last_row), distance(done, block.cycles), ~resets, left)
    return it.falls(rank, 0)


def calibrator(config: Config) -> Bench:
    block = Calibrator(Formats(config))
    it = Machine(block, "calibration_state", "last_row", SET=ArrayOp.SET, READ=ArrayOp.READ, RESET=ArrayOp.RESET)
    bench, formats, is_in, cell = it.bench, block.formats, it.is_in, block.command.cell
    position, adding = block.position, block.adding
    top = 2**config.read_bits
    measures = is_in("SET", "READ", "RESET")
    bench.must(~is_in("SCAN") | (position <= top))
    bench.must(~is_in("CLEAR") | (position < top))
    bench.must(~is_in("SET", "READ") | (cell < formats.cells))
    bench.must(~is_in("SET") | (cell % config.gate_dacs == 0))
    bench.must(~block.busy | (block.gate < config.gate_codes))
    stage = Mux(measures, 3, Mux(is_in("SETTLE"), 2, is_in("SCAN")))
    rank = measure(
        is_in("CLEAR"),
        (config.gate_codes - 1 - block.gate)[: len(block.gate)],
        stage,
        Mux(measures, distance(block.command.row, block.last_row), 0),
        ~is_in("RESET"),
        Mux(is_in("SET", "READ"), formats.cells - 1 - cell, 0)[: len(cell)],
        is_in("SET"),
        Mux(is_in("CLEAR", "SCAN"), top - position, 0)[: len(position)],
    )
    return it.falls(rank, is_in("SETTLE") & (it.pulse.converting | adding), block.write)


def auto_zero() -> Bench:
    config = CANCER.replace(auto_zero_bits=6)
    block: Any = AutoZero(Formats(config))
    block.formats = Formats(config)
    it = Machine(block, "zero_state", EVAL=ArrayOp.EVAL)
    bench, tried = it.bench, it.bench.inner(block, "tried")
    bench.must(~block.busy | (tried != 0))
    bench.must((tried & (tried - 1)[: len(tried)]) == 0)
    bench.must(~it.is_in("WAIT") | it.pulse.converting)
    return it.falls(measure(tried, it.is_in("EVAL")), it.is_in("WAIT") & ~block.answer)


def cell_programmer() -> Bench:
    block = CellProgrammer(Formats(CANCER.replace(verify="cell", features=2)))
    it = Machine(block, "cell_state", "tries", SET=ArrayOp.SET, READ=ArrayOp.READ, RESET=ArrayOp.RESET)
    bench, is_in = it.bench, it.is_in
    tried = bench.inner(block, "tried")
    bench.must(~block.busy | is_in("FETCH") | (tried <= block.tries))
    bench.must(~is_in("ANSWER") | it.pulse.converting)
    bench.must(~block.busy | (block.command.cell < block.formats.cells))
    rank = measure(
        (block.formats.cells - 1 - block.command.cell)[: len(block.command.cell)],
        is_in("FETCH"),
        ~is_in("PUSH"),
        distance(tried, block.tries),
        Mux(is_in("RESET"), 3, Mux(is_in("SET"), 2, is_in("READ"))),
    )
    return it.falls(rank, is_in("ANSWER") & ~block.answer)


def pair_programmer() -> Bench:
    block = PairProgrammer(Formats(CANCER.replace(verify="pair", features=2)))
    it = Machine(block, "pair_state", "tries", SET=ArrayOp.SET, READ=ArrayOp.READ, RESET=ArrayOp.RESET)
    bench, is_in, tried = it.bench, it.is_in, block.tried
    first_low = block.first_attempt & ~block.work_high
    bench.must(~block.busy | (tried <= block.tries))
    bench.must(~is_in("ANSWER") | it.pulse.converting)
    bench.must(~block.busy | (block.pair < block.formats.pairs))
    bench.must(~is_in("SWITCH") | ~block.first_attempt & ~block.switched)
    stages = ("ANSWER", "READ", "SET", "RESET", "AIM", "OFFSET")
    stage = sum((Mux(is_in(name), i + 1, 0) for i, name in enumerate(stages)), Value.cast(0))[:3]
    rank = measure(
        (block.formats.pairs - 1 - block.pair)[: len(block.pair)],
        ~is_in("PUSH"),
        first_low,
        distance(tried, block.tries),
        ~block.switched,
        stage,
    )
    return it.falls(rank, is_in("ANSWER") & ~block.answer)


def build_map() -> Bench:
    """The build waits for nobody."""
    bench, formats = Bench(), Formats(CANCER)
    block = bench.add("gate_dac", GateDac(formats))
    code, high = bench.inner(block, "code"), bench.inner(block, "high")
    bench.never_reset()
    bench.must(~block.busy | (high <= formats.config.gate_codes))
    rank = measure(
        ~code, (formats.config.gate_codes - high)[: len(high)], bench.state(block, "build_state_state")("FETCH")
    )
    bench.must(~(bench.past(block.busy) & block.busy) | (rank < bench.past(rank)))
    bench.must(~block.illegal)
    bench.reached(bench.past(block.busy) & (code == 2))
    return bench


def inference(config: Config) -> Bench:
    block = inference_of(Formats(config))
    it = Machine(block, "infer_state", "first_index", "last_index", "burn_in", "last_row", EVAL=ArrayOp.EVAL)
    bench, is_in, formats = it.bench, it.is_in, block.formats
    row, index, output = block.command.row, block.fetch_index, bench.inner(block, "output")
    bench.must(is_in("FETCH") | (output < config.outputs))
    sums = is_in("EVAL", "LAYER") if config.hidden else is_in("EVAL")
    rank = [
        distance(index, block.last_index),
        is_in("FETCH"),
        (config.outputs - 1 - output)[: len(output)],
        Mux(sums, 2, is_in("SETTLE")),
        Mux(sums, distance(row, block.last_row), 0),
    ]
    waits = is_in("SETTLE") & it.pulse.converting | is_in("RESULT") & ~block.result.ready
    if config.hidden:
        segment = block.command.segment
        bench.must(~sums | (segment < formats.segments))
        bench.must(~is_in("LAYER") | (segment == config.hidden))
        rank += [Mux(sums, formats.segments - 1 - segment, 0)[: len(segment)], is_in("LAYER")]
        waits |= is_in("LAYER") & it.pulse.converting
    return it.falls(measure(*rank), waits)


def _proof(
    name: str, block: type[Component] | str, bench: Callable[[], Bench], module: str, old: str, new: str, **options: Any
) -> Proof:
    label = block if isinstance(block, str) else block.__name__
    says = "always back to IDLE: each cycle brings it nearer, or waits for what is on its way"
    return Proof(name, label, says, bench, Mutant(module, old, new), free_memories=True, **options)


SMALL = CANCER.replace(features=1, gate_codes=4, read_bits=3, table_bits=3)
PROOFS = (
    _proof(
        "former-ends",
        Former,
        partial(former, SMALL.replace(form=True)),
        "former",
        "with m.If(done == self.cycles):",
        "with m.If((done == self.cycles) & (command.row != 1)):",
        reach=24,
    ),
    _proof(
        "former-ends-groups",
        Former,
        partial(former, SMALL.replace(form=True, features=3, gate_dacs=4)),
        "former",
        "scan(ArrayOp.SET, formats.last_group, formats.config.gate_dacs)",
        "scan(ArrayOp.SET, formats.last_group, 2 * formats.config.gate_dacs)",
        reach=40,
    ),
    _proof(
        "calibrator-ends",
        Calibrator,
        partial(calibrator, SMALL.replace(calibrate=True)),
        "calibrator",
        "with m.If(self.position == top):",
        "with m.If(self.position == top + 1):",
        reach=42,
    ),
    _proof(
        "auto-zero-ends",
        AutoZero,
        auto_zero,
        "front.auto_zero",
        "tried.eq(tried >> 1)]",
        "tried.eq(tried >> self.negative)]",
        reach=40,
    ),
    _proof(
        "cell-programmer-ends",
        CellProgrammer,
        cell_programmer,
        "cell_programmer",
        "m.d.sync += tried.eq(tried + 1)",
        "m.d.sync += tried.eq(tried + ~self.target[0])",
        reach=44,
    ),
    _proof(
        "pair-programmer-ends",
        PairProgrammer,
        pair_programmer,
        "pair_programmer",
        "self.switched.eq(1)]",
        "self.switched.eq(0)]",
        reach=44,
    ),
    _proof(
        "build-ends",
        GateDac,
        build_map,
        "gate_dac",
        "m.d.sync += code.eq(code + 1)",
        "m.d.sync += code.eq(code + (code != 1))",
        reach=12,
    ),
    _proof(
        "inference-ends",
        "Inference",
        partial(inference, CANCER),
        "inference",
        "m.d.sync += row.eq(self._after(row))",
        "m.d.sync += row.eq(row + ~self.code[0])",
        reach=14,
    ),
    _proof(
        "inference-ends-outputs",
        "Inference",
        partial(inference, CANCER.replace(outputs=3)),
        "inference",
        "with m.If(~last_output):",
        "with m.If(~last_output | self.code[0]):",
        reach=30,
    ),
    _proof(
        "network-inference-ends",
        "NetworkInference",
        partial(inference, preset("ecg", "best").replace(**SLOW, hidden=2, outputs=2, features=2)),
        "network_inference",
        "segment.eq(segment + 1)",
        "segment.eq(segment + ~self.code[0])",
        reach=30,
    ),
)
