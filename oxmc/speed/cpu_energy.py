"""What the same training costs on a processor: a compiled sampler in real numbers, its seconds times package power.

The kernel's powercap counters (Intel RAPL, also on AMD) give the joules of the processor packages where they can be
read, idle cores and whatever else runs included; otherwise they are seconds of processor time times a stated power.
Either is a whole package for the work of one core: a workstation that does only this, an upper bound otherwise.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.real.engine import run_float
from oxmc.pymodels.streams import lfsr_seed
from oxmc.pymodels.tasks import load_task
from oxmc.pymodels.tasks.jobs import make_job
from oxmc.tb.cosim.program import load_words

POWERCAP = Path("/sys/class/powercap")
"""Documentation/ABI/testing/sysfs-class-powercap of Linux: energy_uj, max_energy_range_uj, name of every zone."""
CPU_POWER_W = 65.0
POWER_SOURCE = "assumed, the TDP of an eight-core desktop processor (AMD Ryzen 7 5700X)"
STATED_SOURCE = "as stated with --cpu-power"
RAPL_SOURCE = "package counters of the kernel's powercap interface"
SHORTEST_S = 1.0
"""Trainings are repeated for at least so long: the counters move about every millisecond."""


@dataclasses.dataclass(frozen=True)
class CpuEnergy:
    """Mean over `trainings`, each a whole training with its inference; `measured` says whether by counters.

    `seconds` is processor time, so that a busy machine does not make the training longer.
    """

    trainings: int
    seconds: float
    joules: float
    measured: bool
    source: str

    @property
    def power_w(self) -> float:
        return self.joules / self.seconds

    def over(self, chip_j: Mapping[str, float]) -> dict[str, float]:
        """How many times the chip's joules, by node."""
        return {node: self.joules / joules for node, joules in chip_j.items()}

    def as_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self) | {"power_w": self.power_w}


class PackageCounters:
    """The energy counters of all processor packages. Raises `OSError` where there is none or it cannot be read."""

    def __init__(self, folder: Path = POWERCAP):
        zones = sorted(folder.glob("*-rapl:*"))
        self.zones = [zone for zone in zones if (zone / "name").read_text().startswith("package")]
        if not self.zones:
            raise FileNotFoundError(f"no processor package in {str(folder)!r}")
        self.ranges = [int((zone / "max_energy_range_uj").read_text()) for zone in self.zones]
        self.start = self._read()

    def _read(self) -> list[int]:
        return [int((zone / "energy_uj").read_text()) for zone in self.zones]

    def joules(self) -> float:
        """Joules since the start, in which no counter may have gone round more than once."""
        pairs = zip(self._read(), self.start, self.ranges, strict=True)
        return sum((now - then) % (span + 1) for now, then, span in pairs) * 1e-6


def check_power(power_w: float) -> None:
    """Raises `InputError` for a power that is none."""
    if not 0 < power_w < float("inf"):
        raise InputError(f"--cpu-power must be finite and positive, not {power_w!r}")


def measure(
    training: Callable[[], Any],
    *,
    power_w: float = CPU_POWER_W,
    shortest_s: float = SHORTEST_S,
    powercap: Path | None = None,
    clock: Callable[[], float] = time.process_time,
) -> CpuEnergy:
    """Run `training` once to compile, then for at least `shortest_s`. Raises `InputError` for a power that is none."""
    check_power(power_w)
    training()
    try:
        counters = PackageCounters(powercap or POWERCAP)
    except (OSError, ValueError):  # not there, or only for root
        counters = None
    start, count = clock(), 0
    while count == 0 or clock() - start < shortest_s:
        training()
        count += 1
    seconds = (clock() - start) / count
    joules = counters.joules() / count if counters else 0.0
    if joules > 0:
        return CpuEnergy(count, seconds, joules, True, RAPL_SOURCE)
    return CpuEnergy(
        count, seconds, seconds * power_w, False, POWER_SOURCE if power_w == CPU_POWER_W else STATED_SOURCE
    )


def float_training(task: str, config: Config, seed: int) -> Callable[[], Any]:
    """A training and inference on the float engine, data loaded and split beforehand."""
    job = make_job(config, load_task(task, config, seed), seed)
    words = len(load_words(Formats(config), job.codes, job.labels, lfsr_seed(seed, config.lfsr_bits)))
    features: np.ndarray | None = job.features
    assert features is not None

    def training() -> Any:
        return run_float(config, seed, features, job.labels, words)

    return training
