"""The figures of the two trainings that the documents quote, and where they quote them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oxmc.api.training import train
from oxmc.pages.joules import USUAL, table
from oxmc.pymodels.errors import RunError

HEAD = """\
# Figures

The trainings of `cancer` that other pages quote, with seed 0. `make docs` trains both on the twin and prints this page;
do not edit it. The RTL gives the same figures.

    $ oxmc train cancer --preset paper --engine twin
    $ oxmc train cancer --preset wide --engine twin

One training is one sample. [Tasks](tasks.md) and [statistics](statistics.md) have the accuracy over many splits. A
range in brackets takes every cost at its lower bound, then at its upper bound. R-hat and effective draws are those of
the worst weight. An R-hat above 1.05 says that the chain has not converged.

"""
QUOTED: dict[tuple[str, str], tuple[str, ...]] = {
    ("paper", "proposals"): ("docs/design.md",),
    ("paper", "clock cycles"): ("README.md", "docs/design.md", "docs/reference/engines.md"),
    ("paper", "uJ of the training, 28nm"): ("docs/reference/energy.md",),
    ("paper", "uJ of all, 28nm"): ("docs/design.md", "docs/reference/energy.md"),
    ("paper", "uJ of all, 130nm"): ("docs/reference/energy.md",),
    ("paper", "uJ in the cells"): ("docs/design.md",),
}
"""Pages that quote a figure of a preset. A test holds them to it."""


def figures(record: Mapping[str, Any]) -> dict[str, str]:
    """The figures of a run by name, as they are quoted; ranges stand behind them in brackets."""
    result, chain, events = record["result"], record["chain"], record["phases"]["train"]["events"]
    found = {
        "accuracy on 200 test points": f"{result['value']:.3f}",
        "proposals": f"{chain['proposals']:,}",
        "accepted share": f"{chain['acceptance']:.3f}",
        "R-hat": f"{record['mixing']['rhat_max']:.2f}",
        "effective draws": f"{record['mixing']['ess_bulk_min']:.1f}",
        "SETs": f"{events['set']:,}",
        "evaluations in training": f"{events['eval']:,}",
        "clock cycles": f"{record['time']['cycles']:,}",
        "ms on the chip": f"{1e3 * record['time']['chip_s']:.1f}",
        "uJ in the cells": f"{1e6 * sum(sum(phase.values()) for phase in record['array_energy_j'].values()):.2g}",
    }
    for node, energy in record["energy_j"].items():
        found[f"uJ of the training, {node}"] = _joules(energy["parts"]["training"])
        found[f"uJ of all, {node}"] = _joules(energy)
    return {**found, "state, first digits of SHA-256": f"`{result['state_sha256'][:16]}`"}


def _joules(energy: Mapping[str, float]) -> str:
    total, low, high = (f"{1e6 * energy[name]:.3g}" for name in ("total", "low", "high"))
    return f"{total} ({low} to {high})"


def trained() -> dict[str, dict[str, str]]:
    """The figures of both presets. Raises `RunError` where one was not accounted for."""
    found = {}
    for name in USUAL:
        record = train("cancer", preset=name, engine="twin", seed=0).record
        if not record["result"]["complete"]:
            raise RunError(f"the training of {name} must fill its rows")
        found[name] = figures(record)
    return found


def figures_page(found: Mapping[str, Mapping[str, str]]) -> str:
    """The whole of `docs/measurements/figures.md`."""
    names = list(found[USUAL[0]])
    rows = ((name, *(found[preset][name] for preset in USUAL)) for name in names)
    return HEAD + "\n".join(table(("", *(f"`{preset}`" for preset in USUAL)), rows)).rstrip() + "\n"


def misquoted(found: Mapping[str, Mapping[str, str]], pages: Mapping[str, str]) -> list[str]:
    """Quotes of `QUOTED` that do not stand on their page, by their text."""
    return [
        f"{page} must quote {number}, the {name} of {preset}"
        for (preset, name), places in QUOTED.items()
        for page in places
        if (number := found[preset][name].partition(" ")[0]) not in pages[page]
    ]
