"""Bit-true twin of a chip that learns from rewards: as `chain`, with episodes in place of training points."""

from __future__ import annotations

import numpy as np

from oxmc.pymodels.budget.episodes import episode_counts
from oxmc.pymodels.budget.formulas import preparation_counts
from oxmc.pymodels.cartpole import cart_of
from oxmc.pymodels.config import Config
from oxmc.pymodels.environment import OwnEpisodes, episodes_of
from oxmc.pymodels.events import PHASES
from oxmc.pymodels.formats import STEP_BITS, Formats
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.oxram.array import OxramArray
from oxmc.pymodels.oxram.circuit import Circuit, circuit_of
from oxmc.pymodels.oxram.devices import load_card
from oxmc.pymodels.rule import Rule
from oxmc.pymodels.streams import stream_rng
from oxmc.pymodels.surroundings import Surroundings
from oxmc.pymodels.twin.chain import arithmetic, array_joules, array_quantities, devices_of, exact_product, new_chain
from oxmc.pymodels.twin.episode_kernel import Rewards, run_tests, train_on_episodes
from oxmc.pymodels.twin.evaluate import room_for
from oxmc.pymodels.twin.noise import is_plain
from oxmc.pymodels.twin.plain_episodes import tests_in, train_in
from oxmc.pymodels.twin.prepare import prepare
from oxmc.pymodels.twin.state import CURRENT, PROPOSALS, TALLIES, Devices
from oxmc.pymodels.twin.view import view_of
from oxmc.pymodels.twin.voting import Noise, Through, Voting


def rewards_of(formats: Formats) -> Rewards:
    """The kernel's view of how episodes are judged."""
    return Rewards(np.array([formats.reward_cost(steps) for steps in range(2**STEP_BITS)]), formats.log2_kappa)


def voting_of(
    formats: Formats, first: int, rows_ns: np.ndarray, counters: np.ndarray, circuit: Circuit | None,
    devices: Devices | None = None,
) -> Voting:  # fmt: skip
    """Rows of conductances int64 [rows, cells] in nS, the first of them `first` of the array, with counters int64
    [rows], as the kernels let them vote; with read noise where `devices` have it, whose evaluations go on."""
    view = view_of(circuit, formats, rows_ns, first)
    through = None
    if circuit is not None:
        through = Through(circuit, _by_row(view.cubes), _by_row(view.tilts))
    noise, evaluations = None, np.zeros(len(rows_ns), np.int64)
    if devices is not None and devices.effects is not None and devices.effects.sensing:
        noise, evaluations = _noise_of(formats, devices, first, view.cells), devices.evaluations[first:][: len(rows_ns)]
    count = len(rows_ns)
    return Voting(
        _by_row(view.pairs), np.asarray(counters, np.int64), np.array(formats.response_table, np.int32), through, noise,
        evaluations, room_for(count), np.zeros(count, np.int32), np.zeros(count, np.int32),
    )  # fmt: skip


def _by_row(values: np.ndarray) -> np.ndarray:
    """Of int64 [rows, n] float64 [n, rows]."""
    return np.ascontiguousarray(values.T, np.float64)


def _noise_of(formats: Formats, devices: Devices, first: int, seen_ns: np.ndarray) -> Noise:
    """Read noise of rows that the front end sees as int64 [rows, cells] in nS, the first of them `first`."""
    effects, rows = devices.effects, range(first, first + len(seen_ns))
    assert effects is not None
    return Noise(
        devices.k0, devices.k1, effects.noise_q16,
        all(is_plain(devices, row, formats.input_max, effects) for row in rows),
        _by_row(seen_ns), formats.cells * np.array(rows), devices.set_count[first : rows.stop].sum(axis=1),
    )  # fmt: skip


