"""The trainer chip: the blocks of its options, and the wires between them and those that every chip has."""

from __future__ import annotations

from typing import Any

from amaranth import Cat, Module
from amaranth.lib.wiring import connect, flipped

from oxmc.hdl.action import Action
from oxmc.hdl.activation import Activation
from oxmc.hdl.calibrator import Calibrator
from oxmc.hdl.cell_programmer import CellProgrammer
from oxmc.hdl.former import Former
from oxmc.hdl.front.auto_zero import AutoZero
from oxmc.hdl.hastings import Hastings
from oxmc.hdl.likelihood import Likelihood
from oxmc.hdl.pair_programmer import PairProgrammer
from oxmc.hdl.reward import Reward
from oxmc.hdl.sample_order import SampleOrder
from oxmc.hdl.softmax.softmax_likelihood import SoftmaxLikelihood
from oxmc.hdl.top.core import Connect, same
from oxmc.hdl.top.observers import observed
from oxmc.hdl.top.parity import checked
from oxmc.hdl.top.results import Results
from oxmc.hdl.top.ring import Ring
from oxmc.pymodels.interface import Space

PROGRAMMERS: dict[str, Any] = {"cell": CellProgrammer, "pair": PairProgrammer}


class Chip(Ring):
    """A complete trainer: host bus in, array port out, results of the test points on a stream.

    `irq` is high while the ERRORS register is not 0, `busy` while a command runs, `waiting` while an episode waits for
    the host; without rewards, never. An `observed` chip, which is for simulation, has the ports of `observers` besides.

    A block that an option asks for brings the methods that wire it.
    """

    def elaborate(self, platform):
        m = Module()
        for connect_block in self._build_all(m):
            connect_block(m)
        parity = self.formats.config.parity
        return m if parity == "off" else checked(m, platform, self.guard.flipped, memories=parity == "all")

    def _build_all(self, m: Module) -> list[Connect]:
        """All blocks; what wires them, in any order."""
        return [*self._build(m), *self._build_options(m), *self._build_arbiter(m)]

    def _build_options(self, m: Module) -> list[Connect]:
        """The blocks that the configuration asks for, and what wires its options in the others."""
        formats, config = self.formats, self.formats.config
        wires: list[Connect] = []
        self.preparing: dict[str, Any] = {}
        self.still_adding = [self.log_prior.adding]
        if formats.rewards:
            m.submodules.reward = self.reward = Reward(formats)
            m.submodules.action = self.action = Action(formats)
            m.submodules.results = self.results = Results(formats)
            wires += [self._connect_episodes, self._connect_reward]
        else:
            likelihood = SoftmaxLikelihood(formats) if formats.softmax else Likelihood(formats)
            m.submodules.log_likelihood = self.log_likelihood = likelihood
            self.tables[Space.LIKELIHOOD] = likelihood.table
            wires += [self._connect_likelihood, *([self._connect_softmax] if formats.softmax else [])]
        wires += self._chain_options()
        if config.verify != "off":
            m.submodules.programmer = self.programmer = PROGRAMMERS[config.verify](formats)
            self.commanders["programmer"] = self.programmer
            self.machines.append(self.programmer)
            pairs = config.verify == "pair"
            wires += [self._connect_programmer]
            wires += [self._connect_pair_programmer if pairs else self._connect_cell_programmer]
        if config.sample_order == "hard_first":
            m.submodules.sample_order = self.sample_order = SampleOrder(formats)
            wires += [self._connect_order]
        if config.hidden:
            m.submodules.activation = self.activation = Activation(formats)
            self.tables[Space.ACTIVATION] = self.activation.table
            wires += [self._connect_hidden]
        if config.hastings:
            m.submodules.hastings = self.hastings = Hastings(formats)
            self.still_adding.append(self.hastings.busy)
            wires += [self._connect_hastings]
        if config.form:
            m.submodules.former = self.former = self.preparing["form"] = Former(formats)
            self.commanders["former"] = self.former
            wires += [self._connect_former]
        if config.calibrate:
            m.submodules.calibrator = self.calibrator = self.preparing["calibrate"] = Calibrator(formats)
            self.commanders["calibrator"] = self.calibrator
            wires += [self._connect_calibrator]
        wires += self._build_front_end(m)
        if self.preparing:
            self.machines += self.preparing.values()
            wires += [self._connect_preparation]
        if self.observed:
            wires += [self._connect_observers]
        return wires

    def _chain_options(self) -> list[Connect]:
        """What wires the options that add no block of their own."""
        config = self.formats.config
        options = {
            "early_rejection": config.early_rejection,
            "reject_limit": config.reject_limit,
            "temper": config.temper,
            "ring": config.ring,
            "random_first_row": config.init == "random",
            "first_row": config.init in ("highest", "prior_mean"),
        }
        return [getattr(self, f"_connect_{name}") for name, is_there in options.items() if is_there]

    def _build_front_end(self, m: Module) -> list[Connect]:
        """What the chip does for the array's front end, if anything."""
        if not self.formats.config.auto_zero_bits:
            return []
        m.submodules.front_end = self.front_end = AutoZero(self.formats)
        self.commanders["auto_zero"] = self.front_end
        self.machines.append(self.front_end)
        return [self._connect_auto_zero]

    def _connect_episodes(self, m: Module) -> None:
        """The host steps an episode; each action leaves as a result."""
        trainer, control, action, results = self.trainer, self.control, self.action, self.results
        connect(m, results.votes, self.inference.result)
        connect(m, flipped(self.result), results.result)
        m.d.comb += [
            self.waiting.eq(trainer.waiting),
            *same(trainer, control, "step done"),
            trainer.taken.eq(self.result.ready),
            control.stepped.eq(self.reward.steps.any()),
            action.restart.eq(trainer.fetch_sample),
            action.valid.eq(self.answers.trained),
            action.code.eq(self.array.data[: len(action.code)]),
            results.acting.eq(trainer.acting),
            results.winner.eq(action.winner),
        ]

    def _connect_reward(self, m: Module) -> None:
        """How many actions an episode had is its reward."""
        trainer, reward, control = self.trainer, self.reward, self.control
        m.d.comb += [
            reward.clear.eq(trainer.propose),
            reward.step.eq(trainer.acting & self.result.ready),
            reward.ready.eq(trainer.decide),
            reward.exponent.eq(control.reward_exponent),
            self.acceptance.likelihood.eq(reward.cost),
            self.acceptance.handicap.eq(control.log2_kappa),
        ]

    def _connect_likelihood(self, m: Module) -> None:
        """Evaluations in training are summed; those of the inference leave as its results."""
        likelihood = self.log_likelihood
        connect(m, flipped(self.result), self.inference.result)
        grows = self.formats.config.early_rejection  # each sum is compared, as it will be
        m.d.comb += [
            likelihood.valid.eq(self.answers.trained),
            likelihood.code.eq(self.array.data[: len(likelihood.code)]),
            likelihood.label.eq(self.pulse.result_tag[0]),
            (likelihood.clear_sum if self.formats.softmax else likelihood.clear).eq(self.trainer.propose),
            self.acceptance.likelihood.eq(likelihood.next_sum if grows else likelihood.sum),
        ]

    def _connect_softmax(self, m: Module) -> None:
        """The likelihood folds the outputs of the inference, too, and samples begin with proposals and test points."""
        likelihood = self.log_likelihood
        m.d.comb += [
            likelihood.voted.eq(self.answers.voted),
            likelihood.clear.eq(self.trainer.propose | self.inference.fetch_sample),
            self.inference.folding.eq(likelihood.voting),
            *same(self.inference, likelihood, "output last power log_sum"),
        ]

    def _connect_early_rejection(self, m: Module) -> None:
        """Each sum is compared as it grows, once the threshold is there."""
        m.d.comb += [
            self.acceptance.partial.eq(self.log_likelihood.partial),
            *same(self.trainer, self.acceptance, "hopeless exceeds"),
            self.trainer.adding.eq(Cat(self.still_adding).any()),
        ]

    def _connect_reject_limit(self, m: Module) -> None:
        trainer = self.trainer
        skipped = trainer.store_zero & ~trainer.empties if self.formats.config.ring else trainer.store_zero
        m.d.comb += [
            trainer.reject_limit.eq(self.control.reject_limit),
            self.tally.skip.eq(skipped),
            self.control.status_skipped.eq(self.tally.skipped),
        ]

    def _connect_temper(self, m: Module) -> None:
        m.d.comb += self.acceptance.temper.eq(self.control.temper)

    def _connect_first_row(self, m: Module) -> None:
        m.d.comb += self.row_gates.first_gate.eq(self.control.first_gate)

    def _connect_random_first_row(self, m: Module) -> None:
        m.d.comb += [self.row_gates.drawn.eq(self.lfsr.state), self.trainer.draw_ends.eq(self.lfsr.ends)]

    def _connect_programmer(self, m: Module) -> None:
        """A programmer has the array while it is busy; what it has read goes where plain reads go."""
        programmer, control, reads = self.programmer, self.control, self.cell_reads
        m.d.comb += [
            programmer.start.eq(self.trainer.program),
            self.trainer.programmed.eq(programmer.done),
            programmer.window.eq(control.verify_window),
            programmer.tries.eq(control.verify_tries),
            programmer.answer.eq(self.pulse.result_valid & programmer.busy),
            programmer.code.eq(self.array.data[: len(programmer.code)]),
            reads.programming.eq(programmer.busy),
            *same(reads, programmer, "push push_code"),
        ]

    def _connect_cell_programmer(self, m: Module) -> None:
        m.d.comb += [
            self.programmer.target.eq(self.gate_dac.target),
            self.cell_reads.push_cell.eq(self.programmer.command.cell),
            self.cell_reads.push_fetch.eq(self.programmer.fetch),
        ]

    def _connect_pair_programmer(self, m: Module) -> None:
        """Its aims are looked up, and the differences that the prior finds are the next row's targets."""
        programmer, reads, prior = self.programmer, self.cell_reads, self.log_prior
        m.d.comb += [
            programmer.fresh.eq(self.trainer.fresh),
            programmer.common_mode.eq(self.control.common_mode),
            programmer.keep.eq(self.trainer.accepted),
            programmer.near_end.eq(self.gate_dac.near_end),
            programmer.store.eq(prior.square),
            programmer.store_pair.eq(reads.pair),
            programmer.difference.eq(prior.difference),
            reads.aim.eq(programmer.lookup),
            reads.aim_code.eq(programmer.lookup_code),
            reads.push_pair.eq(programmer.pair),
        ]

    def _connect_order(self, m: Module) -> None:
        """Sample indices travel with their evaluations to where these are filed as hard or easy."""
        order, trainer, path, answers = self.sample_order, self.trainer, self.sample_path, self.answers
        m.d.comb += [
            order.restart.eq(self.starting),
            order.clear.eq(trainer.propose),
            order.keep.eq(trainer.accepted),
            order.fetch.eq(trainer.fetch_order & order.ordered),
            order.position.eq(trainer.order_position),
            *same(order, self.control, "last_sample hard_above"),
            *same(order, self.log_likelihood, "adding entry"),
            order.sample.eq(answers.added),
            order.last_output.eq(answers.added_last),
            path.training.eq(trainer.busy),
            path.ordered.eq(order.ordered),
            path.order_index.eq(order.index),
            answers.training.eq(trainer.busy),
            answers.last_output.eq(trainer.last_output),
            answers.fetch.eq(trainer.fetch_sample),
            answers.sample.eq(path.read_address),
        ]

    def _connect_hidden(self, m: Module) -> None:
        """Hidden neurons' answers go to the activation alone, and their sigmoids to the outputs' input lanes."""
        answers, activation = self.answers, self.activation
        m.d.comb += [
            answers.segment.eq(self.arbiter.segment),
            answers.train_hidden.eq(self.trainer.hidden),
            answers.vote_hidden.eq(self.inference.hidden),
            activation.valid.eq(answers.neuron),
            activation.code.eq(self.array.data[: len(activation.code)]),
            activation.neuron.eq(self.pulse.result_tag),
            self.sample_path.hidden.eq(answers.hidden),
            self.sample_path.sigmoids.eq(activation.codes),
        ]

    def _connect_hastings(self, m: Module) -> None:
        """While a row is read, each cell's codes of the current row are fetched beside those just found."""
        hastings, trainer, gate_dac, control = self.hastings, self.trainer, self.gate_dac, self.control
        m.d.comb += [
            self.cell_reads.corrects.eq(~trainer.first),
            hastings.write.eq(self.loader.write_law),
            hastings.index.eq(control.index),
            hastings.word.eq(control.bus.write_data),
            hastings.clear.eq(trainer.propose),
            hastings.valid.eq(gate_dac.storing & ~trainer.first),
            hastings.gate.eq(gate_dac.cell_gate),
            hastings.code.eq(gate_dac.target),
            hastings.next_gate.eq(gate_dac.found),
            hastings.next_code.eq(gate_dac.found_code),
            hastings.ready.eq(trainer.summing),
            self.acceptance.correction.eq(hastings.cost),
        ]

    def _connect_observers(self, m: Module) -> None:
        m.d.comb += observed(self)
