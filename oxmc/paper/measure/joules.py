"""Energy of trainings beside the paper's figures, with parts and bands (S14), and of a processor."""

from __future__ import annotations

from typing import Any

from oxmc.energy.interval import uncertainty
from oxmc.energy.published import compare
from oxmc.paper.measure.trainings import source_of
from oxmc.pymodels.config import preset
from oxmc.speed.cpu_energy import float_training, measure
from oxmc.studies.energy import NODES_OF, series
from oxmc.studies.trainings import seeds_of

Values = dict[str, Any]


def energy(
    task: str, preset: str, settings: Values, seed: int, count: int, source: Values | None = None
) -> Values:  # fmt: skip
    """Mean training of `count`: joules with the cost table's band, by component, and counted as the paper may count."""
    found = series(task, preset, tuple(seeds_of(seed, count)), source_of(**(source or {})), tuple(settings.items()))
    return {node: _at(task, node, found) for node in NODES_OF[task]} | {"n": count}


def _at(task: str, node: str, found: Any) -> Values:
    ledger = found.training(node)
    comparison = compare(task, node, found.ledgers[node])
    assert comparison is not None
    band = uncertainty(ledger).total
    return {
        "training_j": ledger.total_j, "low": band.low, "high": band.high, "components": ledger.by_component(),
        "paper_j": comparison.paper_j, "sentences": comparison.sentences,
        "counted": {part.name: [part.energy_j, part.band.low, part.band.high] for part in comparison.counted},
        "each_j": found.training_j[node].tolist(),
    }  # fmt: skip


def processor(task: str, seed: int) -> Values:
    """Joules of the same training on this processor, compiled, in real numbers."""
    return measure(float_training(task, preset(task, "paper"), seed)).as_json()
