"""What a fit found, in lines for a reader and as JSON."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator
from typing import Any

from oxmc.cards.cycles import CyclesFit
from oxmc.cards.estimate import Estimate
from oxmc.cards.learn import Learned

MOST_NAMED = 12
"""Odd readings that a page names; the others are counted, and all are in the JSON."""


def page(found: Learned) -> list[str]:
    """Lines of text."""
    lines = [*_cycles(found.cycles)] if found.cycles else []
    if found.relaxation is not None:
        fit = found.relaxation
        for time, mean, sd in zip(fit.time_s, fit.shift.T, fit.sd.T, strict=True):
            ends = f"{mean[0]:+.2%} +- {sd[0]:.2%} at {fit.level_us[0]:.3g} uS"
            lines.append(
                f"relaxation  {time:.3g} s: {ends} to {mean[-1]:+.2%} +- {sd[-1]:.2%} at {fit.level_us[-1]:.3g} uS"
            )
    for each in found.noise:
        telegraph = f", telegraph {each.step} at {each.switches_hz}" if each.step else ""
        lines.append(f"noise       {each.level_us:.4g} uS: white {each.white}, 1/f {each.flicker}{telegraph}")
    return [*lines, *(f"not learned {text}" for text in found.not_learned)]


def _cycles(fit: CyclesFit) -> Iterator[str]:
    cycles = fit.cycles
    axis, unit = ("current", "uA") if cycles.axis == "current" else ("gate", "V")
    yield f"readings    {cycles.g_us.size} of {len(cycles.names)} devices at {fit.x.size} levels of {axis}"
    for x, median, sd in zip(fit.x, fit.median, fit.sd, strict=True):
        yield f"level       {x:g} {unit}: median {median}, c2c s.d. {sd}"
    if fit.median_law and fit.sd_law:
        offset = f"{fit.median_law.offset} + " if fit.median_law.offset else ""
        yield f"median law  {offset}{fit.median_law.gain} x^{fit.median_law.exponent}"
        yield f"s.d. law    {fit.sd_law.gain} x^{fit.sd_law.exponent}"
    named = (
        ("d2d s.d.", fit.d2d), ("AR1", fit.correlation), ("drift/cycle", fit.drift),
        ("LCS median", fit.lcs and fit.lcs.median), ("LCS s.d. ln", fit.lcs and fit.lcs.sigma_ln),
        ("SET failure", fit.set_failure),
    )  # fmt: skip
    for name, estimate in named:
        if estimate is not None:
            yield f"{name:<11} {estimate}"
    bic = ", ".join(f"{kind} {value:.0f}" for kind, value in sorted(fit.shape.bic.items(), key=lambda pair: pair[1]))
    yield f"shape       {fit.shape.kind}, by smallest BIC: {bic}"
    for kind, count in Counter(odd.kind for odd in fit.odd).items():
        yield f"left out    {count} x {kind}"
    for odd in fit.odd[:MOST_NAMED]:
        yield f"{odd.kind:<11} {odd}"
    if len(fit.odd) > MOST_NAMED:
        yield f"            and {len(fit.odd) - MOST_NAMED} more (--json names all)"


def _span(estimate: Estimate | None) -> dict[str, Any] | None:
    return None if estimate is None else dataclasses.asdict(estimate)


def record(found: Learned) -> dict[str, Any]:
    """All figures with their intervals, what was left out and what was not learned."""
    fit = found.cycles
    cycles = fit and {
        "readings": int(fit.cycles.g_us.size),
        "devices": len(fit.cycles.names),
        "axis": fit.cycles.axis,
        "levels": [
            {"x": float(x), "median_us": _span(median), "c2c_sd_us": _span(sd)}
            for x, median, sd in zip(fit.x, fit.median, fit.sd, strict=True)
        ],
        "median_law": fit.median_law
        and {name: _span(getattr(fit.median_law, name)) for name in ("offset", "gain", "exponent")},
        "sd_law": fit.sd_law and {name: _span(getattr(fit.sd_law, name)) for name in ("gain", "exponent")},
        "law_holds": fit.law_holds,
        "d2d_spread": _span(fit.d2d),
        "d2d_own": fit.own,
        "cycle_correlation": _span(fit.correlation),
        "drift_per_cycle": _span(fit.drift),
        "lcs_median_us": _span(fit.lcs.median) if fit.lcs else None,
        "lcs_sigma_ln": _span(fit.lcs.sigma_ln) if fit.lcs else None,
        "set_failure": _span(fit.set_failure),
        "distribution": {"kind": fit.shape.kind, "bic": fit.shape.bic, "clear": fit.shape.clear},
        "left_out": [dataclasses.asdict(odd) for odd in fit.odd],
    }
    noise = [
        {name: _span(getattr(each, name)) for name in ("white", "flicker", "step", "switches_hz")}
        | {"level_us": each.level_us}
        for each in found.noise
    ]
    return {"card": found.card.name, "cycles": cycles, "noise": noise, "not_learned": list(found.not_learned)}
