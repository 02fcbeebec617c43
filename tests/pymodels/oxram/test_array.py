"""The OxRAM array: statistics against the card's laws, exactness, order, the time contract, and its books."""

from __future__ import annotations

import copy
import math
import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import RunError
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.oxram import array, draws
from oxmc.pymodels.oxram.array import FORMED, HCS, UNFORMED, ArrayError, OxramArray
from oxmc.pymodels.oxram.devices import gate_table, lcs_table_ns, load_card
from oxmc.pymodels.oxram.philox import philox4x32
from oxmc.pymodels.streams import stream_key

RESET_IN_MID_PULSE = pytest.mark.testpoint("reset in mid-pulse")
DEVICE_LAW = pytest.mark.testpoint(
    "device law", "SET, RESET, device and stuck populations follow the card's distributions"
)
DRAWS_BY_CONTRACT = pytest.mark.testpoint(
    "draws by contract",
    "each draw is the documented function of seed, cell and SET count, in any order",
)
ARRAY_OPERATIONS = pytest.mark.testpoint(
    "array operations",
    "state after FORM, SET, RESET, READ and EVAL; exact sums, floors and clamps; compiled equals Python",
)
ARRAY_REFUSES = pytest.mark.testpoint(
    "array refuses",
    "a breach of the port's contract names operation, place and rule and changes nothing",
)
ARRAY_ENERGY_AND_BOOKS = pytest.mark.testpoint(
    "array energy and books", "joules by hand and against an account kept outside"
)

SMALL = Config(rows=8, burn_in=0, features=3, outputs=2)
CARD = load_card("16k")
FULL = 2**12 - 1


def make(config: Config = SMALL, seed: int = 1, **options: Any) -> OxramArray:
    return OxramArray(config, load_card(config.card), seed, **options)


def everything(oxram: OxramArray) -> list[Any]:
    state = (oxram.conductance_ns, oxram.set_count, oxram.state)
    return [[part.tolist() for part in state], copy.deepcopy((oxram.counts, oxram.quantities, oxram.joules))]


# statistics


@DEVICE_LAW
@pytest.mark.parametrize("name", ["16k", "4k"])
@pytest.mark.parametrize("gate", [0, 10, 20])
def test_sets_follow_the_cards_law(name: str, gate: int, seed: int) -> None:
    """10^4 SETs of a typical device: mean and s.d. within 4 standard errors, sd/sqrt(n) and sd/sqrt(2n)."""
    oxram = make(SMALL.replace(card=name, d2d_spread=0.0), seed)
    sets, n = np.empty(10_000), 10_000
    for i in range(n):
        oxram.set(2, 5, gate, 1)
        sets[i] = oxram.conductance_ns[2, 5] / 1000
    current = 40 + 3 * gate
    median = 40 + 2 * gate if name == "16k" else 1.9 * current**0.78
    sd = 0.93 * current**0.48
    assert abs(sets.mean() - median) < 4 * sd / math.sqrt(n)
    assert abs(sets.std() - sd) < 4 * sd / math.sqrt(2 * n)


@DEVICE_LAW
def test_resets_follow_the_log_normal(seed: int) -> None:
    """ln g of 10^4 RESETs: within 4 standard errors, and the half percent by which the table narrows the s.d."""
    oxram = make(SMALL, seed)
    logs, n = np.empty(10_000), 10_000
    for i in range(n):
        oxram.set(0, 0, 0, 1)
        oxram.reset(0, 1, 1)
        logs[i] = math.log(oxram.conductance_ns[0, 0] / 1000)
    assert abs(logs.mean() - math.log(5)) < 4 * 0.5 / math.sqrt(n)
    assert abs(logs.std() - 0.5) < 4 * 0.5 / math.sqrt(2 * n) + 0.005 * 0.5


