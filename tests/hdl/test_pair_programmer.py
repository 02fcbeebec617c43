"""Runs the pair programmer bench: several geometries, and a bench that can fail."""

from __future__ import annotations

import re
from typing import Any

import pytest
from amaranth import Const, Signal
from benches import EFFORT, on_each_simulator
from rewired import Change, rewired

from oxmc.hdl import pair_programmer
from oxmc.hdl.pair_programmer import PairProgrammer
from oxmc.pymodels.config import resolve
from oxmc.pymodels.formats import Formats
from oxmc.tb.blocks.run_bench import Mutation, run_bench

VERIFIED_PAIRS = pytest.mark.testpoint(
    "verified pairs",
    "every cycle of whole rows against the loop on a pair written out: targets, offsets and their gains, "
    "changes of side, banks, stuck and saturating cells, pulse widths; cycles by the budget; both simulators, "
    "odd geometries",
)
PAIR_PROGRAMMER_BENCH_CAN_FAIL = pytest.mark.testpoint(
    "pair programmer bench can fail",
    "wrong window, tries, target, offset, gain, room at the LUT's end, bank; a silent design",
)

pytestmark = pytest.mark.cosim


def bench(
    simulator: str,
    seed: int,
    *,
    outputs: int = 1,
    features: int = 16,
    read_bits: int = 8,
    gate_codes: int = 21,
    chains: int = 2 * EFFORT,
    rows: int = 6,
    mistake: Change | None = None,
    mutate: Mutation = None,
) -> None:
    """One geometry; pulse widths are the bench's own."""
    shape = dict(outputs=outputs, features=features, read_bits=read_bits, gate_codes=gate_codes)
    programmer = PairProgrammer(Formats(resolve("cancer", "paper").replace(verify="pair", **shape)))
    if mistake:
        programmer = rewired(programmer, *mistake)
    parameters = dict(shape, pairs=outputs * features, chains=chains, rows=rows, seed=seed)
    run_bench(programmer, "pair_programmer", "oxmc.tb.blocks.pair_programmer", simulator, parameters, mutate=mutate)


@VERIFIED_PAIRS
@on_each_simulator
def test_pair_programmer(simulator: str, seed: int) -> None:
    bench(simulator, seed)


@VERIFIED_PAIRS
@pytest.mark.parametrize(
    ("outputs", "features", "read_bits", "gate_codes"),
    [(1, 1, 3, 2), (1, 1, 8, 64), (3, 1, 5, 7)],
    ids=["smallest", "one_pair", "odd"],
)
def test_geometries(outputs: int, features: int, read_bits: int, gate_codes: int, seed: int) -> None:
    """With two gate codes every one is at the LUT's end, so that each repeat changes sides."""
    shape: dict[str, Any] = dict(outputs=outputs, features=features, read_bits=read_bits, gate_codes=gate_codes)
    bench("icarus", seed, chains=3 * EFFORT, rows=16, **shape)


MISTAKES: dict[str, Change] = {
    "commands no pulse": ("command.op", Signal.like),
    "takes any read": ("window", lambda window: Const(2**7, len(window))),
    "has a wider window": ("window", lambda window: window + 1),
    "repeats once more": ("tries", lambda tries: tries + 1),
    "never repeats": ("tries", lambda _: Const(0)),
    "aims too high": ("common_mode", lambda common_mode: common_mode + 1),
    "forgets at once": ("fresh", lambda _: Const(1)),
    "keeps every row": ("keep", lambda _: Const(1)),
    "keeps no row": ("keep", lambda _: Const(0)),
    "stores no difference": ("store", lambda _: Const(0)),
    "stores them in one place": ("store_pair", lambda pair: Const(0, len(pair))),
    "says nothing of its reads": ("push", Signal.like),
    "is never done": ("done", Signal.like),
    "waits for no answer": ("answer", lambda _: Const(1)),
    "never looks up a gate code": ("lookup", Signal.like),
    "never changes sides": ("near_end", lambda _: Const(0)),
    "always changes sides": ("near_end", lambda _: Const(1)),
}


@PAIR_PROGRAMMER_BENCH_CAN_FAIL
@pytest.mark.parametrize("mistake", MISTAKES)
def test_bench_catches_a_programmer_that(mistake: str, seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", seed, features=3, chains=3, rows=8, mistake=MISTAKES[mistake])


def wrapping(text: str) -> str:
    """A large offset wraps to a negative one."""
    text, changes = re.subn(r"(assign s\d+) = \$signed\(s\d+\[11:0\]\) > \$signed\(9'h0ff\);", r"\1 = 1'b0;", text)
    assert changes == 1
    return text


@PAIR_PROGRAMMER_BENCH_CAN_FAIL
@pytest.mark.parametrize(
    "mutate",
    [
        ("half = error[0];", "half = 1'b0;"),  # gain 1/2 rounds down
        wrapping,
    ],
)
def test_bench_catches_a_wrong_offset(mutate: Mutation, seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", seed, features=3, chains=3, rows=8, mutate=mutate)


@PAIR_PROGRAMMER_BENCH_CAN_FAIL
@pytest.mark.parametrize(("name", "value"), [("SEEN_TOP", 4), ("SEEN_TOP", 6)])
def test_bench_catches_a_wrong_constant(name: str, value: int, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair_programmer, name, value)
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", seed, features=3, gate_codes=7, chains=3, rows=8)
