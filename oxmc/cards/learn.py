"""A card from files of measurements: each file fits its own part; what no file says is taken from another card.

What a file holds is told by its columns: `time_s` makes it one of relaxation, `rate_hz` (or --rate) one of noise, all
others are of cycles.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from oxmc.cards.cycles import CyclesFit, fit_cycles
from oxmc.cards.estimate import Estimate
from oxmc.cards.noise import NoiseFit, fit_noise
from oxmc.cards.readings import RATE_HZ, TIME_S, Names, header, read_cycles, read_noise, read_relaxation
from oxmc.cards.relaxation import RelaxationFit, fit_relaxation
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.oxram.card import POWER, Card
from oxmc.pymodels.oxram.card_file import SCHEMA, card_table, parse_card

FITTED = ("d2d_spread", "cycle_correlation", "set_failure", "points", "distribution", "relaxation", "noise")
"""Entries of a base card that are no part of a fitted one unless a file says so."""
INTERVAL = "95 % interval"
NEAR = 1.1
"""A level this much, relatively, beyond the measured ones is as good as measured."""


@dataclasses.dataclass(frozen=True)
class Learned:
    """A card, the fits behind it (None and empty for files that were not there) and what was not learned."""

    card: Card
    cycles: CyclesFit | None
    relaxation: RelaxationFit | None
    noise: tuple[NoiseFit, ...]
    not_learned: tuple[str, ...]


def learn(
    files: Sequence[Path],
    name: str,
    names: Names,
    base: Card,
    *,
    rate_hz: float | None = None,
    texts: Mapping[str, str] | None = None,
) -> Learned:
    """Read and fit `files`, at most one of a kind; `texts` are `about`, `source` and `licence` of the card.

    Raises `InputError` for a file that cannot be read or fitted, or two of a kind.
    """
    of = _by_kind(files, rate_hz)
    cycles = fit_cycles(read_cycles(of["cycles"], names)) if "cycles" in of else None
    relaxation = fit_relaxation(read_relaxation(of["relaxation"], g_us=names.g_us)) if "relaxation" in of else None
    series = read_noise(of["noise"], g_us=names.g_us, rate_hz=rate_hz) if "noise" in of else []
    noise = tuple(fit_noise(each.g_us, each.rate_hz) for each in series)
    said = {"about": f"devices measured in {', '.join(path.name for path in files)}", "source": "the files' owner"}
    said |= texts or {}
    return make(name, said, base, cycles, relaxation, noise, [each.level for each in series])


def _by_kind(files: Sequence[Path], rate_hz: float | None) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in files:
        columns = header(path)
        noise = RATE_HZ in columns or (rate_hz is not None and TIME_S not in columns and "cycle" not in columns)
        kind = "relaxation" if TIME_S in columns else "noise" if noise else "cycles"
        if kind in found:
            raise InputError(f"FILE must be one a kind, but {str(found[kind])!r} and {str(path)!r} are both of {kind}")
        found[kind] = path
    return found


def make(
    name: str,
    texts: Mapping[str, str],
    base: Card,
    cycles: CyclesFit | None,
    relaxation: RelaxationFit | None,
    noise: Sequence[NoiseFit],
    levels: Sequence[str],
) -> Learned:
    """The card of fits that were made; `levels` names the level of each series of noise. Raises `InputError`."""
    table = _of_base(base)
    table |= {"schema": SCHEMA, **texts}
    learned: dict[str, Any] = {}
    if cycles is not None:
        learned |= _law(cycles, base) | _cycle_figures(cycles) | {"distribution": _distribution(cycles)}
    if relaxation is not None:
        learned["relaxation"] = _relaxation(relaxation)
    if noise:
        learned["noise"] = _noise(noise, levels)
    table |= learned
    for key in set(POWER) - learned.keys() if learned.get("law") == "points" else ():
        table.pop(key, None)
    table["extrapolations"] = {
        key: f"not in the files; card {base.name}'s" for key in base.figures if key not in learned and key in table
    } | {key: text for key, text in _assumed(cycles, base).items()}
    table["extrapolations"] |= _beyond_levels(parse_card(name, _rounded(table)))
    return Learned(
        parse_card(name, _rounded(table)), cycles, relaxation, tuple(noise), _not_learned(cycles, relaxation, noise)
    )


def _beyond_levels(card: Card) -> dict[str, str]:
    """What the law's range has and no measured level of relaxation or noise."""
    low, high = card.range_us
    found = {}
    for name, part in (("relaxation", card.relaxation), ("noise", card.noise)):
        if part is not None and (part.level_us[0] > low * NEAR or part.level_us[-1] < high / NEAR):
            known = f"measured at {part.level_us[0]:.3g} to {part.level_us[-1]:.3g} uS"
            found[name] = f"{known}; the law's range, {low:.3g} to {high:.3g} uS, goes beyond"
    return found


