"""The cost table of the chip's logic as a file, from what was measured on its gates: figures, bounds, checks.

`make power` (`python -m oxmc.silicon.gate_table`) measures the cases of `gate_costs` and writes
the table `gates_130nm`.
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import time
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from oxmc.energy.point import COMMON, WITH_OPTIONS
from oxmc.pymodels.events import DIGITAL_EVENTS
from oxmc.pymodels.whole import write_file
from oxmc.silicon.gate_costs import ASKED, CASES, Costs, Measured, Run, errors, fit, measure_case, predict
from oxmc.silicon.liberty import Liberty, shipped
from oxmc.silicon.power import TREE, Power

PICO = 1e-12
CLOCK_SUFFIX = ", gated clock"
"""What follows a block's name where its gated clock is meant."""
TABLE = Path(str(resources.files("oxmc.energy"))) / "tables" / "gates_130nm.toml"

CELLS_FACTOR = 1.3
"""Bounds of our cells' energies: against the published library pins are within 25 %, internal energies within 45 % at
worst (tests/silicon/test_liberty.py), and a block has many cells (an estimate)."""
CLOCK_FACTOR = 1.4
"""A published flip-flop's clock takes 1 / (1 - 0.28) of what ours does."""
STANDARD_W = 2e-9
"""Leakage a flip-flop in a library of standard threshold, an estimate."""
UNSTORED = ("prior_square", "lfsr_step", "decision", "classify")
"""Events that move no memory."""
SMALL = 1e-3
"""Terms with less than this share of their block's energy, in all runs, are left out."""

HEAD = """\
# Energy of the chip's logic at 130 nm, 1.8 V: measured. Written by `make power`, do not edit.
# How: docs/reference/silicon.md.
#
# [[measured]] is what the costs come from, [held_out] how far they are off, block by block, on trainings that they were
# not fitted to: predicted over measured energy, less one. [[cost]] is as in energy/costs.py; 130nm.toml and 28nm.toml
# take the entries over at their supply and node.

[sources]
conditions = "{library}, typical, {voltage:g} V, 25 C, wires by estimate, nothing placed, {date}."
toggles = \"\"\"\\
  Our measurement on the mapped gates: toggles in trainings of {models} (blocks of options: \\
  {others}), non-negative least squares; {{conditions}} Interval: error on other \\
  trainings, wires x/: 2, cells x/: {cells:g}; the squares of their logarithms add.\\
  \"\"\"
clock = \"\"\"\\
  Our measurement: flip-flops' clock pins, both edges, wires, and a tree of one buffer for {fanout} (rule of thumb, \\
  nothing placed); {{conditions}} Low: no tree, half of the wire; high: flip-flops x {clock:g} as in the published \\
  library, twice the wire and twice the tree.\\
  \"\"\"
leakage = \"\"\"\\
  Our measurement: leakage of all cells, mean over their states, a flip-flop; {{conditions}} Low: a third, for 1.2 V \\
  (estimate); high for a standard-threshold library (estimate, 2 nW).\\
  \"\"\"
nothing = "Nothing beyond the blocks' other entries: least squares gave it no joules of its own in every chip."
"""


def table(cases: list[Measured], library: Liberty) -> str:
    """The whole file."""
    runs = [run for case in cases for run in case.fits]
    checks = [case.check for case in cases]
    costs, gated = trimmed(fit(runs), runs), trimmed(fit(runs, gated=True), runs, gated=True)
    head = HEAD.format(
        library=library.name,
        voltage=library.voltage_v,
        date=datetime.date.today(),
        models=", ".join(case.case.name for case in cases if case.case.model),
        others=", ".join(case.case.name for case in cases if case.fits and not case.case.model),
        cells=CELLS_FACTOR,
        fanout=TREE[0][1],
        clock=CLOCK_FACTOR,
    )
    parts = [head, *map(_measured, cases)]
    parts += [_held_out(case.case.name, case.check, costs, gated) for case in cases]
    parts += [*_blocks(costs, checks, False), *_blocks(gated, checks, True), *_clock(checks), _leakage(checks)]
    parts += [_entry("digital", "nothing of its own", name, (0.0, 0.0, 0.0), "{nothing}") for name in _idle(costs)]
    return "\n".join(parts)