@DEVICE_LAW
def test_device_population(seed: int) -> None:
    """16,384 devices: mean and s.d. of the factor within 4 standard errors; spread 0 is exactly 1."""
    oxram = make(Config(rows=512, features=16, d2d_spread=0.2), seed)
    factor = oxram.device_q16 / draws.ONE
    assert factor.size == 16_384
    assert abs(factor.mean() - 1) < 4 * 0.2 / 128
    assert abs(factor.std() - 0.2) < 4 * 0.2 / math.sqrt(2 * 16_384)
    assert np.all(make(SMALL.replace(d2d_spread=0.0)).device_q16 == draws.ONE)
    assert make(Config(d2d_spread=1.0), seed).device_q16.min() == draws.MIN_DEVICE_Q16


@DEVICE_LAW
def test_stuck_population_nests(seed: int) -> None:
    """Shares within 4 standard errors of 16,384 cells; a larger share keeps the cells that a smaller one took."""
    config = Config(rows=512, features=16)
    stuck = make(config.replace(stuck_lcs=0.1, stuck_hcs=0.05), seed).stuck
    error = 4 * math.sqrt(0.1 * 0.9 / stuck.size)
    assert abs(np.mean(stuck == array.STUCK_LCS) - 0.1) < error
    assert abs(np.mean(stuck == array.STUCK_HCS) - 0.05) < error
    assert np.all(make(config.replace(stuck_lcs=0.3), seed).stuck[stuck == array.STUCK_LCS] == array.STUCK_LCS)
    assert np.all(make(config.replace(stuck_lcs=1.0), seed).stuck == array.STUCK_LCS)
    assert np.all(make(config.replace(stuck_hcs=1.0), seed).stuck == array.STUCK_HCS)
    assert not make(config, seed).stuck.any()


# exactness


@DRAWS_BY_CONTRACT
def test_a_set_is_the_contracts_draw(seed: int) -> None:
    """The counter layout, word by word, from Philox and the tables."""
    oxram = make(SMALL, seed)
    table, (k0, k1) = gate_table(CARD, 21), stream_key(seed, "array")
    for k, gate in enumerate([0, 20, 7], start=1):
        oxram.set(3, 5, gate, 1)
        u0 = philox4x32(3 * 12 + 5, k, 0, 0, k0, k1)[0]
        device = int(oxram.device_q16[3, 5])
        expected = draws.set_ns.py_func(u0, int(table.median_ns[gate]), int(table.sd_ns[gate]), device)
        assert oxram.conductance_ns[3, 5] == expected
        assert (oxram.set_count[3, 5], oxram.state[3, 5]) == (k, HCS)


@DRAWS_BY_CONTRACT
def test_a_reset_is_the_contracts_draw(seed: int) -> None:
    oxram, lcs = make(SMALL, seed), lcs_table_ns(CARD)
    k0, k1 = stream_key(seed, "array")
    for k in range(3):
        oxram.reset(3, 1 << 5, 1)
        oxram.reset(3, 1 << 5, 1)  # a second pulse finds the same draw
        assert oxram.conductance_ns[3, 5] == lcs[philox4x32(3 * 12 + 5, k, 0, 1, k0, k1)[0] >> 24]
        assert (oxram.set_count[3, 5], oxram.state[3, 5]) == (k, FORMED)
        oxram.set(3, 5, 0, 1)


@DRAWS_BY_CONTRACT
def test_the_device_factor_is_the_contracts_draw(seed: int) -> None:
    k0, k1 = stream_key(seed, "devices")
    spread = round(0.05 * 2**16)
    expected = [draws.device_factor_q16(philox4x32(cell, 0, 0, 4, k0, k1)[0], spread) for cell in range(96)]
    assert make(SMALL, seed).device_q16.ravel().tolist() == expected


