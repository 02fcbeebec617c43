"""Row 0: which gate codes it is SET at, on the twin, in the host's words and in real numbers."""

from __future__ import annotations

import numpy as np
import pytest

from oxmc.pymodels.budget import formulas as budget
from oxmc.pymodels.config import Config
from oxmc.pymodels.formats import LFSR_TAPS, Formats
from oxmc.pymodels.interface import Setting, Space, address
from oxmc.pymodels.oxram.array import OxramArray
from oxmc.pymodels.oxram.devices import first_gate, load_card, lut_table
from oxmc.pymodels.real.engine import run_float
from oxmc.pymodels.streams import lfsr_seed
from oxmc.pymodels.twin.chain import run_twin
from oxmc.tb.cosim.program import load_words, lut_codes

pytestmark = pytest.mark.testpoint(
    "row 0",
    "its gate codes by strategy: pulse by pulse on the array model, drawn ones from an LFSR written out, their "
    "spread; cycles, the host's register, in real numbers",
)

CONFIG = Config(rows=2, features=4, train_samples=6, test_samples=2, burn_in=0, max_proposals=1)
WIDE = CONFIG.replace(extrapolate=True, lut_low_us=10.0, lut_high_us=200.0, read_range_us=256.0, gate_codes=20)


def row_0(config: Config, seed: int) -> np.ndarray:
    codes, labels = np.full((8, 4), 5), np.zeros(8, np.int64)
    return run_twin(config, seed, codes, labels, np.array(lut_codes(Formats(config))), 0).conductance_ns[0]


def programmed(config: Config, seed: int, gates: list[int]) -> np.ndarray:
    """Row 0 of the array model, SET pulse by pulse."""
    array = OxramArray(config, load_card(config.card), seed)
    for cell, gate in enumerate(gates):
        array.set(0, cell, gate, 1)
    return array.conductance_ns[0]


def drawn_gates(config: Config, seed: int) -> list[int]:
    """One gate code a cell from an LFSR written out bit by bit (XAPP 052): its low 16 bits as a share of the codes."""
    bits = config.lfsr_bits
    state, gates = [lfsr_seed(seed, bits) >> i & 1 for i in range(bits)], []
    for _ in range(Formats(config).cells):
        for _ in range(bits):
            state = [sum(state[tap - 1] for tap in LFSR_TAPS[bits]) % 2, *state[:-1]]
        low = min(16, bits)
        gates.append(sum(bit << i for i, bit in enumerate(state[:low])) * config.gate_codes // 2**low)
    return gates


@pytest.mark.parametrize(("init", "gate"), [("lowest", 0), ("highest", 19), ("prior_mean", 9)])
def test_one_gate_code_for_all(init: str, gate: int, seed: int) -> None:
    config = WIDE.replace(init=init)
    assert first_gate(config) == gate
    np.testing.assert_array_equal(row_0(config, seed), programmed(config, seed, [gate] * 8))


def test_the_middle_of_verified_pairs_is_their_common_mode() -> None:
    """20 medians from 10 to 200 uS, 10 uS apart."""
    pairs = WIDE.replace(init="prior_mean", verify="pair")
    assert [first_gate(pairs.replace(common_mode_us=cm)) for cm in (0.0, 34.0, 36.0, 500.0)] == [0, 2, 3, 19]
    assert lut_table(load_card("16k"), pairs).median_ns[3] == 40_000


@pytest.mark.parametrize("lfsr_bits", [8, 32, 40])
def test_a_gate_code_drawn_for_each_cell(lfsr_bits: int, seed: int) -> None:
    config = WIDE.replace(init="random", lfsr_bits=lfsr_bits)
    gates = drawn_gates(config, seed)
    assert len(set(gates)) > 1
    np.testing.assert_array_equal(row_0(config, seed), programmed(config, seed, gates))


def test_drawn_gate_codes_are_evenly_spread() -> None:
    """500 rows of 8 cells over 20 codes: 200 each, +-13.8 (one binomial s.d.); five of those is 6e-7 a code."""
    config = WIDE.replace(init="random")
    counts = np.bincount([gate for seed in range(500) for gate in drawn_gates(config, seed)], minlength=20)
    assert len(counts) == 20 and np.abs(counts - 200).max() < 69


def test_draws_take_their_cycles() -> None:
    """Eight cells, a draw of 32 bits at eight a cycle."""
    tally = dict(retry=0, switch=0, rejected=0, sweep=2, eval=12, layer=0)
    plain, drawn = (budget.train_cycles(Formats(c), 1, tally) for c in (CONFIG, CONFIG.replace(init="random")))
    assert drawn - plain == 8 * 4


@pytest.mark.parametrize(("init", "words"), [("lowest", []), ("random", []), ("highest", [20]), ("prior_mean", [10])])
def test_the_host_names_the_code(init: str, words: list[int]) -> None:
    formats = Formats(CONFIG.replace(init=init))
    loaded = load_words(formats, np.zeros((8, 4), int), np.zeros(8, int), 1)
    assert [word for where, word in loaded if where == address(Space.SETTINGS, Setting.FIRST_GATE)] == words


@pytest.mark.parametrize(
    ("init", "low", "high"), [("lowest", 10, 10), ("highest", 200, 200), ("prior_mean", 100, 110), ("random", 95, 115)]
)
def test_in_real_numbers(init: str, low: float, high: float) -> None:
    """Mean of row 0 over 400 seeds of 8 alike devices, in uS. Its standard error is below 0.3 (a SET's s.d. is at most
    15 uS, or of random medians 57 uS over sqrt(3200): 1.0); bounds are five of them outside the law's."""
    config, x = WIDE.replace(init=init, d2d_spread=0.0), np.zeros((8, 4))
    rows = [run_float(config, seed, x, np.zeros(8, int), 0).conductance_ns[0] for seed in range(400)]
    error = 1.0 if init == "random" else 0.3
    mean = np.mean(rows) / 1000
    assert low - 5 * error < mean < high + 5 * error
