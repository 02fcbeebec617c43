"""Joules of the digital part over a whole training of cancer, from gates: `python -m oxmc.silicon.digital_power`.

A few proposals with whole sweeps run as gates, clock gates among them. What each block takes a cycle of loading,
training and inference is multiplied by the cycles of the whole training, which the twin counts. Memories are macros and
apart; the nets that they drive are not.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from oxmc.hdl.verilog.netlist import write_verilog
from oxmc.pymodels.config import PRESETS, Config, parse_setting, resolve
from oxmc.pymodels.errors import RunError
from oxmc.pymodels.job import Job
from oxmc.pymodels.tasks import load_task
from oxmc.pymodels.tasks.jobs import make_job
from oxmc.pymodels.whole import write_file
from oxmc.silicon.activity import Activity, count
from oxmc.silicon.gate_costs import same
from oxmc.silicon.gates import gate_verilog, module_of, run_gates
from oxmc.silicon.liberty import shipped
from oxmc.silicon.mapped import Mapped
from oxmc.silicon.power import Power, power_of
from oxmc.silicon.synth import map_chip
from oxmc.tb.cosim.twin import twin_of

PHASES = ("load", "train", "infer")
SHORT = {"rows": 12, "test_samples": 16, "burn_in": 0}
PROPOSALS = {"paper": 16}
OTHERS = 45
"""Proposals of presets that end most sweeps early."""
WINDOW_CYCLES = 8
SCALES = (("130 nm, 1.8 V", 1.0), ("130 nm, 1.2 V", (1.2 / 1.8) ** 2), ("28 nm", (1.2 / 1.8) ** 2 * 0.072))
"""The library is for 1.8 V; the cost tables are for 1.2 V, and 28 nm is 0.072 of that (energy/tables/130nm.toml)."""


def job_of(config: Config) -> Job:
    return make_job(config, load_task("cancer", config, 0), 0)


def spans(activity: Activity, load_cycles: int) -> dict[str, slice]:
    """Windows of each phase: from the first host word, from decision to decision, from class to class."""
    found = {}
    for phase, event in (("train", "decision"), ("infer", "classify")):
        windows = np.flatnonzero(activity.events[event])
        found[phase] = slice(int(windows[0]) + 1, int(windows[-1]))
    first = int(np.flatnonzero(activity.events["host_write"])[0])
    return {"load": slice(first, first + load_cycles // WINDOW_CYCLES), **found}


def a_cycle(power: Power, activity: Activity, load_cycles: int) -> dict[str, list[float]]:
    """pJ a cycle by block and phase: logic, gated clocks, and the clock that always runs."""
    rows = dict(power.blocks) | {f"{block}, clock": energy for block, energy in power.gated.items()}
    where = spans(activity, load_cycles)
    means = {
        name: [float(energy[where[p]].sum() / activity.cycles[where[p]].sum()) for p in PHASES]
        for name, energy in rows.items()
    }
    return means | {"root of the clock": [power.clock_pj] * len(PHASES)}


def measured(preset: str, out: Path, settings: Mapping[str, Any]) -> tuple[Mapped, dict[str, Any]]:
    """The netlist, and nJ of a whole training by block. Raises `RunError` where the gates are not the twin."""
    full, library = resolve("cancer", preset, settings=settings), shipped()
    write_verilog(full, out)
    netlist = map_chip(out, library)
    gates = gate_verilog(netlist, module_of(out / "mapped.json"), library)
    most = {"max_proposals": PROPOSALS.get(preset, OTHERS)}
    short = resolve("cancer", preset, settings={**SHORT, **most, **settings})
    job = job_of(short)
    outcome = run_gates(job, gates, out / "run")
    if not same(outcome, twin_of(job)):
        raise RunError("the gates must give the bits of the twin, which they do not")
    activity = count(out / "run" / "dump.vcd", WINDOW_CYCLES)
    table = a_cycle(power_of(netlist, library, activity), activity, outcome.counts["load"]["cycle"])
    whole = twin_of(job_of(full))
    cycles = [whole.counts[phase]["cycle"] for phase in PHASES]
    nj = {name: math.fsum(np.multiply(row, cycles)) / 1000 for name, row in table.items()}
    array_nj = 1e9 * math.fsum(joules for phase in whole.joules.values() for joules in phase.values())
    proposals = whole.counts["train"]["decision"]
    return netlist, {"pj_a_cycle": table, "nj": nj, "cycles": cycles, "array_nj": array_nj, "proposals": proposals}


def main() -> None:
    parser = argparse.ArgumentParser(prog="digital_power", description=__doc__)
    parser.add_argument("--preset", choices=PRESETS, default="paper")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--out", type=Path, default=Path("build/digital_power"))
    options = parser.parse_args()
    name = "-".join([options.preset, *options.set])
    netlist, found = measured(options.preset, options.out / name, dict(map(parse_setting, options.set)))
    write_file(options.out / f"{name}.json", json.dumps(found, indent=1))
    for name, nj in sorted(found["nj"].items(), key=lambda entry: -entry[1]):
        print(f"{name:28}" + "".join(f"{pj:8.3f}" for pj in found["pj_a_cycle"][name]) + f"{nj:10.1f} nJ")
    total, array = math.fsum(found["nj"].values()), found["array_nj"]
    training = math.fsum(row[1] for row in found["pj_a_cycle"].values()) * found["cycles"][1] / found["proposals"]
    print(f"{len(netlist.gates)} cells, {sum(found['cycles'])} cycles, {training:.0f} pJ a proposal")
    print(f"array: {array:.0f} nJ; digital, without macros:")
    for name, scale in SCALES:
        print(f"{name}: {total * scale:.0f} nJ, {total * scale / array:.2f} of the array's")


if __name__ == "__main__":
    main()
