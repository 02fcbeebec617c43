"""What the twin's compiled kernels pass around: the chip's constants, the array's population, data, the chain."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oxmc.pymodels.oxram.circuit import Circuit
from oxmc.pymodels.oxram.effects import Effects
from oxmc.pymodels.oxram.ladder import Seen
from oxmc.pymodels.twin.evaluate import Room
from oxmc.pymodels.twin.hastings import Law
from oxmc.pymodels.twin.softmax import Fold


class Arithmetic(NamedTuple):
    """The chip's constants and tables as the compiled kernel takes them; tables of evaluations int32, others int64.

    `lfsr_leap` uint64 [4-bit digits of a state, 16] is what each digit of the LFSR's state is turned into by a draw.
    With a `fold` that is built the likelihood is a softmax.
    """

    outputs: int
    hidden: int
    read_step_ns: int
    read_top: int
    input_top: int
    eval_step: int
    hidden_eval_step: int
    adc_top: int
    table_shift: int
    activation_table: np.ndarray
    likelihood_table: np.ndarray
    log_u_table: np.ndarray
    log_u_index_bits: int
    log_fraction_bits: int
    lfsr_bits: int
    lfsr_leap: np.ndarray
    lfsr_summed: bool
    prior_multiplier: int
    prior_shift: int
    gate_map: np.ndarray
    gate_clamped: np.ndarray
    gate_top: int
    first_gate: int
    first_draw_bits: int
    counter_top: int
    max_proposals: int
    verify: int
    window: int
    tries: int
    memory: bool
    common_mode: int
    reject_limit: int
    temper: int
    early_rejection: bool
    late_evaluations: int
    hard_first: bool
    hard_above: int
    ring: bool
    stop_row: int
    hastings: bool
    law: Law
    fold: Fold


VERIFY = {"off": 0, "cell": 1, "pair": 2}
VERIFY_CELL, VERIFY_PAIR = 1, 2
EDGE = 2
"""A wanted gate code closer to the LUT's ends than this passes the work to the other side of the pair."""


class Devices(NamedTuple):
    """The array's population and laws, and its state, which the kernel changes in place.

    `evaluations` int64 [rows] are those of a row since its last SET. Without `effects` or a `circuit` kernels are
    compiled as if they knew of none, since numba drops the branches of an argument that is None; else they would be
    half as fast. `seen` is the row at work as the circuit shows it.
    """

    k0: int
    k1: int
    median_ns: np.ndarray
    sd_ns: np.ndarray
    current_na: np.ndarray
    lcs_table: np.ndarray
    device_q16: np.ndarray
    stuck: np.ndarray
    set_count: np.ndarray
    conductance_ns: np.ndarray
    effects: Effects | None
    evaluations: np.ndarray
    scatter_q16: np.ndarray
    circuit: Circuit | None
    seen: Seen


TALLIES = (
    "set", "reset", "read", "reset_pulse", "retry", "switch", "sweep", "sample_read", "eval", "order_read",
    "order_write", "stored", "rejected", "clamps", "lost", "skipped", "set_na", "reset_ns", "read_ns", "eval_ns",
    "activation", "layer", "eval_ns_high", "forgotten",
)  # fmt: skip
"""What the kernel counts, in the order of its tally; quantities (_na, _ns) still without the pulse widths.

`activation` are the evaluations of hidden neurons among `eval`, `layer` the samples whose outputs were, too;
`forgotten` the rows that an adaptation emptied to fill them. Long
trainings of many pairs outgrow 64 bits: what `eval_ns` exceeds `EVAL_NS_BITS` by is carried to `eval_ns_high`
(`add_drive`)."""
EVAL_NS_BITS = 48
(
    SETS, RESETS, READS, RESET_PULSES, RETRIES, SWITCHES, SWEEPS, SAMPLE_READS, EVALS, ORDER_READS,
    ORDER_WRITES, STORED, REJECTED, CLAMPS, LOST, SKIPPED, SET_NA, RESET_NS, READ_NS, EVAL_NS,
    ACTIVATIONS, LAYERS, EVAL_NS_HIGH, FORGOTTEN,
) = range(len(TALLIES))  # fmt: skip


class Data(NamedTuple):
    """The training points: `codes` int32 [features, samples], `code2` int64 [samples, features] their squares,
    `code2_total` int64 [features] the sum of these, `flips` int32 [outputs, samples] 0 for t = 1, else -1, of a softmax
    all 0, whose class numbers are `labels` int64 [samples]."""

    codes: np.ndarray
    code2: np.ndarray
    code2_total: np.ndarray
    flips: np.ndarray
    labels: np.ndarray


class Block(NamedTuple):
    """Room for samples that are evaluated together, in their order: int32 `codes` [features, block], `neurons` [hidden,
    block], `flips` [outputs, block], and `no_flips` [block], which stay 0."""

    room: Room
    codes: np.ndarray
    neurons: np.ndarray
    flips: np.ndarray
    no_flips: np.ndarray


class Workbench(NamedTuple):
    """Room for what a proposal computes on its way, since its kernels make no arrays.

    Int64: draws `words` [cells], squared codes `code2` and a sample's `codes` [features], its `neurons` [hidden] and
    `answers` [outputs], an `order` [samples]. `no_flips` int32 [samples] stay 0.
    """

    words: np.ndarray
    room: Room
    no_flips: np.ndarray
    code2: np.ndarray
    order: np.ndarray
    codes: np.ndarray
    neurons: np.ndarray
    answers: np.ndarray
    block: Block


class Chain(NamedTuple):
    """Everything that a running chain keeps; arrays, so that the kernel can change them in place.

    `place` holds the values named by ROW .. GOES_ON, `seen_last` those by PRIOR .. HASTINGS of the last proposal, and
    `programmed` [attempts, 3] its cell, gate code and read code of each SET, `place[ATTEMPTS]` of them; `activations`
    int32 [hidden, samples] the hidden codes of its last sweep, `costs` int32 [outputs, samples] what they add.
    """

    place: np.ndarray
    seen_last: np.ndarray
    programmed: np.ndarray
    lfsr: np.ndarray
    counters: np.ndarray
    current_read: np.ndarray
    read: np.ndarray
    offsets: np.ndarray
    seen: np.ndarray
    activations: np.ndarray
    costs: np.ndarray
    order: np.ndarray
    tally: np.ndarray
    bench: Workbench


ROW, CURRENT, STREAK, PROPOSALS, CURRENT_COST, ATTEMPTS, FIRST, GOES_ON = range(8)
"""FIRST: the row at work is the training's first, which no test is for. GOES_ON: the chain is an adaptation."""
PRIOR, NEG_LOG2_U, COST, ACCEPTED, HASTINGS = range(5)
