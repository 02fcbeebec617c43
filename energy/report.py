"""The ledger as a table for the terminal."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from oxmc.energy.area import AreaLine, total
from oxmc.energy.interval import DRAWS, Band, Figure, Uncertainty
from oxmc.energy.ledger import Ledger, Line
from oxmc.energy.parts import Part
from oxmc.energy.performance import Performance

SHOWN = 8
"""Figures that the table of sensitivity shows."""


def render(ledger: Ledger, title: str = "energy") -> Table:
    """One row a component and action, summed over phases, in nJ, the largest first; the footer has the total."""
    groups: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for line in ledger.lines:
        groups[line.component, line.action].append(line)
    total = ledger.total_j * 1e9
    table = Table(title=title, show_footer=True)
    table.add_column("component", footer="total")
    table.add_column("action")
    table.add_column("energy, nJ", footer=f"{total:.4g}", justify="right")
    table.add_column("of the total", justify="right")
    table.add_column(
        "all costs low - high, nJ", footer=f"{ledger.low_j * 1e9:.3g} - {ledger.high_j * 1e9:.3g}", justify="right"
    )
    for (component, action), lines in sorted(groups.items(), key=lambda group: -_nj(group[1], "energy_j")):
        energy, low, high = (_nj(lines, key) for key in ("energy_j", "low", "high"))
        share = f"{energy / total:.1%}" if total else "-"
        table.add_row(component, action, f"{energy:.4g}", share, f"{low:.3g} - {high:.3g}")
    return table


def render_components(ledgers: Mapping[str, Ledger]) -> Table:
    """Components against cost tables, in nJ, the first table's largest component first."""
    sums = {name: ledger.by_component() for name, ledger in ledgers.items()}
    table = Table("component", show_footer=True)
    table.columns[0].footer = "total"
    for name, ledger in ledgers.items():
        table.add_column(f"energy at {name}, nJ", footer=f"{ledger.total_j * 1e9:.4g}", justify="right")
        table.add_column("of the total", justify="right")
    for component in sorted(next(iter(sums.values())), key=lambda key: -next(iter(sums.values()))[key]):
        cells = []
        for name, ledger in ledgers.items():
            energy = sums[name].get(component, 0.0)
            cells += [f"{energy * 1e9:.4g}", f"{energy / ledger.total_j:.1%}" if ledger.total_j else "-"]
        table.add_row(component, *cells)
    table.caption = "bounds and sources: oxmc energy RUN --all"
    return table


def render_parts(parts: Mapping[str, Part], bands: Mapping[str, Band], title: str) -> Table:
    """One row a part of the run: joules with their 5-95 % band in uJ, time on the chip, mean power."""
    table = Table("part", title=title)
    for heading in ("energy, uJ", "5 to 95 %, uJ", "clock cycles", "time, ms", "mean power, mW"):
        table.add_column(heading, justify="right")
    for name, part in parts.items():
        band = f"{bands[name].low * 1e6:.3g} - {bands[name].high * 1e6:.3g}"
        time, power = f"{part.chip_s * 1e3:.4g}", f"{part.power_w * 1e3:.3g}"
        table.add_row(name, f"{part.ledger.total_j * 1e6:.4g}", band, str(part.cycles), time, power)
    return table


