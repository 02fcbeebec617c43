"""The chip as a sampler: chains that are trained here, or those of a run directory, with their joules and area."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from oxmc.energy.area import areas, total
from oxmc.energy.costs import NODES
from oxmc.energy.performance import currents
from oxmc.posterior.draws import plain_draws, stored_models, stride_of, weights_us
from oxmc.posterior.posterior import FILE
from oxmc.posterior.row_accuracy import chain_parts
from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.streams import chain_seeds
from oxmc.pymodels.tasks import Dataset, load_task
from oxmc.pymodels.uncertainty import class_probabilities
from oxmc.quality.sampler import Chains, Cost, Sampler
from oxmc.quality.target import target_of
from oxmc.run.baseline import kept_points
from oxmc.run.checked import checked_posterior, checked_run, read_state
from oxmc.run.own_counters import voting_totals
from oxmc.run.result import costs_of, ledger_of, phases_of
from oxmc.run.train import Request, run_chain
from oxmc.silicon.chip_point import point_of

LEAST_CHAINS = 2


def of_request(request: Request, chains: int, node: str) -> Sampler:
    """Train `chains` chains on one split, each with devices and noise of its own. Raises `InputError` or `RunError`."""
    dataset = load_task(request.task, request.config, request.seed, request.source)
    target_of(request.config, dataset)
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="oxmc-", ignore_cleanup_errors=True) as folder:
        for number, seed in enumerate(chain_seeds(request.seed, chains)):
            outcomes.append(run_chain(request, dataset, seed, Path(folder) / f"chain-{number}", None).outcome)
    name = f"{request.name} {request.preset}"
    return _sampler(name, request.config, dataset, outcomes, node, dataset.notes)


def of_run(path: Path, node: str) -> Sampler:
    """The chains of a run directory. Raises `InputError` unless it is whole, has several and keeps its points."""
    checked = checked_run(path)
    run, config = checked.run, checked.config
    count = run.get("chains", {}).get("n", 1)
    if "repeats" in run or count < LEAST_CHAINS or not (path / FILE).exists():
        raise InputError(
            f"RUN must be a run of --chains {LEAST_CHAINS} or more with its {FILE}, which {str(path)!r} is not"
        )
    dataset = kept_points(checked_posterior(path, config), checked)
    outcomes = [read_state(path / f"chain-{number}" if number else path, config)[0] for number in range(count)]
    return _sampler(f"{run['task']} {run['preset']}", config, dataset, outcomes, node, run["notes"])


def _sampler(
    name: str, config: Config, dataset: Dataset, outcomes: Sequence[Outcome], node: str, notes: Sequence[str]
) -> Sampler:
    target = target_of(config, dataset)
    parts = [chain_parts(config, outcome) for outcome in outcomes]
    outputs = [chains for of_output in zip(*parts, strict=True) for chains in models_of(config, of_output)]
    p = [class_probabilities(config, outcome.sums, voting_totals(config, outcome.counters)) for outcome in outcomes]
    told = dict.fromkeys(filter(None, (config.target, *notes)))
    return Sampler(name, target, outputs, _cost(config, outcomes, node), tuple(told), p)


def models_of(config: Config, parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[Chains]:
    """Of chains' rows and counters the models of each output that they hold: one, or all of a shared counter.

    A network's weights are one model.
    """
    rows = [stored_models(config, counters) for _, counters in parts]
    counts = [counters[kept] for (_, counters), kept in zip(parts, rows, strict=True)]
    starts = np.cumsum([0, *map(len, rows[:-1])])
    draws = plain_draws(counts, stride_of(config, counts)) + starts[:, None]
    w = config.scale_per_us * np.concatenate(
        [weights_us(conductance[kept]) for (conductance, _), kept in zip(parts, rows, strict=True)]
    )
    width = w.shape[1] if config.hidden else config.features
    return [Chains(w[:, start : start + width], draws, config.vote_sharpness) for start in range(0, w.shape[1], width)]


def _cost(config: Config, outcomes: Sequence[Outcome], node: str) -> Cost:
    """Joules and time of all trainings, and the area of one chip that makes them one after the other."""
    phases = [phases_of(outcome) for outcome in outcomes]
    joules = sum(ledger_of(config, each, node).by_phase()["train"] for each in phases)
    seconds = sum(each["train"]["events"]["cycle"] for each in phases) / config.clock_hz
    return Cost(joules, seconds, _area_mm2(config, phases[0], node), f"cost table of {node}, training phase")


def _area_mm2(config: Config, phases: dict[str, dict[str, dict[str, int]]], node: str) -> float | None:
    known = costs_of(node).base or node
    if known not in NODES:
        return None
    point = point_of(config)
    events, quantities = ({name: phases[name][kind] for name in phases} for kind in ("events", "quantities"))
    reset_a = currents(config, events, quantities, point).get("reset", 0.0)
    return total(areas(known, point, reset_a))["um2"] / 1e6
