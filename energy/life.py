"""How long a small cell lasts that feeds a chip which classifies all day."""

from __future__ import annotations

POINTS_A_DAY = 75 * 60 * 24
"""Points that are classified: beats of a heart at rest. Assumed."""
CELL_J = 1e-3 * 3600 * 3.0
"""A cell of 1 mAh at 3 V. Assumed."""
ALWAYS_ON_W = 10e-6
"""References, oscillator and regulators that are never off, our estimate: 4 to 20 uW."""


def days_on_cell(point_j: float, training_j: float) -> float:
    """Days that the cell lasts where each point is classified, in J, and one training or adaptation is made a day, in
    J."""
    return CELL_J / (86_400 * ALWAYS_ON_W + POINTS_A_DAY * point_j + training_j)
