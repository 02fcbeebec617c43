"""Runs the host port bench: small and large settings, those of options; a bench that can fail; the address map."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
from benches import on_each_simulator

from hdl.host import Host
from hdl.interface import Space, address, sample_lane_bits, sample_lanes
from pymodels.config import resolve
from pymodels.fixed import Formats
from tb.simulator import Mutation, run_bench

pytestmark = pytest.mark.cosim

PAPER = (8, 10)
"""Bits of a row and of a sample number: 256 rows, 369 + 200 samples in a memory of 1024."""


def bench(
    simulator: str,
    seed: int,
    bits: tuple[int, int] = PAPER,
    changes: Mapping[str, Any] = MappingProxyType({}),
    options: Mapping[str, int] = MappingProxyType({}),
    *,
    mutate: Mutation = None,
) -> None:
    """`bits` are those of a row and of a sample number that `changes` lead to, `options` widths of more settings."""
    config = resolve("cancer", "paper").replace(**changes)
    row_bits, sample_bits = bits
    widths = dict(last_row=row_bits, last_sample=sample_bits, last_test=sample_bits, burn_in=row_bits)
    widths |= dict(max_proposals=24, prior_multiplier=8, prior_shift=5, **options)
    parameters = dict(widths=widths, rows=2**row_bits, counter_bits=config.counter_bits, seed=seed)
    run_bench(Host(Formats(config)), "host", "tb.benches.host", simulator, parameters, mutate=mutate)


@on_each_simulator
def test_host(simulator: str, seed: int) -> None:
    bench(simulator, seed)


@pytest.mark.parametrize(
    ("bits", "changes"),
    [
        ((8, 10), dict(rows=2, burn_in=0, train_samples=1, test_samples=1, counter_bits=1)),
        ((10, 15), dict(rows=1000, train_samples=16384, test_samples=16384, counter_bits=16)),
    ],
    ids=["smallest", "large"],
)
def test_host_geometries(bits: tuple[int, int], changes: dict[str, int], seed: int) -> None:
    bench("icarus", seed, bits, changes)


@pytest.mark.parametrize(
    ("changes", "options"),
    [
        (dict(verify="cell", read_bits=5), dict(verify_window=5, verify_tries=6)),
        (dict(reject_limit=3), dict(reject_limit=8)),
        (
            dict(verify="pair", sample_order="hard_first", reject_limit=255, log_fraction_bits=10),
            dict(verify_window=8, verify_tries=6, common_mode=8, reject_limit=8, hard_above=14),
        ),
    ],
    ids=["cells", "row_skip", "all"],
)
def test_settings_of_options(changes: dict[str, Any], options: dict[str, int], seed: int) -> None:
    bench("icarus", seed, PAPER, changes, options)


@pytest.mark.parametrize(
    "mutate",
    [
        ("bus_write_data == 2'h3", "bus_write_data[7:0] == 2'h3"),
        ("assign writing = s1 & s2;", "assign writing = s1;"),
        ("bus_write_data[4:0]", "bus_write_data[5:1]"),
        ("reading & s21", "reading"),
        ("5'h09:", "5'h0a:"),
    ],
    ids=["command_of_a_byte", "writes_while_busy", "shifted_setting", "back_to_back_reads", "seed_elsewhere"],
)
def test_bench_catches_a_wrong_design(mutate: tuple[str, str], seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", seed, mutate=mutate)


def test_bench_catches_swapped_options(seed: int) -> None:
    changes, options = dict(verify="cell"), dict(verify_window=8, verify_tries=6)
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", seed, PAPER, changes, options, mutate=("5'h0a:", "5'h0c:"))


def test_bench_catches_a_silent_design(seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", seed, mutate=("writing | answering", "1'b0"))


@pytest.mark.parametrize(
    ("space", "index", "expected"),
    [(Space.SETTINGS, 0, 0), (Space.STATUS, 5, 0x10_0005), (Space.SAMPLES, 0xF_FFFF, 0x6F_FFFF)],
)
def test_address(space: Space, index: int, expected: int) -> None:
    assert address(space, index) == expected


@pytest.mark.parametrize(
    ("changes", "lanes", "lane_bits"),
    [
        (dict(features=1, input_bits=2), 1, 0),  # 3 bits with the label
        (dict(features=31, input_bits=2), 2, 1),  # 63 bits
        (dict(features=4, input_bits=8), 2, 1),  # 33 bits: the label alone in the second word
        (dict(features=16, input_bits=8), 5, 3),  # 129 bits
    ],
)
def test_sample_lanes(changes: dict[str, int], lanes: int, lane_bits: int) -> None:
    formats = Formats(resolve("cancer", "paper").replace(**changes))
    assert (sample_lanes(formats), sample_lane_bits(formats)) == (lanes, lane_bits)
