"""`oxmc card verdict`: can a device train this chip? Accuracy and joules against its scatter, the device as a star.

The task is cancer with the constants of preset `wide` on the card's own range of conductances: S goes with one over
its width, prior and window with its width, so that card 16k keeps those of `wide`. A grid of trainings moves the s.d.
from cycle to cycle (of the card's law) and from device to device by the same factors; the rest of the trainings are the
device itself.
"""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from oxmc.api import progress
from oxmc.api.many import Runs, Sweep, axes_of, plan_of, run_asked, run_plan, sweep_of
from oxmc.api.training import request_of
from oxmc.pymodels.config import CARDS, SUFFIX, Config, preset
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.oxram.card import Card
from oxmc.pymodels.oxram.card_file import card_table, card_text, load_card, parse_card
from oxmc.pymodels.whole import write_file
from oxmc.run.rundir import made_parents, write_json

SCHEMA = "oxmc.verdict/1"
FACTORS = (0.5, 1.0, 2.0, 4.0, 8.0)
"""What both s.d. are multiplied by."""
LEAST_REPEATS = len(FACTORS) ** 2 + 1
NODE = "28nm"
"""Whose joules the sentence says."""
SAME, LESS = 0.01, 0.03
"""Accuracy below logistic regression up to which a device trains the chip, and up to which it does so with a loss."""
MEASURED = load_card("16k")
"""The card that the constants of `wide` are of."""


@dataclasses.dataclass(frozen=True)
class Verdict:
    """`record` is verdict.json, `path` the folder, with the runs of the star in `star` and of the grid in `grid`."""

    record: dict[str, Any]
    path: Path


def settings_of(card: Card, base: Config) -> dict[str, Any]:
    """Configuration keys of a training on the card's own range, over those of `base`."""
    low, high = card.range_us
    width = (high - low) / (MEASURED.range_us[1] - MEASURED.range_us[0])
    return {
        "lut_low_us": 0.0, "lut_high_us": 0.0, "common_mode_us": round((low + high) / 2, 6),
        "scale_per_us": base.scale_per_us / width, "prior_sigma_us": base.prior_sigma_us * width,
        "verify_window_us": base.verify_window_us * width,
        "read_range_us": base.read_range_us * high / MEASURED.range_us[1],
    }  # fmt: skip


def scaled(card: Card, factor: float) -> Card:
    """The same card with its s.d. from cycle to cycle multiplied."""
    table = card_table(card)
    gain, points = table.get("sd_gain_us"), table.get("points")
    if gain:
        gain |= {key: factor * gain[key] for key in ("value", "low", "high")}
    if points:
        points |= {key: [factor * value for value in points[key]] for key in points if key.startswith("sd_")}
    return parse_card(f"{card.name}-c2c-{factor:g}", table)


def verdict(
    name: str,
    out: Path,
    *,
    engine: str = "twin",
    repeats: object = 100,
    jobs: object = 1,
    seed: Any = 0,
    settings: Mapping[str, Any] | None = None,
    show_progress: bool | None = None,
    plain: bool = False,
) -> Verdict:
    """Train and judge; a folder that was left unfinished goes on. `settings` go over all. Raises `OxmcError`."""
    card = load_card(name)
    total = plan_of(repeats, jobs, None, resume=True).repeats
    if total < LEAST_REPEATS:
        raise InputError(
            f"--repeats must be {LEAST_REPEATS} or more, one a point of the grid and its star, not {total}"
        )
    if (out / "verdict.json").exists():
        raise InputError(f"--out must be a new folder, or one of an unfinished verdict, not {str(out)!r}")
    fixed = settings_of(card, preset("cancer", "wide")) | dict(settings or {})
    each = total // LEAST_REPEATS
    plans = [plan_of(count, jobs, None, resume=True) for count in (total - each * len(FACTORS) ** 2, each)]
    with made_parents(out) as target:
        target.mkdir(exist_ok=True)
    request = request_of("cancer", engine=engine, seed=seed, settings=fixed | {"card": name})
    spread = card.d2d_spread or request.config.d2d_spread
    with progress.repeats(plans[0].repeats, show_progress, plain=plain) as watcher:
        star = run_plan(request, plans[0], out / "star", watcher)
    vary: dict[str | tuple[str, ...], list[Any]] = {
        "card": [_scaled_file(card, factor, out / "cards") for factor in FACTORS],
        "d2d_spread": [min(1.0, round(spread * factor, 6)) for factor in FACTORS],
    }
    asked = sweep_of("cancer", axes_of(vary), plans[1], engine=engine, seed=seed, settings=fixed)
    with progress.sweep(len(asked.points), plans[1].repeats, show_progress, plain=plain) as shown:
        grid = run_asked(asked, out / "grid", shown)
    record = judged(card, spread, star, grid)
    write_json(out / "verdict.json", record)
    return Verdict(record, out)


