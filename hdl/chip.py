"""The trainer chip: wiring of the blocks, their memories and the host port."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

from amaranth import Cat, Const, Module, Mux, ResetInserter, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import Out, connect, flipped

from oxmc.hdl.acceptance import Acceptance
from oxmc.hdl.action import Action
from oxmc.hdl.activation import Activation
from oxmc.hdl.array_port import ArrayOp, ArrayPort
from oxmc.hdl.calibrator import Calibrator
from oxmc.hdl.cell_programmer import CellProgrammer
from oxmc.hdl.former import Former
from oxmc.hdl.gate_dac import GateDac, present
from oxmc.hdl.guard import Guard
from oxmc.hdl.hastings import Hastings
from oxmc.hdl.host import Host, HostBus
from oxmc.hdl.inference import Inference, result_layout
from oxmc.hdl.lfsr import Lfsr
from oxmc.hdl.likelihood import Likelihood
from oxmc.hdl.log_uniform import LogUniform
from oxmc.hdl.network_inference import NetworkInference
from oxmc.hdl.pair_programmer import PairProgrammer
from oxmc.hdl.prior import Prior
from oxmc.hdl.pulse import Pulse
from oxmc.hdl.ram import Ram
from oxmc.hdl.reward import Reward
from oxmc.hdl.row_counters import RowCounters
from oxmc.hdl.sample_order import SampleOrder
from oxmc.hdl.trainer import Trainer
from oxmc.pymodels.events import DIGITAL_EVENTS, PHASES
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import (
    LAW_INDEX,
    PROPOSAL_BITS,
    Space,
    State,
    decision_widths,
    sample_lane_bits,
    sample_lanes,
)

CLAMP_BITS = 24
SKIPPED_BITS = 14
PROGRAMMERS: dict[str, Any] = {"cell": CellProgrammer, "pair": PairProgrammer}


def inference_of(formats: Formats) -> Inference:
    """The inference block that a configuration asks for."""
    return NetworkInference(formats) if formats.config.hidden else Inference(formats)


def decision_layout(formats: Formats) -> data.StructLayout:
    """The fields of `decision_widths`."""
    return data.StructLayout(decision_widths(formats))


def observers(formats: Formats) -> dict[str, wiring.Member]:
    """Ports for those who watch a simulation: `phase` is the index into `events.PHASES` of what the chip is doing,
    `events` one strobe a name of `events.DIGITAL_EVENTS`; `decide` marks the cycle in which `decision` is one."""
    return {
        "phase": Out(range(len(PHASES))),
        "row": Out(formats.row_bits),
        "proposals": Out(PROPOSAL_BITS),
        "events": Out(len(DIGITAL_EVENTS)),
        "decide": Out(1),
        "decision": Out(decision_layout(formats)),
    }


class Chip(wiring.Component):
    """A complete trainer: host bus in, array port out, results of the test points on a stream.

    `irq` is high while the ERRORS register is not 0, `waiting` while an episode waits for the host; without rewards,
    never. An `observed` chip, which is for simulation, has the ports of `observers` besides.
    """

    def __init__(self, formats: Formats, *, observed: bool = False):
        self.formats, self.observed = formats, observed
        super().__init__(
            {
                "host": Out(HostBus()),
                "array": Out(ArrayPort(formats)),
                "result": Out(stream.Signature(result_layout(formats))),
                "irq": Out(1),
                "busy": Out(1),
                "waiting": Out(1),
                **(observers(formats) if observed else {}),
            }
        )

    def elaborate(self, platform):
        formats, m = self.formats, Module()
        config = formats.config
        m.submodules.control = self.control = Host(formats)
        m.submodules.guard = self.guard = Guard()
        m.submodules.lfsr = self.lfsr = Lfsr(width=config.lfsr_bits, step_bits=config.lfsr_step_bits)
        m.submodules.log_uniform = self.log_uniform = LogUniform(formats)
        m.submodules.gate_dac = self.gate_dac = GateDac(formats)
        m.submodules.row_counters = self.row_counters = RowCounters(formats)
        self.rewards = formats.rewards
        if self.rewards:
            m.submodules.reward = self.reward = Reward(formats)
            m.submodules.action = self.action = Action(formats)
        else:
            m.submodules.log_likelihood = self.likelihood = Likelihood(formats)
        m.submodules.log_prior = self.prior = Prior(formats)
        m.submodules.acceptance = self.acceptance = Acceptance(formats)
        self.orders = config.sample_order == "hard_first"
        tag_bits = max(formats.cell_bits, formats.row_bits, 2 + formats.sample_bits if self.orders else 0)
        tag_bits += config.hidden > 0  # the top bit: an evaluation of a hidden neuron, whose number is below
        self.pulse = Pulse(formats, tag_bits=tag_bits)
        m.submodules.pulse = ResetInserter(self.guard.halt)(self.pulse)  # nothing follows of a pulse that was the last
        m.submodules.trainer = self.trainer = Trainer(formats)
        m.submodules.inference = self.inference = inference_of(formats)
        m.submodules.samples = self.samples = Ram.of(formats, "samples")
        self.programmer: PairProgrammer | CellProgrammer | None = None
        if config.verify != "off":
            m.submodules.programmer = self.programmer = PROGRAMMERS[config.verify](formats)
        self.preparing: list[tuple[str, Former | Calibrator]] = []
        if config.form:
            m.submodules.former = self.former = Former(formats)
            self.preparing.append(("form", self.former))
        if config.calibrate:
            m.submodules.calibrator = self.calibrator = Calibrator(formats)
            self.preparing.append(("calibrate", self.calibrator))
        if config.hidden:
            m.submodules.activation = self.activation = Activation(formats)
        if self.orders:
            m.submodules.sample_order = self.sample_order = SampleOrder(formats)
        self.hastings: Hastings | None = None
        if config.hastings:
            m.submodules.hastings = self.hastings = Hastings(formats)
        connect(m, flipped(self.host), self.control.bus)
        self._connect_tables(m)
        self._connect_commands(m)
        self._connect_array(m)
        self._connect_answers(m)
        self._connect_decision(m)
        if self.rewards:
            self._connect_reward(m)
        else:
            self._connect_likelihood(m)
        if config.init != "lowest":
            self._connect_first_row(m)
        if self.programmer is not None:
            self._connect_programmer(m, self.programmer)
        if self.orders:
            self._connect_order(m)
        if config.hidden:
            self._connect_hidden(m)
        if self.hastings is not None:
            self._connect_hastings(m, self.hastings)
        self._connect_preparation(m)
        self._connect_guard(m)
        self._connect_status(m)
        if self.observed:
            self._connect_observers(m)
        return m

    def _connect_tables(self, m: Module) -> None:
        """Host words to the writable memories and the LFSR."""
        control, word = self.control, self.control.bus.write_data
        tables = {Space.LUT: self.gate_dac.lut, Space.RESPONSE: self.inference.table}
        if not self.rewards:
            tables[Space.LIKELIHOOD] = self.likelihood.table
        if self.formats.config.hidden:
            tables[Space.ACTIVATION] = self.activation.table
        for space, memory in tables.items():
            m.d.comb += [
                memory.write_lanes.eq(control.writing & (control.space == space)),
                memory.write_address.eq(control.index),
                memory.write_data.eq(word),
            ]
        lane_bits, lanes = sample_lane_bits(self.formats), sample_lanes(self.formats)
        with m.If(control.writing & (control.space == Space.SAMPLES)):
            m.d.comb += self.samples.write_lanes.eq(1 << control.index[:lane_bits])
        m.d.comb += [
            self.samples.write_address.eq(control.index[lane_bits:]),
            self.samples.write_data.eq(word.replicate(lanes)),
            self.lfsr.seed.eq(word),
            self.lfsr.load.eq(control.seed_low),
            self.lfsr.load_high.eq(control.seed_high),
        ]

    def _connect_commands(self, m: Module) -> None:
        """Settings and commands from the host; what it may ask of a training, which a command counts or forgets."""
        control, trainer, inference = self.control, self.trainer, self.inference
        self.clamps = clamps = Signal(CLAMP_BITS)
        with m.If(control.train):
            m.d.sync += clamps.eq(0)
        with m.Elif((self.pulse.running == ArrayOp.SET) & self.pulse.latch & trainer.busy & ~trainer.first):
            if self.formats.config.gate_dacs == 1:
                m.d.sync += clamps.eq(clamps + (self.gate_dac.clamped & ~clamps.all()))
            else:
                clamped = self.gate_dac.clamped & present(self.formats, trainer.cell)
                total = clamps + sum(clamped[lane] for lane in range(len(clamped)))
                m.d.sync += clamps.eq(Mux(total < 2**CLAMP_BITS, total, 2**CLAMP_BITS - 1))
        machines = (trainer, inference, self.gate_dac, self.lfsr, *([self.programmer] if self.programmer else []))
        m.d.comb += [
            self.gate_dac.build.eq(control.build_map),
            trainer.start.eq(control.train),
            trainer.last_row.eq(control.last_row),
            trainer.last_sample.eq(control.last_sample),
            trainer.max_proposals.eq(control.max_proposals),
            inference.start.eq(control.infer),
            inference.first_index.eq(control.last_sample + 1),
            inference.last_index.eq(control.last_test),
            inference.burn_in.eq(control.burn_in),
            inference.last_row.eq(trainer.current_row),
            self.prior.multiplier.eq(control.prior_multiplier),
            self.prior.shift.eq(control.prior_shift),
            self.busy.eq(reduce(or_, (machine.busy for machine in machines))),
            control.counter.eq(self.row_counters.counter),
            control.counted.eq(self.row_counters.count.any()),
            control.trained.eq(control.counted),
        ]
        if self.formats.config.reject_limit:
            skipped = Signal(SKIPPED_BITS)
            with m.If(control.train):
                m.d.sync += skipped.eq(0)
            with m.Elif(trainer.store_zero):
                m.d.sync += skipped.eq(skipped + 1)
            m.d.comb += [trainer.reject_limit.eq(control.reject_limit), control.status_skipped.eq(skipped)]
        if self.formats.config.temper:
            m.d.comb += self.acceptance.temper.eq(control.temper)
        if self.preparing:  # which program the rows anew
            intact = Signal()
            m.d.comb += control.trained.eq(intact & control.counted)
            with m.If(control.train):
                m.d.sync += intact.eq(1)
            for name, _ in self.preparing:
                with m.If(getattr(control, name)):
                    m.d.sync += intact.eq(0)

    def _connect_guard(self, m: Module) -> None:
        """Upsets of all state machines and what the host was refused; what stops them."""
        guard, control, pulse = self.guard, self.control, self.pulse
        machines: list[Any] = [self.trainer, self.inference, self.gate_dac, *(block for _, block in self.preparing)]
        machines += [self.programmer] if self.programmer is not None else []
        m.d.comb += [
            *(machine.halt.eq(guard.halt) for machine in machines),
            guard.illegal.eq(Cat(machine.illegal for machine in machines).any()),
            guard.refused.eq(control.refused),
            guard.clear.eq(control.clear_errors),
            guard.abort.eq(control.abort),
            guard.starting.eq(control.starting),
            guard.busy.eq(self.busy),
            guard.pulsing.eq(pulse.wl),
            guard.latch.eq(pulse.latch),
            self.irq.eq(guard.irq),
        ]

    def _connect_status(self, m: Module) -> None:
        """What the host can read at any time."""
        control, trainer, counters = self.control, self.trainer, self.row_counters
        cost = Mux(control.counted, self.acceptance.current_cost, 0)  # else it is of the training before
        phases = {name: index for index, name in enumerate(PHASES)}
        self.doing, infers = Signal(range(len(PHASES))), self.inference.busy
        bits = {
            State.BUSY: self.busy,
            State.WAITING: self.waiting,
            State.ABORTED: self.guard.stopped,
            State.MAPPED: self.gate_dac.mapped,
            State.TRAINED: control.trained,
        }
        m.d.comb += [
            control.busy.eq(self.busy),
            control.waiting.eq(self.waiting & ~self.guard.stopped),
            control.mapped.eq(self.gate_dac.mapped),
            control.status_last_row.eq(trainer.current_row),
            control.status_proposals.eq(trainer.proposals),
            control.status_clamps.eq(self.clamps),
            control.status_lost_counts.eq(counters.lost),
            control.status_total_counts.eq(counters.total),
            Cat(control.status_current_cost, control.status_current_cost_high).eq(cost),
            control.status_errors.eq(self.guard.errors),
            control.status_row.eq(Mux(self.inference.busy, self.inference.row, trainer.row)),
            *(control.status_state[bit].eq(value) for bit, value in bits.items()),
            self.doing.eq(Mux(trainer.busy, phases["train"], Mux(infers, phases["infer"], phases["load"]))),
            control.status_state[State.PHASE : State.PHASE + len(self.doing)].eq(self.doing),
        ]
        for name, block in self.preparing:
            with m.If(block.busy):
                m.d.comb += [control.status_row.eq(block.row), self.doing.eq(phases[name])]

    def _connect_array(self, m: Module) -> None:
        """Array commands of trainer, programmer or inference, through the pulse timing to the array port.

        Of the blocks that command one is at work, and the others' `op` is IDLE, which is zero.
        """
        self.cell = Signal(self.formats.cell_bits)
        trainer, inference, pulse, array = self.trainer, self.inference, self.pulse, self.array
        self.gate = self._connect_gates(m)
        infers = self._owner(m, inference)
        if self.programmer is not None:
            self.programs = self._owner(m, self.programmer)
        ops = [trainer.op, Mux(inference.evaluate, ArrayOp.EVAL, ArrayOp.IDLE)]
        ops += [self.programmer.op] if self.programmer is not None else []
        ops += [block.op for _, block in self.preparing]
        m.d.comb += [
            self.cell.eq(trainer.cell),
            pulse.op.eq(Mux(self.guard.halt, ArrayOp.IDLE, reduce(or_, map(Value.cast, ops)))),
            array.op.eq(pulse.running),
            trainer.latch.eq(pulse.latch),
            trainer.converting.eq(pulse.converting),
            inference.latch.eq(pulse.latch),
            inference.converting.eq(pulse.converting),
            array.row.eq(Mux(infers, inference.row, trainer.row)),
            array.cell.eq(self.cell),
            array.segment.eq(Mux(infers, inference.segment, trainer.segment)),
            array.inputs.eq(self.samples.read_data[: self.formats.inputs_bits]),
            array.wl.eq(pulse.wl),
            array.bl.eq(pulse.bl),
            array.sl.eq(pulse.sl),
            array.inputs_on.eq(pulse.inputs_on),
            array.latch.eq(pulse.latch),
            self.samples.read_enable.eq(trainer.fetch_sample | inference.fetch_sample),
            self.samples.read_address.eq(Mux(inference.busy, inference.fetch_index, trainer.fetch_index)),
            trainer.label.eq(self.samples.read_data[self.formats.inputs_bits :]),
            self.gate_dac.fetch.eq(trainer.fetch_gate),
            self.gate_dac.fetch_cell.eq(trainer.fetch_cell),
            array.mask.eq(-1),
        ]
        with m.If(~pulse.bl):
            m.d.comb += array.mask.eq(0)
        if self.programmer is not None:
            with m.Elif(self.programs):  # a repeat clears one cell, a rejection or the start a whole row
                m.d.comb += array.mask.eq(1 << self.cell)
        with m.If((pulse.running == ArrayOp.SET) & ~trainer.first):
            m.d.comb += self.gate.eq(self.gate_dac.gate)

    def _owner(self, m: Module, block: Any) -> Signal:
        """High for all pulses of a block: a register, as what selects addresses must not glitch when states change."""
        owns = Signal()
        m.d.sync += owns.eq(block.start | block.busy)
        return owns

    def _connect_gates(self, m: Module) -> Signal:
        """The gate codes for the array port, which are zero past the end of a row."""
        formats, array = self.formats, self.array
        if formats.cells % formats.config.gate_dacs == 0:
            return array.gate
        gate = Signal.like(array.gate)
        lanes = present(formats, self.cell)
        for lane in range(formats.config.gate_dacs):
            code = gate.word_select(lane, formats.gate_bits)
            m.d.comb += array.gate.word_select(lane, formats.gate_bits).eq(Mux(lanes[lane], code, 0))
        return gate

    def _connect_first_row(self, m: Module) -> None:
        """Gate codes of row 0 that are not the lowest: a setting, or for each cell a fresh draw of the LFSR."""
        if self.formats.config.init == "random":
            bits = self.formats.first_draw_bits
            gate = (self.lfsr.state[:bits] * self.formats.config.gate_codes) >> bits
            with m.If(self.trainer.draw_gate):
                m.d.comb += self.lfsr.draw.eq(1)
            m.d.comb += self.trainer.draw_ends.eq(self.lfsr.ends)
        else:
            gate = self.control.first_gate
        with m.If((self.pulse.running == ArrayOp.SET) & self.trainer.first):
            m.d.comb += self.gate.eq(gate.replicate(self.formats.config.gate_dacs))

    def _connect_answers(self, m: Module) -> None:
        """Converter answers: cell reads to prior and gate codes, evaluations to the likelihood or the inference."""
        pulse, answer, config = self.pulse, self.array.data, self.formats.config
        read, evaluated = Signal(), Signal()
        self.evaluated = evaluated
        m.d.comb += [
            read.eq(pulse.result_valid & ~pulse.result_is_eval),
            evaluated.eq(pulse.result_valid & pulse.result_is_eval),
            # the tag remembers what the answer belongs to: a cell, a label or a row
            pulse.tag.eq(
                Mux(
                    self.inference.busy,
                    self.inference.row,
                    Mux(pulse.running == ArrayOp.READ, self.trainer.cell, self.trainer.is_label),
                )
            ),
            # a training evaluation of one layer, in the samples' order, needs the label alone
            pulse.wide.eq(Const(1) if self.orders or config.hidden else self.inference.busy | ~pulse.inputs_on),
            self.prior.valid.eq(read),
            self.prior.code.eq(answer[: config.read_bits]),
            self.gate_dac.lookup.eq(read),
            self.gate_dac.lookup_code.eq(answer[: config.read_bits]),
            self.gate_dac.lookup_cell.eq(pulse.result_tag),
            self.inference.answer.eq(evaluated & self.inference.busy),
            self.inference.code.eq(answer[: config.adc_bits]),
            self.inference.counter.eq(self.row_counters.counter),
            self.row_counters.fetch.eq(self.inference.answer | self.control.fetch_counter),
            self.row_counters.fetch_row.eq(Mux(self.inference.busy, pulse.result_tag, self.control.index)),
        ]

    def _connect_decision(self, m: Module) -> None:
        """The draw, the sums and the decision, and what follows from it."""
        trainer, counters, acceptance = self.trainer, self.row_counters, self.acceptance
        self.checking = Signal()  # each partial sum is compared, or the whole one only
        if self.formats.config.early_rejection:
            m.d.comb += trainer.converting.eq(self.pulse.converting | self.prior.adding)
        m.d.comb += [
            self.lfsr.draw.eq(trainer.propose & ~trainer.opens_first),
            trainer.drawing.eq(self.lfsr.busy),
            self.log_uniform.state.eq(self.lfsr.state),
            self.prior.clear.eq(trainer.propose),
            self.prior.ready.eq(trainer.summing),
            trainer.hopeless.eq(acceptance.hopeless),
            acceptance.prior.eq(self.prior.cost),
            acceptance.neg_log2_u.eq(self.log_uniform.neg_log2),
            acceptance.compare.eq(trainer.decide | self.checking),
            trainer.exceeds.eq(self.checking & ~acceptance.accept),
            acceptance.keep.eq(trainer.accepted),
            trainer.accept.eq(acceptance.accept),
            self.gate_dac.keep.eq(trainer.accepted),
            counters.restart.eq(self.control.train),
            counters.begin_vote.eq(self.control.infer),
            counters.vote.eq(self.inference.voting),
            counters.begin.eq(trainer.accepted),
            counters.bump.eq(trainer.rejected),
            counters.store.eq(trainer.store),
            counters.store_zero.eq(trainer.store_zero),
            counters.row.eq(trainer.store_row),
        ]

    def _connect_likelihood(self, m: Module) -> None:
        """Evaluations in training are summed and judged; those of the inference leave as its results."""
        trainer, likelihood, acceptance, config = self.trainer, self.likelihood, self.acceptance, self.formats.config
        connect(m, flipped(self.result), self.inference.result)
        if config.early_rejection:  # else the sum is compared once it is whole, and nothing else hangs on the adder
            m.d.comb += self.checking.eq(likelihood.adding)
        m.d.comb += [
            acceptance.likelihood.eq(likelihood.next_sum if config.early_rejection else likelihood.sum),
            likelihood.valid.eq(self.evaluated & ~self.inference.busy),
            likelihood.code.eq(self.array.data[: config.adc_bits]),
            likelihood.label.eq(self.pulse.result_tag[0]),
            likelihood.clear.eq(trainer.propose),
        ]

    def _connect_reward(self, m: Module) -> None:
        """Evaluations in training choose an action, which leaves as a result; how many did is the episode's reward."""
        trainer, reward, action, control = self.trainer, self.reward, self.action, self.control
        votes = self.inference.result
        m.d.comb += [
            self.waiting.eq(trainer.waiting),
            trainer.step.eq(control.step),
            trainer.done.eq(control.done),
            control.stepped.eq(reward.steps.any()),
            trainer.taken.eq(self.result.ready),
            action.restart.eq(trainer.fetch_sample),
            action.valid.eq(self.evaluated & ~self.inference.busy),
            action.code.eq(self.array.data[: self.formats.config.adc_bits]),
            reward.clear.eq(trainer.propose),
            reward.step.eq(trainer.acting & self.result.ready),
            reward.ready.eq(trainer.decide),
            reward.exponent.eq(control.reward_exponent),
            self.acceptance.likelihood.eq(reward.cost),
            self.acceptance.handicap.eq(control.log2_kappa),
            votes.ready.eq(self.result.ready),
            self.result.valid.eq(votes.valid | trainer.acting),
            self.result.payload.eq(votes.payload),
        ]
        with m.If(trainer.acting):
            m.d.comb += [
                self.result.payload.sum.eq(0),
                self.result.payload.winner.eq(action.winner),
                self.result.payload.last.eq(1),
            ]

    def _connect_programmer(self, m: Module, programmer: PairProgrammer | CellProgrammer) -> None:
        """While it is busy the programmer has the array; what it has read goes where plain reads go."""
        trainer, control, gate_dac = self.trainer, self.control, self.gate_dac
        m.d.comb += [
            programmer.start.eq(trainer.program),
            trainer.programmed.eq(programmer.done),
            programmer.window.eq(control.verify_window),
            programmer.tries.eq(control.verify_tries),
            programmer.latch.eq(self.pulse.latch),
            programmer.answer.eq(self.pulse.result_valid & programmer.busy),
            programmer.code.eq(self.array.data[: self.formats.config.read_bits]),
        ]
        with m.If(self.programs):
            m.d.comb += self.cell.eq(programmer.cell)
        with m.If(programmer.busy):
            m.d.comb += [
                self.prior.valid.eq(programmer.push),
                self.prior.code.eq(programmer.push_code),
            ]
        if isinstance(programmer, CellProgrammer):
            m.d.comb += programmer.target.eq(gate_dac.target)
            with m.If(programmer.busy):
                m.d.comb += [
                    gate_dac.fetch.eq(programmer.fetch),
                    gate_dac.fetch_cell.eq(programmer.cell),
                    gate_dac.lookup.eq(programmer.push),
                    gate_dac.lookup_code.eq(programmer.push_code),
                    gate_dac.lookup_cell.eq(programmer.cell),
                ]
            return
        m.d.comb += [
            programmer.fresh.eq(trainer.fresh),
            programmer.common_mode.eq(control.common_mode),
            programmer.keep.eq(trainer.accepted),
            programmer.near_end.eq(gate_dac.near_end),
            gate_dac.lookup.eq(programmer.lookup),
            gate_dac.lookup_code.eq(programmer.lookup_code),
            programmer.store.eq(self.prior.square),
            programmer.store_pair.eq(Mux(programmer.busy, programmer.pair, self.pulse.result_tag[1:])),
            programmer.difference.eq(self.prior.difference),
        ]

    def _connect_order(self, m: Module) -> None:
        """Sample indices travel with their evaluations to where these are filed as hard or easy."""
        order, trainer, pulse = self.sample_order, self.trainer, self.pulse
        evaluated, added = Signal(self.formats.sample_bits), Signal(self.formats.sample_bits + 1)
        with m.If(trainer.fetch_sample):
            m.d.sync += evaluated.eq(self.samples.read_address)
        with m.If(self.likelihood.valid):
            m.d.sync += added.eq(pulse.result_tag[1:])
        m.d.comb += [
            order.restart.eq(self.control.train),
            order.clear.eq(trainer.propose),
            order.keep.eq(trainer.accepted),
            order.fetch.eq(trainer.fetch_order & order.ordered),
            order.position.eq(trainer.order_position),
            order.last_sample.eq(self.control.last_sample),
            order.hard_above.eq(self.control.hard_above),
            order.adding.eq(self.likelihood.adding),
            order.entry.eq(self.likelihood.entry),
            Cat(order.last_output, order.sample).eq(added),
        ]
        with m.If(trainer.busy & order.ordered):
            m.d.comb += self.samples.read_address.eq(order.index)
        with m.If(trainer.busy & pulse.inputs_on):
            m.d.comb += pulse.tag.eq(Cat(trainer.is_label, trainer.last_output, evaluated))

    def _connect_preparation(self, m: Module) -> None:
        """While the former or the calibrator is busy it has the array; the training's blocks see nothing of it."""
        config, control, pulse, array = self.formats.config, self.control, self.pulse, self.array
        for name, block in self.preparing:
            m.d.comb += [block.start.eq(getattr(control, name)), block.latch.eq(pulse.latch)]
            with m.If(self._owner(m, block)):
                m.d.comb += [
                    self.cell.eq(block.cell),
                    array.row.eq(block.row),
                    self.gate.eq(Mux(pulse.running == ArrayOp.SET, block.gate.replicate(config.gate_dacs), 0)),
                    array.mask.eq(pulse.bl.replicate(self.formats.cells)),
                ]
            with m.If(block.busy):
                m.d.comb += [
                    self.prior.valid.eq(0),
                    self.gate_dac.lookup.eq(0),
                    self.busy.eq(1),
                ]
        if config.form:
            m.d.comb += [self.former.last_row.eq(control.last_row), self.former.cycles.eq(control.condition_cycles)]
        if config.calibrate:
            calibrator, lut = self.calibrator, self.gate_dac.lut
            m.d.comb += [
                calibrator.last_row.eq(control.calibration_last_row),
                calibrator.converting.eq(pulse.converting),
                calibrator.answer.eq(pulse.result_valid & calibrator.busy),
                calibrator.code.eq(array.data[: config.read_bits]),
                self.gate_dac.fetch_entry.eq(control.fetch_lut),
                self.gate_dac.entry_index.eq(control.index),
                control.lut_entry.eq(lut.read_data),
            ]
            with m.If(calibrator.write):
                m.d.comb += [
                    lut.write_lanes.eq(1),
                    lut.write_address.eq(calibrator.gate),
                    lut.write_data.eq(calibrator.entry),
                ]

    def _connect_hidden(self, m: Module) -> None:
        """Hidden neurons' answers go to the activation alone, and their sigmoids to the outputs' input lanes."""
        trainer, inference, pulse, activation = self.trainer, self.inference, self.pulse, self.activation
        is_hidden, hidden = pulse.result_tag[-1], Signal()
        m.d.comb += [
            hidden.eq(Mux(inference.busy, inference.hidden, trainer.hidden & pulse.inputs_on)),
            activation.valid.eq(self.evaluated & is_hidden),
            activation.code.eq(self.array.data[: self.formats.config.adc_bits]),
            activation.neuron.eq(pulse.result_tag),
        ]
        with m.If(hidden):
            m.d.comb += pulse.tag.eq(Cat(self.array.segment, Const(0, pulse.tag_bits - 1 - len(self.array.segment)), 1))
        with m.Else():
            m.d.comb += self.array.inputs.eq(activation.codes)
        with m.If(is_hidden):
            m.d.comb += [self.likelihood.valid.eq(0), self.inference.answer.eq(0)]

    def _connect_hastings(self, m: Module, hastings: Hastings) -> None:
        """While a row is read, each cell's codes of the current row are fetched beside those just found."""
        trainer, gate_dac, control = self.trainer, self.gate_dac, self.control
        reading = Signal()
        m.d.comb += [
            reading.eq(gate_dac.lookup & ~trainer.first),
            hastings.write.eq(control.writing & (control.space == Space.LUT)),
            hastings.index.eq(control.index),
            hastings.word.eq(control.bus.write_data),
            hastings.clear.eq(trainer.propose),
            hastings.valid.eq(gate_dac.storing & ~trainer.first),
            hastings.gate.eq(gate_dac.gate if self.formats.config.gate_dacs == 1 else gate_dac.own),
            hastings.code.eq(gate_dac.target),
            hastings.next_gate.eq(gate_dac.found),
            hastings.next_code.eq(gate_dac.found_code),
            hastings.ready.eq(trainer.summing),
            self.acceptance.correction.eq(hastings.cost),
        ]
        with m.If(control.index >= LAW_INDEX):  # the law shares the LUT's address space
            m.d.comb += gate_dac.lut.write_lanes.eq(0)
        with m.If(reading):
            m.d.comb += [gate_dac.fetch.eq(1), gate_dac.fetch_cell.eq(gate_dac.lookup_cell)]
        if self.formats.config.early_rejection:
            m.d.comb += trainer.converting.eq(self.pulse.converting | self.prior.adding | hastings.busy)

    def _connect_observers(self, m: Module) -> None:
        trainer, inference, gate_dac = self.trainer, self.inference, self.gate_dac
        pairs = self.programmer if isinstance(self.programmer, PairProgrammer) else None
        codes, calibrates = pairs is None, self.formats.config.calibrate
        strobes = {
            "host_write": self.control.writing,
            "lut_read": gate_dac.searching,
            "map_write": gate_dac.mapping,
            "gate_lookup": gate_dac.lookup,
            "gate_code_write": gate_dac.storing if codes else Const(0, 1),
            "gate_code_read": gate_dac.fetch if codes else Const(0, 1),
            "pair_read": pairs.pair_fetch if pairs else Const(0, 1),
            "pair_write": pairs.store if pairs else Const(0, 1),
            "offset_read": pairs.offset_fetch if pairs else Const(0, 1),
            "offset_write": pairs.offset_store if pairs else Const(0, 1),
            "order_read": self.sample_order.fetch if self.orders else Const(0, 1),
            "order_write": self.sample_order.filing if self.orders else Const(0, 1),
            "sample_read": self.samples.read_enable,
            "activation": self.activation.valid if self.formats.config.hidden else Const(0, 1),
            "likelihood_add": Const(0, 1) if self.rewards else self.likelihood.adding,
            "prior_square": self.prior.square,
            "hastings_term": self.hastings.valid if self.hastings else Const(0, 1),
            "lfsr_step": self.lfsr.busy,
            "decision": trainer.decide & ~trainer.first,
            "counter_write": trainer.store | trainer.store_zero,
            "counter_read": self.row_counters.fetch,
            "response_add": inference.adding,
            "classify": self.result.valid & self.result.ready & self.result.payload.last,
            "histogram_read": self.calibrator.counting_read if calibrates else Const(0, 1),
            "histogram_write": self.calibrator.counting_write if calibrates else Const(0, 1),
            "lut_write": self.calibrator.write if calibrates else Const(0, 1),
        }
        m.d.comb += [
            self.decide.eq(trainer.decide),
            self.decision.accepted.eq(trainer.accepted),
            self.decision.row.eq(trainer.row),
            self.decision.current_row.eq(trainer.current_row),
            self.decision.counter.eq(self.row_counters.count),
            self.decision.prior.eq(self.prior.cost),
            self.decision.neg_log2_u.eq(self.log_uniform.neg_log2),
            self.decision.current_cost.eq(self.acceptance.current_cost),
            self.decision.likelihood.eq(self.reward.cost if self.rewards else self.likelihood.sum),
        ]
        if self.hastings:
            m.d.comb += self.decision.hastings.eq(self.hastings.cost)
        m.d.comb += [
            self.row.eq(trainer.row),
            self.proposals.eq(trainer.proposals),
            self.phase.eq(self.doing),
            self.events.eq(Cat(strobes[name] for name in DIGITAL_EVENTS)),
        ]
