"""Several chains on one split: how well they mix, and what an effective draw of the posterior costs.

Chain 0 is the plain run of the user's seed. Each further one has its own devices and noise, on the same split.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from oxmc.energy.costs import NODES
from oxmc.posterior.posterior import diagnostics
from oxmc.pymodels.config import Config
from oxmc.run.cautions import number
from oxmc.run.result import ledger_of

if TYPE_CHECKING:
    import xarray as xr

NODE = NODES[0]
"""Whose energy an effective draw is priced with."""


def chain_statistics(
    tree: xr.DataTree, config: Config, records: Sequence[Mapping[str, Any]], seeds: Sequence[int]
) -> dict[str, Any]:
    """run.json's `chains`: the worst pair's diagnostics, and its bulk effective sample size over the chains' training.

    `tree` is the posterior of all chains, `records` holds each one's run.json. Cost is that of the training phases
    alone: energy at `node`, SETs, and the chip's time as if the chains ran one after the other. None stands for what
    chains of less than four draws, or that never moved, do not have.
    """
    worst = diagnostics(tree)
    ess = float(worst["ess_bulk"].min(skipna=False))
    train = [record["phases"]["train"]["events"] for record in records]
    train_j = sum(ledger_of(config, record["phases"], NODE).by_phase()["train"] for record in records)
    return {
        "n": len(records),
        "seeds": list(seeds),
        "values": [record["result"]["value"] for record in records],
        "state_sha256": [record["result"]["state_sha256"] for record in records],
        "rhat_max": number(float(worst["rhat"].max(skipna=False))),
        "ess_bulk_min": number(ess),
        "autocorrelation_max": number(float(worst["autocorrelation_time"].max(skipna=False))),
        "node": NODE,
        "ess_per_uj": number(ess / (1e6 * train_j)),
        "ess_per_set": number(ess / sum(events["set"] for events in train)),
        "ess_per_chip_s": number(ess * config.clock_hz / sum(events["cycle"] for events in train)),
    }