def _rounded(entry: Any) -> Any:
    """The same with six significant digits a number, which is more than any measurement has."""
    if isinstance(entry, float):
        return float(f"{entry:.6g}")
    if isinstance(entry, list):
        return [_rounded(each) for each in entry]
    return {key: _rounded(each) for key, each in entry.items()} if isinstance(entry, dict) else entry


def _of_base(base: Card) -> dict[str, Any]:
    """Figures of a base card, which say where they are from; none of its tables, which are of its own devices."""
    found: dict[str, Any] = {"law": base.law, "by": base.by}
    known = card_table(base)
    for key in base.figures:
        if key not in FITTED:
            found[key] = known[key] | {"source": f"not in the files; card {base.name}: {base.figures[key].source}"}
    tables = ("points", "selector") if base.law == "points" else ("selector",)
    return found | {key: known[key] for key in tables if key in known}


def _figure(found: Estimate, source: str) -> dict[str, Any]:
    return {"value": found.value, "unit": found.unit, "low": found.low, "high": found.high, "source": source}


def _exact(value: float, unit: str, source: str) -> dict[str, Any]:
    return {"value": value, "unit": unit, "low": value, "high": value, "source": source}


def _law(fit: CyclesFit, base: Card) -> dict[str, Any]:
    """The law and its axis. Raises `InputError` for one level, through which no law goes."""
    if fit.median_law is None or fit.sd_law is None:
        raise InputError(
            f"FILE must have two or more values of {fit.cycles.axis} for a card, not {fit.x[0]:g} alone: "
            "no law goes through one"
        )
    points = {
        "x": fit.x.tolist(), "source": f"medians and s.d. from cycle to cycle by level; {INTERVAL}s",
        "median_us": [each.value for each in fit.median], "sd_us": [each.value for each in fit.sd],
        "median_low_us": [each.low for each in fit.median], "median_high_us": [each.high for each in fit.median],
        "sd_low_us": [each.low for each in fit.sd], "sd_high_us": [each.high for each in fit.sd],
    }  # fmt: skip
    rises = bool((np.diff(points["median_us"]) > 0).all())
    found = _axis(fit, base) | ({"points": points} if rises else {})
    if not fit.law_holds and rises:
        return found | {"law": "points"}
    median, sd = fit.median_law, fit.sd_law
    offset = _exact(0.0, "uS", "not fitted: too few levels") if median.offset is None else None
    source = f"least squares over {fit.x.size} levels; {INTERVAL}"
    return found | {
        "law": "power",
        "median_offset_us": offset or _figure(median.offset or median.gain, source),
        "median_gain_us": _figure(median.gain, source),
        "median_exponent": _figure(median.exponent, source),
        "sd_gain_us": _figure(sd.gain, source),
        "sd_exponent": _figure(sd.exponent, source),
    }


def _axis(fit: CyclesFit, base: Card) -> dict[str, Any]:
    low, high = float(fit.x[0]), float(fit.x[-1])
    if fit.cycles.axis == "current":
        ends = {"current_low_ua": low, "current_high_ua": high}
        return {"by": "current"} | {key: _exact(value, "uA", "levels of the file") for key, value in ends.items()}
    current = base.current_ua(np.array([low, high]))
    if not 0 < current[0] < current[1]:
        raise InputError(f"--base must let a rising current through from {low:g} to {high:g} V, not card {base.name}")
    source = f"not in the files; the line of card {base.name}"
    ends = {"current_low_ua": float(current[0]), "current_high_ua": float(current[1])}
    return {
        "by": "gate", "gate_low_v": _exact(low, "V", "levels of the file"),
        "gate_high_v": _exact(high, "V", "levels of the file"),
        "selector": {"gate_v": [low, high], "current_ua": current.tolist(), "source": source},
    } | {key: _exact(value, "uA", source) for key, value in ends.items()}  # fmt: skip


def _assumed(fit: CyclesFit | None, base: Card) -> dict[str, str]:
    if fit is None or fit.cycles.axis == "current":
        return {}
    text = f"the file has gate voltages alone; SET currents are those of card {base.name}"
    return dict.fromkeys(("current_low_ua", "current_high_ua", "selector"), text)


