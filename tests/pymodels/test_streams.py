"""Named random streams against numpy's own spawning, and their promises on seeds."""

from __future__ import annotations

import numpy as np
import pytest

from oxmc.pymodels.errors import InputError
from oxmc.pymodels.streams import STREAMS, chain_seeds, lfsr_seed, stream_key, stream_rng

pytestmark = pytest.mark.testpoint(
    "random streams",
    "named streams are numpy's spawned children, fixed and distinct; LFSR seeds; bad seeds refused",
)

HUGE = 2**200 + 17


@pytest.mark.parametrize("value", [0, 1, 2**32, HUGE])
def test_streams_are_numpys_spawned_children(value: int) -> None:
    children = np.random.SeedSequence(value).spawn(max(STREAMS.values()) + 1)
    for name, key in STREAMS.items():
        child = children[key]
        assert stream_key(value, name) == tuple(int(word) for word in child.generate_state(2))
        assert np.array_equal(
            stream_rng(value, name).integers(2**62, size=8), np.random.default_rng(child).integers(2**62, size=8)
        )


def test_names_and_order_are_fixed() -> None:
    names = (
        "split", "devices", "lfsr", "array", "stuck", "float", "chains", "repeats", "episodes", "outputs", "prior",
        "rule", "circuit",
    )  # fmt: skip
    assert STREAMS == {name: key for key, name in enumerate(names)}


def test_keys_differ_between_streams_and_seeds() -> None:
    keys = {stream_key(value, name) for value in (*range(200), HUGE) for name in STREAMS}
    assert len(keys) == 201 * len(STREAMS)
    assert all(0 <= word < 2**32 and type(word) is int for key in keys for word in key)


def test_an_unknown_stream_is_refused() -> None:
    for call in (stream_key, stream_rng):
        with pytest.raises(KeyError, match="'noise' is not a known random stream"):
            call(0, "noise")


@pytest.mark.parametrize("bad", [-1, 1.0, True, "7", None])
def test_a_bad_seed_is_refused(bad: object) -> None:
    with pytest.raises(InputError) as error:
        stream_key(bad, "array")  # type: ignore[arg-type]
    assert str(error.value) == f"seed must be an integer >= 0, not {bad!r}"


@pytest.mark.parametrize("bits", range(3, 65))
def test_lfsr_seed_is_a_nonzero_state(bits: int) -> None:
    seeds = [lfsr_seed(value, bits) for value in (*range(100), HUGE)]
    assert all(0 < start < 2**bits for start in seeds)
    assert len(set(seeds)) > 1


def test_lfsr_seed_reaches_every_state() -> None:
    """7 states, 500 seeds: the chance to miss one is 7 (6/7)^500 < 1e-32."""
    assert {lfsr_seed(value, 3) for value in range(500)} == set(range(1, 8))


def test_chain_seeds_start_with_the_users_and_do_not_move() -> None:
    assert chain_seeds(HUGE, 1) == [HUGE]
    assert chain_seeds(7, 4)[:2] == chain_seeds(7, 2) and len({*chain_seeds(7, 50), *chain_seeds(8, 50)}) == 100
    assert all(0 <= seed < 2**64 for seed in chain_seeds(7, 50))
