"""What events and cycles of the chip's logic cost, measured: trainings on the gates, toggles, joules, least squares.

A few configurations are mapped and trained twice each, as gates; the costs are fitted to the first trainings and tried
on the second ones. `silicon/gate_table.py` writes what is found.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from oxmc.energy.costs import CostTable
from oxmc.energy.point import BLOCKS, COMMON, WITH_OPTIONS, OperatingPoint, block_names
from oxmc.hdl.verilog.netlist import write_verilog
from oxmc.pymodels.config import Config, resolve
from oxmc.pymodels.errors import RunError
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.tasks import load_task
from oxmc.pymodels.tasks.jobs import make_job
from oxmc.silicon.activity import Activity, count, saif
from oxmc.silicon.chip_point import point_of
from oxmc.silicon.gates import gate_verilog, module_of, run_gates
from oxmc.silicon.liberty import Liberty
from oxmc.silicon.mapped import Mapped
from oxmc.silicon.power import Power, power_of
from oxmc.silicon.synth import map_chip
from oxmc.tb.cosim.twin import twin_of

WINDOW_CYCLES = 32
CHECK_SEED = 7
WIRES = (0.5, 2.0)
"""Bounds of the wire that a listener adds, as factors on the estimate (`oxmc.silicon.mapped.WIRE_PF`)."""


@dataclasses.dataclass(frozen=True)
class Case:
    """A configuration to measure: costs are fitted to the trainings `fits` and tried on `check`, of a seed of its own.

    Those of the blocks that every chip has are fitted to it if it is a `model` of the chips without or with options:
    what its votes weigh, and how many a test point has, differs from training to training, so there are several.
    """

    name: str
    task: str
    preset: str
    chip: Mapping[str, Any]
    fits: tuple[Mapping[str, Any], ...]
    check: Mapping[str, Any]
    model: bool = False

    def config(self, settings: Mapping[str, Any]) -> Config:
        return resolve(self.task, self.preset, settings={"burn_in": 1, **self.chip, **settings})


def _size(rows: int, train: int, test: int, proposals: int) -> dict[str, int]:
    return {"rows": rows, "train_samples": train, "test_samples": test, "max_proposals": proposals}


PREPARE = {"form": True, "calibrate": True, "condition_cycles": 2, "calibration_rows": 1, "gate_codes": 11}
NARROW = {"features": 6, "adc_bits": 6, "read_bits": 6, "counter_bits": 6, "lfsr_bits": 16, "table_bits": 6,
          "response_bits": 6}  # fmt: skip
CASES = (
    Case("paper", "cancer", "paper", {}, (_size(8, 369, 50, 10), _size(16, 40, 12, 40)), _size(16, 100, 40, 60), True),
    Case("wide", "cancer", "wide", {}, (_size(24, 200, 40, 40), _size(8, 40, 40, 10)), _size(12, 150, 30, 20), True),
    Case("hidden", "ecg", "wide", {}, (_size(4, 16, 6, 8),), _size(3, 40, 6, 4)),
    Case("reward", "cartpole", "wide", {"episode_steps": 60, "test_episodes": 1},
         ({"rows": 4, "max_proposals": 10},), {"rows": 3, "max_proposals": 6}),
    Case("hastings", "cancer", "paper", {"hastings": True}, (_size(3, 16, 4, 4),), _size(3, 32, 4, 3)),
    Case("softmax", "wine", "wide", {"likelihood": "softmax", "counters": "shared"}, (_size(4, 30, 8, 6),),
         _size(3, 40, 6, 4)),
    Case("prepare", "cancer", "paper", PREPARE, (_size(4, 16, 4, 4),), _size(4, 16, 4, 4)),
    Case("cell", "cancer", "wide", {"verify": "cell"}, (_size(6, 32, 8, 12),), _size(4, 64, 8, 6), True),
    Case("narrow", "cancer", "paper", NARROW, (), _size(6, 100, 16, 16)),
)  # fmt: skip
"""`paper` and `wide` are what this is about; the others have the blocks that those two have not, and `narrow` shows
whether the factors of `TERMS` carry over to other widths: nothing is fitted to it."""
ASKED = ("paper", "wide")
"""Cases in which each block is asked to be within 20 %."""

EVALUATIONS = ("eval", "likelihood_add", "response_add", "activation")
"""Evaluations, and apart those of the training, of the inference and of hidden neurons, whose wires differ."""
SET_PULSE = "set set_pulses_a_cell"
"""A SET pulse, where cells are counted: with several gate DACs one programs several."""
PULSES = (SET_PULSE, "read", "reset_pulse", *EVALUATIONS)
VOTE = "response_add counter_bits response_bits"

TERMS: dict[str, tuple[str, ...]] = {
    "control": ("host_write", "counter_read", "cycle"),
    "log_prior": ("prior_square read_bits read_bits", "decision", "read", *EVALUATIONS, "cycle"),
    "log_likelihood": ("likelihood_add", "decision", "read", "eval", "cycle"),
    "softmax_likelihood": ("likelihood_add", "decision", "read", "eval", "cycle"),
    "reward": ("classify", "decision", "cycle"),
    "action": ("classify", "eval", "cycle"),
    "acceptance": ("decision", "prior_square", "lfsr_step", "likelihood_add", "cycle"),
    "lfsr": ("lfsr_step lfsr_bits", "host_write", "decision", "cycle"),
    "log_uniform": ("lfsr_step lfsr_bits", "host_write", "cycle"),
    "gate_dac": ("lut_read", "map_write", "gate_lookup", "gate_code_read", "read", "eval", "cycle"),
    "row_counters": ("decision", "counter_write", "counter_read", "cycle"),
    "inference": (VOTE, "counter_read", "classify", "eval", "cycle"),
    "reward_control": ("host_write", "counter_read", "classify", "cycle"),
    "reward_pulse": (*PULSES, "classify", "cycle"),
    "reward_trainer": (*PULSES, "classify", "decision", "cycle"),
    "reward_inference": (VOTE, "counter_read", "classify", "eval", "cycle"),
    "softmax_inference": (VOTE, "counter_read", "classify", "eval", "cycle"),
    "network_inference": (VOTE, "counter_read", "classify", "eval", "cycle"),
    "activation": ("activation", "eval", "cycle"),
    "trainer": (*PULSES, "sample_read", "decision", "cycle"),
    "pulse": (*PULSES, "cycle"),
    "pair_programmer": ("pair_read", "pair_write", "offset_read", "offset_write", *PULSES, "cycle"),
    "cell_programmer": ("gate_lookup", "gate_code_read", *PULSES, "cycle"),
    "sample_order": ("order_read", "order_write", "decision", "cycle"),
    "hastings": ("hastings_term", "read", "eval", "cycle"),
    "former": ("form", SET_PULSE, "reset_pulse", "cycle"),
    "calibrator": ("histogram_read", "histogram_write", "lut_write", "read", "eval", "cycle"),
    "memories": ("sample_read sample_word_bits", "gate_lookup", "gate_code_read gate_dacs", "likelihood_add",
                 "response_add", "lut_read", "pair_read", "offset_read", "order_read", "counter_read", "cycle"),
    "top": ("host_write", "set", *PULSES[1:], "sample_read", "decision", "cycle"),  # a code a cell and its clamp
}  # fmt: skip
"""What makes a block work: events, each with the figures of the operating point that its joules go with. A block that
is not here counts as `top`; `memories` are the nets behind the macros' outputs."""


