"""The host's decoder: each address has one effect, what is refused has none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from amaranth import Cat, Value

from oxmc.formal.bench import Bench
from oxmc.formal.mutant import Mutant
from oxmc.formal.proof import Proof
from oxmc.hdl.host import Host
from oxmc.pymodels.config import Config, preset
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import (
    Command,
    Setting,
    Space,
    built_commands,
    memory_words,
    setting_limits,
    strobe_limits,
)

PAIRS = preset("cancer", "paper").replace(
    verify="pair", reject_limit=3, early_rejection=True, sample_order="hard_first", temper=1, form=True, calibrate=True,
    auto_zero_bits=6, init="highest", lfsr_bits=64,
)  # fmt: skip
REWARD = preset("cartpole", "paper")


def host(config: Config) -> Bench:
    """A register moves when its own address is written, and to what is written; all else is a strobe or a refusal."""
    bench, formats = Bench(), Formats(config)
    block = bench.add("host", Host(formats))
    bus, writing = block.bus, block.writing
    at_settings = writing & (Value.cast(block.space) == Space.SETTINGS)
    bench.given(~block.waiting | block.busy)
    bench.must(~writing | bus.valid & bus.write & bus.ready & ~bus.error)
    for setting, (low, high) in setting_limits(formats).items():
        register = getattr(block, setting.name.lower())
        mine, word = bench.past(at_settings & (block.index == setting)), bench.past(bus.write_data)
        kept = bench.past(register)
        bench.must(~bench.started | mine | (register == kept))
        bench.must(~bench.started | ~mine | (register == word) & (word >= low) & (word <= high))
    effects = list(_effects(bench, block, formats, at_settings))
    bench.must(sum(effects, Value.cast(0)) <= 1)
    bench.must(~writing | (sum(effects, Value.cast(0)) == 1))
    bench.must(writing | ~Cat(effects).any())
    refused = block.refused
    bench.must((refused & (refused - 1)[: len(refused)]) == 0)
    bench.must(bus.error == (refused.any() & bus.valid))
    bench.must(~bus.error | ~writing & ~block.starting)
    bench.must(~(bus.valid & bus.write) | (writing ^ bus.error))
    bench.must(~block.starting | ~block.busy)
    fetches = block.fetch_counter | block.fetch_lut
    bench.must(~fetches | bus.valid & ~bus.write & ~block.busy)
    bench.reached(block.starting & (block.prior_shift == 3))
    bench.reached(bus.error & (block.last_row == 9))
    return bench


def _effects(bench: Bench, block: Any, formats: Formats, at_settings: Value) -> Iterator[Value]:
    """What a write may do: a register, a command, another strobe, or a word of a memory."""
    for setting in setting_limits(formats):
        yield at_settings & (block.index == setting)
    for setting in strobe_limits(formats):
        here, strobe = at_settings & (block.index == setting), getattr(block, setting.name.lower())
        bench.must(here | ~strobe.any())
        bench.must(~here | (strobe == (block.bus.write_data if len(strobe) > 1 else 1)))
        yield here
    for command in built_commands(formats):
        here = at_settings & (block.index == Setting.COMMAND) & (block.bus.write_data == command)
        strobe = getattr(block, command.name.lower())
        bench.must(strobe == here)
        if command in (Command.TRAIN, Command.INFER, Command.FORM, Command.BUILD_MAP):
            bench.must(~strobe | block.starting)
        ready = {
            Command.STEP: block.waiting,
            Command.DONE: block.waiting & block.stepped,
            Command.TRAIN: block.mapped,
            Command.INFER: block.trained & (block.last_test > block.last_sample),
        }
        bench.must(~strobe | ready.get(command, Value.cast(1)))
        yield strobe
    for space in memory_words(formats):
        yield block.writing & (Value.cast(block.space) == space)


PROOFS = (
    Proof(
        "host-pairs",
        "Host",
        "each write has one effect at its own address, or is refused, with one error and no effect",
        lambda: host(PAIRS),
        Mutant("host", "command not in (Command.STEP, Command.DONE)", "command not in (Command.TRAIN,)"),
        depth=1,
        reach=4,
    ),
    Proof(
        "host-reward",
        "Host",
        "the same where episodes wait for the host",
        lambda: host(REWARD),
        Mutant("host", "Command.DONE: self.waiting & self.stepped", "Command.DONE: self.stepped"),
        depth=1,
        reach=4,
    ),
)
