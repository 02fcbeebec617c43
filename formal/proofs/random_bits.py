"""Lfsr and LogUniform."""

from __future__ import annotations

import math
from functools import reduce
from operator import xor

from amaranth import Array, Cat, Const, Signal

from oxmc.formal.bench import Bench
from oxmc.formal.mutant import Mutant
from oxmc.formal.polynomials import is_primitive
from oxmc.formal.proof import Computed, Proof
from oxmc.hdl.lfsr import Lfsr
from oxmc.hdl.log_uniform import LogUniform
from oxmc.pymodels.config import Config, preset
from oxmc.pymodels.formats import HOST_WORD_BITS, LFSR_TAPS, Formats

CONFIG = preset("cancer", "paper")


def never_zero() -> Bench:
    """All widths side by side, each with seed words and draws of its own."""
    bench = Bench()
    for width in LFSR_TAPS:
        lfsr = bench.add(f"lfsr_{width}", Lfsr(width=width, step_bits=1))
        bench.must(lfsr.state != 0)
        if width in (8, 40, 64):
            bench.reached(lfsr.state[: min(width, HOST_WORD_BITS)] == 0 if width > HOST_WORD_BITS else lfsr.busy)
    return bench


def never_zero_of_presets() -> Bench:
    bench = Bench()
    for width, step in ((8, 4), (32, 8), (40, 8), (64, 16)):
        lfsr = bench.add(f"lfsr_{width}_{step}", Lfsr(width=width, step_bits=step))
        bench.must(lfsr.state != 0)
        bench.reached(lfsr.busy & (lfsr.state == 5))
    return bench


def steps() -> Bench:
    """A busy cycle is one step of the published recurrence; else nothing moves but by a seed word, which is kept."""
    bench = Bench()
    for width, taps in LFSR_TAPS.items():
        lfsr = bench.add(f"lfsr_{width}", Lfsr(width=width, step_bits=1))
        state, busy = bench.past(lfsr.state), bench.past(lfsr.busy)
        loads = bench.past(lfsr.load | lfsr.load_high)
        draw = bench.past(lfsr.draw)
        stepped = Cat(reduce(xor, (state[tap - 1] for tap in taps)), state[: width - 1])
        bench.must(~bench.started | ~busy | (lfsr.state == stepped))
        bench.must(~bench.started | busy | loads | (lfsr.state == state))
        bench.must(~bench.started | busy | ~draw | lfsr.busy)
        if width == 8:
            bench.reached(busy & ~lfsr.state[0])
        if width == 64:
            seed, low = bench.past(lfsr.seed), bench.past(lfsr.load & ~lfsr.load_high & ~lfsr.draw)
            bench.must(~bench.started | busy | ~low | (seed == 0) | (lfsr.state[:32] == seed))
    return bench


def fresh_bits() -> Bench:
    """A draw replaces every bit: it takes `width` single steps."""
    bench = Bench()
    for width, step in ((8, 1), (32, 8), (64, 16)):
        lfsr = bench.add(f"lfsr_{width}", Lfsr(width=width, step_bits=step))
        taken = Signal(8, name=f"taken_{width}")
        with bench.m.If(lfsr.busy):
            bench.m.d.sync += taken.eq(taken + step)
        with bench.m.Else():
            bench.m.d.sync += taken.eq(0)
        left = bench.inner(lfsr, "left")
        bench.must(~lfsr.busy | (taken + left * step == width))
        bench.must(~lfsr.ends | (taken + step == width))
        bench.reached(lfsr.ends)
    return bench


def periods(taps: dict[int, tuple[int, ...]]) -> list[str]:
    """Widths whose recurrence has not the full period."""
    return [f"width {width}" for width, its in taps.items() if not is_primitive(width, its)]


