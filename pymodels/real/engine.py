"""The paper's simulator: the chain in real numbers, to show what quantisation costs.

Features are neither clipped nor rounded, conductances, likelihood, prior and log u are real, the programming current is
continuous over the LUT's span, and row counters do not saturate. Devices are those of the integer engines for the same
seed (d2d factors, stuck cells), and so is the algorithm with all its options; its noise comes from stream `float`.

Events and clock cycles are those of a chip that made the same decisions.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from oxmc.pymodels.budget.formulas import event_counts
from oxmc.pymodels.config import Config
from oxmc.pymodels.events import ARRAY_EVENTS, PHASES, QUANTITIES, QUANTITY_OF
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.oxram.array import NOT_STUCK, OxramArray
from oxmc.pymodels.oxram.devices import Card, first_gate, gate_table, load_card, lut_table
from oxmc.pymodels.oxram.draws import ONE
from oxmc.pymodels.real import kernel as kernel
from oxmc.pymodels.real.network import hidden_neurons, layer_weights, output_sums, softmax
from oxmc.pymodels.rule import Proposal, Rule, answer
from oxmc.pymodels.streams import stream_rng, stream_sequence

Decide = Callable[[int, int, int, float, tuple[float, ...]], bool]
"""Proposal, its row, the current row and its cost, and what `kernel.judge` returns: whether it is accepted."""
LAW_POINTS = 1025
"""Points of the continuous programming law; linear in between, which leaves errors far below 1 nS."""


class FloatChain(NamedTuple):
    """A finished chain: conductances float64 [rows, cells] in uS, counters int64 [filled rows], proposals, books."""

    conductance_us: np.ndarray
    counters: np.ndarray
    proposals: int
    book: kernel.Ledger

    @property
    def w_us(self) -> np.ndarray:
        """w = g+ - g- of the filled rows, float64 [filled rows, pairs]."""
        filled = self.conductance_us[: len(self.counters)]
        return filled[:, 0::2] - filled[:, 1::2]


def programming_law(card: Card, config: Config) -> kernel.Law:
    """The continuous law through the gate LUT's ends: what a gate DAC of unlimited resolution would program."""
    low_us, high_us = lut_table(card, config).median_ns[[0, -1]] / 1000
    fine = gate_table(card, LAW_POINTS, config.lut_low_us, config.lut_high_us)
    medians_us = np.linspace(low_us, high_us, LAW_POINTS)
    sd_us, current_ua = (np.interp(medians_us, fine.median_ns / 1000, t / 1000) for t in (fine.sd_ns, fine.current_na))
    return kernel.Law(float(low_us), float(high_us), sd_us, current_ua, card.lcs_median_us, card.lcs_sigma_ln)


def cells_of(array: OxramArray) -> kernel.Cells:
    """A copy of an array model's devices in real numbers."""
    return kernel.Cells(array.device_q16 / ONE, array.stuck != NOT_STUCK, array.conductance_ns / 1000)


def plan_of(config: Config, law: kernel.Law) -> kernel.Plan:
    """The kernel's view of a configuration. `edge_us` covers the two outermost gate codes of either end."""
    first_us = (law.low_us, law.high_us)
    if config.init != "random":
        first_us = (float(lut_table(load_card(config.card), config).median_ns[first_gate(config)] / 1000),) * 2
    return kernel.Plan(
        hidden=config.hidden,
        hidden_code=float(Formats(config).input_max),
        softmax=config.likelihood == "softmax",
        scale_per_us=config.scale_per_us,
        prior_sigma_us=config.prior_sigma_us,
        max_proposals=config.max_proposals,
        reject_limit=config.reject_limit,
        temper=2.0**-config.temper,
        verify=("off", "cell", "pair").index(config.verify),
        window_us=config.verify_window_us,
        tries=config.verify_tries,
        forget=config.verify_memory == "proposal",
        common_mode_us=config.common_mode_us,
        edge_us=1.5 * (law.high_us - law.low_us) / (config.gate_codes - 1),
        early_rejection=config.early_rejection,
        late_evaluations=Formats(config).late_evaluations,
        hard_first=config.sample_order == "hard_first",
        hard_nats=config.hard_sample_bits * math.log(2),
        hastings=config.hastings,
        first_low_us=first_us[0],
        first_high_us=first_us[1],
    )


def training_data(config: Config, x: np.ndarray, labels: np.ndarray) -> kernel.Data:
    """The first `train_samples` of features float64 [n, features] and class numbers int64 [n], for the kernel."""
    codes = x[: config.train_samples] * (Formats(config).input_max / config.input_range)
    return kernel.Data(
        np.ascontiguousarray(x[: config.train_samples], np.float64),
        np.ascontiguousarray(codes**2, np.float64),
        np.where(labels[None, : config.train_samples] == _classes(config), 1.0, -1.0),
    )


def float_rng(seed: int) -> np.random.Generator:
    """The generator of stream `float`."""
    return np.random.Generator(np.random.Philox(stream_sequence(seed, "float")))


def run_chain(
    config: Config, law: kernel.Law, cells: kernel.Cells, data: kernel.Data, rng: np.random.Generator,
    accept: Decide | None = None,
) -> FloatChain:  # fmt: skip
    """Train on `data`, in place on `cells`, whose rows end the chain; `accept` as for `kernel.train_chain`."""
    book = kernel.Ledger(np.zeros(len(kernel.COUNTS), np.int64), np.zeros(4))
    train = kernel.train_chain if accept is None else kernel.train_chain.py_func
    counters, proposals = train(rng, law, cells, data, plan_of(config, law), book, accept)
    return FloatChain(cells.conductance_us, counters, proposals, book)


