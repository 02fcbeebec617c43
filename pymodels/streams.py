"""Named random streams, all drawn from the one integer a user gives with `--seed`.

Streams are told apart by a fixed spawn key, so adding one never moves the others. The seed may have any size.
Source: numpy's SeedSequence (M. O'Neill's seed_seq alternative), stable across numpy versions by its NEP 19.
"""

from __future__ import annotations

import numpy as np

from oxmc.pymodels.errors import InputError

STREAMS = {
    "split": 0,
    "devices": 1,
    "lfsr": 2,
    "array": 3,
    "stuck": 4,
    "float": 5,
    "chains": 6,
    "repeats": 7,
    "episodes": 8,
    "outputs": 9,
    "prior": 10,
    "rule": 11,
    "circuit": 12,
}
"""Spawn key of each stream: the data split, the device population, the chip's LFSR, array noise, stuck cells, all noise
of the engine in real numbers, the seeds of further chains, those of repeats, the starts of episodes, the seeds of
outputs that are chains of their own, draws of the prior for `posterior.nc`, what a user's own acceptance rule draws,
the errors of a chip's converters and front end."""


def stream_sequence(seed: int, name: str) -> np.random.SeedSequence:
    """The seed sequence of stream `name`. Raises `KeyError` for an unknown stream, `InputError` for a bad seed."""
    if name not in STREAMS:
        raise KeyError(f"{name!r} is not a known random stream")
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InputError(f"seed must be an integer >= 0, not {seed!r}")
    return np.random.SeedSequence(entropy=int(seed), spawn_key=(STREAMS[name],))


def stream_key(seed: int, name: str) -> tuple[int, int]:
    """Two 32-bit words that key a counter-based generator (`pymodels.oxram.philox`). Raises as `stream_sequence`."""
    k0, k1 = stream_sequence(seed, name).generate_state(2)
    return int(k0), int(k1)


def stream_rng(seed: int, name: str) -> np.random.Generator:
    """A numpy generator (PCG64) of stream `name`. Raises as `stream_sequence`."""
    return np.random.Generator(np.random.PCG64(stream_sequence(seed, name)))


def lfsr_seed(seed: int, bits: int, adaptation: int = 0) -> int:
    """Start value of a `bits` wide LFSR (at most 64), never 0: the all-zero state is the one it cannot leave.

    That of the training, or of adaptation number `adaptation` of its array.
    """
    sequence = stream_sequence(seed, "lfsr")
    if adaptation:
        key = (*sequence.spawn_key, adaptation)
        sequence = np.random.SeedSequence(entropy=sequence.entropy, spawn_key=key)
    value = int(sequence.generate_state(1, np.uint64)[0])
    return value % (2**bits - 1) + 1


def chain_seeds(seed: int, chains: int) -> list[int]:
    """A seed for each of `chains` chains: the user's own first, so that one chain is the plain run. More move none."""
    further = stream_sequence(seed, "chains").generate_state(max(0, chains - 1), np.uint64)
    return [int(seed), *(int(word) for word in further)]


def output_seeds(seed: int, outputs: int) -> list[int]:
    """A seed for each of `outputs` outputs that are chains of their own; more outputs move none."""
    return [int(word) for word in stream_sequence(seed, "outputs").generate_state(outputs, np.uint64)]


def repeat_seed(seed: int, repeat: int) -> int:
    """The seed of one of many trainings under `seed`: `seed` itself for repeat 0, after it the stream's children.

    The children have 53 bits, which readers of JSON that only know double precision keep exact. Raises as
    `stream_sequence`.
    """
    parent = stream_sequence(seed, "repeats")
    if repeat == 0:
        return int(seed)
    child = np.random.SeedSequence(entropy=parent.entropy, spawn_key=(*parent.spawn_key, repeat))
    return int(child.generate_state(1, np.uint64)[0] >> np.uint64(11))
