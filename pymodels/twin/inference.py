"""Inference from a filled array, in the chip's own integers (Eq 8): every stored model votes with its row counter."""

from __future__ import annotations

import numpy as np

from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import RunError
from oxmc.pymodels.formats import Formats, formats_of
from oxmc.pymodels.oxram.circuit import Circuit
from oxmc.pymodels.ring import voting_rows
from oxmc.pymodels.twin.view import View, adc_indices, view_of

ROWS_AT_ONCE = 1024
POINTS_AT_ONCE = 128


def predict(
    config: Config, conductance_ns: np.ndarray, counters: np.ndarray, codes: np.ndarray, *, compiled: bool = True,
    circuit: Circuit | None = None,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Classes int64 [n] and response sums int64 [n, outputs] of samples `codes`, int64 [n, features].

    `conductance_ns` is int64 [rows, cells], `counters` int64 [rows], filled rows only. A response sum adds C_n *
    response(V.w_n) over the rows from burn_in on, or of the last row if that leaves none. One output: class 1 where its
    sum is >= 0; several: the largest sum, ties to the lowest class. Not `compiled`, it is the same in plain
    numpy: slower, but without loading a compiler. Rows are seen through `circuit`, where there is one.
    """
    first = min(config.burn_in, len(counters) - 1)
    sums = votes_of(
        formats_of(config), conductance_ns[first:], counters[first:], first, codes, compiled=compiled, circuit=circuit
    )
    return winners(sums), sums


def predict_in_array(
    config: Config, conductance_ns: np.ndarray, counters: np.ndarray, newest: int, codes: np.ndarray, *,
    compiled: bool = True, circuit: Circuit | None = None,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """`predict` with rows as they lie in the array, int64 [rows, cells], where `newest` is the last that was filled."""
    formats, sums = formats_of(config), np.zeros((len(codes), config.outputs), np.int64)
    for rows in voting_rows(config, newest):
        some = slice(rows.start, rows.stop)
        sums += votes_of(
            formats, conductance_ns[some], counters[some], rows.start, codes, compiled=compiled, circuit=circuit
        )
    return winners(sums), sums


def votes_of(
    formats: Formats, conductance_ns: np.ndarray, counters: np.ndarray, first: int, codes: np.ndarray, *,
    compiled: bool = True, circuit: Circuit | None = None,
) -> np.ndarray:  # fmt: skip
    """Response sums int64 [n, outputs] of samples as in `predict`, by neighbouring rows, all of which vote.

    The first of them is row `first` of the array.
    """
    voting, counts = (np.ascontiguousarray(array, np.int64) for array in (conductance_ns, counters))
    table = np.array(formats.response_table, np.int64)
    if formats.softmax:
        return _softmax_votes(formats, view_of(circuit, formats, voting, first), counts, codes)
    if formats.config.hidden or circuit is not None:
        return _seen_votes(formats, view_of(circuit, formats, voting, first), counts, codes, table)
    if not compiled:
        return _plain_votes(formats, voting, counts, codes, table)
    return _compiled_votes(formats, voting, counts, codes)


def winners(sums: np.ndarray) -> np.ndarray:
    """Classes int64 [n] by response sums int64 [n, outputs]."""
    return (sums[:, 0] >= 0).astype(np.int64) if sums.shape[1] == 1 else np.argmax(sums, axis=1)


def _plain_votes(
    formats: Formats, voting: np.ndarray, counts: np.ndarray, codes: np.ndarray, table: np.ndarray
) -> np.ndarray:
    """Response sums int64 [n, outputs] of rows int64 [rows, cells] and their counters.

    Products and sums are whole numbers far below 2^53, so that floating point has them exactly.
    """
    config = formats.config
    half, sums = 2 ** (config.adc_bits - 1), np.zeros((len(codes), config.outputs), np.int64)
    samples = codes.T.astype(float)
    for first in range(0, len(voting), ROWS_AT_ONCE):
        rows, weights = voting[first : first + ROWS_AT_ONCE], counts[first : first + ROWS_AT_ONCE]
        pairs = (rows[:, 0::2] - rows[:, 1::2]).astype(float)
        for output in range(config.outputs):
            dots = (pairs[:, _slice(formats, output)] @ samples).astype(np.int64)
            adc = np.clip(dots // formats.eval_step, -half, half - 1)
            sums[:, output] += weights @ table[(adc + half) >> (config.adc_bits - config.table_bits)]
    return sums


def hidden_codes(formats: Formats, view: View, codes: np.ndarray) -> np.ndarray:
    """What hidden neurons make of samples: the outputs' input codes, int64 [hidden, rows, n], 0 to `input_max`.

    `view` are the models, `codes` the samples, int64 [n, features].
    """
    table, inputs = np.array(formats.activation_table, np.int64), codes.T.astype(np.int64)
    return np.stack([table[adc_indices(formats, view, n, inputs)] for n in range(formats.config.hidden)])


def _compiled_votes(formats: Formats, voting: np.ndarray, counts: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """`_plain_votes` by the twin's kernels."""
    from oxmc.pymodels.twin.evaluate import add_votes, room_for, sample_codes

    config, samples = formats.config, len(codes)
    table, top = np.array(formats.response_table, np.int32), 2 ** (config.adc_bits - 1) - 1
    votes, flips, entries = np.zeros((config.outputs, samples), np.int64), *np.zeros((2, samples), np.int32)
    add_votes(
        voting, counts, sample_codes(codes), formats.input_max, table, formats.eval_step, top,
        config.adc_bits - config.table_bits, flips, room_for(samples), entries, votes,
    )  # fmt: skip
    return votes.T.copy()


def _slice(formats: Formats, segment: int) -> slice:
    pairs = formats.segment_pairs(segment)
    return slice(pairs.start, pairs.stop)


def _seen_votes(formats: Formats, view: View, counts: np.ndarray, codes: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Response sums int64 [n, outputs], by way of hidden neurons where there are any."""
    hidden = formats.config.hidden
    inputs = hidden_codes(formats, view, codes) if hidden else codes.T.astype(np.int64)
    outputs = range(hidden, formats.segments)
    return np.stack([counts @ table[adc_indices(formats, view, n, inputs)] for n in outputs], axis=1)


def _softmax_votes(formats: Formats, view: View, counts: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Response sums int64 [n, outputs] of shares, some points at a time."""
    from oxmc.pymodels.twin.softmax import share_sums  # loads a compiler

    hidden, table = formats.config.hidden, np.array(formats.likelihood_table, np.int64)
    sums = []
    for points in np.split(codes, range(POINTS_AT_ONCE, len(codes), POINTS_AT_ONCE)):
        inputs = hidden_codes(formats, view, points) if hidden else points.T.astype(np.int64)
        powers = [table[adc_indices(formats, view, n, inputs)] for n in range(hidden, formats.segments)]
        sums.append(share_sums(formats, np.stack(powers), counts))
    return np.concatenate(sums)


def probability(config: Config, sums: np.ndarray, total: int | np.ndarray) -> np.ndarray:
    """P of Eq 8 from response sums [n, outputs] and the total of the counters they weigh, float64 [n, outputs].

    Of a softmax those of a point add up to 1 but for roundings. A sum of 0 is less than half a unit of each visit.

    `total` is one for all outputs or int64 [outputs]. Raises `RunError` if one is 0: no row past the
    burn-in was ever visited.
    """
    if np.min(total) <= 0:
        raise RunError(f"total of the row counters after burn-in must be above 0, not {total}")
    p: np.ndarray = Formats(config).response_gain * sums / total
    return p if config.likelihood == "softmax" else 0.5 + p