def vote_in_episodes(
    config: Config, seed: int, voting: Voting, surroundings: Surroundings | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Let rows act in `test_episodes` episodes.

    Returns rewards int64 [episodes], and of all their steps actions int64 [steps], response sums int64 [steps, outputs]
    and summed squared codes int64 [features]. With `surroundings` they act in an environment of a user's own.
    """
    rewards, code2 = np.zeros(config.test_episodes, np.int64), np.zeros(config.features, np.int64)
    longest = config.test_episodes * config.episode_steps
    actions, sums = np.zeros(longest, np.int64), np.zeros((longest, config.outputs), np.int64)
    chip = arithmetic(Formats(config), np.zeros(config.gate_codes, np.int64))
    if surroundings is None:
        run_tests(chip, cart_of(config, seed), voting, rewards, actions, sums, code2)
    else:
        tests_in(chip, OwnEpisodes(config, seed, surroundings), voting, rewards, actions, sums, code2)
    steps = int(rewards.sum())
    return rewards, actions[:steps], sums[:steps], code2


def posterior_episodes(
    config: Config, seed: int, conductance_ns: np.ndarray, counters: np.ndarray,
    surroundings: Surroundings | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """`vote_in_episodes` of the stored rows as they were stored, without read noise.

    `conductance_ns` int64 [filled rows, cells], `counters` int64 [filled rows].
    """
    first = min(config.burn_in, len(counters) - 1)
    voting = voting_of(Formats(config), first, conductance_ns[first:], counters[first:], circuit_of(config, seed))
    return vote_in_episodes(config, seed, voting, surroundings)


def run_twin_episodes(
    config: Config, seed: int, lut: np.ndarray, words: int, accept: Rule | None = None,
    surroundings: Surroundings | None = None,
) -> Outcome:  # fmt: skip
    """Train and test as the chip does; `lut`, `words` and `accept` as for `run_twin`."""
    formats = Formats(config)
    array = OxramArray(config, load_card(config.card), seed, formed=not config.form)
    devices = devices_of(array)
    lut, ahead = prepare(formats, array, devices, lut)
    chain, stored = new_chain(config, config.rows, seed), np.zeros(config.rows, np.int64)
    chip, rewards = arithmetic(formats, lut), rewards_of(formats)
    if accept is None and surroundings is None:
        train_on_episodes(chip, devices, chain, cart_of(config, seed), rewards, stored)
    else:
        episodes = episodes_of(config, seed, surroundings)
        train_in(chip, devices, chain, episodes, rewards, stored, accept, stream_rng(seed, "rule"))
    last_row, proposals = int(chain.place[CURRENT]), int(chain.place[PROPOSALS])
    counters = chain.counters[: last_row + 1]
    tally = dict(zip(TALLIES, chain.tally.tolist(), strict=True))
    filled = array.conductance_ns[: last_row + 1]
    first_vote = min(config.burn_in, last_row)
    voting = voting_of(formats, first_vote, filled[first_vote:], counters[first_vote:], array.circuit, devices)
    lasted, actions, sums, code2 = vote_in_episodes(config, seed, voting, surroundings)
    counts = episode_counts(formats, words, proposals, last_row + 1 - first_vote, tally, len(actions))
    counts |= preparation_counts(formats, ahead)
    by_pair = filled[first_vote:].reshape(last_row + 1 - first_vote, -1, 2).sum(axis=(0, 2))
    test_drive = exact_product(by_pair.reshape(config.outputs, -1).sum(axis=0), code2)
    quantities = array_quantities(array, tally, test_drive, ahead, counts)
    return Outcome(
        conductance_ns=array.conductance_ns,
        counters=counters,
        classes=actions,
        sums=sums,
        rewards=lasted,
        row_rewards=stored[: last_row + 1],
        last_row=last_row,
        proposals=proposals,
        skipped=tally["skipped"],
        clamps=tally["clamps"],
        lost_counts=tally["lost"],
        cycles=sum(counts[phase]["cycle"] for phase in PHASES),
        counts=counts,
        quantities=quantities,
        joules=array_joules(array, quantities),
        seeds=[int(seed)],
    )