@dataclasses.dataclass(frozen=True)
class Run:
    """One training on the gates: what was counted, and the joules by block (pJ a window), with less and more wire.

    `model` as in `Case`.
    """

    activity: Activity
    power: Power
    wires: tuple[Power, Power]
    point: OperatingPoint
    model: bool

    def energy(self, block: str, gated: bool) -> np.ndarray | None:
        """pJ a window of a block's logic or of its gated clock, None where there is nothing."""
        found = (self.power.gated if gated else self.power.blocks).get(block)
        return found if found is not None and found.sum() > 0 else None

    def column(self, term: str) -> np.ndarray:
        """Counts by window times the operating point's figures: what a cost of that term is multiplied by."""
        event, *per = term.split()
        counts = self.activity.cycles if event == "cycle" else self.activity.events[event]
        return counts * math.prod(getattr(self.point, name) for name in per)


@dataclasses.dataclass(frozen=True)
class Measured:
    """A case's netlist, the trainings to fit to and the one to check with."""

    case: Case
    cells: int
    digest: str
    fits: tuple[Run, ...]
    check: Run


def same(a: Outcome, b: Outcome) -> bool:
    """Whether two runs gave the same conductances, counters, classes and events."""
    arrays = ("conductance_ns", "counters", "classes", "sums")
    return a.counts == b.counts and all(np.array_equal(getattr(a, name), getattr(b, name)) for name in arrays)


