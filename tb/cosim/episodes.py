"""The host's side of learning from rewards: the environment in the loop with the chip, in training and in test.

The environment takes no chip time: an observation is on the bus in the cycle after the action has left, and in the one
in which the chip starts to wait for an episode's first. So cycles follow from the steps by formula.
"""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, First, RisingEdge

from oxmc.pymodels.cartpole import TEST, TRAINING
from oxmc.pymodels.environment import episodes_of
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import Command, decision_widths, unpacked
from oxmc.pymodels.job import Job
from oxmc.tb.cosim.port import HostModel, collect_results
from oxmc.tb.cosim.program import Word, command, observation_words

TRAINING_SAMPLE, TEST_SAMPLE = 0, 1
"""Where in the sample memory the observations of either go."""


class Environment:
    """The episodes of a job as host words, one episode after the other; `steps` counts those of the running one."""

    def __init__(self, job: Job):
        self.formats, self._episodes = Formats(job.config), episodes_of(job.config, job.seed, job.surroundings)
        self.restart, self.act = self._episodes.restart, self._episodes.act

    @property
    def steps(self) -> int:
        return self._episodes.steps

    def observation(self, sample: int) -> list[Word]:
        """The host words that bring the present observation to `sample` of the memory."""
        return observation_words(self.formats, sample, self._episodes.codes.tolist())


class EpisodeHost:
    """Trains the chip behind the ports of the co-simulation top and tests what it has learned.

    `rewards` are those of the test episodes, `row_rewards` [rows] those with which rows were accepted, `results` the
    test's results as `collect_results` gives them.
    """

    def __init__(self, dut: Any, host: HostModel, job: Job):
        self.dut, self.host, self.environment = dut, host, Environment(job)
        formats = self.environment.formats
        self.widths, self.result_shift = decision_widths(formats), formats.response_sum_bits
        self.label_mask = 2**formats.label_bits - 1
        self.rewards: list[int] = []
        self.row_rewards = np.zeros(job.config.rows, np.int64)
        self.results: list[tuple[int, int, bool]] = []

    async def train(self) -> None:
        """The whole training, until the chip is idle again."""
        await self.host.write([command(Command.TRAIN)])
        episode = 0
        while await self._chip_waits():
            await self._train_on(episode)
            episode += 1

    async def _chip_waits(self) -> bool:
        """Whether another episode is due, once the chip says so or is idle; in the middle of that cycle."""
        await First(RisingEdge(self.dut.waiting), FallingEdge(self.dut.busy))
        await FallingEdge(self.dut.clk)
        self._note_decision()
        return bool(self.dut.waiting.value)

    def _note_decision(self) -> None:
        """Keep the last episode's reward if its row was accepted."""
        word = self.dut.decision_word.value.to_unsigned()
        if self.environment.steps and word & 1:
            self.row_rewards[unpacked(word, self.widths)["row"]] = self.environment.steps

    async def _train_on(self, episode: int) -> None:
        """One episode of the proposed row; the chip counts its steps."""
        dut, host, environment = self.dut, self.host, self.environment
        act, clock, waiting = command(Command.STEP), FallingEdge(dut.clk), RisingEdge(dut.waiting)
        environment.restart(episode, TRAINING)
        over = False
        while not over:
            await host.write([*environment.observation(TRAINING_SAMPLE), act])
            await waiting
            await clock  # by then the result that left has settled
            over = environment.act(dut.result_word.value.to_unsigned() >> self.result_shift & self.label_mask)
        await host.write([command(Command.DONE)])

    async def test(self, episodes: int) -> None:
        """Let the stored rows act: each step an inference of one point."""
        host, environment, results, infer = self.host, self.environment, self.results, command(Command.INFER)
        collector = cocotb.start_soon(collect_results(self.dut, environment.formats, lambda *r: results.append(r)))
        for episode in range(episodes):
            environment.restart(episode, TEST)
            over = False
            while not over:
                await host.write(environment.observation(TEST_SAMPLE))
                await host.run(infer)
                over = environment.act(results[-1][1])
            self.rewards.append(environment.steps)
        collector.cancel()
