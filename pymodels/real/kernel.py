"""The chain in real numbers, compiled: programming, likelihood and acceptance without converters, tables or clock.

Conductances, targets and offsets are in uS, currents in uA, log-likelihoods in nats. Functions that act on the array
change `Cells` in place and add to the books of a `Ledger`; all randomness is drawn from the numpy generator they get.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from oxmc.pymodels.kernels import njit

VERIFY_OFF, VERIFY_CELL, VERIFY_PAIR = range(3)
COUNTS = (
    "set", "reset", "read", "reset_pulse", "retry", "switch", "sweep", "sample_read", "eval", "order_read",
    "order_write", "stored", "rejected", "clamps", "skipped", "activation", "layer",
)  # fmt: skip
"""What `Ledger.counts` holds, by the names of the cycle budget."""
(
    SETS, RESETS, READS, RESET_PULSES, RETRIES, SWITCHES, SWEEPS, SAMPLE_READS, EVALS, ORDER_READS,
    ORDER_WRITES, STORED, REJECTED, CLAMPS, SKIPPED, ACTIVATIONS, LAYERS,
) = range(len(COUNTS))  # fmt: skip
SET_CURRENT, RESET_CONDUCTANCE, READ_CONDUCTANCE, EVAL_DRIVE = range(4)
"""Places in `Ledger.sums`: uA over SETs, uS before plus after over RESETs, uS over READs, uS code^2 over EVALs."""
MIN_US = 1.0
"""No SET leaves a filament below this (`draws.MIN_NS`)."""
MIN_GAIN = 0.1
"""Least share of a programming error that an offset learns from; the first errors count in full, as a mean's do."""


ZERO: Any = np.int64(0)
"""Row 0 for calls: numba compiles a function a second time for a literal argument."""


class Law(NamedTuple):
    """Programming law: s.d. and current of a SET over medians evenly spread from `low_us` to `high_us`; LCS law."""

    low_us: float
    high_us: float
    sd_us: np.ndarray
    current_ua: np.ndarray
    lcs_median_us: float
    lcs_sigma_ln: float


class Cells(NamedTuple):
    """Device factors, stuck cells and conductances in uS, [rows, cells] each."""

    factor: np.ndarray
    stuck: np.ndarray
    conductance_us: np.ndarray


class Data(NamedTuple):
    """Training points: features and squared input codes float64 [samples, features], signs [outputs, samples].

    A sign is 1.0 where the point's target is that output's class (t = 1), else -1.0.
    """

    x: np.ndarray
    code2: np.ndarray
    signs: np.ndarray


class Plan(NamedTuple):
    """The posterior and the options of the chain, as `Config` has them, in this file's units.

    `hidden` neurons feed the outputs if there are any; `hidden_code` is the input code of a sigmoid of 1. `edge_us` is
    how near to an end of the law's span a wanted median sends pair verification to the other cell;
    `late_evaluations` are those already under way when a sum that rejects is seen. The cells of row 0 are aimed at a
    median from `first_low_us` to `first_high_us`, drawn for each if the two differ. `temper` is the likelihood's power.
    """

    hidden: int
    hidden_code: float
    softmax: bool
    scale_per_us: float
    prior_sigma_us: float
    max_proposals: int
    reject_limit: int
    temper: float
    verify: int
    window_us: float
    tries: int
    forget: bool
    common_mode_us: float
    edge_us: float
    early_rejection: bool
    late_evaluations: int
    hard_first: bool
    hard_nats: float
    hastings: bool
    first_low_us: float
    first_high_us: float


class Ledger(NamedTuple):
    """What was done: `counts` int64 [COUNTS] and `sums` float64 [4]."""

    counts: np.ndarray
    sums: np.ndarray


class Memory(NamedTuple):
    """What pair verification learned of each cell of a row: offset in uS and how often it was programmed."""

    offset_us: np.ndarray
    trials: np.ndarray


@njit(cache=True, nogil=True)
def interpolate(table: np.ndarray, law: Law, median_us: float) -> float:
    """`table` at a median within the law's span, linear between its points."""
    place = (median_us - law.low_us) / (law.high_us - law.low_us) * (table.size - 1)
    index = min(int(place), table.size - 2)
    return table[index] + (place - index) * (table[index + 1] - table[index])