def train_gates(task: str, config: Config, seed: int, gates: str, folder: Path) -> Path:
    """The waves of a training on the gates. Raises `RunError` where its bits are not the twin's."""
    job = make_job(config, load_task(task, config, seed), seed)
    if not same(run_gates(job, gates, folder), twin_of(job)):
        raise RunError("the gates must give the bits of the twin, which they do not")
    return folder / "dump.vcd"


def named(power: Power, config: Config) -> Power:
    """Blocks under the names that the table has: what shares an instance's name apart, strangers in `top`."""
    names = block_names(config)

    def renamed(energies: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        found: dict[str, np.ndarray] = {}
        for block, energy in energies.items():
            name = names.get(block, names["guard"])
            found[name] = found.get(name, 0.0) + energy
        return found

    return dataclasses.replace(power, blocks=renamed(power.blocks), gated=renamed(power.gated))


def measure(netlist: Mapped, library: Liberty, config: Config, vcd: Path, model: bool) -> Run:
    """Counts and joules of a training from its waves, which are replaced by their totals as SAIF."""
    activity = count(vcd, WINDOW_CYCLES)
    vcd.with_name("activity.saif").write_text(saif(activity))
    lean, rich = (dataclasses.replace(netlist, wire_pf=netlist.wire_pf * factor) for factor in WIRES)
    found = [named(power_of(each, library, activity), config) for each in (netlist, lean, rich)]
    return Run(activity, found[0], (found[1], found[2]), point_of(config), model)


def measure_case(case: Case, library: Liberty, out: Path) -> Measured:
    """Map the case's chip in `out` and train on its gates."""
    write_verilog(case.config(case.check), out)
    netlist = map_chip(out, library)
    gates = gate_verilog(netlist, module_of(out / "mapped.json"), library)
    (out / "gates.v").write_text(gates)
    runs = []
    for seed, settings in enumerate((*case.fits, case.check)):
        config = case.config(settings)
        vcd = train_gates(case.task, config, CHECK_SEED if settings is case.check else seed, gates, out / f"run-{seed}")
        runs.append(measure(netlist, library, config, vcd, case.model))
        vcd.unlink()
    digest = hashlib.sha256(gates.encode()).hexdigest()[:16]
    return Measured(case, len(netlist.gates), digest, tuple(runs[:-1]), runs[-1])


Costs = dict[str, dict[str, float]]
"""pJ of each term, by block."""


def terms_of(block: str) -> tuple[str, ...]:
    return TERMS[block.removesuffix(" with options")]


def fit(runs: list[Run], gated: bool = False) -> Costs:
    """pJ an event and a cycle of each block, by least squares that allow no negative cost.

    A block that every chip has is fitted to the models, another one to all runs that have it. A run's windows weigh as
    the inverse of the block's mean there, so that no configuration outweighs another.
    """
    costs: Costs = {}
    for block in BLOCKS:
        common = block in COMMON or block in WITH_OPTIONS.values()
        found = [(run, run.energy(block, gated)) for run in runs if run.model or not common]
        here = [(run, energy) for run, energy in found if energy is not None]
        if here:
            costs[block] = _least_squares(terms_of(block), here)
    return costs


def _least_squares(terms: tuple[str, ...], runs: list[tuple[Run, np.ndarray]]) -> dict[str, float]:
    from scipy.optimize import nnls

    matrix = np.concatenate([np.array([run.column(t) for t in terms], float).T / e.mean() for run, e in runs])
    scale = np.maximum(matrix.max(axis=0), 1e-300)  # a term that never occurs
    solution, _ = nnls(matrix / scale, np.concatenate([energy / energy.mean() for _, energy in runs]))
    return {term: float(cost) for term, cost in zip(terms, solution / scale, strict=True) if cost > 0}


def predict(costs: Mapping[str, float], run: Run) -> float:
    """Energy in pJ of a block over a whole run from its counts."""
    return math.fsum(cost * float(run.column(term).sum()) for term, cost in costs.items())


def table_costs(table: CostTable) -> Costs:
    """The costs that a table has for the blocks' logic."""
    costs: Costs = {}
    for cost in table.costs:
        if cost.component == "digital" and cost.block:
            costs.setdefault(cost.block, {})[" ".join((cost.item, *cost.per))] = cost.value * 1e12
    return costs


def errors(costs: Costs, run: Run, gated: bool = False) -> dict[str, float]:
    """Relative error of each block's predicted energy."""
    measured = {block: run.energy(block, gated) for block in costs}
    return {b: predict(costs[b], run) / float(e.sum()) - 1 for b, e in measured.items() if e is not None}
