"""The co-simulation whose chip takes up rows of before (`oxmc.tb.cosim.predicting`)."""

from __future__ import annotations

from importlib import resources

from oxmc.pymodels.config import Config
from oxmc.tb.cosim.simulator import Simulation

STORED, FOUND = "stored.npz", "sums.npy"
"""What its test reads, int64 `conductance_ns` [rows, cells], `counters` [filled rows] and `newest`; what it leaves."""


class RestoredSimulation(Simulation):
    """`Simulation`, in which Verilator leaves what is restored visible; Icarus, where all is, has the same build."""

    module = "oxmc.tb.cosim.predicting"

    def __init__(self, config: Config, simulator: str):
        super().__init__(config, simulator)
        if simulator == "verilator":
            self.sources[self.control] += resources.files("oxmc.tb.cosim").joinpath("restored.vlt").read_text()
            self.folder = self.folder.with_name(f"{simulator}-{self._digest()}")