@njit(cache=True, nogil=True)
def set_cell(
    rng: np.random.Generator, law: Law, cells: Cells, book: Ledger, row: int, cell: int, aim_us: float
) -> None:
    """SET a cell with the current whose median is `aim_us`, or the nearest that the law spans."""
    median_us = min(max(aim_us, law.low_us), law.high_us)
    book.counts[SETS] += 1
    book.counts[CLAMPS] += median_us != aim_us
    book.sums[SET_CURRENT] += interpolate(law.current_ua, law, median_us)
    if not cells.stuck[row, cell]:
        noise_us = interpolate(law.sd_us, law, median_us) * rng.standard_normal()
        cells.conductance_us[row, cell] = max(MIN_US, median_us * cells.factor[row, cell] + noise_us)


@njit(cache=True, nogil=True)
def reset_cell(rng: np.random.Generator, law: Law, cells: Cells, book: Ledger, row: int, cell: int) -> None:
    """RESET one cell to a log-normal LCS."""
    book.counts[RESETS] += 1
    book.sums[RESET_CONDUCTANCE] += cells.conductance_us[row, cell]
    if not cells.stuck[row, cell]:
        cells.conductance_us[row, cell] = law.lcs_median_us * np.exp(law.lcs_sigma_ln * rng.standard_normal())
    book.sums[RESET_CONDUCTANCE] += cells.conductance_us[row, cell]


@njit(cache=True, nogil=True)
def reset_row(rng: np.random.Generator, law: Law, cells: Cells, book: Ledger, row: int) -> None:
    """RESET all cells of a row in one pulse."""
    book.counts[RESET_PULSES] += 1
    for cell in range(cells.factor.shape[1]):
        reset_cell(rng, law, cells, book, row, cell)


@njit(cache=True, nogil=True)
def retry(rng: np.random.Generator, law: Law, cells: Cells, book: Ledger, row: int, cell: int) -> None:
    """RESET one cell on its own, ahead of another SET."""
    book.counts[RETRIES] += 1
    book.counts[RESET_PULSES] += 1
    reset_cell(rng, law, cells, book, row, cell)


@njit(cache=True, nogil=True)
def read_cell(cells: Cells, book: Ledger, row: int, cell: int) -> float:
    """READ one cell exactly."""
    book.counts[READS] += 1
    book.sums[READ_CONDUCTANCE] += cells.conductance_us[row, cell]
    return cells.conductance_us[row, cell]


@njit(cache=True, nogil=True)
def program_cell(
    rng: np.random.Generator, law: Law, cells: Cells, book: Ledger, plan: Plan, row: int, cell: int, target_us: float
) -> None:
    """SET and READ a cell; with verify = cell RESET and SET it again until it is near its target or tries run out."""
    set_cell(rng, law, cells, book, row, cell, target_us)
    read_us = read_cell(cells, book, row, cell)
    for _ in range(plan.tries if plan.verify == VERIFY_CELL else 0):
        if abs(read_us - target_us) <= plan.window_us:
            break
        retry(rng, law, cells, book, row, cell)
        set_cell(rng, law, cells, book, row, cell, target_us)
        read_us = read_cell(cells, book, row, cell)


@njit(cache=True, nogil=True)
def program_learning(
    rng: np.random.Generator,
    law: Law,
    cells: Cells,
    book: Ledger,
    memory: Memory,
    row: int,
    cell: int,
    target_us: float,
) -> float:
    """SET a cell at its target plus its learned offset, READ it, learn from the error; the conductance read."""
    set_cell(rng, law, cells, book, row, cell, target_us + memory.offset_us[cell])
    read_us = read_cell(cells, book, row, cell)
    memory.trials[cell] += 1
    memory.offset_us[cell] += (target_us - read_us) * max(1.0 / memory.trials[cell], MIN_GAIN)
    return read_us


