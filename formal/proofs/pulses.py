"""Pulse under a caller that may do anything, and the arbiter in front of it."""

from __future__ import annotations

from amaranth import Mux, ResetInserter, ResetSignal, Signal, Value

from oxmc.formal.bench import Bench
from oxmc.formal.mutant import Mutant
from oxmc.formal.proof import Proof
from oxmc.hdl.array_port import DRIVEN, PULSE_PINS, ArrayOp
from oxmc.hdl.pulse import Pulse
from oxmc.pymodels.config import preset
from oxmc.pymodels.formats import Formats

WIDE = Formats(
    preset("cancer", "paper").replace(
        set_pulse_s=300e-9, reset_pulse_s=500e-9, read_pulse_s=200e-9, eval_pulse_s=200e-9, conversion_s=200e-9
    )
)
"""Pulses of 2, 3 and 5 cycles, conversions of 2."""
ONE = Formats(preset("cancer", "paper"))
"""All of one cycle."""
TAG_BITS = 4
LONGEST = 9
"""Cycles that no pulse takes, even if its counter has to wrap."""


def _pulse(formats: Formats) -> tuple[Bench, Pulse]:
    """With the chip's `halt`, which comes in the last cycle of a pulse or where none runs."""
    bench = Bench()
    halt = bench.free("halt")
    pulse = bench.add("pulse", Pulse(formats, tag_bits=TAG_BITS), ResetInserter(halt))
    bench.given(~halt | pulse.latch | ~pulse.wl)
    bench.given(pulse.op <= ArrayOp.EVAL.value)  # codes that are no command are nobody's
    return bench, pulse


def exact_width(formats: Formats) -> Bench:
    """A pulse that has begun stays for exactly its width, whatever is asked for meanwhile, unless the chip is reset."""
    bench, pulse = _pulse(formats)
    bench.must(pulse.running <= ArrayOp.EVAL.value)
    on = Signal(8)
    with bench.m.If(pulse.latch | ~pulse.wl):
        bench.m.d.sync += on.eq(0)
    with bench.m.Else():
        bench.m.d.sync += on.eq(on + 1)
    running, latch, wl = bench.past(pulse.running), bench.past(pulse.latch), bench.past(pulse.wl)
    width: Value = Signal(8)
    for op, cycles in pulse.widths.items():
        width = Mux(pulse.running == op.value, cycles, width)
    is_reset = ResetSignal()
    bench.must(~pulse.wl | (pulse.latch == (on == width - 1)))
    bench.must(~pulse.wl | (on < width))
    bench.must(is_reset | ~(bench.started & wl & ~latch) | (pulse.running == running))
    if max(pulse.widths.values()) > 1:
        elapsed = bench.inner(pulse, "elapsed")
        bench.must(is_reset | ~pulse.wl | (elapsed == on))
        bench.must(is_reset | pulse.wl | (elapsed == 0))
    bench.must(~pulse.latch | pulse.wl)
    bench.reached(pulse.latch & pulse.bl & (on == width - 1))
    bench.reached(pulse.latch & pulse.inputs_on)
    return bench


def pins() -> Bench:
    """The pins are those of the command on them; none is driven without one, nor under reset, from its first moment."""
    bench, pulse = _pulse(WIDE)
    running = pulse.running
    for op, levels in DRIVEN.items():
        for pin, level in zip(PULSE_PINS, levels, strict=True):
            bench.must((running != op.value) | (getattr(pulse, pin) == level))
    driven = pulse.wl | pulse.bl | pulse.sl | pulse.inputs_on
    bench.must(~ResetSignal() | ~driven & (running == 0))
    bench.must(~(pulse.bl & pulse.sl) & ~(pulse.inputs_on & (pulse.bl | pulse.sl)))
    bench.reached(pulse.bl)
    bench.reached(pulse.inputs_on)
    return bench


