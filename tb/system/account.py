"""What the pins say of a training, counted by the bench alone: nothing here asks the chip or the twin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from oxmc.pymodels.config import Config
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import ArrayOp
from oxmc.pymodels.job import Job


def index_of(config: Config, code: int) -> int:
    """Where the likelihood table has an ADC code."""
    return (code + 2 ** (config.adc_bits - 1)) >> (config.adc_bits - config.table_bits)


class Account:
    """Reads the chain off the pulses: a row that is cleared as a whole was rejected, one that is left was accepted.

    A proposal is opened by the first SET or READ of a row and closed by a RESET of all its cells, by the first pulse on
    another row or by `finish`, after the last pulse of a training. `lut` are the entries that the host has written or
    read, `multiplier` and `shift` the prior's.
    """

    def __init__(self, job: Job, lut: Sequence[int], prior: tuple[int, int]):
        self.config, self.formats, self.lut, self.prior = job.config, Formats(job.config), lut, prior
        train, self.top = job.config.train_samples, 2**job.config.counter_bits - 1
        pairs = zip(job.codes[:train].tolist(), job.labels[:train].tolist(), strict=True)
        self.label_of = {tuple(codes): label for codes, label in pairs}
        self.counts: Counter[int] = Counter()
        self.row = self.current = self.proposals = self.skipped = self.clamps = self.cost = self.streak = 0
        self.begun = self.open = False
        self.read: dict[int, int] = {}
        self.kept: dict[int, int] = {}
        self.likelihood = self.evaluations = self.label = 0
        self.powers: list[int] = []
        self.voters: set[int] = set()

    @property
    def lost(self) -> int:
        return sum(max(0, count - self.top) for count in self.counts.values())

    @property
    def counters(self) -> list[int]:
        """Those that the memory holds."""
        return [min(self.counts[row], self.top) for row in range(self.current + 1)]

    def pulse(self, op: ArrayOp, row: int, where: Sequence[int], answer: int) -> None:
        """One pulse of a training: its place is a mask, a cell, or a segment and its inputs."""
        if op == ArrayOp.RESET:
            if self.begun and where[0] == 2**self.formats.cells - 1:
                self._reject()
            return
        if self.open and row != self.row:
            self._accept()
        if not self.open:
            self.begun, self.open, self.row = True, True, row
            self.read, self.likelihood, self.evaluations = {}, 0, 0
        if op == ArrayOp.SET:
            self._count_clamps(where[0])
        elif op == ArrayOp.READ:
            self.read[where[0]] = answer
        else:
            self._evaluate(where[0], where[1], answer)

    def vote(self, row: int) -> None:
        """One evaluation of an inference."""
        self.voters.add(row)

    def finish(self) -> None:
        if self.open:
            self._accept()

    def _count_clamps(self, cell: int) -> None:
        dacs = self.config.gate_dacs
        for one in range(cell, min(cell + dacs, self.formats.cells)) if self.row else ():
            self.clamps += not self.lut[0] <= self.kept[one] <= self.lut[-1]

    def _evaluate(self, segment: int, inputs: int, answer: int) -> None:
        config, output = self.config, segment - self.config.hidden
        self.evaluations += 1
        if config.acceptance == "reward":
            return
        if segment == 0 or segment < config.hidden:
            self.label = self.label_of[tuple(self.formats.unpack_inputs(inputs)[: config.features])]
        if output >= 0 and config.likelihood == "softmax":
            self._fold(output, self.formats.likelihood_table[index_of(config, answer)])
        elif output >= 0:
            mine = self.label == (output if config.outputs > 1 else 1)
            self.likelihood += self.formats.likelihood_table[index_of(config, answer if mine else ~answer)]

    def _fold(self, output: int, power: int) -> None:
        """One more output of a sample; the last one adds its softmax."""
        self.powers = [*(self.powers if output else []), power]
        if output < self.config.outputs - 1:
            return
        total, table = self.powers[0], self.formats.log_sum_table
        for other in self.powers[1:]:
            distance = total - other if total >= other else other - total - 1
            total = max(total, other) + (table[distance] if distance < len(table) else 0)
        self.likelihood += (total - self.powers[self.label]) * 2**self.config.log_fraction_bits // 32

    def _accept(self) -> None:
        self.proposals += self.row > 0
        self.open, self.streak, self.current, self.kept = False, 0, self.row, self.read
        self.counts[self.row] = 1
        squares = sum((self.read[cell] - self.read[cell + 1]) ** 2 for cell in range(0, self.formats.cells, 2))
        self.cost = (self.likelihood >> self.config.temper) + (squares * self.prior[0] >> self.prior[1])
        if self.config.acceptance == "reward":
            self.cost += self.formats.reward_cost(self.evaluations // self.config.outputs)

    def _reject(self) -> None:
        self.proposals += 1
        self.open = False
        self.counts[self.current] += 1
        self.streak += 1
        if self.streak == self.config.reject_limit:
            self.skipped, self.streak = self.skipped + 1, 0