def log_uniform() -> Bench:
    """Leading zeros counted by comparisons, the mantissa's logarithm looked up."""
    bench, formats = Bench(), Formats(CONFIG)
    block = bench.add("log_uniform", LogUniform(formats))
    index_bits, fraction = CONFIG.log_u_index_bits, CONFIG.log_fraction_bits
    octave = block.state[index_bits:]
    zeros = sum((octave < 2**power for power in range(len(octave))), Const(0, 1))
    table = Array(Const(round(math.log2(1 + (i + 0.5) / 2**index_bits) * 2**fraction)) for i in range(2**index_bits))
    bench.must(block.neg_log2 == ((zeros + 1) << fraction) - table[block.state[:index_bits]])
    bench.reached(octave == 1)
    return bench


def log_errors(config: Config) -> list[str]:
    """Bins where the table is off its middle by more than half a unit, or a point of the bin by more than the bound."""
    formats, one, bins = Formats(config), 2**config.log_fraction_bits, 2**config.log_u_index_bits
    bound, wrong = math.log2(1 + 0.5 / bins) + 0.5 / one, []
    for i, entry in enumerate(formats.log_u_table):
        low, middle, high = (math.log2(1 + (i + part) / bins) for part in (0, 0.5, 1))
        if abs(entry / one - middle) > 0.5 / one or max(entry / one - low, high - entry / one) > bound:
            wrong.append(f"bin {i}")
    return wrong


def coarse() -> list[str]:
    class Coarse(Formats):
        log_u_table = tuple(entry + 1 for entry in Formats(CONFIG).log_u_table)

    formats, one = Coarse(CONFIG), 2**CONFIG.log_fraction_bits
    return [
        str(i) for i, e in enumerate(formats.log_u_table) if abs(e / one - math.log2(1 + (i + 0.5) / 32)) > 0.5 / one
    ]


PROOFS: tuple[Proof | Computed, ...] = (
    Proof(
        "lfsr-never-zero",
        "Lfsr",
        "the state is never zero, whatever is written and drawn when; widths 3 to 64",
        never_zero,
        Mutant("lfsr", "eq(word | (word == 0))", "eq(word)"),
        reach=4,
    ),
    Proof(
        "lfsr-never-zero-wide",
        "Lfsr",
        "the same with several bits a cycle: 4, 8 and 16",
        never_zero_of_presets,
        Mutant("lfsr", "m.d.sync += state[0].eq(1)", "m.d.sync += state[0].eq(state[0])"),
        reach=10,
    ),
    Proof(
        "lfsr-step",
        "Lfsr",
        "a step is the published recurrence, nothing else moves the state but a seed word; 3 to 64",
        steps,
        Mutant("lfsr", "state.eq(self._advanced(m, state)), left", "state.eq(self._advanced(m, state) ^ 2), left"),
        depth=1,
        reach=4,
    ),
    Proof(
        "lfsr-fresh-bits",
        "Lfsr",
        "a draw ends when all bits are replaced, none is used twice",
        fresh_bits,
        Mutant("lfsr", "left.eq(self.steps)", "left.eq(self.steps - 1)"),
        reach=10,
    ),
    Computed(
        "lfsr-period",
        "Lfsr",
        "the polynomial of every width is primitive, so the period is 2^n - 1; 3 to 64",
        lambda: periods(LFSR_TAPS),
        lambda: periods({8: (8, 6, 5, 3), 32: (32, 22, 3, 1)}),
        "taps (8, 6, 5, 3); (32, 22, 3, 1)",
        "62 widths",
    ),
    Proof(
        "log-uniform",
        "LogUniform",
        "-log2 u is leading zeros and table, for all 2^32 states",
        log_uniform,
        Mutant("log_uniform", "len(octave) - 1 - position", "len(octave) - position"),
        depth=1,
        reach=2,
    ),
    Computed(
        "log-uniform-error",
        "LogUniform",
        "off -log2 of a bin's middle by half a unit at most, of any point by log2(1 + 2^-6) + 2^-9 at most",
        lambda: log_errors(CONFIG),
        coarse,
        "table + 1",
        "all bins",
    ),
)