@njit(cache=True, nogil=True)
def program_pair(
    rng: np.random.Generator, law: Law, cells: Cells, book: Ledger, plan: Plan, memory: Memory, row: int, pair: int,
    w_us: float,
) -> None:  # fmt: skip
    """Program a pair until g+ - g- is near `w_us`: the lower cell first, then the other against what was read.

    One cell is then worked on, its target set by the other's read; near an end of the span the work changes sides.
    """
    lower, upper = (2 * pair + 1, 2 * pair) if w_us >= 0.0 else (2 * pair, 2 * pair + 1)
    gap_us = abs(w_us)
    lower_us = program_learning(rng, law, cells, book, memory, row, lower, max(plan.common_mode_us - gap_us / 2.0, 0.0))
    upper_us = program_learning(rng, law, cells, book, memory, row, upper, lower_us + gap_us)
    on_upper = True
    for _ in range(plan.tries):
        if abs(upper_us - lower_us - gap_us) <= plan.window_us:
            break
        if on_upper:
            wanted_us = lower_us + gap_us + memory.offset_us[upper]
        else:
            wanted_us = upper_us - gap_us + memory.offset_us[lower]
        if not law.low_us + plan.edge_us <= wanted_us <= law.high_us - plan.edge_us:
            on_upper = not on_upper
            book.counts[SWITCHES] += 1
        if on_upper:
            retry(rng, law, cells, book, row, upper)
            upper_us = program_learning(rng, law, cells, book, memory, row, upper, lower_us + gap_us)
        else:
            retry(rng, law, cells, book, row, lower)
            lower_us = program_learning(rng, law, cells, book, memory, row, lower, upper_us - gap_us)


