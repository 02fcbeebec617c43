"""What the paper states for whole trainings, in J: T. Dalgaty et al., Nature Electronics 4 (2021), 151-161.

It counts array and converters and little of the digital part, so these stand beside the same part of a ledger.
"""

from __future__ import annotations

PAPER_J: dict[tuple[str, str], float] = {
    ("cancer", "28nm"): 1.3e-6,
    ("ecg", "28nm"): 4.7e-6,
    ("cartpole", "28nm"): 3.6e-6,
    ("cartpole", "130nm"): 6.9e-6,
}
"""By task and node."""

CPU_J = 600e-3
"""A training on a workstation's processor."""

SOURCE = "Dalgaty et al., Nature Electronics 4, 151-161 (2021)"
DOI = "10.1038/s41928-020-00523-3"
