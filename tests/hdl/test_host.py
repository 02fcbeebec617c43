"""Runs the host port bench: small and large settings, those of options; a bench that can fail; the address map."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
from amaranth import Value
from benches import on_each_simulator

from oxmc.hdl.host import Host
from oxmc.pymodels.config import Config, resolve
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import Setting, Space, address, sample_lane_bits, sample_lanes, setting_limits
from oxmc.tb.blocks.run_bench import Mutation, run_bench

HOST_PORT = pytest.mark.testpoint(
    "host port",
    "every register, memory strobe, command and status by its documented address; settings of options; busy "
    "stalls; both simulators",
)
HOST_ADDRESS_MAP = pytest.mark.testpoint("host address map", "addresses and sample lanes as documented")
HOST_BENCH_CAN_FAIL = pytest.mark.testpoint("host bench can fail", "wrong decoding; a silent design")

pytestmark = pytest.mark.cosim

PAPER = (8, 10)
"""Bits of a row and of a sample number: 256 rows, 369 + 200 samples in a memory of 1024."""
LUT, LIKELIHOOD, RESPONSE, SAMPLES, ACTIVATION = range(3, 8)


def memories(config: Config, samples: int) -> dict[int, list[tuple[int, int, int, int, bool]]]:
    """By space: first index, entries, bits of an entry, addresses of an entry, whether it is signed."""
    bins = 2**config.table_bits
    rewards = config.acceptance == "reward"
    label = 0 if rewards else max(1, (config.outputs - 1).bit_length())
    sample = config.features * config.input_bits + label
    stride = 1
    while 32 * stride < sample:
        stride *= 2
    median, precision, log_sd = config.read_bits + 1, 12, 5 + config.log_fraction_bits
    law = [(256, config.gate_codes, median + precision + log_sd, 2, False), (512, 1, 5, 1, False)]
    return {
        LUT: [(0, config.gate_codes, config.read_bits, 1, False), *(law if config.hastings else [])],
        LIKELIHOOD: [] if rewards else [(0, bins, 4 + config.log_fraction_bits, 1, False)],
        RESPONSE: [(0, bins, config.response_bits, 1, True)],
        SAMPLES: [(0, samples, sample, stride, False)],
        ACTIVATION: [(0, bins, config.input_bits - 1, 1, False)] if config.hidden else [],
    }


def bench(
    simulator: str,
    seed: int,
    bits: tuple[int, int] = PAPER,
    changes: Mapping[str, Any] = MappingProxyType({}),
    options: Mapping[str, int] = MappingProxyType({}),
    *,
    mutate: Mutation = None,
) -> None:
    """`bits` are those of a row and of a sample number that `changes` lead to, `options` the tops of more settings."""
    config = resolve("cancer", "paper").replace(**changes)
    rows, samples = (2**width for width in bits)
    tops = dict(last_row=rows - 1, last_sample=samples - 1, last_test=samples - 1, burn_in=rows - 1)
    tops |= dict(max_proposals=2**24 - 1, prior_multiplier=255, prior_shift=31, **options)
    built = {4: config.form, 5: config.calibrate, 6: config.acceptance == "reward", 7: config.acceptance == "reward"}
    parameters = dict(
        limits={name: (int(name == "max_proposals"), top) for name, top in tops.items()},
        memories=memories(config, samples),
        commands=[command for command in range(1, 9) if built.get(command, True)],
        rows=rows,
        gate_codes=config.gate_codes,
        read_bits=config.read_bits,
        lfsr_bits=config.lfsr_bits,
        calibrates=config.calibrate,
        counter_bits=config.counter_bits,
        seed=seed,
    )
    run_bench(Host(Formats(config)), "host", "oxmc.tb.blocks.host", simulator, parameters, mutate=mutate)


@HOST_PORT
@on_each_simulator
def test_host(simulator: str, seed: int) -> None:
    bench(simulator, seed)


@HOST_PORT
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


@HOST_PORT
@pytest.mark.parametrize(
    ("bits", "changes", "options"),
    [
        (PAPER, dict(verify="cell", read_bits=5, lfsr_bits=8), dict(verify_window=31, verify_tries=63)),
        (PAPER, dict(reject_limit=3, lfsr_bits=64, hidden=2, temper=1), dict(reject_limit=255, temper=7)),
        (PAPER, dict(init="highest", hastings=True, lfsr_bits=40), dict(first_gate=20)),
        (PAPER, dict(hastings=True, read_bits=4, log_fraction_bits=4, outputs=16), {}),
        (
            PAPER,
            dict(
                verify="pair", sample_order="hard_first", reject_limit=255, log_fraction_bits=10, form=True,
                calibrate=True, gate_codes=64,
            ),
            dict(
                verify_window=255, verify_tries=63, common_mode=255, reject_limit=255, hard_above=2**14 - 1,
                condition_cycles=1023, calibration_last_row=255,
            ),
        ),
        (
            (8, 1),
            dict(acceptance="reward", outputs=2, train_samples=1, test_samples=1, features=4),
            dict(reward_exponent=255, log2_kappa=4095),
        ),
    ],
    ids=["cells", "row_skip", "first_gate", "short_law", "all", "rewards"],
)  # fmt: skip
def test_settings_of_options(
    bits: tuple[int, int], changes: dict[str, Any], options: dict[str, int], seed: int
) -> None:
    bench("icarus", seed, bits, changes, options)


MISTAKES = {
    "aliases of a memory": ("_exists", lambda host, words: host.index[:10] < words.first + words.depth * words.stride),
    "unused lanes": ("_exists", lambda host, words: host.index < words.first + words.depth * words.stride),
    "settings are cut": ("_at_most", lambda host, high: Value.cast(1)),
    "settings at half": ("_at_most", lambda host, high: host._zero_above(max(1, high.bit_length() - 1))),
    "memory words are cut": ("_word_fits", lambda host, words: Value.cast(1)),
    "signed words are unsigned": ("_word_fits", lambda host, words: host._zero_above(words.top_width)),
}


@HOST_BENCH_CAN_FAIL
@pytest.mark.parametrize("mistake", MISTAKES)
def test_bench_catches_a_decoder_that(mistake: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    name, method = MISTAKES[mistake]
    monkeypatch.setattr(Host, name, method)
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", seed)


@HOST_BENCH_CAN_FAIL
@pytest.mark.parametrize(
    "mutate",
    [
        ("assign takes = ", "assign takes = 1'b1 | "),
        ("assign from_memory = ", "assign from_memory = 1'b0 & "),
        ("assign readable = ", "assign readable = 1'b1 | "),
        ("assign is_command = ", "assign is_command = bus_address[0] & "),
        ("assign writing = ", "assign writing = attempted | "),
        ("last_test <= last_sample", "last_test < last_sample"),
        ("bus_address[7:0] <= status_last_row[7:0]", "bus_address[7:0] < status_last_row[7:0]"),
        ("assign bus_error = ", "assign bus_error = 1'b0 & "),
        ("24'hffffff", "24'h000000"),
        ("    answering <= ", "    answering <= reads; //"),
    ],
    ids=[
        "writes_while_busy", "reads_while_busy", "reads_everywhere", "command_elsewhere", "refused_acts",
        "infers_no_point", "last_counter_is_0", "silent_refusal", "no_limit_after_reset", "back_to_back_reads",
    ],
)  # fmt: skip
def test_bench_catches_a_wrong_design(mutate: tuple[str, str], seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", seed, mutate=mutate)


@HOST_BENCH_CAN_FAIL
def test_bench_catches_swapped_options(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def swapped(formats: Formats) -> dict[Setting, tuple[int, int]]:
        limits = setting_limits(formats)
        window, tries = limits[Setting.VERIFY_WINDOW], limits[Setting.VERIFY_TRIES]
        return limits | {Setting.VERIFY_WINDOW: tries, Setting.VERIFY_TRIES: window}

    monkeypatch.setattr("oxmc.hdl.host.setting_limits", swapped)
    changes, options = dict(verify="cell"), dict(verify_window=255, verify_tries=63)
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", seed, PAPER, changes, options)


@HOST_BENCH_CAN_FAIL
def test_bench_catches_a_silent_design(seed: int) -> None:
    with pytest.raises(SystemExit, match="FAILED"):
        bench("icarus", seed, mutate=("assign bus_ready = ", "assign bus_ready = 1'b0 & "))


@HOST_ADDRESS_MAP
@pytest.mark.parametrize(
    ("space", "index", "expected"),
    [(Space.SETTINGS, 0, 0), (Space.STATUS, 5, 0x10_0005), (Space.SAMPLES, 0xF_FFFF, 0x6F_FFFF)],
)
def test_address(space: Space, index: int, expected: int) -> None:
    assert address(space, index) == expected


@HOST_ADDRESS_MAP
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
