"""The chip with the compiled array and host on bare Verilator: no Python, no VPI, the clock from C++ (`bare.cpp`).

It replays a run of the compiled coupling that kept its draws: what it measures is the speed which that can reach.
"""

from __future__ import annotations

import shutil
import subprocess
from importlib import resources
from pathlib import Path

from oxmc.hdl.verilog.netlist_cache import cache_folder
from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import RunError
from oxmc.pymodels.machine import environment
from oxmc.tb.cosim.compiled import FINAL
from oxmc.tb.cosim.runners import verilate
from oxmc.tb.cosim.simulator import TOP, CompiledSimulation

CONTROL = f'`verilator_config\npublic_flat_rw -module "{TOP}" -var "draws"\n'


class BareSimulation(CompiledSimulation):
    """The co-simulation top of a configuration without Python; builds are shared by their content."""

    control = "compiled.vlt"

    def __init__(self, config: Config):
        super().__init__(config, "verilator")
        self.sources |= {
            self.control: CONTROL,
            "bare.cpp": resources.files("oxmc.speed").joinpath("bare.cpp").read_text(),
        }
        self.folder = cache_folder() / f"bare-{self._digest()}"

    def _build_args(self) -> list[str]:
        return [
            *"-DOXMC_BARE -O3 --x-assign fast --x-initial fast -Wno-fatal".split(),
            *("-CFLAGS", "-std=c++20 -O2", "--top-module", TOP, "-o", TOP),
            *(f"-G{name}={value}" for name, value in self._parameters().items()),
        ]

    def _compile(self, folder: Path) -> None:
        sources = [self.control, *(name for name in self.sources if name.endswith((".v", ".cpp")))]
        verilate(folder, [*self._build_args(), *sources], f"V{TOP}")

    def replay(self, folder: Path, draws: Path) -> tuple[int, float]:
        """Replay the run in `folder` with the kept `draws`; clock cycles and seconds. Its results replace the run's.

        Raises `RunError` if the program fails.
        """
        shutil.rmtree(folder / FINAL)
        (folder / FINAL).mkdir()
        command = [self.folder / TOP, draws.absolute()]
        done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True)
        if done.returncode:
            raise RunError(f"bare bench ended with exit code {done.returncode}: {done.stderr.strip()}")
        cycles, seconds = done.stdout.split()
        return int(cycles), float(seconds)
