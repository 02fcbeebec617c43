"""What a user asked for, in Python or on a command line, checked once: numbers in their range, keys as one `Config`."""

from __future__ import annotations

import numbers
from collections.abc import Collection, Mapping
from typing import Any

from oxmc.pymodels.config import Config, resolve
from oxmc.pymodels.errors import InputError, shown
from oxmc.pymodels.oxram.card_file import load_card
from oxmc.pymodels.oxram.card_range import card_keys, check_range
from oxmc.pymodels.tasks import NO_SOURCE, DataSource, fitted_keys, load_task
from oxmc.pymodels.tasks.auto import AUTO, AUTO_KEYS, STEP_KEYS, auto_components, auto_steps
from oxmc.pymodels.tasks.components import component_keys
from oxmc.run.engine import engine_of

MOST_SEED, MOST_SUBJECT, MOST_REPEATS, MOST_JOBS, MOST_CHAINS = 2**128 - 1, 10**9, 1_000_000, 1024, 64
"""More randomness than numpy's generator has, records than a database has, and work or processes than a machine has."""


def integer(name: str, value: object, low: int, high: int) -> int:
    """The value of parameter `name`, a number or the text of one.

    Raises `InputError` if it is no integer from `low` to `high`.
    """
    try:
        is_whole = isinstance(value, (str, numbers.Integral)) and not isinstance(value, bool)
        found = int(value) if is_whole else low - 1  # type: ignore[call-overload]
    except ValueError:
        found = low - 1
    if found < low:
        raise InputError(f"{name} must be an integer >= {low}, not {shown(value)}")
    if found > high:
        raise InputError(f"{name} must be an integer of at most {high}, not {shown(value)}")
    return int(found)


def configured(
    task: str,
    preset: str,
    engine: str,
    source: DataSource = NO_SOURCE,
    *,
    toml: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    rows: int | None = None,
    seed: int = 0,
) -> Config:
    """The configuration of a training: preset, what follows from data and card, the keys of a file, `settings`, `rows`.

    A key of value `auto` follows from the training points of `seed`. Raises `InputError` for keys that cannot be, and
    what the data, the card or the engine does not serve.
    """
    given = {**(toml or {}), **(settings or {})}
    names = [name for name in AUTO_KEYS if given.get(name) == AUTO]
    keys = {name: value for name, value in given.items() if name not in names}
    chosen = _resolved(task, preset, engine, source, keys, rows)
    for part in (["components"], STEP_KEYS):
        if wanted := [name for name in part if name in names]:
            keys |= _by_points(task, chosen, source, seed, wanted)
            chosen = _resolved(task, preset, engine, source, keys, rows)
    return chosen


def _by_points(task: str, config: Config, source: DataSource, seed: int, names: list[str]) -> dict[str, Any]:
    """The values of keys that follow from the training points. Raises `InputError` where there are none."""
    if config.acceptance == "reward":
        raise InputError(f"{names[0]} must be a number for task {task}, which has no training points, not 'auto'")
    data = load_task(task, config, seed, source)
    if names == ["components"]:
        component_keys(task, {**config.as_dict(), "components": 1}, {"features": config.features})
        return {"components": auto_components(data)}
    low, high = load_card(config.card).range_us
    return auto_steps(config, data, (config.lut_high_us or high) - (config.lut_low_us or low), names)


def _resolved(
    task: str, preset: str, engine: str, source: DataSource, given: Mapping[str, Any], rows: int | None
) -> Config:
    def fit(keys: Mapping[str, Any], given: Collection[str]) -> dict[str, Any]:
        return fitted_keys(task, keys, given, source) | card_keys(keys, given)

    chosen = resolve(task, preset, settings=given, rows=rows, fit=fit)
    check_range(load_card(chosen.card), chosen)
    runner = engine_of(engine)
    chosen = runner.sized(chosen, {*given})
    runner.refuse_config(chosen)
    return chosen