@njit(cache=True, nogil=True)
def program_row(
    rng: np.random.Generator, law: Law, cells: Cells, book: Ledger, plan: Plan, memory: Memory, row: int,
    current: int,
) -> None:  # fmt: skip
    """Program a proposal into `row`, about the model stored in row `current`."""
    model_us = cells.conductance_us[current]
    if plan.verify == VERIFY_PAIR:
        for pair in range(model_us.size // 2):
            w_us = model_us[2 * pair] - model_us[2 * pair + 1]
            program_pair(rng, law, cells, book, plan, memory, row, pair, w_us)
    else:
        for cell in range(model_us.size):
            program_cell(rng, law, cells, book, plan, row, cell, model_us[cell])


@njit(cache=True, nogil=True)
def neg_log_prior(plan: Plan, model_us: np.ndarray) -> float:
    """-log of the normal prior on each w, without its constant (Eq 4)."""
    squares = 0.0
    for cell in range(0, model_us.size, 2):
        squares += (model_us[cell] - model_us[cell + 1]) ** 2
    return squares / (2.0 * plan.prior_sigma_us**2)


@njit(cache=True, nogil=True)
def neg_log_density(law: Law, from_us: float, to_us: float) -> float:
    """-log of the proposal's normal density at `to_us` for a typical device read at `from_us`, but for a constant."""
    median_us = min(max(from_us, law.low_us), law.high_us)
    sd_us = interpolate(law.sd_us, law, median_us)
    return (to_us - median_us) ** 2 / (2.0 * sd_us**2) + np.log(sd_us)


@njit(cache=True, nogil=True)
def neg_log_hastings(law: Law, model_us: np.ndarray, proposed_us: np.ndarray) -> float:
    """-log of q(g|g') / q(g'|g) over the cells of a row."""
    total = 0.0
    for cell in range(model_us.size):
        total += neg_log_density(law, proposed_us[cell], model_us[cell])
        total -= neg_log_density(law, model_us[cell], proposed_us[cell])
    return total


@njit(cache=True, nogil=True)
def neg_log_logistic(y: float) -> float:
    """-log(1 / (1 + exp(-y))), exact for any y."""
    return np.log1p(np.exp(-y)) if y >= 0.0 else np.log1p(np.exp(y)) - y


@njit(cache=True, nogil=True)
def neg_log_response(plan: Plan, powers: np.ndarray, signs: np.ndarray, output: int, sample: int, y: float) -> float:
    """What an output of S V.w = `y` adds. Of a softmax it is nothing until the last one adds that of all `powers`."""
    if not plan.softmax:
        return neg_log_logistic(signs[output, sample] * y)
    powers[output] = y
    if output < powers.size - 1:
        return 0.0
    largest, total, own = powers.max(), 0.0, 0.0
    for other in range(powers.size):
        total += np.exp(powers[other] - largest)
        own += powers[other] if signs[other, sample] > 0.0 else 0.0
    return np.log(total) + largest - own


@njit(cache=True, nogil=True)
def neg_log_likelihood(
    plan: Plan, data: Data, model_us: np.ndarray, order: np.ndarray, limit: float, terms: np.ndarray, book: Ledger
) -> float:
    """-log likelihood of a model (Eq 7), parts left in `terms` [outputs, samples]; ends early once above `limit`."""
    if plan.hidden:
        return network_neg_log_likelihood(plan, data, model_us, order, limit, terms, book)
    outputs, features = data.signs.shape[0], data.x.shape[1]
    powers = np.zeros(outputs)
    whole = order.size * outputs
    end = whole if limit >= 0.0 else 0
    total, evaluation = 0.0, 0
    while evaluation < end:
        sample, output = order[evaluation // outputs], evaluation % outputs
        dot = drive = 0.0
        for feature in range(features):
            cell = 2 * (output * features + feature)
            dot += (model_us[cell] - model_us[cell + 1]) * data.x[sample, feature]
            drive += (model_us[cell] + model_us[cell + 1]) * data.code2[sample, feature]
        terms[output, sample] = neg_log_response(plan, powers, data.signs, output, sample, plan.scale_per_us * dot)
        book.sums[EVAL_DRIVE] += drive
        evaluation += 1
        if total <= limit < total + terms[output, sample]:
            end = min(whole, evaluation + plan.late_evaluations)
        total += terms[output, sample]
    count_sweep(plan, book, end, outputs, order.size)
    return total if end else np.inf


@njit(cache=True, nogil=True)
def network_neg_log_likelihood(
    plan: Plan, data: Data, model_us: np.ndarray, order: np.ndarray, limit: float, terms: np.ndarray, book: Ledger
) -> float:
    """As `neg_log_likelihood` behind a hidden layer; a sum above `limit` leaves no output of the next sample."""
    outputs, features, hidden = data.signs.shape[0], data.x.shape[1], plan.hidden
    segments, neurons, powers = hidden + outputs, np.zeros(hidden), np.zeros(outputs)
    whole = order.size * segments
    end = whole if limit >= 0.0 else 0
    total, evaluation = 0.0, 0
    while evaluation < end:
        sample, segment = order[evaluation // segments], evaluation % segments
        evaluation += 1
        dot = drive = 0.0
        if segment < hidden:
            for feature in range(features):
                cell = 2 * (segment * features + feature)
                dot += (model_us[cell] - model_us[cell + 1]) * data.x[sample, feature]
                drive += (model_us[cell] + model_us[cell + 1]) * data.code2[sample, feature]
            neurons[segment] = np.exp(-neg_log_logistic(plan.scale_per_us * dot))
            book.sums[EVAL_DRIVE] += drive
            continue
        output = segment - hidden
        for neuron in range(hidden):
            cell = 2 * (hidden * (features + output) + neuron)
            dot += (model_us[cell] - model_us[cell + 1]) * neurons[neuron]
            drive += (model_us[cell] + model_us[cell + 1]) * (neurons[neuron] * plan.hidden_code) ** 2
        terms[output, sample] = neg_log_response(plan, powers, data.signs, output, sample, plan.scale_per_us * dot)
        book.sums[EVAL_DRIVE] += drive
        if total <= limit < total + terms[output, sample]:
            end = min(whole, evaluation + min(plan.late_evaluations, outputs - 1 - output + hidden))
        total += terms[output, sample]
    book.counts[ACTIVATIONS] += end // segments * hidden + min(end % segments, hidden)
    book.counts[LAYERS] += (end + outputs - 1) // segments
    count_sweep(plan, book, end, segments, order.size)
    return total if end else np.inf


@njit(cache=True, nogil=True)
def count_sweep(plan: Plan, book: Ledger, evaluations: int, segments: int, samples: int) -> None:
    """Book a sweep over samples of which `evaluations` were made; the first ever follows no stored order."""
    fetched = (evaluations + segments - 1) // segments
    if plan.hard_first and evaluations:
        book.counts[ORDER_READS] += min(samples, fetched + 1) if book.counts[SWEEPS] else 0
        book.counts[ORDER_WRITES] += evaluations // segments
    book.counts[EVALS] += evaluations
    book.counts[SAMPLE_READS] += fetched
    book.counts[SWEEPS] += evaluations > 0


@njit(cache=True, nogil=True)
def hard_first(order: np.ndarray, terms: np.ndarray, hard_nats: float) -> np.ndarray:
    """`order` with the samples above `hard_nats` in any output in front, and behind them the others backwards."""
    fresh = np.empty_like(order)
    front, back = 0, order.size - 1
    for sample in order:
        hard = False
        for output in range(terms.shape[0]):
            hard |= terms[output, sample] > hard_nats
        if hard:
            fresh[front] = sample
            front += 1
        else:
            fresh[back] = sample
            back -= 1
    return fresh


@njit(cache=True, nogil=True)
def first_model(rng: np.random.Generator, law: Law, cells: Cells, book: Ledger, plan: Plan) -> None:
    """RESET every row, then SET row 0 where `init` says; the lowest median has the widest relative spread."""
    for row in range(cells.factor.shape[0]):
        reset_row(rng, law, cells, book, row)
    for cell in range(cells.factor.shape[1]):
        aim_us = plan.first_low_us
        if plan.first_high_us > plan.first_low_us:
            aim_us += (plan.first_high_us - plan.first_low_us) * rng.random()
        set_cell(rng, law, cells, book, ZERO, cell, aim_us)
        read_cell(cells, book, ZERO, cell)


@njit(cache=True, nogil=True)
def judge(
    rng: np.random.Generator, law: Law, cells: Cells, data: Data, plan: Plan, book: Ledger, order: np.ndarray,
    terms: np.ndarray, row: int, current: int, cost: float,
) -> tuple[float, float, float, float, float]:  # fmt: skip
    """-log likelihood of the model in `row`, the most that is accepted, -log prior, -log u and -log of Hastings' ratio.

    `cost` is that of the model in row `current`, tempered likelihood and prior.
    """
    prior, hastings = neg_log_prior(plan, cells.conductance_us[row]), 0.0
    log_u = np.log(1.0 - rng.random())
    threshold = cost - log_u - prior
    if plan.hastings:
        hastings = neg_log_hastings(law, cells.conductance_us[current], cells.conductance_us[row])
        threshold -= hastings
    threshold /= plan.temper
    limit = threshold if plan.early_rejection else np.inf
    likelihood = neg_log_likelihood(plan, data, cells.conductance_us[row], order, limit, terms, book)
    return likelihood, threshold, prior, -log_u, hastings


@njit(cache=True, nogil=True)
def train_chain(
    rng: np.random.Generator, law: Law, cells: Cells, data: Data, plan: Plan, book: Ledger, accept: Any = None
) -> tuple[np.ndarray, int]:
    """The whole chain, into `cells`; counters int64 [filled rows] and proposals. A skipped row's counter is 0.

    `accept` decides in the place of the comparison, given proposal, rows, cost and what `judge` returns; it is Python,
    and so must this function be then (`train_chain.py_func`).
    """
    rows, width = cells.factor.shape
    counters = np.zeros(rows, np.int64)
    memory = Memory(np.zeros(width), np.zeros(width, np.int64))
    order, terms = np.arange(data.x.shape[0]), np.zeros(data.signs.shape)
    first_model(rng, law, cells, book, plan)
    likelihood = neg_log_likelihood(plan, data, cells.conductance_us[0], order, np.inf, terms, book)
    cost = likelihood * plan.temper + neg_log_prior(plan, cells.conductance_us[0])
    counters[0] = book.counts[STORED] = 1
    current, row, proposals, rejections, accepted = ZERO, ZERO + 1, 0, ZERO, True
    while row < rows and proposals < plan.max_proposals:
        if accepted and plan.hard_first:
            order = hard_first(order, terms, plan.hard_nats)
        if rejections == 0 or plan.forget:
            memory.offset_us[:] = 0.0
            memory.trials[:] = 0
        program_row(rng, law, cells, book, plan, memory, row, current)
        proposals += 1
        found = judge(rng, law, cells, data, plan, book, order, terms, row, current, cost)
        accepted = found[0] <= found[1]
        if accept is not None:
            accepted = accept(proposals, row, current, cost, found)
        if accepted:
            cost = found[0] * plan.temper + found[2]
            counters[row] = 1
            book.counts[STORED] += 1
            current, row, rejections = row, row + 1, 0
        else:
            counters[current] += 1
            row, rejections = reject(rng, law, cells, book, plan, row, rejections + 1)
    return counters[: current + 1], proposals


@njit(cache=True, nogil=True)
def reject(
    rng: np.random.Generator, law: Law, cells: Cells, book: Ledger, plan: Plan, row: int, rejections: int
) -> tuple[int, int]:
    """RESET a rejected row; the row to try next and its rejections so far: after `reject_limit` it is the next one."""
    book.counts[REJECTED] += 1
    reset_row(rng, law, cells, book, row)
    if rejections != plan.reject_limit:
        return row, rejections
    book.counts[SKIPPED] += 1
    book.counts[STORED] += 1
    return row + 1, ZERO
