"""The whole of `oxmc bench`: which measurements, how often, for how long, and the record of them."""

from __future__ import annotations

import dataclasses
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from oxmc.pymodels.errors import InputError
from oxmc.speed import cosim
from oxmc.speed.asked import ENERGY, NAMES, SCALING, asked_of, ratios_of
from oxmc.speed.cpu_energy import CPU_POWER_W, check_power
from oxmc.speed.figures import Raw
from oxmc.speed.jobs import REPEATS, WARM, measure_jobs
from oxmc.speed.machine import machine
from oxmc.speed.processor import measure_processor
from oxmc.speed.samplers import measure_samplers
from oxmc.speed.scaling import measure_scaling

SCHEMA = "oxmc.bench/1"
COSIM_S, SAMPLERS_S, SCALING_S, JOBS_S = 200.0, 20.0, 30.0, 90.0
"""After this long a measurement begins no new round: all of them with builds stay below ten minutes on two cores."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """Names of ratios (and `scaling`, `energy`) to measure, and how many rounds and repeats it takes.

    `cpu_power_w` is the processor's power where it has no counters.
    """

    names: tuple[str, ...] = NAMES
    rounds: int = 5
    repeats: int = REPEATS
    cpu_power_w: float = CPU_POWER_W


def plan_of(only: list[str], *, quick: bool, cpu_power_w: float = CPU_POWER_W) -> Plan:
    """The plan that the command line asks for. Raises `InputError` for a name or a power that is none."""
    check_power(cpu_power_w)
    for name in only:
        if name not in NAMES:
            raise InputError(f"--only must be one of {', '.join(NAMES)}, not {name!r}")
    names = tuple(name for name in NAMES if name in only or not only)
    plan = Plan(names, cpu_power_w=cpu_power_w)
    return dataclasses.replace(plan, rounds=1, repeats=2 * WARM) if quick else plan


def say(text: str) -> None:
    """A line of progress; stdout keeps the result."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def measure(plan: Plan) -> dict[str, Any]:
    """Measure and return the record of `oxmc bench --json`. Raises `InputError` or `RunError`."""
    started = time.monotonic()
    raw: Raw = {}
    record: dict[str, Any] = {"schema": SCHEMA, "machine": machine(), "skipped": {}, "scaling": {}, "energy": {}}
    chosen = [name for name in plan.names if name in cosim.RATIOS]
    with tempfile.TemporaryDirectory(prefix="oxmc-bench-", ignore_cleanup_errors=True) as folder:
        if chosen:
            say("co-simulation (builds first)")
            raw |= cosim.measure_cosim(chosen, plan.rounds, COSIM_S, Path(folder))
        if "twin_trainings_per_s_core" in plan.names:
            say("twin beside other samplers")
            figures, record["skipped"] = measure_samplers(plan.rounds, SAMPLERS_S)
            raw |= figures
        if SCALING in plan.names:
            say("cost against rows, pairs and samples")
            figures, record["scaling"] = measure_scaling(plan.rounds, SCALING_S)
            raw |= figures
        if "jobs2_over_jobs1" in plan.names:
            say("repeats on one and two processes")
            raw |= measure_jobs(plan.rounds, JOBS_S, Path(folder), plan.repeats)
        if ENERGY in plan.names:
            say("joules of the processor")
            record["energy"] = measure_processor(plan.cpu_power_w)
    ratios = ratios_of(raw, plan.names)
    record |= {"ratios": ratios, "asked": asked_of(ratios), "raw": raw, "wall_s": time.monotonic() - started}
    return record
