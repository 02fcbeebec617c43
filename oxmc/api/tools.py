"""`oxmc.calibrate` and `oxmc.verilog`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from oxmc.api.arguments import Place, place_of, settings_of
from oxmc.api.training import keys_of, row_count
from oxmc.pymodels.config import DEFAULT_PRESET, Config, resolve
from oxmc.pymodels.oxram.card_range import card_keys
from oxmc.run.request import MOST_SEED, integer


def calibrate(
    task: str = "cancer",
    *,
    preset: str = DEFAULT_PRESET,
    engine: str = "twin",
    seed: int | str = 0,
    rows: int | None = None,
    settings: Mapping[str, Any] | None = None,
    config: Config | Place | None = None,
) -> dict[str, Any]:
    """Let the chip fill its gate LUT by a sweep over an array, and compare it with the device card's law.

    Arguments as for `oxmc.train`; `engine` is twin, verilator or icarus. The answer is what `oxmc calibrate --json`
    prints: `lut` with `gate_v` in V, `current_ua` in uA, and `median_us` found beside `law_us` in uS of each gate code,
    and `largest_difference_us`. docs/reference/cards.md has the law and its sources. Raises `OxmcError`.
    """
    from oxmc.run.calibration import calibrate as sweep

    keys = {**settings_of(settings), "calibrate": True}
    chosen = resolve(task, preset, toml=keys_of(config), settings=keys, rows=row_count(rows, keys), fit=card_keys)
    return sweep(chosen, engine, integer("--seed", seed, 0, MOST_SEED))


def verilog(
    task: str = "cancer",
    *,
    preset: str = DEFAULT_PRESET,
    settings: Mapping[str, Any] | None = None,
    config: Config | Place | None = None,
    out: Place = Path("build/v"),
    name: str = "oxmc_chip",
    observers: bool = False,
) -> list[Path]:
    """Write the chip of a configuration as synthesizable Verilog into folder `out`; the files written.

    docs/reference/verilog.md describes them. Beside the Verilog are lint waivers, the list of its memories and its
    configuration. All modules' names begin with `name`; `observers` adds the ports that simulations are watched by.
    Raises `OxmcError`.
    """
    from oxmc.hdl.verilog.netlist import write_verilog

    chosen = resolve(task, preset, toml=keys_of(config), settings=settings_of(settings))
    return write_verilog(chosen, place_of("out", out), name=name, observed=observers)