def _scaled_file(card: Card, factor: float, folder: Path) -> str:
    """The file of the card with more or less scatter from cycle to cycle."""
    each = scaled(card, factor)
    path = folder / f"{each.name}{SUFFIX}"
    folder.mkdir(exist_ok=True)
    if not path.exists():
        write_file(path, card_text(each))
    return str(path)


def judged(card: Card, spread: float, star: Runs, grid: Sweep) -> dict[str, Any]:
    """verdict.json of finished trainings."""
    middle_us = sum(card.range_us) / 2
    c2c = float(card.law_us(card.x_of(np.array([middle_us])))[1][0]) / middle_us
    points = [
        {"c2c_factor": FACTORS[k // len(FACTORS)], "d2d_factor": FACTORS[k % len(FACTORS)], "n": point["n"],
         "mean": point["mean"], "sem": point["sem"], "energy_j": point["energy_j"]}
        for k, point in enumerate(grid.points)
    ]  # fmt: skip
    own = [float(value) for value in star.values]
    apart = [line["value"] - line["reference"] for line in star]
    incomplete = sum(not line["complete"] for line in star)
    joules = {node: statistics.fmean(line["energy_j"][node] for line in star) for node in star[0]["energy_j"]}
    found: dict[str, Any] = {
        "schema": SCHEMA, "card": star.record["card"], "engine": star.record["engine"], "seed": star.record["seed"],
        "trainings": len(star) + sum(point["n"] for point in points),
        "c2c": round(c2c, 6), "d2d": spread, "d2d_known": bool(card.d2d_spread),
        "star": {
            "n": len(own), "mean": statistics.fmean(own), "sem": _sem(own),
            "to_reference": statistics.fmean(apart), "to_reference_sem": _sem(apart), "incomplete": incomplete,
            "energy_j": joules,
        },
        "grid": points, "notes": star.record["notes"], "warnings": star.record["warnings"],
    }  # fmt: skip
    found |= {"answer": answer(found["star"]), "margins": margins(points)}
    return found | {"sentence": sentence(found)}


def _sem(values: Sequence[float]) -> float | None:
    return statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else None


def answer(star: Mapping[str, Any]) -> str:
    """yes, with a loss, or no: by the mean difference to logistic regression on the same splits."""
    if 2 * star["incomplete"] > star["n"] or star["to_reference"] < -LESS:
        return "no"
    return "yes" if star["to_reference"] >= -SAME else "with a loss"


def margins(grid: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """How many times larger each s.d. may be, the other kept: accuracy falls by less than 0.01, joules do not double.

    Both are against the grid's middle, which sees the same splits.
    """
    found = {}
    for mine, other in (("c2c_factor", "d2d_factor"), ("d2d_factor", "c2c_factor")):
        line = {point[mine]: (point["mean"], point["energy_j"][NODE]["mean"]) for point in grid if point[other] == 1.0}
        least, most = line[1.0][0] - SAME, 2 * line[1.0][1]
        larger = [factor for factor in FACTORS if factor > 1.0]
        bad = [line[factor][0] < least or line[factor][1] >= most for factor in larger]
        found[mine] = [1.0, *larger][bad.index(True) if True in bad else len(bad)]
    return found


def sentence(found: Mapping[str, Any]) -> str:
    """The answer in words."""
    star, room = found["star"], found["margins"]
    words = {"yes": "trains this chip", "with a loss": "trains this chip with a loss", "no": "does not train this chip"}
    error = "" if star["sem"] is None else f" +- {star['sem']:.4f}"
    unfilled = f", {star['incomplete']} of {star['n']} arrays not full" if star["incomplete"] else ""
    return (
        f"card {found['card']['name']} {words[found['answer']]}: cancer {star['mean']:.4f}{error} "
        f"in {star['n']} trainings, {star['to_reference']:+.4f} to logistic regression{unfilled}, "
        f"{star['energy_j'][NODE] * 1e6:.3g} uJ ({NODE}); accuracy stays within {SAME:g} and joules below double up to "
        f"{room['c2c_factor']:g} x the c2c or {room['d2d_factor']:g} x the d2d s.d. (of {FACTORS[0]:g} to "
        f"{FACTORS[-1]:g} x tried)"
    )


def stem_of_card(name: str) -> str:
    """What a verdict's folder is called by default."""
    return f"verdict-{name if name in CARDS else Path(name).stem}"
