"""What a run warns of, in sentences: a chain that has not mixed, rows left empty, a model that held it for long.

A run that filled its rows is complete, which says nothing of these.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from oxmc.posterior.draws import plain_draws, stored_models, stride_of, weights_us
from oxmc.posterior.mixing import mixing
from oxmc.posterior.row_accuracy import chain_parts
from oxmc.pymodels.config import Config
from oxmc.pymodels.outcome import Outcome

RHAT_MOST = 1.05
"""A stricter limit than the 1.1 of old; Vehtari et al. (2021) ask for 1.01 of four long chains."""
ESS_LEAST = 100
SHARE_MOST = 0.1
"""Of the rows skipped, and of all proposals in a row without one accepted."""


def mixing_record(config: Config, outcome: Outcome) -> dict[str, Any]:
    """run.json's `mixing`, of one chain: its draws, and the split R-hat and effective draws of the worst pair.

    Of outputs that are chains of their own it is the worst. None stands for what a chain of less than four draws does
    not have, or one with a pair that never moved.
    """
    parts = [_mixing_of(config, rows, counters) for rows, counters in chain_parts(config, outcome)]
    draws, rhat, ess = zip(*parts, strict=True)
    return {"draws": min(draws), "rhat_max": number(max(rhat)), "ess_bulk_min": number(min(ess))}


def _mixing_of(config: Config, rows: np.ndarray, counters: np.ndarray) -> tuple[int, float, float]:
    models = stored_models(config, counters)
    weights = counters[models]
    found = mixing(weights_us(rows[models]), plain_draws([weights], stride_of(config, [weights])))
    return int(weights.sum()), float(found.rhat.max()), float(found.ess_bulk.min())


def number(value: float) -> float | None:
    """A figure for JSON, which knows no NaN."""
    return value if math.isfinite(value) else None


def warnings_of(config: Config, record: Mapping[str, Any], further: Sequence[Mapping[str, Any]] = ()) -> list[str]:
    """run.json's `warnings`, from the rest of it; `further` are those of further chains. Empty where all is well."""
    names = [f"chain {chain}: " for chain in range(1 + len(further))] if further else [""]
    found = [
        f"{name}{sentence}"
        for name, each in zip(names, (record, *further), strict=True)
        for sentence in _of_course(config, each["result"], each["chain"])
    ]
    return found + (_of_mixing(record["chains"], "chains") if further else _of_mixing(record["mixing"], "chain"))


def _of_course(config: Config, result: Mapping[str, Any], chain: Mapping[str, Any]) -> list[str]:
    rows, skipped, filled = config.rows * config.chains, chain["rows_skipped"], result["rows_used"]
    proposals = chain["proposals"]
    stay = min(chain["counter_max"] + chain["counters_saturated"], proposals)  # row 0 counts itself, too
    found = []
    if not result["complete"]:
        found.append(f"The training stopped after {proposals} proposals with {filled} of {rows} rows filled.")
    if skipped > SHARE_MOST * rows:
        found.append(f"{skipped} of {rows} rows were skipped, more than a tenth.")
    if stay > SHARE_MOST * max(proposals, ESS_LEAST):
        found.append(f"The chain stayed at one model for {stay} of {proposals} proposals, more than a tenth.")
    return found


def _of_mixing(mixing: Mapping[str, Any], which: str) -> list[str]:
    rhat, ess = mixing["rhat_max"], mixing["ess_bulk_min"]
    disagree = "the chains disagree" if which == "chains" else "the two halves of the chain disagree"
    if rhat is None or ess is None:
        return [f"R-hat is unknown: the draws of the {which} are too few, or a weight never moved."]
    found = []
    if rhat > RHAT_MOST:
        found.append(f"R-hat is {rhat:.3g} for the worst weight, above {RHAT_MOST:g}: {disagree}.")
    if ess < ESS_LEAST:
        found.append(f"There are {ess:.3g} effective draws for the worst weight, fewer than {ESS_LEAST}.")
    return found


def repeats_warnings(warned: int, n: int) -> list[str]:
    """What run.json warns of `n` repeats of which `warned` warn."""
    return [f"{warned} of {n} repeats have warnings of their own, which are in runs.jsonl."] if warned else []