def answers() -> Bench:
    """Each READ and EVAL is answered once, the conversion time after its last cycle, with its own tag; no other is."""
    bench, pulse = _pulse(WIDE)
    left, tag, is_eval, wide = Signal(4), Signal(TAG_BITS), Signal(), Signal()
    asked = pulse.latch & ((pulse.running == ArrayOp.READ.value) | pulse.inputs_on)
    with bench.m.If(asked):
        bench.m.d.sync += [
            left.eq(pulse.conversion),
            tag.eq(pulse.tag),
            is_eval.eq(pulse.inputs_on),
            wide.eq(pulse.wide),
        ]
    with bench.m.Elif(left != 0):
        bench.m.d.sync += left.eq(left - 1)
    halt = bench.ports()["halt"][0]
    bench.given(~halt)  # a halt takes back the answers, too
    bench.never_reset()
    kept = bench.inner(pulse, "left")
    bench.must(kept == left)
    bench.must(pulse.result_valid == (left == 1))
    bench.must((left == 0) | (pulse.result_is_eval == is_eval))
    bench.must((left == 0) | (pulse.result_tag[0] == tag[0]))
    bench.must((left == 0) | ~wide | (pulse.result_tag == tag))
    bench.must(~asked | (left <= 1))  # none is lost
    running = pulse.running
    if max(pulse.widths.values()) > 1:
        elapsed = bench.inner(pulse, "elapsed")
        bench.must(pulse.wl | (elapsed == 0))
        for op, cycles in pulse.widths.items():
            bench.must((running != op.value) | (elapsed < cycles))
            bench.must((running != op.value) | (left + elapsed <= pulse.conversion) | (left == 0))
    bench.must(pulse.wl == (running != 0))
    bench.reached(pulse.result_valid & asked & (pulse.result_tag == 5))
    return bench


def any_pulse_ends() -> Bench:
    """From whatever its registers hold; only an upset brings them to what the other proofs exclude."""
    bench, pulse = _pulse(WIDE)
    bench.never_reset()
    on = Signal(range(LONGEST + 2))
    with bench.m.If(pulse.latch | ~pulse.wl):
        bench.m.d.sync += on.eq(0)
    with bench.m.Elif(on <= LONGEST):
        bench.m.d.sync += on.eq(on + 1)
    bench.must(on != LONGEST)
    bench.reached(on == 3)
    return bench


PROOFS = (
    Proof(
        "pulse-any-ends",
        "Pulse",
        "a pulse ends, from whatever state of its registers, upsets among them",
        any_pulse_ends,
        Mutant("pulse", "self.latch.eq(elapsed == width - 1)", "self.latch.eq((elapsed == width - 1) & ~self.bl)"),
        depth=LONGEST,  # not more: the first state is any, also one that no other leads to
        reach=LONGEST + 4,
    ),
    Proof(
        "pulse-width",
        "Pulse",
        "each pulse has exactly its width, whatever the caller does; widths 2, 3, 5",
        lambda: exact_width(WIDE),
        Mutant(
            "pulse",
            "with m.If((~self.wl | self.latch) & (self.op",
            "with m.If((~self.wl | self.latch | self.bl) & (self.op",
        ),
        depth=3,
        reach=10,
    ),
    Proof(
        "pulse-width-one",
        "Pulse",
        "the same with pulses of one cycle",
        lambda: exact_width(ONE),
        Mutant(
            "pulse",
            "longest == 1:\n            m.d.comb += self.latch.eq(self.wl)",
            "longest == 1:\n            m.d.comb += self.latch.eq(self.wl & ~self.bl)",
        ),
        depth=3,
        reach=6,
    ),
    Proof(
        "pulse-pins",
        "Pulse",
        "one pulse at a time, its pins those of its command; none under reset, at once",
        pins,
        Mutant("pulse", "ClockDomain(async_reset=True, local=True)", "ClockDomain(async_reset=False, local=True)"),
        reach=6,
    ),
    Proof(
        "pulse-answers",
        "Pulse",
        "each READ and EVAL is answered once, on time, with its tag",
        answers,
        Mutant("pulse", "left.eq(self.conversion)", "left.eq(self.conversion - self.sl)"),
        depth=3,
        reach=10,
    ),
)
