"""What a user asked for, in Python or on a command line, checked once: numbers in their range, keys as one `Config`."""

from __future__ import annotations

import numbers
from collections.abc import Collection, Mapping
from typing import Any

from oxmc.pymodels.config import Config, keys_by_points, resolve
from oxmc.pymodels.errors import InputError, shown
from oxmc.pymodels.oxram.card_file import load_card
from oxmc.pymodels.oxram.card_range import card_keys, check_range
from oxmc.pymodels.tasks import NO_SOURCE, DataSource, fitted_keys, load_task, raw_of
from oxmc.pymodels.tasks.auto import AUTO, AUTO_KEYS, CHAIN_KEYS, FEATURE_KEYS, chain_by_points, features_by_points
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
    names = _names_by_points(task, preset, source, given, rows)
    keys = {name: value for name, value in given.items() if name not in names}
    chosen = _resolved(task, preset, engine, source, keys, rows)
    for part, choose in ((FEATURE_KEYS, _features), (CHAIN_KEYS, _chain)):
        if wanted := [name for name in part if name in names]:
            if chosen.acceptance == "reward":
                rule = f"{wanted[0]} must be a number for task {task}, which has no training points, not 'auto'"
                raise InputError(rule)
            keys |= choose(task, chosen, source, seed, wanted)
            chosen = _resolved(task, preset, engine, source, keys, rows)
    return chosen


def _names_by_points(
    task: str, preset: str, source: DataSource, given: Mapping[str, Any], rows: int | None
) -> list[str]:
    """The keys that follow from the training points: those of value `auto`, and the preset's for a user's own table."""
    names = [name for name in AUTO_KEYS if given.get(name) == AUTO]
    if "rows" in names and "burn_in" not in given:
        names.append("burn_in")
    if task == "table" and (source.data or source.table) and not given.get("hidden"):
        fixed = {*given, *(("rows", "burn_in") if rows is not None else ())}
        names += [name for name in keys_by_points(task, preset) if name not in fixed]
    return names


def _features(task: str, config: Config, source: DataSource, seed: int, names: list[str]) -> dict[str, Any]:
    """The values of keys that say what the chip sees of the training points."""
    if "components" in names:
        component_keys(task, {**config.as_dict(), "components": 1}, {"features": config.features})
    raw = raw_of(config)
    return features_by_points(
        config, lambda kind: load_task(task, raw.replace(preprocessing=kind), seed, source), names
    )


def _chain(task: str, config: Config, source: DataSource, seed: int, names: list[str]) -> dict[str, Any]:
    """The values of keys of the chain."""
    low, high = load_card(config.card).range_us
    width = (config.lut_high_us or high) - (config.lut_low_us or low)
    return chain_by_points(config, load_task(task, config, seed, source), width, names)


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