@DRAWS_BY_CONTRACT
def test_stuck_cells_are_the_contracts_draw(seed: int) -> None:
    """A word below the share of 2^32 is stuck in the LCS, below both shares together in the HCS."""
    k0, k1 = stream_key(seed, "stuck")
    words = [philox4x32(cell, 0, 0, 5, k0, k1)[0] for cell in range(96)]
    expected = [1 if u0 < 2**30 else 2 if u0 < 2**31 else 0 for u0 in words]
    assert make(SMALL.replace(stuck_lcs=0.25, stuck_hcs=0.25), seed).stuck.ravel().tolist() == expected


@ARRAY_OPERATIONS
def test_a_new_array_is_in_the_lcs(seed: int) -> None:
    oxram = make(SMALL, seed)
    before = oxram.conductance_ns.copy()
    assert np.all(oxram.state == FORMED) and not oxram.set_count.any()
    for row in range(8):
        oxram.reset(row, FULL, 1)
    assert np.array_equal(oxram.conductance_ns, before)  # drawn as a RESET before any SET, k = 0


@DRAWS_BY_CONTRACT
def test_order_does_not_matter(seed: int) -> None:
    """The same SETs and RESETs of each cell give the same bits, whatever lies between them."""
    gates = np.random.default_rng(seed).integers(0, 21, (8, 12, 3)).tolist()
    cells = [(row, cell) for row in range(8) for cell in range(12)]
    straight, shuffled = make(SMALL, seed), make(SMALL, seed)
    for row, cell in cells:
        for gate in gates[row][cell]:
            straight.reset(row, 1 << cell, 1)
            straight.set(row, cell, gate, 1)
    for k in range(3):
        random.Random(seed + k).shuffle(cells)
        for row in range(8):
            shuffled.reset(row, FULL, 1)
        for row, cell in cells:
            shuffled.read(row, cell, 1)
            shuffled.set(row, cell, gates[row][cell][k], 1)
    assert np.array_equal(straight.conductance_ns, shuffled.conductance_ns)
    other = make(SMALL, seed + 1)
    assert not np.array_equal(other.device_q16, straight.device_q16)


@ARRAY_OPERATIONS
def test_evaluate_is_exact_and_clamps(seed: int) -> None:
    """Against Python's unbounded integers, floor division included."""
    rng = random.Random(seed)
    config = SMALL.replace(eval_range=0.05)
    oxram, step = make(config, seed), Formats(config).eval_step
    seen = set()
    for _ in range(200):
        row, segment, gate = rng.randrange(8), rng.randrange(2), rng.randrange(21)
        oxram.set(row, rng.randrange(12), gate, 1)
        codes = [rng.randint(-127, 127) for _ in range(3)]
        w = [int(oxram.pairs_ns()[row, 3 * segment + i]) for i in range(3)]
        exact = sum(a * b for a, b in zip(w, codes, strict=True)) // step
        code = oxram.evaluate(row, segment, np.array(codes), 1)
        assert code == max(-128, min(127, exact))
        seen.add(code)
    assert {-128, 127} < seen


@ARRAY_OPERATIONS
@pytest.mark.parametrize("code", [-128, -3, -1, 0, 1, 2, 127])
def test_an_adc_code_begins_at_its_multiple_of_the_step(code: int) -> None:
    """One nS times code below, the code before; at the ends the clamp holds."""
    oxram, step = make(), Formats(SMALL).eval_step
    oxram.conductance_ns[0] = 10**8
    for offset, expected in [(0, code), (step - 1, code), (-1, max(-128, code - 1))]:
        oxram.conductance_ns[0, 0] = 10**8 + code * step + offset
        assert oxram.evaluate(0, 0, np.array([1, 0, 0]), 1) == expected


@ARRAY_OPERATIONS
def test_pairs_are_even_minus_odd_cells(seed: int) -> None:
    oxram = make(SMALL, seed)
    g = oxram.conductance_ns.tolist()
    assert oxram.pairs_ns().dtype == np.int64
    assert oxram.pairs_ns().tolist() == [[row[2 * p] - row[2 * p + 1] for p in range(6)] for row in g]


