"""The ratios of `oxmc bench`: how each follows from the raw figures, and what is asked of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Ratio:
    """The `over` figure divided by the `under` one (by 1 without), and the least or most that is asked of it."""

    meaning: str
    over: str
    under: str | None = None
    least: float | None = None
    most: float | None = None

    def of(self, raw: Mapping[str, Mapping[str, Any]]) -> float:
        """The ratio, from the medians of the raw figures."""
        return raw[self.over]["value"] / (raw[self.under]["value"] if self.under else 1.0)

    @property
    def asked(self) -> str:
        return f">= {self.least:g}" if self.least is not None else f"<= {self.most:g}"

    def met(self, value: float) -> bool:
        return value >= self.least if self.least is not None else value <= (self.most or 0.0)


RATIOS = {
    "cosim_compiled_over_bare": Ratio(
        "compiled coupling over bare Verilator, in clock cycles a second",
        "compiled_cycles_per_s", "bare_cycles_per_s", least=0.5,
    ),
    "cosim_python_us_per_event": Ratio(
        "python coupling, microseconds an event of the array port", "python_us_per_event", most=30.0
    ),
    "verilator_over_icarus": Ratio(
        "Verilator over Icarus, both with the compiled coupling, in clock cycles a second",
        "compiled_cycles_per_s", "icarus_compiled_cycles_per_s", least=100.0,
    ),
    "training_over_bare": Ratio(
        "a whole `oxmc train` command over bare Verilator's program, same training, builds apart",
        "training_command_s", "bare_program_s", most=3.0,
    ),
    "repeats_over_bare": Ratio(
        "20 repeats on one process over bare Verilator's program, in trainings a second, start included",
        "repeats_trainings_per_s", "bare_trainings_per_s", least=0.5,
    ),
    "twin_trainings_per_s_core": Ratio(
        "trainings of cancer `paper` a second and core on the twin", "twin_trainings_per_s_core", least=100.0
    ),
    "jobs2_over_jobs1": Ratio(
        "repeats on two processes over one, in repeats a second",
        "jobs2_repeats_per_s", "jobs1_repeats_per_s", least=1.7,
    ),
}  # fmt: skip
SCALING = "scaling"
"""The measurement that has exponents instead of a ratio."""
ENERGY = "energy"
"""The measurement of the processor's joules; nothing is asked of it."""
NAMES = (*RATIOS, SCALING, ENERGY)
MOST_EXPONENT = 1.1


def ratios_of(raw: Mapping[str, Mapping[str, Any]], names: tuple[str, ...]) -> dict[str, float]:
    """The ratios among `names`."""
    return {name: RATIOS[name].of(raw) for name in names if name in RATIOS}


def asked_of(ratios: Mapping[str, float]) -> dict[str, dict[str, Any]]:
    """What is asked of each ratio, and whether it is met."""
    return {name: {"asked": RATIOS[name].asked, "met": RATIOS[name].met(value)} for name, value in ratios.items()}
