"""Behavioural models: configuration, OxRAM devices and array, tasks, and the arithmetic the chip is held to."""

from pathlib import Path

from pymodels.kernels import drop_stale_kernels

drop_stale_kernels(Path(__file__).parent)