def decided_by(accept: Rule, config: Config, cells: kernel.Cells, rng: np.random.Generator) -> Decide:
    """A user's rule as `kernel.train_chain` asks it; the kernel's nats become bits."""
    temper = 2.0**-config.temper

    def weights(row: int) -> np.ndarray:
        us = cells.conductance_us[row]
        w: np.ndarray = us[0::2] - us[1::2]
        return w

    def decide(number: int, row: int, current: int, cost: float, found: tuple[float, ...]) -> bool:
        likelihood, threshold, prior, neg_log_u, hastings = found
        nats = {
            "likelihood": likelihood * temper,
            "prior": prior,
            "current": cost,
            "u": neg_log_u,
            "correction": hastings,
        }
        proposal = Proposal(
            number=number,
            row=int(row),
            current_row=int(current),
            w_us=weights(row),
            current_w_us=weights(current),
            **{name: float(value) / math.log(2) for name, value in nats.items()},
            accepts=bool(likelihood <= threshold),
            rng=rng,
        )
        return answer(accept, proposal)

    return decide


def run_float(
    config: Config, seed: int, x: np.ndarray, labels: np.ndarray, words: int, accept: Rule | None = None
) -> Outcome:
    """Train and infer in real numbers, or with the rule `accept` in the place of the acceptance.

    `x` float64 [train + test, features] and `labels` int64 [train + test] hold the training points first; `words` is
    how many a host would load ahead of its commands. In the `Outcome`, conductances are rounded to nS and sums to units
    of the chip's response.
    """
    card = load_card(config.card)
    array = OxramArray(config, card, seed)
    law = programming_law(card, config)
    cells = cells_of(array)
    decide = None if accept is None else decided_by(accept, config, cells, stream_rng(seed, "rule"))
    chain = run_chain(config, law, cells, training_data(config, x, labels), float_rng(seed), decide)
    test = x[config.train_samples :]
    sums = vote(config, chain, test)
    tally = dict(zip(kernel.COUNTS, chain.book.counts.tolist(), strict=True))
    last_row, voting_rows = len(chain.counters) - 1, len(chain.counters) - _first_vote(config, chain)
    counts = event_counts(Formats(config), words, chain.proposals, last_row, voting_rows, tally)
    quantities = _quantities(config, chain, test)
    return Outcome(
        conductance_ns=np.rint(chain.conductance_us * 1000).astype(np.int64),
        counters=chain.counters,
        classes=(sums[:, 0] >= 0).astype(np.int64) if config.outputs == 1 else sums.argmax(axis=1),
        sums=np.rint(sums / Formats(config).response_gain).astype(np.int64),
        last_row=last_row,
        proposals=chain.proposals,
        skipped=tally["skipped"],
        clamps=tally["clamps"],
        lost_counts=0,
        cycles=sum(counts[phase]["cycle"] for phase in PHASES),
        counts=counts,
        quantities=quantities,
        joules={
            phase: {event: array.joules_of(event, quantities[phase][QUANTITY_OF[event]]) for event in ARRAY_EVENTS}
            for phase in PHASES
        },
    )


def vote(config: Config, chain: FloatChain, x: np.ndarray) -> np.ndarray:
    """Sum of C_n (f(V.w_n) - 1/2) over the rows from burn_in on, or of the last row if that leaves none (Eq 8). Of a
    softmax that of C_n f.

    `x` float64 [n, features]; the sum float64 [n, outputs].
    """
    first = _first_vote(config, chain)
    models_us = chain.w_us[first:]
    y = config.vote_sharpness * config.scale_per_us * output_sums(config, models_us, x)
    f = softmax(y) if config.likelihood == "softmax" else np.tanh(y / 2) / 2  # f - 1/2
    votes: np.ndarray = np.einsum("r,rno->no", chain.counters[first:], f)
    return votes


def _classes(config: Config) -> np.ndarray:
    """The class that each output stands for, int64 [outputs, 1]."""
    return np.arange(config.outputs)[:, None] if config.outputs > 1 else np.ones((1, 1), np.int64)


def _first_vote(config: Config, chain: FloatChain) -> int:
    return min(config.burn_in, len(chain.counters) - 1)


def _quantities(config: Config, chain: FloatChain, test: np.ndarray) -> dict[str, dict[str, int]]:
    quantities = {phase: dict.fromkeys(QUANTITIES, 0) for phase in PHASES}
    codes = test * (Formats(config).input_max / config.input_range)
    voting = chain.conductance_us[_first_vote(config, chain) : len(chain.counters)]
    to_features, to_hidden = layer_weights(config, voting.reshape(len(voting), -1, 2).sum(axis=2))
    drive = float((to_features.sum(axis=(0, 1)) * (codes**2).sum(axis=0)).sum())
    if config.hidden:
        w_us = voting[:, 0::2] - voting[:, 1::2]
        hidden2 = (hidden_neurons(config, w_us, test) * Formats(config).input_max) ** 2
        drive += float((to_hidden.sum(axis=1) * hidden2.sum(axis=1)).sum())

    def cycles(micro: float, pulse_s: float) -> int:
        return round(1000 * micro) * config.cycles(pulse_s)

    sums, evaluation = chain.book.sums, QUANTITY_OF["eval"]
    quantities["train"] |= {
        QUANTITY_OF["set"]: cycles(sums[kernel.SET_CURRENT], config.set_pulse_s),
        QUANTITY_OF["reset"]: cycles(sums[kernel.RESET_CONDUCTANCE], config.reset_pulse_s),
        QUANTITY_OF["read"]: cycles(sums[kernel.READ_CONDUCTANCE], config.read_pulse_s),
        evaluation: cycles(sums[kernel.EVAL_DRIVE], config.eval_pulse_s),
    }
    quantities["infer"][evaluation] = cycles(drive, config.eval_pulse_s)
    return quantities
