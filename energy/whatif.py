"""What a run's joules would be at other voltages, pulse widths, clocks and converters, without running it again.

The chain is left as it was: same devices, noise and decisions. Then every line of a ledger is a power law in a few
ratios (new over old): V t of a SET, V^2 t of a RESET, READ or evaluation, C V^2 of a line; what is paid by the cycle
goes with the cycles. Cycles follow from the pulses: each operation takes its width, rounded up to cycles, and the rest
stays (`Timing`). So widths and clock here give what a run with those keys gives, to the cycle without options of the
chain; voltages, converter, supply and logic scale the costs. Conductances are taken not to change with the voltages.

The model is data (`Model.as_json`): the report's page evaluates the same table, by `evaluate` written in its language.
"""

from __future__ import annotations

import dataclasses
import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from oxmc.energy.costs import Cost, CostTable
from oxmc.energy.ledger import Ledger
from oxmc.energy.parts import HEADLINE, PARTS
from oxmc.energy.point import OperatingPoint
from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.events import PHASES, QUANTITY_OF
from oxmc.pymodels.formats import Formats

ANALOGUE = ("array", "drivers", "adc", "input_dac", "gate_dac", "regulators", "bias")
"""Components of array and converters; all others are memories and logic."""

LOGIC = ("memories", "digital", "clock")
"""Components that scale as C V^2 of the logic's supply."""

PULSES = {"set": "set_pulse_s", "reset": "reset_pulse_s", "read": "read_pulse_s", "eval": "eval_pulse_s"}
"""Operations and the keys of their widths."""

RATIO_OF = {
    "set_sl_v": "set_sl_v", "gate_high_v": "gate_high_v", "reset_bl_v": "reset_bl_v", "reset_wl_v": "word_line_v",
    "read_wl_v": "word_line_v", "read_sl_v": "read_sl_v", "input_step_v": "input_full_scale_v",
    "input_rms_v": "input_full_scale_v", "set_s": "set", "read_s": "read", "eval_s": "eval", "period_s": "period",
}  # fmt: skip
"""Figures of the operating point that a cost's `per` may name, and the ratio each one goes with; others are fixed."""

PHYSICS_POWERS = {
    "form": {"set": 1},
    "set": {"set": 1, "set_sl_v": 1},
    "reset": {"reset": 1, "reset_bl_v": 2},
    "read": {"read": 1, "read_sl_v": 2},
    "eval": {"eval": 1, "input_full_scale_v": 2},
}
"""Powers of the array's own joules: V I t and V^2 g t."""


@dataclasses.dataclass(frozen=True)
class Knob:
    """A figure that may be turned: its value in the run, and the range that is offered."""

    name: str
    label: str
    unit: str
    value: float
    low: float
    high: float


@dataclasses.dataclass(frozen=True)
class Timing:
    """A phase's cycles: `base` and, for each of its `pulses` by operation (and conversions waited for), the width."""

    base: int
    pulses: dict[str, int]

    def cycles(self, widths: Mapping[str, int]) -> int:
        return self.base + sum(count * widths[name] for name, count in self.pulses.items())


@dataclasses.dataclass(frozen=True)
class Term:
    """Joules that go with the product of ratios to these powers, in one phase."""

    component: str
    phase: str
    energy_j: float
    powers: dict[str, int]


@dataclasses.dataclass(frozen=True)
class Model:
    """A run's joules as a function of its knobs: by node the terms, for all of them the timing."""

    knobs: tuple[Knob, ...]
    conversion_s: float
    timing: dict[str, Timing]
    nodes: dict[str, tuple[Term, ...]]

    def as_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self) | {"analogue": ANALOGUE, "headline": PARTS[HEADLINE]}


@dataclasses.dataclass(frozen=True)
class Answer:
    """Joules by component, of the run and of its training, for one node and setting of the knobs, and the time."""

    components: dict[str, float]
    training: dict[str, float]
    cycles: int
    chip_s: float

    @property
    def total_j(self) -> float:
        return math.fsum(self.components.values())

    @property
    def training_j(self) -> float:
        return math.fsum(self.training.values())

    @property
    def analogue_j(self) -> float:
        """Array and converters in the training."""
        return math.fsum(joules for name, joules in self.training.items() if name in ANALOGUE)


def build_model(
    config: Config,
    events: Mapping[str, Mapping[str, int]],
    point: OperatingPoint,
    ledgers: Mapping[str, tuple[Ledger, CostTable]],
) -> Model:
    """The model of a run from its `events` by phase and, by node, its ledger and the cost table that it came from."""
    nodes = {node: _terms(ledger, costs) for node, (ledger, costs) in ledgers.items()}
    widths = cycle_widths({key: getattr(config, key) for key in PULSES.values()}, config.clock_hz, config.conversion_s)
    timing = {phase: _timing(config, phase, events.get(phase, {}), widths) for phase in PHASES}
    return Model(_knobs(config, point), config.conversion_s, timing, nodes)