@ARRAY_OPERATIONS
def test_read_floors_and_saturates() -> None:
    oxram = make()
    for g, code in [(1, 0), (499, 0), (500, 1), (40_000, 80), (127_999, 255), (128_000, 255), (10**6, 255)]:
        oxram.conductance_ns[1, 2] = g
        assert oxram.read(1, 2, 1) == code  # 128 uS over 256 codes: 500 nS each


@ARRAY_OPERATIONS
def test_compiled_kernels_equal_their_python(seed: int) -> None:
    """Also finds a kernel cache left from older sources: numba looks at a kernel's own file only."""
    k0, k1 = stream_key(seed, "array")
    lcs = lcs_table_ns(CARD)
    for cell, k in [(0, 1), (5, 70_000), (2**20, 2**33 + 1)]:
        u0 = philox4x32.py_func(cell, k, 0, draws.SET, k0, k1)[0]
        assert array.set_draw(k0, k1, cell, k, 40_000, 5464, 65_000) == draws.set_ns.py_func(u0, 40_000, 5464, 65_000)
        u0 = philox4x32.py_func(cell, k, 0, draws.RESET, k0, k1)[0]
        assert array.reset_draw(k0, k1, cell, k, lcs) == draws.lcs_ns.py_func(u0, lcs)
    cells, codes = make(SMALL, seed).conductance_ns[0], np.array([-127, 3, 90])
    assert array.evaluate_cells(cells, 6, codes) == array.evaluate_cells.py_func(cells, 6, codes)


# forming and stuck cells


@ARRAY_OPERATIONS
def test_form_leaves_a_conducting_cell(seed: int) -> None:
    oxram = make(SMALL, seed, formed=False)
    assert np.all(oxram.state == UNFORMED) and not oxram.conductance_ns.any()
    oxram.form(3, 5, 0, 1)
    k0, k1 = stream_key(seed, "array")
    table, device = gate_table(CARD, 21), int(oxram.device_q16[3, 5])
    expected = array.set_draw(k0, k1, 41, 0, int(table.median_ns[0]), int(table.sd_ns[0]), device)
    assert (oxram.conductance_ns[3, 5], oxram.state[3, 5], oxram.set_count[3, 5]) == (expected, HCS, 0)
    assert np.count_nonzero(oxram.state) == 1


@ARRAY_OPERATIONS
def test_a_formed_array_then_agrees_with_one_that_arrived_so(seed: int) -> None:
    config = SMALL.replace(stuck_lcs=0.2, stuck_hcs=0.2)
    arrived, formed = make(config, seed), make(config, seed, formed=False)
    for row in range(8):
        for cell in range(12):
            formed.form(row, cell, 0, 1)
        formed.reset(row, FULL, 1)
    assert np.array_equal(arrived.conductance_ns, formed.conductance_ns)
    assert np.array_equal(arrived.state, formed.state)


@ARRAY_OPERATIONS
@pytest.mark.parametrize(("key", "state"), [("stuck_lcs", FORMED), ("stuck_hcs", HCS)])
def test_stuck_cells_take_pulses_and_energy_but_stay(key: str, state: int, seed: int) -> None:
    oxram = make(SMALL.replace(**{key: 1.0}), seed)
    before = oxram.conductance_ns.copy()
    oxram.set(0, 0, 20, 1)
    oxram.reset(0, FULL, 1)
    assert np.array_equal(oxram.conductance_ns, before) and np.all(oxram.state == state)
    assert oxram.set_count[0, 0] == 1
    assert (oxram.counts["train"]["set"], oxram.counts["train"]["reset"]) == (1, 12)
    assert oxram.quantities["train"]["reset_conductance_ns_cycles"] == 2 * before[0].sum()
    assert oxram.joules["train"]["set"] > 0
    if key == "stuck_hcs":
        assert np.all(before == 100_000)


# the contract


