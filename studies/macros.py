"""Two published RRAM macros priced by this project's cost tables, from their descriptions alone.

A matrix-vector product (MVM) of a macro is an evaluation of all its outputs at once. What it is made of is counted by
the description: lines that swing, conversions, time that an amplifier is on, current through cells. Each count is paid
by the figure of the same name that a training of ours is paid by. Logic and data movement are not priced: the published
figures are of the macro.

All of `Macro`, `neurram`, `LIU` and `counts` was committed before `PUBLISHED` was filled in, and stays as it was then.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
from collections.abc import Sequence

from oxmc.energy.costs import CostTable, load_costs
from oxmc.studies.tables import Row, show


@dataclasses.dataclass(frozen=True)
class Macro:
    """What a description says of one MVM. Voltages in V, conductances in S, times in s; `source` says where from.

    `inputs` lines carry a voltage of +-`read_v` in a share `active` of the input pulses, through a mean of `cell_s` in
    each cell that it meets, for `pulse_s` in each of `pulses`. `gate_swings` times an MVM, `gates` word lines of
    `gate_cells` cells swing by `gate_v`. Each of `outputs` has an amplifier that is on for `amplifier_s` in all, and is
    converted to `output_bits`. A MAC is an input times a weight; a weight is `cells_a_weight` cells, on lines of their
    own where these are inputs' (`weights_in_rows`).
    """

    name: str
    node: str
    doi: str
    inputs: int
    outputs: int
    cells_a_weight: int
    weights_in_rows: bool
    read_v: float
    active: float
    cell_s: float
    pulses: int
    pulse_s: float
    gates: int
    gate_cells: int
    gate_v: float
    gate_swings: int
    amplifier_s: float
    input_bits: int
    output_bits: int
    source: str

    @property
    def macs(self) -> int:
        return self.inputs * self.outputs // (self.cells_a_weight if self.weights_in_rows else 1)

    @property
    def cells(self) -> int:
        return self.inputs * self.outputs * (1 if self.weights_in_rows else self.cells_a_weight)


def neurram(input_bits: int, output_bits: int) -> Macro:
    """One core of NeuRRAM, 256 x 256 cells, signed inputs of `input_bits` in pulses of -V, 0 or +V.

    A magnitude bit k is integrated 2^k times; above three magnitude bits in two phases, the upper half first.
    """
    magnitude = max(1, input_bits - 1)
    phases = [magnitude] if magnitude <= 3 else [math.ceil(magnitude / 2), magnitude // 2]
    steps = sum(2**bits - 1 for bits in phases)
    return Macro(
        name=f"NeuRRAM core, {input_bits} bits in, {output_bits} out",
        node="130nm",
        doi="10.1038/s41586-022-04992-8",
        inputs=256,
        outputs=256,
        cells_a_weight=2,
        weights_in_rows=True,
        read_v=0.5,
        active=0.5,
        cell_s=2.5e-6,
        pulses=magnitude,
        pulse_s=10e-9,
        gates=256,
        gate_cells=256,
        gate_v=1.8,
        gate_swings=magnitude,
        amplifier_s=0.27e-6 * steps,
        input_bits=2,
        output_bits=output_bits,
        source="CiMLoop's public description of the macro (mit-emze/cimloop, models wan_nature_2022): array, voltages, "
        "10 ns of reading an input bit, 0.27 us of an integration, resistances of 0.25 and 1 Mohm, their mean here; "
        "half of the inputs' bits are 0, our assumption",
    )


LIU = Macro(
    name="784 x 100, 1 bit in, 2 out",
    node="130nm",
    doi="10.1109/ISSCC19947.2020.9062953",
    inputs=784,
    outputs=100,
    cells_a_weight=2,
    weights_in_rows=False,
    read_v=0.2,
    active=0.5,
    cell_s=(1 / 60e3 + 2 / 20e6) / 3,
    pulses=1,
    pulse_s=51.1e-9,
    gates=0,
    gate_cells=200,
    gate_v=4.2,
    gate_swings=0,
    amplifier_s=51.1e-9,
    input_bits=1,
    output_bits=2,
    source="figures of the paper's first layer as an open reimplementation of MNSIM lists them: 784 x 100 pairs of "
    "2T2R, 0.2 V, 51.1 ns from input to output, 60 kohm and 20 Mohm, weights of three levels, taken as evenly spread; "
    "inputs on source lines and gates that stay up, as in our topology; half of the inputs are 0, our assumption",
)
"""The first layer of Q. Liu et al., ISSCC 2020, 33.2."""


def counts(macro: Macro) -> dict[str, float]:
    """What of an MVM each figure of a cost table is paid by, by component and action."""
    edges = macro.inputs * macro.pulses * macro.active
    lines = edges * macro.cells / macro.inputs * macro.read_v**2 / 2  # a figure is of a pair of lines
    gates = macro.gates * macro.gate_swings * macro.gate_cells * macro.gate_v**2
    return {
        "drivers, input lines of an evaluation": lines,
        "drivers, word line of evaluations": gates,
        "adc, conversion of an evaluation": macro.outputs,
        "adc, capacitors of a conversion of an evaluation": macro.outputs * 2**macro.output_bits,
        "adc, current front end of an evaluation": macro.outputs * macro.amplifier_s,
        "input_dac, conversions of an evaluation": macro.inputs * macro.pulses * 2**macro.input_bits,
        "input_dac, line buffers of an evaluation": macro.inputs * macro.pulses * macro.pulse_s / 2,
        "array, evaluation current": (
            macro.active * macro.cells * macro.pulses * macro.pulse_s * macro.cell_s * macro.read_v**2
        ),
    }


def joules(macro: Macro, costs: CostTable) -> dict[str, tuple[float, float, float]]:
    """J of one MVM by component and action: value, low, high."""
    found = {}
    for name, count in counts(macro).items():
        (cost,) = [cost for cost in costs.costs if f"{cost.component}, {cost.action}" == name]
        found[name] = (count * cost.value, count * cost.low, count * cost.high)
    return found


PARTS = {
    "word lines": ("drivers, word line of evaluations",),
    "inputs and cells": (
        "drivers, input lines of an evaluation", "input_dac, conversions of an evaluation",
        "input_dac, line buffers of an evaluation", "array, evaluation current",
    ),
    "outputs": (
        "adc, conversion of an evaluation", "adc, capacitors of a conversion of an evaluation",
        "adc, current front end of an evaluation",
    ),
}  # fmt: skip
"""Figures by what is published of NeuRRAM: word lines, input pulses, neurons and their control."""
ALL = "all"
CORE_OPERATIONS = 2 * 256 * 128

PUBLISHED: tuple[tuple[Macro, dict[str, float]], ...] = (
    (neurram(2, 4), {"word lines": 8.271e-15, "outputs": 12.387e-15, "inputs and cells": 3.956e-15}),
    (neurram(4, 6), {"word lines": 21.756e-15, "outputs": 29.108e-15, "inputs and cells": 11.507e-15}),
    (neurram(8, 10), {"word lines": 50.525e-15, "outputs": 75.857e-15, "inputs and cells": 27.51e-15}),
    (LIU, {ALL: 1 / 78.4e12}),
)
"""J an operation, half of a MAC, by part: NeuRRAM's measured breakdown as CiMLoop's tests give its points, the other's
peak efficiency."""


def published_j(macro: Macro, parts: dict[str, float], part: str) -> float:
    """J of an MVM as published, nan for what is not."""
    operations = CORE_OPERATIONS if macro.weights_in_rows else 2 * macro.macs
    of_part = parts.get(part, math.fsum(parts.values()) if part == ALL else math.nan)
    return of_part * operations


def lines(macro: Macro, published: dict[str, float]) -> list[Row]:
    """A line a part of an MVM, and one of the whole: ours with its interval, what is published, and the ratio."""
    figures, found = joules(macro, load_costs(macro.node)), []
    for part, names in {**PARTS, ALL: tuple(figures)}.items():
        value, low, high = (1e12 * math.fsum(figures[name][n] for name in names) for n in range(3))
        theirs = 1e12 * published_j(macro, published, part)
        known = not math.isnan(theirs)
        found.append(
            {
                "macro": macro.name,
                "part": part,
                "ours, pJ an MVM": round(value),
                "low": round(low),
                "high": round(high),
                "published": round(theirs) if known else "",
                "ours over it": f"{value / theirs:.2f}" if known else "",
                "inside": ("yes" if low <= theirs <= high else "no") if known else "",
            }
        )
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--json", action="store_true", help="print JSON, one object a line of the table")
    given = options.parse_args(arguments)
    show([line for macro, published in PUBLISHED for line in lines(macro, published)], given.json)


if __name__ == "__main__":
    main()
