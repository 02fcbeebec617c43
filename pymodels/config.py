"""One checked, frozen parameter object for the chip, the array model and the tools.

Every key stands here once with its range, unit and meaning; `docs/reference/config.md` is printed from this table. A
`Config` is complete and valid or it does not exist: construction checks each key, then the rules between keys.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import math
import os
import tomllib
import typing
from collections.abc import Callable, Collection, Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from oxmc.pymodels.errors import InputError, shown
from oxmc.pymodels.files import read_toml

TASKS = ("toy", "cancer", "ecg", "cartpole", "wine", "digits", "table")
PRESETS = ("paper", "frugal", "best", "posterior", "wide", "plain")
"""What presets are called; `paper`, `best`, `wide` and `plain` are there for each task."""
EVEN = "its probabilities are nearer to even"
DEFAULT_PRESET = "best"
"""What trains where nothing is said: on the range that the card was measured at."""
LIKE = "like"
"""The key of a preset's table that names the preset whose keys it starts from."""
BY_POINTS = "by_points"
"""The key of a preset's table that lists keys which follow from the training points of a user's data."""
LONGEST_NAME = 80
"""Characters of an unknown key that are looked at and shown."""
ROWS_PER_BURN_IN = 8
"""`--rows N` alone keeps the burn-in at or below N // 8 rows."""


POWER_FRACTION_BITS = 5
"""Fraction bits of a softmax's powers and of the log2 of their sum."""
SUFFIX = ".toml"
"""How the name of a device card's file ends."""


def _cards() -> tuple[str, ...]:
    """The project's device cards: 16k, which is the default, and the others."""
    names = (Path(entry.name) for entry in resources.files("oxmc.pymodels").joinpath("oxram", "cards").iterdir())
    return tuple(sorted(name.stem for name in names if name.suffix == SUFFIX))


CARDS = _cards()


def key(
    default: Any, doc: str, *, unit: str = "", low: Any = None, high: Any = None, choices: tuple = (),
    file: str = "", shapes: bool | Callable[[Any], Any] = False,
) -> Any:  # fmt: skip
    """Declare one configuration key: its default, inclusive range or choices, unit and meaning.

    `file` is how the name of a file ends that may stand in the place of a choice.
    `shapes` says that the chip's netlist depends on the key, or on what a function makes of it.
    """
    metadata = dict(doc=doc, unit=unit, low=low, high=high, choices=choices, file=file, shapes=shapes)
    return dataclasses.field(default=default, metadata=metadata)


