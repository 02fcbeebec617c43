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
from oxmc.pymodels.oxram.circuit import circuit_of
from oxmc.pymodels.oxram.devices import load_card
from oxmc.pymodels.rule import Rule
from oxmc.pymodels.streams import stream_rng
from oxmc.pymodels.surroundings import Surroundings
from oxmc.pymodels.twin.chain import arithmetic, array_joules, array_quantities, devices_of, exact_product, new_chain
from oxmc.pymodels.twin.episode_kernel import Rewards, Rows, run_tests, train_on_episodes
from oxmc.pymodels.twin.plain_episodes import tests_in, train_in
from oxmc.pymodels.twin.prepare import prepare
from oxmc.pymodels.twin.state import CURRENT, PROPOSALS, TALLIES
from oxmc.pymodels.twin.view import view_of


def rewards_of(formats: Formats) -> Rewards:
    """The kernel's view of how episodes are judged."""
    return Rewards(np.array([formats.reward_cost(steps) for steps in range(2**STEP_BITS)]), formats.log2_kappa)


def posterior_episodes(
    config: Config, seed: int, conductance_ns: np.ndarray, counters: np.ndarray,
    surroundings: Surroundings | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Let the stored rows act in `test_episodes` episodes.

    `conductance_ns` int64 [filled rows, cells], `counters` int64 [filled rows]. Returns rewards int64 [episodes], and
    of all their steps actions int64 [steps], response sums int64 [steps, outputs] and summed squared codes int64
    [features]. With `surroundings` they act in an environment of a user's own.
    """
    formats = Formats(config)
    first = min(config.burn_in, len(counters) - 1)
    voting = conductance_ns[first:]
    circuit = circuit_of(config, seed)
    view = view_of(circuit, formats, voting, first)
    rows = Rows(circuit, np.ascontiguousarray(view.cubes.T), view.tilts) if circuit is not None else None
    weights = np.ascontiguousarray(view.pairs.T, np.float64)
    rewards, code2 = np.zeros(config.test_episodes, np.int64), np.zeros(config.features, np.int64)
    longest = config.test_episodes * config.episode_steps
    actions, sums = np.zeros(longest, np.int64), np.zeros((longest, config.outputs), np.int64)
    chip = arithmetic(formats, np.zeros(config.gate_codes, np.int64))
    table, votes = np.array(formats.response_table, np.int64), np.asarray(counters[first:], np.int64)
    if surroundings is None:
        run_tests(chip, cart_of(config, seed), table, weights, votes, rewards, actions, sums, code2, rows)
    else:
        episodes = OwnEpisodes(config, seed, surroundings)
        tests_in(chip, episodes, table, weights, votes, rewards, actions, sums, code2, rows)
    steps = int(rewards.sum())
    return rewards, actions[:steps], sums[:steps], code2


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
    lasted, actions, sums, code2 = posterior_episodes(config, seed, filled, counters, surroundings)
    first_vote = min(config.burn_in, last_row)
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
