"""Runs the row counter bench: counters of 1 to 12 bits, small and large memories, and a bench that can fail."""

from __future__ import annotations

import pytest
from benches import on_each_simulator

from oxmc.hdl import row_counters
from oxmc.hdl.row_counters import RowCounters
from oxmc.pymodels.config import resolve
from oxmc.pymodels.formats import Formats
from oxmc.tb.blocks.run_bench import Mutation, run_bench

ROW_COUNTERS = pytest.mark.testpoint(
    "row counters",
    "begin, bump, store, skipped rows, saturation, lost and total counts; both simulators",
)
ROW_COUNTER_BENCH_CAN_FAIL = pytest.mark.testpoint("row counter bench can fail", "wrong counting; a silent design")

pytestmark = pytest.mark.cosim


def bench(simulator: str, seed: int, *, rows: int = 256, counter_bits: int = 8, **options: Mutation) -> None:
    formats = Formats(resolve("cancer", "paper").replace(rows=rows, counter_bits=counter_bits))
    capacity = max(256, 1 << (rows - 1).bit_length())  # a memory has at least 256 rows
    lost_bits = row_counters.LOST_BITS
    parameters = dict(row_capacity=capacity, counter_bits=counter_bits, lost_bits=lost_bits, seed=seed)
    run_bench(RowCounters(formats), "row_counters", "oxmc.tb.blocks.row_counters", simulator, parameters, **options)


@ROW_COUNTERS
@on_each_simulator
def test_row_counters(simulator: str, seed: int) -> None:
    bench(simulator, seed)


@ROW_COUNTERS
@pytest.mark.parametrize(("rows", "counter_bits"), [(256, 1), (257, 2), (1000, 11)])
def test_row_counters_geometries(rows: int, counter_bits: int, seed: int) -> None:
    bench("icarus", seed, rows=rows, counter_bits=counter_bits)


@ROW_COUNTERS
def test_lost_counts_saturate(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """At 3 bits, since 2^24 lost counts would take too long."""
    monkeypatch.setattr(row_counters, "LOST_BITS", 3)
    bench("icarus", seed, counter_bits=2)


@ROW_COUNTER_BENCH_CAN_FAIL
@pytest.mark.parametrize(
    "mutate",
    [
        ("else if (vote)", "else if (store)"),
        ("restart | begin_vote", "restart"),
        ("& count;", "count == 8'hfe;"),
        ("<= write_data;", "<= write_address == 77 ? 0 : write_data;"),
        ("if (read_enable)", "if (1'b1)"),
        ("assign write_data = store_zero ?", "assign write_data = 1'b0 ?"),
        ("store | store_zero", "store"),
    ],
    ids=[
        "adds_what_is_stored",
        "votes_go_on",
        "saturates_early",
        "row_stored_as_zero",
        "counter_does_not_hold",
        "skipped_row_keeps_the_count",
        "skipped_row_is_not_stored",
    ],
)
def test_bench_catches_a_wrong_design(mutate: tuple[str, str], seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", seed, mutate=mutate)


@ROW_COUNTER_BENCH_CAN_FAIL
def test_bench_catches_a_silent_design(seed: int) -> None:
    """The memory never answers: X on the counter."""
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", seed, mutate=("if (read_enable)", "if (1'b0)"))