@ARRAY_REFUSES
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda a: a.set(3, 5, 0, 2), "SET of row 3 cell 5 must last 1 cycle, not 2"),
        (lambda a: a.set(3, 5, 0, 0), "SET of row 3 cell 5 must last 1 cycle, not 0"),
        (lambda a: a.reset(3, 1, 2), "RESET of row 3 must last 1 cycle, not 2"),
        (lambda a: a.read(3, 5, 2), "READ of row 3 cell 5 must last 1 cycle, not 2"),
        (lambda a: a.form(3, 5, 0, 2), "FORM of row 3 cell 5 must last 1 cycle, not 2"),
        (lambda a: a.evaluate(3, 1, np.zeros(3, int), 2), "EVAL of row 3 segment 1 must last 1 cycle, not 2"),
        (lambda a: a.set(8, 5, 0, 1), "SET of row 8 cell 5 must have a row from 0 to 7, not 8"),
        (lambda a: a.set(-1, 5, 0, 1), "SET of row -1 cell 5 must have a row from 0 to 7, not -1"),
        (lambda a: a.reset(9, 1, 1), "RESET of row 9 must have a row from 0 to 7, not 9"),
        (lambda a: a.read(3, 12, 1), "READ of row 3 cell 12 must have a cell from 0 to 11, not 12"),
        (lambda a: a.read(3, -1, 1), "READ of row 3 cell -1 must have a cell from 0 to 11, not -1"),
        (lambda a: a.set(3, 5, 21, 1), "SET of row 3 cell 5 must have a gate code from 0 to 20, not 21"),
        (lambda a: a.form(3, 5, -1, 1), "FORM of row 3 cell 5 must have a gate code from 0 to 20, not -1"),
        (lambda a: a.reset(3, 0, 1), "RESET of row 3 must have a mask from 1 to 2^12 - 1, not 0x0"),
        (lambda a: a.reset(3, 4096, 1), "RESET of row 3 must have a mask from 1 to 2^12 - 1, not 0x1000"),
        (
            lambda a: a.evaluate(3, 2, np.zeros(3, int), 1),
            "EVAL of row 3 segment 2 must have a segment from 0 to 1, not 2",
        ),
        (lambda a: a.evaluate(3, 0, np.zeros(2, int), 1), "EVAL of row 3 segment 0 must have 3 input codes, not (2,)"),
        (
            lambda a: a.evaluate(3, 0, np.array([0, -128, 0]), 1),
            "EVAL of row 3 segment 0 must have input codes from -127 to 127, not [0, -128, 0]",
        ),
        (lambda a: a.set(0, 5, 0, 1), "SET of row 0 cell 5 must meet a formed cell, not an unformed one"),
        (lambda a: a.read(0, 5, 1), "READ of row 0 cell 5 must meet a formed cell, not an unformed one"),
        (lambda a: a.reset(0, FULL, 1), "RESET of row 0 cell 5 must meet a formed cell, not an unformed one"),
        (
            lambda a: a.evaluate(0, 0, np.zeros(3, int), 1),
            "EVAL of row 0 segment 0 must meet formed cells only, not an unformed one",
        ),
        (lambda a: a.form(0, 4, 0, 1), "FORM of row 0 cell 4 must meet an unformed cell, not a formed one"),
    ],
)
def test_a_breach_is_refused_and_changes_nothing(call: Any, message: str) -> None:
    oxram = make(formed=False)
    for row in range(8):
        for cell in range(12):
            if (row, cell) != (0, 5):
                oxram.form(row, cell, 0, 1)
    before = everything(oxram)
    with pytest.raises(ArrayError) as error:
        call(oxram)
    assert str(error.value) == message
    assert isinstance(error.value, RunError)
    assert everything(oxram) == before