def is_there(value: int) -> int:
    """What a netlist keeps of an option that 0 turns off and whose value is in a register."""
    return min(1, value)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """All parameters of one training: docs/reference/config.md has the range, unit and meaning of each key.

    The defaults are preset `paper` of task `cancer`: the scheme and geometry of Dalgaty et al., Nature Electronics 4,
    151-161 (2021). Raises `InputError` where a key leaves its range or two keys contradict each other.
    """

    # geometry of the model
    rows: int = key(256, "array rows, one stored model each; auto: by the weights", low=2, high=16384)
    features: int = key(16, "features a sample, one differential pair each", low=1, high=128, shapes=True)
    outputs: int = key(1, "output neurons; 1 is a binary classifier", low=1, high=16, shapes=True)
    hidden: int = key(
        0, "hidden neurons of a Bayesian network, sigmoid, no bias; 0: no hidden layer", low=0, high=16, shapes=True
    )
    train_samples: int = key(369, "training points", low=1, high=16384)
    test_samples: int = key(200, "test points", low=1, high=16384)

    counters: str = key(
        "shared",
        "several outputs: accepted together with one counter a row, or each a chain of its own with its own counters",
        choices=("shared", "own"),
    )

    likelihood: str = key(
        "one_versus_rest",
        "what several outputs say of a class: each for itself against all others, or all of them together (softmax)",
        choices=("one_versus_rest", "softmax"),
        shapes=True,
    )

    # the Markov chain
    burn_in: int = key(32, "first rows left out of the inference", low=0, high=16383)
    max_proposals: int = key(100_000, "proposals after which a training stops, complete or not", low=1, high=2**24 - 1)
    scale_per_us: float = key(
        0.001,
        "S of the logistic response f = 1/(1+exp(-S V.w)); auto: by the training points",
        unit="1/uS",
        low=1e-6,
        high=10.0,
    )
    prior_sigma_us: float = key(
        20.0, "s.d. of the normal prior on each w = g+ - g-; auto: by S", unit="uS", low=0.5, high=1000.0
    )

    init: str = key(
        "lowest",
        "gate codes of row 0: the lowest as in the paper, the highest, one drawn for each cell, or for w = 0, the "
        "prior's mean, the one in the middle of the LUT (with verify = pair: nearest to common_mode_us)",
        choices=("lowest", "highest", "random", "prior_mean"),
        shapes=lambda init: "highest" if init == "prior_mean" else init,
    )

    # what a proposal is judged by
    acceptance: str = key(
        "likelihood",
        "ratio that accepts: of the likelihoods of the training points, or of the rewards of an episode each",
        choices=("likelihood", "reward"),
        shapes=True,
    )
    reward_exponent: float = key(1.0, "power of the ratio of rewards; in steps of 1/16", low=0.0625, high=15.9375)
    reward_kappa: float = key(1.0, "divides the acceptance ratio of rewards", low=1.0, high=10_000.0)
    episode_steps: int = key(500, "steps after which an episode ends, the largest reward", low=1, high=1023)
    test_episodes: int = key(
        10, "episodes that test the stored posterior; their mean reward is the result", low=1, high=10_000
    )

    # options of the chain, none of them the paper's
    verify: str = key(
        "off",
        "read while programming: no, each cell, or each pair, see docs/design.md",
        choices=("off", "cell", "pair"),
        shapes=True,
    )
    verify_window_us: float = key(
        7.0,
        "verified programming stops within this of its target; auto: by the training points",
        unit="uS",
        low=0.0,
        high=1000.0,
    )
    verify_tries: int = key(8, "most RESET and SET repeats, a cell or a pair", low=0, high=63)
    verify_memory: str = key(
        "row",
        "a device's learned offset lasts for one row's proposals or for one proposal",
        choices=("row", "proposal"),
        shapes=True,
    )
    common_mode_us: float = key(
        35.0, "middle of the two conductances a verified pair aims at", unit="uS", low=0.0, high=1000.0
    )
    reject_limit: int = key(
        0, "rejections in a row after which an array row is left empty; 0: never", low=0, high=255, shapes=is_there
    )
    temper: int = key(
        0,
        "a proposal is judged by its likelihood to the power of 2^-temper; 0: by the likelihood itself",
        low=0,
        high=7,
        shapes=is_there,
    )
    vote_sharpness: float = key(
        1.0,
        "rows vote by the response to S V.w times this, a table's content; above 1 for rows that temper scatters",
        low=1.0,
        high=64.0,
    )
    early_rejection: bool = key(False, "stop evaluating a proposal once its rejection is certain", shapes=True)
    sample_order: str = key(
        "given",
        "order of the evaluations: as loaded, or the current row's hard samples first",
        choices=("given", "hard_first"),
        shapes=True,
    )
    hastings: bool = key(
        False, "add the Hastings correction of the asymmetric proposal, a study; without verify only", shapes=True
    )
    ring: bool = key(
        False,
        "rows are a ring: a training can go on from a stored row with other points (oxmc adapt), where the oldest row "
        "is forgotten first; the newest rows - burn_in rows vote",
        shapes=True,
    )
    start_row: int = key(0, "stored row that an adaptation goes on from; oxmc adapt sets it", low=0, high=16383)
    adapt_rows: int = key(
        0, "rows that an adaptation fills; 0: none, the stored row is judged by the points alone", low=0, high=16383
    )
    hard_sample_bits: float = key(0.5, "a sample is hard above this -log2 likelihood", unit="bit", low=0.0, high=15.0)

    # converters
    adc_bits: int = key(8, "bits of an evaluation's ADC", unit="bit", low=2, high=12, shapes=True)
    eval_range: float = key(0.5, "full scale of that ADC is +-eval_range in S V.w", low=1e-3, high=11.0)
    hidden_eval_range: float = key(8.0, "the same while hidden neurons are evaluated", low=1e-3, high=11.0)
    read_bits: int = key(8, "bits of a cell read", unit="bit", low=3, high=12, shapes=True)
    read_range_us: float = key(128.0, "full scale of a cell read", unit="uS", low=1.0, high=1000.0)
    input_bits: int = key(8, "bits of the signed input DAC of a feature", unit="bit", low=2, high=12, shapes=True)
    input_range: float = key(
        4.0, "feature value at the input DAC's full scale; beyond it values clip", low=0.01, high=100.0
    )
    input_full_scale_v: float = key(0.4, "row voltage at the input DAC's full scale", unit="V", low=0.01, high=1.0)
    gate_codes: int = key(
        21, "entries of the gate LUT, evenly spread over its conductances", low=2, high=64, shapes=True
    )
    gate_dacs: int = key(
        1,
        "gate DACs, a power of two: neighbouring cells of a row that one SET pulse programs at once",
        low=1,
        high=64,
        shapes=True,
    )
    lut_low_us: float = key(
        0.0, "median conductance of the lowest gate code; 0: the card's", unit="uS", low=0.0, high=500.0
    )
    lut_high_us: float = key(
        0.0, "median conductance of the highest gate code; 0: the card's", unit="uS", low=0.0, high=500.0
    )

    # digital formats
    counter_bits: int = key(8, "width of a row counter, saturating", unit="bit", low=1, high=16, shapes=True)
    lfsr_bits: int = key(
        32, "width of the LFSR, also the bits of one uniform draw", unit="bit", low=8, high=64, shapes=True
    )
    lfsr_step_bits: int = key(
        8, "bits the LFSR advances a clock; divides lfsr_bits", unit="bit", low=1, high=64, shapes=True
    )
    lfsr_output: str = key(
        "state",
        "the bits of a draw: the LFSR's state, or its sum with itself, shifted up by 7 bits, which is not linear",
        choices=("state", "sum"),
        shapes=True,
    )
    log_fraction_bits: int = key(8, "fraction bits of every log2 quantity", unit="bit", low=4, high=12, shapes=True)
    log_u_index_bits: int = key(5, "index bits of the table behind -log2 u", unit="bit", low=2, high=8, shapes=True)
    table_bits: int = key(
        8, "index bits of the likelihood and response tables", unit="bit", low=2, high=12, shapes=True
    )
    response_bits: int = key(8, "width of a response table entry, signed", unit="bit", low=2, high=12, shapes=True)

    # upsets
    parity: str = key(
        "off",
        "what has parity, so that a flipped bit stops the chip with an error: nothing, the registers of control, or "
        "memories besides",
        choices=("off", "registers", "all"),
        shapes=True,
    )

    # devices
    card: str = key(
        "16k",
        "device card: one of the project's, or the file of another, see docs/reference/cards.md",
        choices=CARDS,
        file=SUFFIX,
    )
    extrapolate: bool = key(False, "values outside the card's range are taken all the same, and marked")
    d2d_spread: float = key(0.05, "relative device-to-device s.d. of the median conductance", low=0.0, high=1.0)
    stuck_lcs: float = key(0.0, "share of cells stuck in the low conductive state", low=0.0, high=1.0)
    stuck_hcs: float = key(0.0, "share of cells stuck in the high conductive state", low=0.0, high=1.0)
    fault_mode: str = key(
        "permanent",
        "which cells are stuck: the same for ever, or drawn anew at each SET of a cell, as in the paper's program, or "
        "at each READ and evaluation of it",
        choices=("permanent", "each_set", "each_read"),
    )
    set_distribution: str = key(
        "normal", "how SETs scatter about their median: normally, or as the card says", choices=("normal", "card")
    )
    cycle_correlation: float = key(
        0.0, "correlation of a cell's scatter from one SET to its next (AR1)", low=-0.99, high=0.99
    )
    set_failure: float = key(0.0, "share of SETs that leave a cell in the low conductive state", low=0.0, high=1.0)
    read_noise: float = key(
        0.0, "relative s.d. of a cell's current from one READ or evaluation to the next", low=0.0, high=0.5
    )
    relaxation: float = key(
        0.0,
        "relative s.d. by which a conductance moves between programming and its first evaluation",
        low=0.0,
        high=0.5,
    )

    age_cycles: float = key(
        0.0,
        "SET and RESET cycles the array has seen before; adds the card's stuck cells of that age",
        unit="1",
        low=0.0,
        high=1e7,
    )

    # the circuit around the cells; off in conditions = ideal
    conditions: str = key(
        "ideal",
        "effects of devices and circuit that are on: none, or those of docs/design.md (conditions); keys given beside "
        "it win",
        choices=("ideal", "real"),
    )
    line_ohm: float = key(0.0, "wire from one cell to the next, along a row and along a column", unit="ohm", low=0.0,
                          high=1000.0)  # fmt: skip
    selector_ohm: float = key(
        0.0, "in series with each cell beyond what the card's conductances hold", unit="ohm", low=0.0, high=1e5
    )
    selector_limit_ua: float = key(
        0.0, "current at which a selector saturates in READ and evaluation; 0: never", unit="uA", low=0.0, high=1e4
    )
    iv_curvature: float = key(
        0.0, "share by which a cell near 0 S conducts less at 0 V than at the card's READ voltage", low=0.0, high=0.5
    )
    dac_mismatch: float = key(0.0, "relative s.d. of the gains of the input DACs", low=0.0, high=0.2)
    front_end_ohm: float = key(0.0, "input resistance of the current front end", unit="ohm", low=0.0, high=1e5)
    front_end_offset_v: float = key(0.0, "offset of the current front end", unit="V", low=-0.1, high=0.1)
    front_end_offset_sd_v: float = key(0.0, "s.d. of that offset from chip to chip", unit="V", low=0.0, high=0.1)
    adc_inl_lsb: float = key(
        0.0, "bow of the evaluation's ADC at its ends, of a sign drawn for each chip", unit="LSB", low=0.0, high=4.0
    )
    adc_dnl_lsb: float = key(0.0, "s.d. of the width of that ADC's codes", unit="LSB", low=0.0, high=1.0)

    auto_zero_bits: int = key(
        0, "bits of the front end's trim DAC, which the chip sets first; 0: none", unit="bit", low=0, high=10,
        shapes=True,
    )  # fmt: skip
    auto_zero_range_v: float = key(0.01, "offset that the trim DAC takes off, either way", unit="V", low=1e-4, high=0.1)

    # ahead of a training
    form: bool = key(False, "the chip forms and conditions the array first", shapes=True)
    condition_cycles: int = key(100, "SET and RESET cycles of a conditioning", low=0, high=1023)
    calibrate: bool = key(False, "the chip fills its gate LUT by a sweep over the array first", shapes=True)
    calibration_rows: int = key(0, "rows of that sweep; 0: all", low=0, high=16384)

    # timing
    clock_hz: float = key(10e6, "chip clock", unit="Hz", low=1e3, high=1e9, shapes=True)
    set_pulse_s: float = key(100e-9, "SET pulse width", unit="s", low=1e-9, high=1e-3, shapes=True)
    reset_pulse_s: float = key(100e-9, "RESET pulse width", unit="s", low=1e-9, high=1e-3, shapes=True)
    read_pulse_s: float = key(100e-9, "READ pulse width", unit="s", low=1e-9, high=1e-3, shapes=True)
    eval_pulse_s: float = key(100e-9, "evaluation pulse width", unit="s", low=1e-9, high=1e-3, shapes=True)
    conversion_s: float = key(
        100e-9, "conversion time; the next pulse may overlap it", unit="s", low=1e-9, high=1e-3, shapes=True
    )

    # data
    split: str = key(
        "reshuffled", "train/test split: drawn anew from each seed, or one for all", choices=("reshuffled", "fixed")
    )
    split_seed: int = key(2021, "draws the split of split = fixed, the same for every run", low=0, high=2**53 - 1)
    preprocessing: str = key(
        "all",
        "data that feature selection and scaling see: all of it as in the paper, or train only; robust (tasks wine and "
        "table): asinh of (value - median) / quartile range of the training points, then as train",
        choices=("all", "train", "robust"),
    )
    bias: bool = key(
        False, "append a feature of constant 1 in tasks wine and table, and to components; its weights are the biases"
    )
    components: int = key(
        0,
        "whitened leading principal components of the training points, which the chip learns from in place of "
        "features; 0: features as they are; auto: by the training points",
        low=0,
        high=128,
    )
    raw_features: int = key(0, "features that these components are made of; 0 without components", low=0, high=128)
    balance: str = key(
        "balanced", "training beats of task ecg: as many of each class, or as drawn", choices=("balanced", "drawn")
    )
    beat_features: str = key(
        "spectrum",
        "features of a beat in task ecg: spectra of two channels, or intervals to its neighbours besides",
        choices=("spectrum", "spectrum_rr"),
    )
    beat_classes: str = key(
        "normal",
        "what task ecg tells apart: normal beats from others, or the five classes of AAMI",
        choices=("normal", "aami"),
    )
    beat_split: str = key(
        "subject",
        "records that task ecg trains on: all but the subject's, DS1 with DS2 tested, or two thirds of DS1 with the "
        "others of it tested",
        choices=("subject", "ds1_ds2", "within_ds1"),
    )
    own_beats: int = key(
        0, "the subject's first beats that join the training points of task ecg, with their labels", low=0, high=16384
    )
    own_copies: int = key(
        1,
        "training points that each of these beats makes, a power of two: its weight in the likelihood",
        low=1,
        high=64,
    )
    test_after_s: float = key(
        0.0,
        "only beats from then on are tested of a recording in task ecg, and own beats come from before; 0: all are",
        unit="s",
        low=0.0,
        high=1e6,
    )

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            object.__setattr__(self, field.name, _checked(field, getattr(self, field.name)))
        self._check_rules()

    def _check_rules(self) -> None:
        def rule(holds: bool, message: str) -> None:
            if not holds:
                raise InputError(message)

        rule(self.burn_in < self.rows, f"burn_in must be below rows ({self.rows}), not {self.burn_in}")
        rule(
            self.counters == "shared" or self.outputs > 1,
            f"outputs must be 2 or more with counters = own, not {self.outputs}",
        )
        rule(
            self.table_bits <= self.adc_bits,
            f"table_bits must be at most adc_bits ({self.adc_bits}), not {self.table_bits}",
        )
        self._check_softmax_rules(rule)
        self._check_hastings_rules(rule)
        self._check_ring_rules(rule)
        rule(
            self.lfsr_bits % self.lfsr_step_bits == 0,
            f"lfsr_step_bits must divide lfsr_bits ({self.lfsr_bits}), not {self.lfsr_step_bits}",
        )
        rule(
            self.calibration_rows <= self.rows,
            f"calibration_rows must be at most rows ({self.rows}), not {self.calibration_rows}",
        )
        draw = self.lfsr_bits // self.lfsr_step_bits
        self._check_gate_rules(rule)
        cells = 2 * self.chip.pairs
        row = -(-cells // self.gate_dacs) * self.cycles(self.set_pulse_s) + cells * self.cycles(self.read_pulse_s)
        rule(
            draw <= row,
            f"lfsr_step_bits must let a draw ({draw} cycles) end while a row is programmed ({row} cycles), "
            f"not be {self.lfsr_step_bits}",
        )
        rule(
            self.log_u_index_bits < self.lfsr_bits,
            f"log_u_index_bits must be below lfsr_bits ({self.lfsr_bits}), not {self.log_u_index_bits}",
        )
        rule(
            self.stuck_lcs + self.stuck_hcs <= 1.0,
            f"stuck_lcs + stuck_hcs must be at most 1, not {self.stuck_lcs + self.stuck_hcs:g}",
        )
        self._check_reward_rules(rule)
        self._check_circuit_rules(rule)
        self._check_component_rules(rule)
        self._check_own_beat_rules(rule)
        for name in ("read_pulse_s", "eval_pulse_s"):
            rule(
                self.cycles(self.conversion_s) <= self.cycles(getattr(self, name)),
                f"conversion_s must be no longer than {name} ({getattr(self, name):g} s), since a conversion overlaps "
                f"the next pulse, not {self.conversion_s:g}",
            )
        for name in ("set_pulse_s", "reset_pulse_s", "read_pulse_s", "eval_pulse_s"):
            width = self.cycles(getattr(self, name))
            rule(width <= 1024, f"{name} must last at most 1024 clock cycles, not {width}")

    def _check_ring_rules(self, rule: Callable[[bool, str], None]) -> None:
        """One chain over one array, and a row to go on from that no adaptation fills."""
        for name in ("start_row", "adapt_rows"):
            value = getattr(self, name)
            rule(self.ring or not value, f"{name} must be 0 without ring, not {value}")
            rule(value < self.rows, f"{name} must be below rows ({self.rows}), not {value}")
        rule(not self.ring or self.counters == "shared", f"counters must be shared with ring, not {self.counters}")
        rule(not self.ring or self.acceptance == "likelihood", "ring must be false with acceptance reward, not true")
        rule(not self.ring or self.parity == "off", f"parity must be off with ring, not {self.parity}")

    def _check_hastings_rules(self, rule: Callable[[bool, str], None]) -> None:
        """The correction is of plain programming alone, whose SETs are independent and normal."""
        rule(
            not self.hastings or self.acceptance == "likelihood",
            f"hastings must be false with acceptance reward, not {self.hastings}",
        )
        rule(
            not self.hastings or self.verify == "off",
            f"hastings must be false with verified programming (verify = {self.verify}), whose proposal is no normal",
        )
        plain = self.set_distribution == "normal" and not self.cycle_correlation and not self.set_failure
        rule(
            not self.hastings or plain,
            "hastings must be false with set_distribution, cycle_correlation or set_failure, whose proposal is no "
            "independent normal",
        )

    @property
    def shape(self) -> dict[str, Any]:
        """The keys that shape the netlist, each at the value that it keeps of them; memories' depths apart."""
        return {
            name: shapes(getattr(self, name)) if callable(shapes) else getattr(self, name)
            for name, field in KEYS.items()
            if (shapes := field.metadata["shapes"])
        }

    @property
    def chains(self) -> int:
        """Markov chains of one training, run one after the other: one, or one an output."""
        return self.outputs if self.counters == "own" else 1

    @property
    def target(self) -> str:
        """What the chains sample where that is not the posterior of docs/reference/posterior.md; empty where it is."""
        if not self.temper:
            return ""
        power = f"1/{2**self.temper} (temper = {self.temper})"
        sharpened = f"the rows' votes are sharpened for it (vote_sharpness = {self.vote_sharpness:g})"
        effect = sharpened if self.vote_sharpness > 1 else EVEN
        return (
            f"tempered: the target is the likelihood to the power of {power} times the prior, "
            f"which is not the posterior of these points: it is wider, and {effect}"
        )

    @property
    def chip(self) -> Config:
        """The configuration of the chip: with counters of their own, one of one output trains each in turn."""
        return self.replace(outputs=1, counters="shared") if self.counters == "own" else self

    @property
    def pairs(self) -> int:
        """Differential pairs of one row: a weight each, without biases."""
        if self.hidden:
            return self.hidden * self.features + self.outputs * self.hidden
        return self.outputs * self.features

    def _check_gate_rules(self, rule: Callable[[bool, str], None]) -> None:
        """Several SETs at once, each at a gate code that is known before the pulse."""
        dacs = self.gate_dacs
        if dacs == 1:
            return
        rule(dacs.bit_count() == 1, f"gate_dacs must be a power of two, not {dacs}")
        rule(
            self.verify == "off",
            f"gate_dacs must be 1 with verified programming (verify = {self.verify}), which waits for a cell's "
            f"reading, not {dacs}",
        )
        rule(
            self.init != "random",
            f"gate_dacs must be 1 with init = random, which draws a gate code at a time, not {dacs}",
        )
        cells = 2 * self.chip.pairs
        most = 1 << (cells - 1).bit_length()
        rule(dacs <= most, f"gate_dacs must be at most {most}, as a row has {cells} cells, not {dacs}")

    def _check_component_rules(self, rule: Callable[[bool, str], None]) -> None:
        """The chip has a line for each component and the bias, as the host makes them of the raw features."""
        n, raw = self.components, self.raw_features
        rule(n > 0 or not raw, f"raw_features must be 0 without components, not {raw}")
        if not n:
            return
        rule(self.acceptance == "likelihood", f"components must be 0 with acceptance reward, not {n}")
        rule(n <= raw, f"components must be at most raw_features ({raw}), not {n}")
        rule(
            self.features == n + self.bias,
            f"features must be {n + self.bias} with components = {n} and bias = {str(self.bias).lower()}, "
            f"not {self.features}",
        )

    def _check_own_beat_rules(self, rule: Callable[[bool, str], None]) -> None:
        """What is learned from is not what is tested."""
        own = self.own_beats
        copies = self.own_copies
        rule(copies.bit_count() == 1, f"own_copies must be a power of two, not {copies}")
        rule(not own or self.test_after_s > 0, f"own_beats must be 0 where all beats are tested, not {own}")
        rule(
            not own or self.beat_split == "subject",
            f"own_beats must be 0 with beat_split = {self.beat_split}, not {own}",
        )

    def _check_reward_rules(self, rule: Callable[[bool, str], None]) -> None:
        """Episodes replace the training points: one observation at a time is all the sample memory holds."""
        if self.acceptance != "reward":
            return
        rule(not self.hidden, f"hidden must be 0 with acceptance reward, not {self.hidden}")
        rule(self.outputs > 1, f"outputs must be at least 2 with acceptance reward, not {self.outputs}")
        for name in ("train_samples", "test_samples"):
            value = getattr(self, name)
            rule(value == 1, f"{name} must be 1 with acceptance reward, not {value}")
        rule(self.fault_mode != "each_read", "fault_mode must be permanent or each_set with acceptance reward")
        rule(self.counters == "shared", f"counters must be shared with acceptance reward, not {self.counters!r}")
        rule(not self.early_rejection, "early_rejection must be false with acceptance reward, not true")
        rule(not self.temper, f"temper must be 0 with acceptance reward, not {self.temper}; see reward_exponent")
        sharpness = self.vote_sharpness
        rule(sharpness == 1, f"vote_sharpness must be 1 with acceptance reward, a linear response, not {sharpness:g}")
        rule(
            self.sample_order == "given",
            f"sample_order must be given with acceptance reward, not {self.sample_order!r}",
        )

    def _check_softmax_rules(self, rule: Callable[[bool, str], None]) -> None:
        """A softmax is of all outputs of a row together; it is no product of terms of one output each."""
        if self.likelihood != "softmax":
            return
        rule(self.acceptance == "likelihood", "likelihood must be one_versus_rest with acceptance reward, not softmax")
        rule(self.outputs > 1, f"outputs must be 2 or more with likelihood = softmax, not {self.outputs}")
        sharpness = self.vote_sharpness
        rule(sharpness == 1, f"vote_sharpness must be 1 with likelihood = softmax, not {sharpness:g}")
        rule(
            self.counters == "shared",
            "counters must be shared with likelihood = softmax, which needs all outputs of one model, "
            f"not {self.counters}",
        )
        rule(
            self.log_fraction_bits >= POWER_FRACTION_BITS,
            f"log_fraction_bits must be at least {POWER_FRACTION_BITS} with likelihood = softmax, "
            f"not {self.log_fraction_bits}",
        )

    def _check_circuit_rules(self, rule: Callable[[bool, str], None]) -> None:
        """Cubes of input codes must leave room for their sums."""
        bent = self.iv_curvature > 0 or self.selector_limit_ua > 0
        rule(
            not bent or self.input_bits <= 8,
            f"input_bits must be at most 8 with iv_curvature or selector_limit_ua, not {self.input_bits}",
        )

    @property
    def stop_row(self) -> int:
        """Last row that an adaptation fills, `adapt_rows` beyond `start_row` round the ring."""
        return (self.start_row + self.adapt_rows) % self.rows

    def cycles(self, seconds: float) -> int:
        """Cycles of `clock_hz` (Hz) that cover `seconds`, rounded up; an error below 1 ppm does not add one."""
        return max(1, math.ceil(seconds * self.clock_hz * (1 - 1e-6)))

    def replace(self, **changes: Any) -> Config:
        """A copy with keys changed; `conditions` changes all of its own that are not among them.

        Raises `InputError` for an unknown key, with the nearest known one.
        """
        _check_names(changes)
        if "conditions" in changes:
            changes = {**CONDITIONS[_checked(KEYS["conditions"], changes["conditions"])], **changes}
        return dataclasses.replace(self, **changes)

    def as_dict(self) -> dict[str, Any]:
        """All keys in the order of their declaration."""
        return dataclasses.asdict(self)

    def to_toml(self) -> str:
        """This configuration as TOML, readable by `load_toml`."""
        import tomli_w  # what reads need not load

        return tomli_w.dumps(self.as_dict())


REAL: dict[str, float] = {
    "read_noise": 0.03,
    "relaxation": 0.05,
    "line_ohm": 5.0,
    "selector_limit_ua": 300.0,
    "iv_curvature": 0.15,
    "dac_mismatch": 0.03,
    "front_end_ohm": 200.0,
    "front_end_offset_sd_v": 0.002,
    "adc_inl_lsb": 0.25,
    "adc_dnl_lsb": 0.25,
}
CONDITIONS: dict[str, dict[str, float]] = {"ideal": dict.fromkeys(REAL, 0.0), "real": REAL}
"""What each of the `conditions` sets; sources in docs/design.md."""

KEYS: dict[str, dataclasses.Field] = {field.name: field for field in dataclasses.fields(Config)}
_TYPES = typing.get_type_hints(Config)


Fit = Callable[[Mapping[str, Any], Collection[str]], Mapping[str, Any]]
"""Keys that follow from the data, given all keys and the names of those that the user set."""


def _check_names(names: Iterable[str]) -> None:
    """Raises `InputError` for what is no key, with the nearest that is."""
    for name in names:
        if name not in KEYS:
            name = name[:LONGEST_NAME]
            near = difflib.get_close_matches(name, KEYS, n=1, cutoff=0.0)[0]
            raise InputError(f"{name} is not a configuration key; did you mean {near}?")


def _checked(field: dataclasses.Field, value: Any) -> Any:
    """`value` as the key's type, in its range. Raises `InputError` otherwise."""
    kind, meta, name = _TYPES[field.name], field.metadata, field.name
    if kind is bool:
        if not isinstance(value, bool):
            raise InputError(f"{name} must be true or false, not {shown(value)}")
        return value
    if kind is str:
        ending = meta["file"]
        if value not in meta["choices"] and not (ending and isinstance(value, str) and value.endswith(ending)):
            file = f" or a file {ending}" if ending else ""
            raise InputError(f"{name} must be one of {', '.join(meta['choices'])}{file}, not {shown(value)}")
        return value
    unit = f" {meta['unit']}" if meta["unit"] else ""
    article = "an integer" if kind is int else "a number"
    low, high = (f"{meta[end]}" if kind is int else f"{meta[end]:g}" for end in ("low", "high"))
    rule = f"{name} must be {article} from {low} to {high}{unit}, not {shown(value)}"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InputError(rule)
    if not meta["low"] <= value <= meta["high"]:  # false for NaN, too
        raise InputError(rule)
    if kind is int and value != int(value):
        raise InputError(rule)
    return kind(value)


def preset(task: str, name: str) -> Config:
    """The named preset of a task; docs/reference/config.md lists all.

    Raises `InputError` for a task or preset that does not exist.
    """
    names = presets_of(task)
    if name not in names:
        raise InputError(f"preset must be one of {', '.join(names)}, not {name!r}")
    return Config().replace(**_preset_keys(task, name))


def _preset_keys(task: str, name: str) -> dict[str, Any]:
    """The keys of a preset's table, over those of the preset that it is like."""
    base, own = (
        like_of(task, name),
        {key: value for key, value in _tables(task)[name].items() if key not in (LIKE, BY_POINTS)},
    )
    return {**_preset_keys(task, base), **own} if base else own


def like_of(task: str, name: str) -> str:
    """The preset whose constants this one takes where it says nothing else; empty if it stands for itself."""
    return str(_tables(task)[name].get(LIKE, ""))


def keys_by_points(task: str, name: str) -> tuple[str, ...]:
    """The keys of a preset that follow from the training points where a user's data are there."""
    return tuple(_tables(task)[name].get(BY_POINTS, ()))


def presets_of(task: str) -> tuple[str, ...]:
    """The presets that a task has. Raises `InputError` for a task that does not exist."""
    if task not in TASKS:
        raise InputError(f"task must be one of {', '.join(TASKS)}, not {task!r}")
    return tuple(name for name in PRESETS if name in _tables(task))


@functools.cache
def _tables(task: str) -> dict[str, dict[str, Any]]:
    text = resources.files("oxmc.pymodels").joinpath("presets", f"{task}.toml").read_text("utf-8")
    return tomllib.loads(text)


def load_toml(path: Path) -> dict[str, Any]:
    """The keys of a TOML file. Raises `InputError` if it is missing, unreadable or not flat TOML."""
    return read_toml(path, "--config must name a readable TOML file", "--config must be valid TOML")


def parse_setting(text: str) -> tuple[str, Any]:
    """One `--set key=value` as key and typed value. Raises `InputError` where it is no such pair."""
    name, equals, value = text.partition("=")
    if not equals:
        raise InputError(f"--set must be key=value, not {text!r}")
    kind = _TYPES.get(name, str)
    if kind is bool:
        return name, {"true": True, "false": False}.get(value.lower(), value)
    try:
        return name, kind(value)
    except ValueError:
        try:  # "1e3" is a fair way to write an integer
            return name, float(value)
        except ValueError:
            return name, value


def resolve(
    task: str,
    preset_name: str,
    *,
    toml: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    rows: int | None = None,
    fit: Fit | None = None,
) -> Config:
    """Preset, then what `fit` says follows from the data, TOML file, `--set`, `--rows`, later ones winning.

    `rows` without an explicit `burn_in` sets burn_in to the smaller of the preset's and rows // 8. The rules between
    keys hold for the whole, so that a key may be set that the preset's own geometry would not allow.
    """
    base = preset(task, preset_name)
    changes = {**(toml or {}), **(settings or {})}
    if str(changes.get("card", "")).endswith(SUFFIX):
        changes["card"] = os.path.abspath(changes["card"])  # whatever folder a worker or a simulator is in
    if rows is not None:
        changes["rows"] = rows
        if "burn_in" not in changes:
            _checked(KEYS["rows"], rows)
            changes["burn_in"] = min(base.burn_in, rows // ROWS_PER_BURN_IN)
    if fit is not None:
        _check_names(changes)
        keys = {name: _checked(KEYS[name], value) for name, value in {**base.as_dict(), **changes}.items()}
        changes = {**fit(keys, {*(toml or {}), *(settings or {})}), **changes}
    return base.replace(**changes)