def _idle(costs: Costs) -> list[str]:
    """Events that no block's logic has a price for; or not in every chip, where no memory has one either."""
    priced = {block: {term.split()[0] for term in terms} for block, terms in costs.items()}
    everywhere = [set().union(*(priced.get(b, set()) for b in names)) for names in (COMMON, WITH_OPTIONS.values())]
    anywhere = set().union(*priced.values())
    return [n for n in DIGITAL_EVENTS if n not in anywhere or (n in UNSTORED and any(n not in s for s in everywhere))]


def trimmed(costs: Costs, runs: list[Run], gated: bool = False) -> Costs:
    """Without the terms that matter nowhere."""

    def matters(block: str, term: str, cost: float) -> bool:
        here = [run for run in runs if run.energy(block, gated) is not None]
        return any(predict({term: cost}, run) > SMALL * predict(costs[block], run) for run in here)

    return {b: {t: cost for t, cost in terms.items() if matters(b, t, cost)} for b, terms in costs.items()}


def bounds(block: str, costs: Costs, runs: list[Run], gated: bool = False) -> tuple[float, float]:
    """Low and high of a block's costs, relative."""
    ratios, wires = [1.0], []
    for run in runs:
        energy = run.energy(block, gated)
        if energy is not None:
            ratios.append(float(energy.sum()) / max(predict(costs[block], run), SMALL * float(energy.sum())))
            wires.append([_sum(power, block, gated) / float(energy.sum()) for power in run.wires])
    lean, rich = (sum(column) / len(wires) for column in zip(*wires, strict=True)) if wires else (1.0, 1.0)
    return 1 / _apart(1 / min(ratios), 1 / lean, CELLS_FACTOR), _apart(max(ratios), rich, CELLS_FACTOR)


def _sum(power: Power, block: str, gated: bool) -> float:
    return float((power.gated if gated else power.blocks)[block].sum())


def _apart(*factors: float) -> float:
    """Independent factors >= 1 as one."""
    return math.exp(math.hypot(*(math.log(factor) for factor in factors)))


def _blocks(costs: Costs, runs: list[Run], gated: bool) -> list[str]:
    parts = []
    for block, terms in costs.items():
        low, high = bounds(block, costs, runs, gated) if terms else (1.0, 1.0)
        for term, cost in terms.items():
            name, *per = term.split()
            kind = ("clock", f"gated, {block}") if gated else ("digital", block)
            joules = cost * PICO
            figures = (joules, joules * low, joules * high)
            parts.append(_entry(*kind, name, figures, "{toggles}", per=per, block=block, errs_with="gates"))
    return parts


def _clock(runs: list[Run]) -> list[str]:
    """The clock that always runs, a cycle and flip-flop of the operating point, without and with options."""
    parts = []
    for block in ("top", WITH_OPTIONS["top"]):
        here = [run for run in runs if block in run.point.blocks]
        values = [_clock_j(run, run.power) for run in here if run.model]
        low = min(_clock_j(run, run.wires[0], tree=0.0) for run in here)
        high = max(_clock_j(run, run.wires[1], CLOCK_FACTOR, 2.0) for run in here)
        kind = ("clock", block.replace("top", "flip-flops and tree"), "cycle", (sum(values) / len(values), low, high))
        parts.append(_entry(*kind, "{clock}", per=["flip_flops"], block=block, errs_with="gates"))
    return parts


def _clock_j(run: Run, power: Power, below: float = 1.0, tree: float = 1.0) -> float:
    """J a cycle and flip-flop, with factors on what the clock drives and on its tree."""
    return (below * (power.clock_pj - power.tree_pj) + tree * power.tree_pj) * PICO / run.point.flip_flops