@RESET_IN_MID_PULSE
@pytest.mark.parametrize("op", ["SET", "RESET"])
def test_a_cell_of_a_cut_pulse_is_unknown_until_a_whole_one(op: str) -> None:
    """It is read by nobody, and what a whole pulse then leaves is as if the cut one had not been."""
    oxram, other, codes = make(), make(), np.array([1, 2, 3])
    for both in (oxram, other):
        both.set(3, 2, 9, 1)
    before = everything(oxram)
    oxram.cut(op, 3, [2])
    assert everything(oxram) == before
    for call, where in ((lambda: oxram.read(3, 2, 1), "READ of row 3 cell 2"),
                        (lambda: oxram.evaluate(3, 0, codes, 1), "EVAL of row 3 segment 0")):  # fmt: skip
        with pytest.raises(ArrayError) as error:
            call()
        assert str(error.value) == f"{where} must meet cells whose last pulse was whole, not one that a reset cut short"
    for both in (oxram, other):
        both.read(3, 3, 1)
        both.evaluate(3, 1, codes, 1)  # its cells are others
        both.set(3, 2, 4, 1) if op == "SET" else both.reset(3, 0b100, 1)
        both.read(3, 2, 1)
        both.evaluate(3, 0, codes, 1)
    assert everything(oxram) == everything(other)


@RESET_IN_MID_PULSE
def test_a_cut_read_changes_nothing() -> None:
    oxram = make()
    before = everything(oxram)
    oxram.cut("READ", 0, [0])
    oxram.cut("EVAL", 0, range(12))
    oxram.read(0, 0, 1)
    oxram.evaluate(0, 0, np.array([1, 2, 3]), 1)
    assert everything(oxram)[0] == before[0]


@RESET_IN_MID_PULSE
def test_a_cut_forming_begins_anew() -> None:
    """Else a FORM of a formed cell is refused; it leaves what the first one did."""
    oxram = make(formed=False)
    oxram.phase = "form"
    oxram.form(0, 0, 0, 1)
    left_ns = int(oxram.conductance_ns[0, 0])
    oxram.cut("FORM", 0, [1])
    for cell in (0, 1):
        oxram.form(0, cell, 0, 1)
    assert oxram.conductance_ns[0, 0] == left_ns and oxram.state[0, 1] == HCS


@ARRAY_OPERATIONS
def test_widths_follow_the_config() -> None:
    """1 us pulses at 100 MHz are 100 cycles."""
    oxram = make(SMALL.replace(clock_hz=100e6, set_pulse_s=1e-6))
    oxram.set(0, 0, 0, 100)
    with pytest.raises(ArrayError) as error:
        oxram.set(0, 0, 0, 99)
    assert str(error.value) == "SET of row 0 cell 0 must last 100 cycles, not 99"


# the books


@ARRAY_ENERGY_AND_BOOKS
def test_joules_by_hand() -> None:
    """16k card, 100 ns pulses: V I t and V^2 g t with figures worked out beside each."""
    oxram = make()
    oxram.set(0, 0, 20, 1)
    assert oxram.joules["train"]["set"] == pytest.approx(20e-12, rel=1e-12, abs=0.0)  # 2 V * 100 uA * 100 ns
    oxram.conductance_ns[0, :6] = 50_000
    oxram.read(0, 0, 1)
    assert oxram.joules["train"]["read"] == pytest.approx(0.8e-12, rel=1e-12, abs=0.0)  # 0.16 V^2 * 50 uS * 100 ns
    oxram.evaluate(0, 0, np.full(3, 127), 1)
    # 6 cells * 0.16 V^2 * 50 uS * 100 ns
    assert oxram.joules["train"]["eval"] == pytest.approx(4.8e-12, rel=1e-12, abs=0.0)
    oxram.reset(0, 1, 1)
    mean_s = (50_000 + int(oxram.conductance_ns[0, 0])) / 2 * 1e-9
    assert oxram.joules["train"]["reset"] == pytest.approx(2.6**2 * mean_s * 100e-9, rel=1e-12, abs=0.0)
    raw = make(formed=False)
    raw.form(0, 0, 0, 1)
    assert raw.joules["train"]["form"] == pytest.approx(1.2e-12, rel=1e-12, abs=0.0)  # 4 V * 3 uA * 100 ns