def _cycle_figures(fit: CyclesFit) -> dict[str, Any]:
    """Figures that one number says."""
    devices = len(fit.cycles.names)
    found = {
        "d2d_spread": (fit.d2d, f"mixed model of {devices} devices; {INTERVAL}"),
        "cycle_correlation": (fit.correlation, f"successive cycles of a device, bias taken out; {INTERVAL}"),
        "set_failure": (
            fit.set_failure if fit.set_failure and fit.set_failure.value else None,
            f"SETs that left the LCS; {INTERVAL}",
        ),
        "lcs_median_us": (fit.lcs.median if fit.lcs else None, f"readings after a RESET; {INTERVAL}"),
        "lcs_sigma_ln": (fit.lcs.sigma_ln if fit.lcs else None, f"readings after a RESET; {INTERVAL}"),
    }
    return {key: _figure(estimate, source) for key, (estimate, source) in found.items() if estimate is not None}


def _distribution(fit: CyclesFit) -> dict[str, Any]:
    shape = fit.shape
    bic = ", ".join(f"{kind} {value:.0f}" for kind, value in shape.bic.items())
    found: dict[str, Any] = {"kind": shape.kind, "source": f"smallest Bayesian criterion (BIC): {bic}"}
    if shape.kind == "empirical":
        centred = shape.quantiles - shape.median
        found["quantiles"] = (centred / centred.std()).tolist()
    return found


def _relaxation(fit: RelaxationFit) -> dict[str, Any]:
    return {
        "time_s": fit.time_s.tolist(), "level_us": fit.level_us.tolist(), "shift": fit.shift.tolist(),
        "sd": fit.sd.tolist(), "quantiles": fit.quantiles.tolist(),
        "source": f"changes of {int(fit.readings.min())} to {int(fit.readings.max())} cells a level and time",
    }  # fmt: skip


def _noise(fits: Sequence[NoiseFit], levels: Sequence[str]) -> dict[str, Any]:
    """Root mean squares over the cells of a level; a cell without a telegraph process counts for its share alone."""
    low, high = min(fit.low_hz for fit in fits), max(fit.high_hz for fit in fits)
    rows = []
    for level in dict.fromkeys(levels):
        own = [fit for fit, name in zip(fits, levels, strict=True) if name == level]
        wide = [fit.flicker.value**2 * np.log(high / low) / np.log(fit.high_hz / fit.low_hz) for fit in own]
        steps = [(fit.step.value, fit.switches_hz.value) for fit in own if fit.step and fit.switches_hz]
        rows.append((
            np.mean([fit.level_us for fit in own]), np.sqrt(np.mean([fit.white.value**2 for fit in own])),
            np.sqrt(np.mean(wide)), len(steps) / len(own), *_telegraph(steps),
        ))  # fmt: skip
    columns = np.minimum(np.array(sorted(rows)).T, [[np.inf], [1.0], [1.0], [1.0], [1.0], [np.inf]]).tolist()
    keys = ("level_us", "white", "flicker", "telegraph_share", "telegraph_step", "telegraph_hz")
    source = f"spectra of {len(fits)} series; white, 1/f and one telegraph process"
    return dict(zip(keys, columns, strict=True)) | {"low_hz": low, "high_hz": high, "source": source}


def _telegraph(steps: list[tuple[float, float]]) -> tuple[float, float]:
    """Root mean square of the steps and geometric mean of the rates."""
    if not steps:
        return 0.0, 0.0
    step, hz = np.array(steps).T
    return float(np.sqrt((step**2).mean())), float(np.exp(np.log(hz).mean()))


def _not_learned(
    cycles: CyclesFit | None, relaxation: RelaxationFit | None, noise: Sequence[NoiseFit]
) -> tuple[str, ...]:
    none = (
        (cycles is None, "medians, s.d., c2c and d2d: no file of cycles"),
        (relaxation is None, "relaxation: no file of cells read again after a SET (cell, time_s, g_us)"),
        (not noise, "read noise: no file of series (level, rate_hz, g_us)"),
        (bool(noise) and len({round(fit.level_us) for fit in noise}) == len(noise),
         "how many cells have telegraph noise: one series a level"),
        (True, "voltages, pulse widths, forming, temperature and endurance: no CSV column holds them"),
    )  # fmt: skip
    return (*(cycles.not_learned if cycles else ()), *(text for true, text in none if true))
