"""The proofs, block by block."""

from __future__ import annotations

from oxmc.formal.proof import Computed, Proof
from oxmc.formal.proofs import chips, counts, decision, gates, host, machines, pulses, random_bits, streams, training

PROOFS: tuple[Proof | Computed, ...] = (
    *random_bits.PROOFS,
    *counts.PROOFS,
    *decision.PROOFS,
    *gates.PROOFS,
    *pulses.PROOFS,
    *host.PROOFS,
    *streams.PROOFS,
    *machines.PROOFS,
    *training.PROOFS,
    *chips.PROOFS,
)
