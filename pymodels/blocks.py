"""The parts of a chip: which blocks and memories a configuration builds, and how large its memories are.

`hdl` takes the memories' sizes from here, `energy` and `silicon` what there is to pay for. That `hdl/chip.py` builds
these blocks and memories and no others, tests/hdl/test_blocks.py checks on netlists.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from oxmc.pymodels.config import Config
from oxmc.pymodels.formats import HOST_WORD_BITS, Formats, bits_for

FORGETFUL = "offsets"
"""The memory whose words are read, and left aside, before they are written: their parity would be wrong at power-up."""
SEEN_BITS = 3
"""Bits beside a device's learned offset that count what it was learned from."""


class Memory(NamedTuple):
    """`copies` memories of `depth` words of `width` bits, written in lanes of `lane_bits`; 0: a word at a time.

    With `parity` each lane keeps a bit besides.
    """

    built: bool
    width: int
    depth: int
    lane_bits: int = 0
    copies: int = 1
    parity: bool = False

    @property
    def stored_width(self) -> int:
        """Bits of a word as it is stored."""
        return self.width + self.parity * -(-self.width // (self.lane_bits or self.width))

    @property
    def bits(self) -> int:
        return self.copies * self.stored_width * self.depth


def memories(formats: Formats) -> dict[str, Memory]:
    """Every memory that a chip may have, by name, and its size where it is `built`.

    Gate codes, pair differences and evaluation order have two banks, of the current row and of the proposed one. Beside
    a gate code is whether it was clamped; cell-wise verification and the Hastings correction keep its read code, too.
    """
    config = formats.config
    bins, codes, samples = 2**config.table_bits, 2**config.read_bits, formats.sample_capacity
    pairs, cells = 2 ** bits_for(formats.pairs - 1), 2**formats.cell_bits
    by_pair, hard_first = config.verify == "pair", config.sample_order == "hard_first"
    gate = formats.gate_bits + 1
    kept = gate + (config.read_bits if config.verify == "cell" or config.hastings else 0)
    dacs = config.gate_dacs
    found = {
        "samples": Memory(True, formats.sample_word_bits, samples, HOST_WORD_BITS),
        "counters": Memory(True, config.counter_bits, formats.row_capacity),
        "likelihood": Memory(not formats.rewards, formats.likelihood_bits, bins),
        "response": Memory(True, config.response_bits, formats.response_bins),
        "activation": Memory(config.hidden > 0, formats.activation_bits, bins),
        "lut": Memory(True, config.read_bits, config.gate_codes),
        "map": Memory(True, gate, codes),
        "gate_codes": Memory(not by_pair, dacs * kept, 2 * cells // dacs, kept),
        "pairs": Memory(by_pair, config.read_bits + 1, 2 * pairs),
        "offsets": Memory(by_pair, config.read_bits + 1 + SEEN_BITS, cells),
        "order": Memory(hard_first, formats.sample_bits, 2 * samples),
        "histogram": Memory(config.calibrate, formats.calibration_bits, codes),
        "law": Memory(config.hastings, formats.law_bits, config.gate_codes, HOST_WORD_BITS, copies=2),
    }
    checked = config.parity == "all"
    return {name: memory._replace(parity=checked and name != FORGETFUL) for name, memory in found.items()}


class Block(NamedTuple):
    """A block of the logic by the `name` that it is paid under, its instance in the chip, and when it is built."""

    name: str
    instance: str
    built: Callable[[Config], bool]


def _always(config: Config) -> bool:
    return True


def _points(config: Config) -> bool:
    return config.acceptance == "likelihood"


def _softmax(config: Config) -> bool:
    return config.likelihood == "softmax"


def _logistic(config: Config) -> bool:
    return _points(config) and not _softmax(config)


def _episodes(config: Config) -> bool:
    return config.acceptance == "reward"


BETWEEN = ("answers", "arbiter", "cell_reads", "loader", "row_gates", "sample_path", "status", "tally")
"""Instances of the blocks that choose, count and pass on what the others exchange."""
COMMON_BLOCKS = (
    Block("control", "control", _points),
    Block("lfsr", "lfsr", _always),
    Block("log_uniform", "log_uniform", _always),
    Block("gate_dac", "gate_dac", _always),
    Block("row_counters", "row_counters", _always),
    Block("log_prior", "log_prior", _always),
    Block("acceptance", "acceptance", _always),
    Block("pulse", "pulse", _points),
    Block("trainer", "trainer", _points),
    Block("memories", "memories", _always),  # what follows the outputs of all memories
    *(Block("top", instance, _always) for instance in ("guard", *BETWEEN)),
    Block("top", "results", _episodes),
    Block("top", "front_end", lambda config: config.auto_zero_bits > 0),  # idle but for some EVALs ahead of a training
    Block("log_likelihood", "log_likelihood", _logistic),
    Block("inference", "inference", lambda config: _logistic(config) and not config.hidden),
)
"""Blocks that are there with and without options of the chain."""
SPECIAL_BLOCKS = (
    Block("reward", "reward", _episodes),
    Block("action", "action", _episodes),
    Block("reward_control", "control", _episodes),  # a host that writes while the chip runs
    Block("reward_pulse", "pulse", _episodes),  # begins and ends at each step, not once a sweep
    Block("reward_trainer", "trainer", _episodes),
    Block("reward_inference", "inference", _episodes),  # votes with codes, not with probabilities
    Block("softmax_likelihood", "log_likelihood", _softmax),
    Block("softmax_inference", "inference", _softmax),
    Block("network_inference", "inference", lambda config: _logistic(config) and config.hidden > 0),
    Block("activation", "activation", lambda config: config.hidden > 0),
    Block("pair_programmer", "programmer", lambda config: config.verify == "pair"),
    Block("cell_programmer", "programmer", lambda config: config.verify == "cell"),
    Block("sample_order", "sample_order", lambda config: config.sample_order == "hard_first"),
    Block("hastings", "hastings", lambda config: config.hastings),
    Block("former", "former", lambda config: config.form),
    Block("calibrator", "calibrator", lambda config: config.calibrate),
)
"""Blocks of one option or of one kind of training."""


def instances(config: Config) -> dict[str, str]:
    """The name of each block that a configuration builds, by its instance in the chip."""
    return {block.instance: block.name for block in (*COMMON_BLOCKS, *SPECIAL_BLOCKS) if block.built(config)}