@ARRAY_ENERGY_AND_BOOKS
def test_equal_pulses_do_not_add_up_an_error() -> None:
    """100,000 READs of one cell: a plain sum is off by 1e-12, since each addition errs the same way. 4 units at 1."""
    oxram, pulses = make(), 100_000
    oxram.conductance_ns[0, 0] = 47_123
    for _ in range(pulses):
        oxram.read(0, 0, 1)
    exact = Fraction(0.4**2 * 47_123 * 1e-9 / 10e6) * pulses
    assert abs(Fraction(oxram.joules["train"]["read"]) / exact - 1) < 4 * 2.0**-53


@ARRAY_ENERGY_AND_BOOKS
def test_books_agree_with_an_account_kept_outside(seed: int) -> None:
    """Random pulses of several cycles in all phases; integers to the bit, joules to 1e-12 from rounding of sums."""
    config = SMALL.replace(clock_hz=20e6, set_pulse_s=150e-9, read_pulse_s=200e-9, eval_pulse_s=100e-9)
    oxram, rng = make(config, seed), random.Random(seed)
    table, step_v = gate_table(CARD, 21), Formats(config).input_step_v
    counts: dict[str, int] = {}
    amounts: dict[tuple[str, str], int] = {}
    joules: dict[tuple[str, str], float] = {}

    def add(event: str, cells: int, amount: int, energy_j: float) -> None:
        counts[event] = counts.get(event, 0) + cells
        key = (oxram.phase, event)
        amounts[key] = amounts.get(key, 0) + amount
        joules[key] = joules.get(key, 0.0) + energy_j

    for _ in range(600):
        oxram.phase = rng.choice(["load", "train", "infer"])
        row, cell, gate = rng.randrange(8), rng.randrange(12), rng.randrange(21)
        g = oxram.conductance_ns[row].tolist()
        match rng.randrange(4):
            case 0:
                oxram.set(row, cell, gate, 3)
                add("set", 1, int(table.current_na[gate]) * 3, 2.0 * (40e-6 + 3e-6 * gate) * 150e-9)
            case 1:
                mask = rng.randint(1, FULL)
                oxram.reset(row, mask, 2)
                hit = [c for c in range(12) if mask >> c & 1]
                both = sum(g[c] + int(oxram.conductance_ns[row, c]) for c in hit)
                add("reset", len(hit), both * 2, 2.6 * 2.6 * both * 1e-9 / 2 * 100e-9)
                counts["reset_pulse"] = counts.get("reset_pulse", 0) + 1
            case 2:
                oxram.read(row, cell, 4)
                add("read", 1, g[cell] * 4, 0.4 * 0.4 * g[cell] * 1e-9 * 200e-9)
            case 3:
                segment, codes = rng.randrange(2), [rng.randint(-127, 127) for _ in range(3)]
                oxram.evaluate(row, segment, np.array(codes), 2)
                drive = [(g[6 * segment + 2 * i] + g[6 * segment + 2 * i + 1], code) for i, code in enumerate(codes)]
                amount = sum(both * code * code for both, code in drive) * 2
                add("eval", 1, amount, sum((code * step_v) ** 2 * both * 1e-9 * 100e-9 for both, code in drive))

    for event, number in counts.items():
        assert sum(oxram.counts[phase][event] for phase in oxram.counts) == number
    assert len(amounts) == 12
    for (phase, event), amount in amounts.items():
        booked = oxram.quantities[phase][array.QUANTITY_OF[event]]
        assert booked == amount and type(booked) is int
        assert oxram.joules[phase][event] == pytest.approx(joules[phase, event], rel=1e-12, abs=0.0)


@ARRAY_REFUSES
def test_an_unknown_phase_is_an_error() -> None:
    oxram = make()
    oxram.phase = "training"
    with pytest.raises(KeyError, match="training"):
        oxram.read(0, 0, 1)