def per_lines(per: Mapping[str, Any], bounds: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What a proposal, a prediction and each array operation take, in nJ and pJ with bounds, where there was any."""
    low, high = bounds["low"], bounds["high"]
    events = [
        f"a {name} {per[name] * 1e9:.4g} nJ ({low[name] * 1e9:.3g} - {high[name] * 1e9:.3g})"
        for name in ("proposal", "prediction")
        if per[name] is not None
    ]
    ends = {name: (low["operation"][name] * 1e12, high["operation"][name] * 1e12) for name in per["operation"]}
    pulses = [
        f"{name.upper()} {joules * 1e12:.3g} pJ ({ends[name][0]:.3g} - {ends[name][1]:.3g})"
        for name, joules in per["operation"].items()
    ]
    array = f"array operations with lines and converters: {', '.join(pulses)}"
    return [
        *([", ".join(events)] if events else []),
        array,
        "in brackets: every cost at its lower, then its upper bound",
    ]


def performance_lines(found: Performance) -> list[str]:
    """Rates, joules a multiply-accumulate, energy-delay product, latencies and currents, as comparable works quote."""
    rates = [
        f"{rate:.4g} {name} a second"
        for name, rate in (("proposals", found.proposals_per_s), ("predictions", found.predictions_per_s))
        if rate is not None
    ]
    lines = [", ".join(rates)] if rates else []
    if found.mac_j is not None and found.tops_per_w is not None:
        lines.append(
            f"evaluation path: {found.mac_j * 1e15:.3g} fJ a MAC, {found.tops_per_w:.3g} TOPS/W "
            f"({found.input_bits}-bit inputs, analogue weights, {found.adc_bits}-bit ADC)"
        )
    latencies = ", ".join(f"{name.upper()} {seconds * 1e9:.4g} ns" for name, seconds in found.latency_s.items())
    amperes = ", ".join(f"{name.upper()} {current * 1e3:.3g} mA" for name, current in found.current_a.items())
    return [
        *lines,
        f"training: energy x delay {found.energy_delay_js:.3g} J s",
        f"latency of an action: {latencies}",
        *([f"mean current of a pulse, supplies apart: {amperes}"] if amperes else []),
    ]


def area_lines(lines: Sequence[AreaLine]) -> list[str]:
    """Area by part with bounds, in um2, the largest first."""
    if not lines:
        return []
    ends = total(tuple(lines))
    parts = ", ".join(
        f"{line.part} {line.um2:.3g} ({line.low:.3g} - {line.high:.3g})"
        for line in sorted(lines, key=lambda line: -line.um2)
    )
    return [f"area {ends['um2']:.3g} um2 ({ends['low']:.3g} - {ends['high']:.3g}): {parts}"]


def source_lines(ledger: Ledger) -> list[str]:
    """Every source with the figures that it stands for, each a count, with its interval."""
    groups: dict[str, dict[str, None]] = defaultdict(dict)
    for line in ledger.lines:
        low, high = (end / (line.count * line.factor or 1.0) for end in (line.low, line.high))
        per = f" x {line.multipliers}" if line.multipliers else ""
        figure = f"{line.value:.4g} {line.unit} ({low:.3g} - {high:.3g}){per}"
        groups[line.source][f"  {line.component}, {line.action}: {figure}, each {line.item}"] = None
    return [text for source, figures in groups.items() for text in (source, *figures)]


def render_band(ledger: Ledger, uncertainty: Uncertainty) -> Table:
    """One row a component with its joules and its 5-95 % band, in nJ, the largest first."""
    sums, total = ledger.by_component(), ledger.total_j
    table = Table("component", title=f"5 to 95 % of {DRAWS:,} draws of all figures", show_footer=True)
    table.columns[0].footer = "total"
    band = f"{_three(uncertainty.total.low)} - {_three(uncertainty.total.high)}"
    table.add_column("energy, nJ", footer=f"{total * 1e9:.4g}", justify="right")
    table.add_column("of the total", justify="right")
    table.add_column("5 to 95 %, nJ", footer=band, justify="right")
    for name in sorted(sums, key=lambda name: -sums[name]):
        band = f"{_three(uncertainty.components[name].low)} - {_three(uncertainty.components[name].high)}"
        table.add_row(name, f"{sums[name] * 1e9:.4g}", f"{sums[name] / total:.1%}" if total else "-", band)
    return table


def render_sensitivity(ledger: Ledger, figures: Sequence[Figure]) -> Table:
    """The figures that move the total most: the total with each alone at its low and high, share of the variance."""
    table = Table("figure", title="what the total hangs on")
    for heading in ("energy, nJ", "total at its low, nJ", "total at its high, nJ", "of the total's variance"):
        table.add_column(heading, justify="right")
    for figure in figures[:SHOWN]:
        ends = (ledger.total_j - figure.energy_j + end for end in (figure.low_j, figure.high_j))
        cells = (f"{figure.energy_j * 1e9:.4g}", *map(_three, ends), f"{figure.variance_share:.1%}")
        table.add_row(figure.label, *cells)
    return table


def _three(joules: float) -> str:
    """nJ with three digits."""
    return f"{joules * 1e9:.3g}"


def _nj(lines: list[Line], key: str) -> float:
    return math.fsum(getattr(line, key) for line in lines) * 1e9
