"""`oxmc calibrate`: the LUT that the chip finds by its sweep, beside the device card's law."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from oxmc.pymodels.budget.formulas import calibration_cycles
from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import RunError
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.job import JOB_VARIABLE, OWNER_VARIABLE, Job
from oxmc.pymodels.oxram.array import OxramArray
from oxmc.pymodels.oxram.devices import load_card, lut_table, stuck_shares
from oxmc.pymodels.twin.chain import devices_of
from oxmc.pymodels.twin.prepare import prepare
from oxmc.run.cards import card_record
from oxmc.run.engine import engine_of
from oxmc.tb.cosim.calibrating import FOUND
from oxmc.tb.cosim.program import lut_codes
from oxmc.tb.cosim.simulator import Simulation

SCHEMA = "oxmc.calibration/1"


class CalibrationSimulation(Simulation):
    """The co-simulation with a host that calibrates and reads the LUT back."""

    module = "oxmc.tb.cosim.calibrating"


def on_chip(config: Config, engine: str, seed: int) -> np.ndarray:
    """The LUT in read codes, int64 [gate_codes], from the RTL."""
    simulation = CalibrationSimulation(config, engine)
    simulation.build()
    nothing = np.zeros((config.train_samples + config.test_samples, config.features), np.int64)
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        Job(config, seed, nothing, nothing[:, 0]).save(folder / "job.npz")
        simulation.run(folder, {JOB_VARIABLE: str(folder), OWNER_VARIABLE: str(os.getpid())})
        if not (folder / FOUND).exists():
            raise RunError(f"{engine} ended without a LUT")
        lut: np.ndarray = np.load(folder / FOUND)
    return lut


def in_model(config: Config, seed: int) -> np.ndarray:
    """The same from the twin."""
    formats = Formats(config)
    array = OxramArray(config, load_card(config.card), seed, formed=not config.form)
    return prepare(formats, array, devices_of(array), np.array(lut_codes(formats)))[0]


def calibrate(config: Config, engine: str, seed: int) -> dict[str, Any]:
    """Calibrate with the devices of `seed`; one record with the LUT found, the card's law and their difference.

    Raises `InputError` for an engine without a chip or a card that does not serve the configuration.
    """
    chosen = engine_of(engine, calibrates=True)
    config = config.chip  # outputs that are chains of their own take one array in turn
    formats, card = Formats(config), load_card(config.card)
    stuck_shares(card, config)
    law = np.array(lut_codes(formats))
    found = chosen.lut(config, seed)
    table = lut_table(card, config)
    step_us = formats.read_step_ns / 1000
    entries = [
        {
            "gate": gate,
            "gate_v": float(table.gate_v[gate]),
            "current_ua": table.current_na[gate] / 1000,
            "code": int(found[gate]),
            "law_code": int(law[gate]),
            "median_us": (int(found[gate]) + 0.5) * step_us,
            "law_us": table.median_ns[gate] / 1000,
        }
        for gate in range(config.gate_codes)
    ]
    return {
        "schema": SCHEMA,
        "engine": engine,
        "seed": seed,
        "config": config.as_dict(),
        "card": card_record(config),
        "rows": formats.calibration_rows,
        "cells": formats.calibration_rows * formats.cells,
        "cycles": calibration_cycles(formats),
        "step_us": step_us,
        "lut": entries,
        "largest_difference_us": max(abs(entry["median_us"] - entry["law_us"]) for entry in entries),
    }


def render(record: dict[str, Any]) -> Table:
    """The LUT, an entry a row."""
    cells, cycles = record["cells"], record["cycles"]
    table = Table(title=f"gate LUT from {cells} cells in {cycles} cycles ({record['engine']})")
    for name in ("gate code", "word line, V", "SET current, uA", "median read, uS", "card's law, uS", "difference, uS"):
        table.add_column(name, justify="right")
    for entry in record["lut"]:
        found, law = entry["median_us"], entry["law_us"]
        table.add_row(
            str(entry["gate"]), f"{entry['gate_v']:.3f}", f"{entry['current_ua']:.1f}", f"{found:.2f}", f"{law:.2f}",
            f"{found - law:+.2f}",
        )  # fmt: skip
    table.caption = "\n".join(record["card"]["extrapolated"])
    return table
