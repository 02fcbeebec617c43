"""The proofs, block by block."""

from __future__ import annotations

from oxmc.formal.proof import Computed, Proof
from oxmc.formal.proofs import counts, decision, gates, machines, pulses, random_bits

PROOFS: tuple[Proof | Computed, ...] = (
    *random_bits.PROOFS,
    *counts.PROOFS,
    *decision.PROOFS,
    *gates.PROOFS,
    *pulses.PROOFS,
    *machines.PROOFS,
)