def evaluate(model: Model, node: str, settings: Mapping[str, float]) -> Answer:
    """The joules at a node with some knobs at new values. Raises `InputError` for an unknown or non-positive one."""
    values = {knob.name: knob.value for knob in model.knobs}
    for name, value in settings.items():
        if name not in values or not 0 < value < math.inf:
            raise InputError(f"a setting must be a positive {', '.join(values)}, not {name}={value!r}")
    new = values | dict(settings)
    old_widths, widths = (cycle_widths(v, v["clock_hz"], model.conversion_s) for v in (values, new))
    ratios = {name: new[name] / values[name] for name in values}
    ratios["period"] = values["clock_hz"] / new["clock_hz"]
    for operation in PULSES:
        ratios[operation] = widths[operation] / old_widths[operation] * ratios["period"]
    cycles = {phase: timing.cycles(widths) for phase, timing in model.timing.items()}
    components: dict[str, float] = defaultdict(float)
    training: dict[str, float] = defaultdict(float)
    for term in model.nodes[node]:
        was = model.timing[term.phase].cycles(old_widths)
        factors = ratios | {"cycles": cycles[term.phase] / was if was else 1.0}
        joules = term.energy_j * math.prod(factors[name] ** p for name, p in term.powers.items())
        components[term.component] += joules
        if term.phase in PARTS[HEADLINE]:
            training[term.component] += joules
    total = sum(cycles.values())
    return Answer(dict(components), dict(training), total, total / new["clock_hz"])


def cycle_widths(values: Mapping[str, float], clock_hz: float, conversion_s: float) -> dict[str, int]:
    """Cycles of each pulse, rounded up as `Config.cycles` does, and of a conversion, never longer than its pulses."""

    def cycles(seconds: float) -> int:
        return max(1, math.ceil(seconds * clock_hz * (1 - 1e-6)))

    widths = {operation: cycles(values[key]) for operation, key in PULSES.items()}
    return widths | {"conversion": min(cycles(conversion_s), widths["read"], widths["eval"])}


def _timing(config: Config, phase: str, events: Mapping[str, int], widths: Mapping[str, int]) -> Timing:
    """A phase's pulses, one after the other, and the conversions that nothing overlaps: one a sweep, test point and
    output, or verified attempt."""
    rows, points = events.get("decision", 0) + config.chains, events.get("classify", 0)
    conversions = {"train": rows, "infer": points * config.chip.outputs}
    if phase == "train" and config.verify != "off":
        conversions["train"] += events.get("read", 0) - 2 * config.outputs * config.features
    chip = Formats(config.chip)  # with counters of their own, outputs are trained in turn
    groups, cells = chip.set_groups, chip.cells  # plain programming SETs whole rows
    pulses = {
        "set": events.get("set", 0) * groups // cells + events.get("form", 0), "reset": events.get("reset_pulse", 0),
        "read": events.get("read", 0), "eval": events.get("eval", 0), "conversion": conversions.get(phase, 0),
    }  # fmt: skip
    busy = sum(count * widths[name] for name, count in pulses.items())
    return Timing(events.get("cycle", 0) - busy, pulses)


def _terms(ledger: Ledger, costs: CostTable) -> tuple[Term, ...]:
    """The ledger's lines as power laws, those of one law added up."""
    known = {(cost.component, cost.action, cost.item): cost for cost in costs.costs}
    sums: dict[tuple[str, str, tuple[tuple[str, int], ...]], list[float]] = defaultdict(list)
    for line in ledger.lines:
        powers = _powers(known[line.component, line.action, line.item])
        sums[line.component, line.phase, tuple(sorted(powers.items()))].append(line.energy_j)
    return tuple(Term(*key[:2], math.fsum(joules), dict(key[2])) for key, joules in sums.items())


def _powers(cost: Cost) -> dict[str, int]:
    powers: dict[str, int] = defaultdict(int, PHYSICS_POWERS[cost.physics] if cost.physics else {})
    operation = {quantity: operation for operation, quantity in QUANTITY_OF.items()}.get(cost.item)
    for name in cost.per:
        if name == "period_s" and operation:  # the quantity counts cycles
            powers["set" if operation == "form" else operation] += 1
        elif name in RATIO_OF:
            powers[RATIO_OF[name]] += 1
    if cost.component == "adc" and cost.unit.startswith("J"):  # a conversion; the front end's is a power
        powers["adc"] += 1
    if cost.item == "cycle":
        powers["cycles"] += 1
    if cost.component in LOGIC:
        powers["supply"] += 2
        powers["logic"] += 1
    elif cost.component == "leakage":
        powers["supply"] += 1
    return dict(powers)


def _knobs(config: Config, point: OperatingPoint) -> tuple[Knob, ...]:
    def width(key: str, label: str) -> Knob:
        value = getattr(config, key)
        return Knob(key, label, "s", value, min(1e-8, value), max(1e-6, value))

    def volts(name: str, label: str, value: float) -> Knob:
        return Knob(name, label, "V", value, 0.25 * value, 1.5 * value)

    def factor(name: str, label: str, low: float, high: float) -> Knob:
        return Knob(name, label, "x", 1.0, low, high)

    return (
        width("set_pulse_s", "SET pulse"),
        width("reset_pulse_s", "RESET pulse"),
        width("read_pulse_s", "READ pulse"),
        width("eval_pulse_s", "evaluation pulse"),
        Knob("clock_hz", "clock", "Hz", config.clock_hz, min(1e6, config.clock_hz), max(1e8, config.clock_hz)),
        volts("set_sl_v", "SET source line", point.set_sl_v),
        volts("gate_high_v", "SET gate, top of range", point.gate_high_v),
        volts("reset_bl_v", "RESET bit line", point.reset_bl_v),
        volts("read_sl_v", "READ source line", point.read_sl_v),
        volts("input_full_scale_v", "input DAC, full scale", config.input_full_scale_v),
        volts("word_line_v", "word line, all but SET", point.read_wl_v),
        factor("adc", "ADC energy a conversion, x table", 0.1, 10.0),
        factor("supply", "supply of memories and logic, x table", 0.5, 1.5),
        factor("logic", "energy of memories and logic, x table", 0.05, 2.0),
    )
