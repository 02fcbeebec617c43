"""`--dry-run`: what `oxmc train` and `oxmc sweep` say that they would do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oxmc.api.many import repeats_place, sweep_place
from oxmc.api.training import stem_of
from oxmc.cli import terminal
from oxmc.cli.config_page import text_of
from oxmc.run.foreseen import foreseen
from oxmc.run.rundir import DEFAULT_PARENT, check_out, free_name

if TYPE_CHECKING:
    from oxmc.campaign.repeats import Plan
    from oxmc.campaign.sweep import Sweep
    from oxmc.run.train import Request

NOTHING = "nothing was run and nothing was written"


def show_training(request: Request, plan: Plan | None, out: Path | None, *, as_json: bool) -> None:
    """What a training, or each of some repeats, would be. Raises `InputError` where it would be refused."""
    if plan is None:
        place, repeats = out or free_name(stem_of(request)), None
        check_out(place)
    else:
        place, repeats = repeats_place(request, plan, out, DEFAULT_PARENT), plan.repeats
    found = foreseen(request) | {"repeats": repeats, "out": str(place)}
    if as_json:
        print(json.dumps(found))
        return
    from oxmc.cli import console

    trainings = f"{repeats} repeats" if repeats else f"{request.chains} chains" if request.chains > 1 else "1"
    rows = [
        ("task", f"{found['task']}, preset {found['preset']}"),
        ("changed from it", _settings(found["changed"]) or "nothing"),
        ("engine", f"{found['engine']}, seed {found['seed']}"),
        ("trainings", trainings),
        *_size_rows(found),
        *(("note", mark) for mark in [request.config.target, *found["card"]["extrapolated"]] if mark),
        *_estimate_rows(found["estimate"]),
        ("would go to", str(place)),
    ]
    terminal.show(console.pairs(rows), NOTHING)
    print(f"\n{request.config.to_toml()}", end="")


def show_sweep(asked: Sweep, out: Path | None, *, as_json: bool) -> None:
    """What the points of a sweep would be; the cost of none, as there may be many."""
    request, points, repeats = asked.request, asked.points, asked.plan.repeats
    place = sweep_place(asked, out, DEFAULT_PARENT)
    entries = [{"settings": settings, "config": config.as_dict()} for settings, config in points]
    found = {name: getattr(request, name) for name in ("task", "preset", "engine", "seed")}
    found |= {"repeats": repeats, "trainings": repeats * len(points), "out": str(place), "points": entries}
    if as_json:
        print(json.dumps(found))
        return
    lines = [f"point {number}: {_settings(settings) or 'the preset'}" for number, (settings, _) in enumerate(points)]
    total = f"{len(points)} points x {repeats} repeats = {found['trainings']} trainings of {request.task}, "
    terminal.show(*lines, f"{total}preset {request.preset}, engine {request.engine}", f"would go to {place}", NOTHING)


def _settings(settings: dict[str, Any]) -> str:
    return ", ".join(f"{name} = {text_of(value)}" for name, value in settings.items())


def _size_rows(found: dict[str, Any]) -> list[tuple[str, str]]:
    config, sizes = found["config"], found["sizes"]
    layers = [config["features"], *([config["hidden"]] if config["hidden"] else []), config["outputs"]]
    model = f"{' - '.join(map(str, layers))} neurons, {sizes['pairs']} pairs"
    array = f"{sizes['rows']} rows, {sizes['cells']} cells, card {found['card']['name']}"
    points = f"{config['train_samples']} to train, {config['test_samples']} to test"
    episodes = f"one a proposal, {config['test_episodes']} to test"
    data = ("episodes", episodes) if config["acceptance"] == "reward" else ("points", points)
    return [("model", model), ("array", array), data]


def _estimate_rows(estimate: dict[str, Any] | None) -> list[tuple[str, str]]:
    """One training's cost by the twin of the same seed."""
    if estimate is None:
        return [("cost", "not known ahead: the twin has no such training, or takes long for it")]
    joules = ", ".join(
        f"{energy['total'] * 1e6:.3g} uJ ({energy['low'] * 1e6:.3g} - {energy['high'] * 1e6:.3g}) at {node}"
        for node, energy in estimate["energy_j"].items()
    )
    clock = f"{estimate['cycles']} cycles, {estimate['chip_s'] * 1e3:.1f} ms at {estimate['clock_hz'] / 1e6:g} MHz"
    return [("proposals", f"{estimate['proposals']} (by the twin)"), ("chip time", clock), ("energy", joules)]