def _leakage(runs: list[Run]) -> str:
    watts = [run.power.leakage_pw * PICO / run.point.flip_flops for run in runs if run.model]
    figures = (sum(watts) / len(watts), min(watts) / 3, STANDARD_W)
    return _entry("leakage", "logic leakage", "cycle", figures, "{leakage}", per=["flip_flops", "period_s"])


UNITS = {
    "flip_flops": "J/flip-flop", "flip_flops period_s": "W/flip-flop", "set_pulses_a_cell": "J/pulse",
    "gate_dacs": "J/code",
}  # fmt: skip


def _entry(
    component: str,
    action: str,
    event: str,
    figures: tuple[float, float, float],
    source: str,
    *,
    per: Sequence[str] = (),
    block: str = "",
    errs_with: str = "",
) -> str:
    value, low, high = (f"{figure:.3g}" if figure else "0.0" for figure in figures)
    plain = ("J/event" if event != "cycle" else "J/cycle", "J/bit", "J/bit^2")[len(per)]
    lines = [
        "[[cost]]",
        f'component = "{component}"',
        f'action = "{action}"',
        f'event = "{event}"',
        *([f"per = {json.dumps(list(per))}"] if per else []),
        *(f'{key} = "{text}"' for key, text in (("block", block), ("errs_with", errs_with)) if text),
        f"value = {value}",
        f"low = {low}",
        f"high = {high}",
        f'unit = "{UNITS.get(" ".join(per), plain)}"',
        f'source = "{source}"',
    ]
    return "\n".join([*lines, ""])


def _measured(case: Measured) -> str:
    cycles = [int(run.activity.cycles.sum()) for run in (*case.fits, case.check)]
    lines = ["[[measured]]", f'case = "{case.case.name}"', f'task = "{case.case.task}"']
    lines += [f'preset = "{case.case.preset}"', f'netlist_sha256 = "{case.digest}"', f"cells = {case.cells}"]
    lines += [f"fitted_cycles = {sum(cycles[:-1])}", f"check_cycles = {cycles[-1]}"]
    return "\n".join([*lines, ""])


def _held_out(name: str, run: Run, costs: Costs, gated: Costs) -> str:
    """One line a block: component, measured pJ, predicted over measured less one."""
    lines = [f'[held_out."{name}"]  # block = [measured pJ, error]']
    for table, stops, suffix in ((costs, False, ""), (gated, True, CLOCK_SUFFIX)):
        for block, error in errors(table, run, stops).items():
            lines.append(f'"{block}{suffix}" = [{_sum(run.power, block, stops):.4g}, {error:.4f}]')
    return "\n".join([*lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(prog="gate_table", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/power"), help="folder of netlists and activities")
    parser.add_argument("--table", type=Path, default=TABLE, help="the file to write")
    options = parser.parse_args()
    library, cases, started = shipped(), [], time.monotonic()
    for case in CASES:
        cases.append(measure_case(case, library, options.out / case.name))
        cycles = sum(int(run.activity.cycles.sum()) for run in (*cases[-1].fits, cases[-1].check))
        print(f"{case.name}: {cases[-1].cells} cells, {cycles} cycles, {time.monotonic() - started:.0f} s", flush=True)
    text = table(cases, library)
    write_file(options.table, text)
    print(f"{options.table}: {summary(tomllib.loads(text))}")


def block_errors(held_out: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """Relative error of each block's energy, its logic and its gated clock together, from a case's `held_out`."""
    measured: dict[str, float] = {}
    missed: dict[str, float] = {}
    for name, (energy, error) in held_out.items():
        block = name.removesuffix(CLOCK_SUFFIX)
        measured[block] = measured.get(block, 0.0) + energy
        missed[block] = missed.get(block, 0.0) + energy * error
    return {block: missed[block] / energy for block, energy in measured.items()}


def summary(found: dict[str, Any]) -> str:
    """The worst block of the cases that count, in words."""
    worst = max((abs(e), b, name) for name in ASKED for b, e in block_errors(found["held_out"][name]).items())
    return "on trainings not fitted, {1} of {2} is {0:.1%} off, the others less".format(*worst)


if __name__ == "__main__":
    main()
