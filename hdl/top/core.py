"""The blocks that every chip has, and the wires between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from amaranth import Cat, Module, Mux, ResetInserter, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import Out, connect, flipped

from oxmc.hdl.acceptance import Acceptance
from oxmc.hdl.array_port import ArrayPort
from oxmc.hdl.episode import trainer_of
from oxmc.hdl.gate_dac import GateDac
from oxmc.hdl.guard import Guard
from oxmc.hdl.host import Host, HostBus
from oxmc.hdl.inference import result_layout
from oxmc.hdl.lfsr import Lfsr
from oxmc.hdl.log_uniform import LogUniform
from oxmc.hdl.prior import Prior
from oxmc.hdl.pulse import Pulse
from oxmc.hdl.ram import Ram
from oxmc.hdl.row_counters import RowCounters
from oxmc.hdl.softmax.softmax_inference import inference_of
from oxmc.hdl.top.answers import Answers
from oxmc.hdl.top.arbiter import Arbiter
from oxmc.hdl.top.cell_reads import CellReads
from oxmc.hdl.top.loader import Loader, strobe_of
from oxmc.hdl.top.observers import observers
from oxmc.hdl.top.row_gates import RowGates
from oxmc.hdl.top.sample_path import SamplePath
from oxmc.hdl.top.status import Status
from oxmc.hdl.top.tally import Tally
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import Space

Connect = Callable[[Module], None]


def same(target: Any, source: Any, names: str) -> Iterator[Any]:
    """Wires from ports of `source` to those of the same `names` of `target`."""
    return (getattr(target, name).eq(getattr(source, name)) for name in names.split())


class Core(wiring.Component):
    """What every chip has. `oxmc.hdl.chip` adds what the configuration asks for.

    Blocks come with the methods that wire them. Each signal is driven in one place, without a condition, so the order
    of the methods means nothing; `tests/hdl/test_chip_drivers.py` refuses all else.
    """

    def __init__(self, formats: Formats, *, observed: bool = False):
        self.formats, self.observed = formats, observed
        super().__init__(
            {
                "host": Out(HostBus()),  # settings, commands, tables and status
                "array": Out(ArrayPort(formats)),  # to the array macro
                "result": Out(stream.Signature(result_layout(formats))),  # results of the test points
                "irq": Out(1),  # the ERRORS register is not 0
                "busy": Out(1),  # a command runs
                "waiting": Out(1),  # an episode waits for the host
                **(observers(formats) if observed else {}),
            }
        )

    @property
    def starting(self) -> Value:
        """A training starts, or an adaptation."""
        control = self.control
        return control.train | control.adapt if self.formats.config.ring else control.train

    def _build(self, m: Module) -> list[Connect]:
        """The blocks of every chip."""
        formats, config = self.formats, self.formats.config
        m.submodules.control = self.control = Host(formats)
        m.submodules.guard = self.guard = Guard(parity=config.parity != "off")
        m.submodules.loader = self.loader = Loader(formats)
        m.submodules.lfsr = self.lfsr = Lfsr(
            width=config.lfsr_bits, step_bits=config.lfsr_step_bits, summed=config.lfsr_output == "sum"
        )
        m.submodules.log_uniform = self.log_uniform = LogUniform(formats)
        m.submodules.gate_dac = self.gate_dac = GateDac(formats)
        m.submodules.row_gates = self.row_gates = RowGates(formats)
        m.submodules.row_counters = self.row_counters = RowCounters(formats)
        m.submodules.log_prior = self.log_prior = Prior(formats)
        m.submodules.acceptance = self.acceptance = Acceptance(formats)
        m.submodules.answers = self.answers = Answers(formats)
        m.submodules.cell_reads = self.cell_reads = CellReads(formats)
        self.pulse = Pulse(formats, tag_bits=self.answers.tag_bits)
        m.submodules.pulse = ResetInserter(self.guard.halt)(self.pulse)  # nothing follows of a pulse that was the last
        m.submodules.trainer = self.trainer = trainer_of(formats)
        m.submodules.inference = self.inference = inference_of(formats)
        m.submodules.samples = self.samples = Ram.of(formats, "samples")
        m.submodules.sample_path = self.sample_path = SamplePath(formats)
        m.submodules.tally = self.tally = Tally(formats)
        m.submodules.status = self.status = Status(formats)
        self.machines: list[Any] = [self.trainer, self.inference, self.gate_dac]
        self.tables: dict[Space, Ram] = {Space.RESPONSE: self.inference.table}
        self.commanders: dict[str, Any] = {"trainer": self.trainer, "inference": self.inference}
        return [
            self._connect_host,
            self._connect_status,
            self._connect_tables,
            self._connect_trainer,
            self._connect_inference,
            self._connect_decision,
            self._connect_counters,
            self._connect_samples,
            self._connect_answers,
            self._connect_gates,
        ]

    def _build_arbiter(self, m: Module) -> list[Connect]:
        """Who gives the array to the commanders, once all of them are there."""
        signatures = {name: block.command.signature for name, block in self.commanders.items()}
        m.submodules.arbiter = self.arbiter = Arbiter(self.formats, signatures)
        return [self._connect_array, self._connect_guard]

    def _connect_host(self, m: Module) -> None:
        """Settings and commands that every chip has."""
        control, trainer, inference = self.control, self.trainer, self.inference
        connect(m, flipped(self.host), control.bus)
        m.d.comb += [
            self.gate_dac.build.eq(control.build_map),
            trainer.start.eq(control.train),
            *same(trainer, control, "last_row last_sample max_proposals"),
            inference.start.eq(control.infer),
            inference.first_index.eq(control.last_sample + 1),
            inference.last_index.eq(control.last_test),
            inference.burn_in.eq(control.burn_in),
            self.log_prior.multiplier.eq(control.prior_multiplier),
            self.log_prior.shift.eq(control.prior_shift),
            self.lfsr.seed.eq(control.bus.write_data),
            self.lfsr.load.eq(control.seed_low),
            self.lfsr.load_high.eq(control.seed_high),
        ]

    def _connect_status(self, m: Module) -> None:
        """What the host can read at any time, and what it may ask for."""
        control, status, guard, trainer = self.control, self.status, self.guard, self.trainer
        m.d.comb += [
            status.busy.eq(self.busy),
            status.waiting.eq(self.waiting),
            status.stopped.eq(guard.stopped),
            status.mapped.eq(self.gate_dac.mapped),
            status.counted.eq(self.row_counters.count.any()),
            status.current_cost.eq(self.acceptance.current_cost),
            status.train_busy.eq(trainer.busy),
            status.train_row.eq(trainer.command.row),
            status.infer_busy.eq(self.inference.busy),
            status.infer_row.eq(self.inference.command.row),
            control.busy.eq(self.busy),
            control.waiting.eq(self.waiting & ~guard.stopped),
            control.mapped.eq(self.gate_dac.mapped),
            *same(control, status, "counted trained"),
            control.counter.eq(self.row_counters.counter),
            control.status_state.eq(status.state),
            control.status_row.eq(status.row),
            Cat(control.status_current_cost, control.status_current_cost_high).eq(status.cost),
            control.status_errors.eq(guard.errors),
            control.status_last_row.eq(trainer.current_row),
            control.status_proposals.eq(trainer.proposals),
            control.status_clamps.eq(self.tally.clamps),
            control.status_lost_counts.eq(self.row_counters.lost),
            control.status_total_counts.eq(self.row_counters.total),
        ]

    def _connect_tables(self, m: Module) -> None:
        """Host words to the memories."""
        control, loader, samples, lut = self.control, self.loader, self.samples, self.gate_dac.lut
        m.d.comb += [
            *same(loader, control, "writing space index"),
            loader.word.eq(control.bus.write_data),
            samples.write_lanes.eq(loader.write_samples),
            samples.write_address.eq(loader.sample),
            samples.write_data.eq(loader.sample_word),
            lut.write_lanes.eq(loader.write_lut),
            lut.write_address.eq(loader.lut_index),
            lut.write_data.eq(loader.lut_entry),
        ]
        for space, memory in self.tables.items():
            m.d.comb += [
                memory.write_lanes.eq(getattr(loader, strobe_of(space))),
                memory.write_address.eq(control.index),
                memory.write_data.eq(control.bus.write_data),
            ]

    def _connect_array(self, m: Module) -> None:
        """Commands through arbiter and pulse timing to the array port."""
        arbiter, pulse, array = self.arbiter, self.pulse, self.array
        for name, block in self.commanders.items():
            connect(m, block.command, getattr(arbiter, name))
        m.d.comb += [
            arbiter.gates.eq(self.row_gates.gates),
            arbiter.halt.eq(self.guard.halt),
            *same(arbiter, pulse, "running bl latch converting"),
            pulse.op.eq(arbiter.op),
            *same(pulse, self.answers, "tag wide"),
            array.op.eq(pulse.running),
            *same(array, pulse, "wl bl sl inputs_on latch"),
            *same(array, arbiter, "row cell segment gate mask"),
            array.inputs.eq(self.sample_path.inputs),
        ]

    def _connect_guard(self, m: Module) -> None:
        """Upsets of all state machines and what the host was refused; what stops them."""
        guard, control, pulse = self.guard, self.control, self.pulse
        m.d.comb += [
            *(machine.halt.eq(guard.halt) for machine in self.machines),
            guard.illegal.eq(Cat(machine.illegal for machine in self.machines).any()),
            guard.refused.eq(control.refused),
            guard.clear.eq(control.clear_errors),
            guard.abort.eq(control.abort),
            guard.starting.eq(control.starting),
            guard.busy.eq(self.busy),
            guard.pulsing.eq(pulse.wl),
            guard.latch.eq(pulse.latch),
            self.busy.eq(Cat(*(machine.busy for machine in self.machines), self.lfsr.busy).any()),
            self.irq.eq(guard.irq),
        ]

    def _connect_trainer(self, m: Module) -> None:
        """What the trainer tells the blocks around it of a training, and what it waits for."""
        trainer, tally = self.trainer, self.tally
        m.d.comb += [
            self.lfsr.draw.eq(trainer.draw),
            trainer.drawing.eq(self.lfsr.busy),
            trainer.label.eq(self.sample_path.label),
            tally.restart.eq(self.starting),
            tally.training.eq(trainer.busy),
            tally.first.eq(trainer.first),
            *same(tally, self.pulse, "running latch"),
            tally.clamped.eq(self.gate_dac.clamped),
            tally.cell.eq(trainer.command.cell),
        ]

    def _connect_inference(self, m: Module) -> None:
        """The rows that vote; their codes and counters. A softmax takes codes by way of the likelihood."""
        inference = self.inference
        coded = not self.formats.softmax
        m.d.comb += [
            inference.last_row.eq(self.trainer.current_row),
            *((inference.answer.eq(self.answers.voted),) if coded else ()),
            *((inference.code.eq(self.array.data[: len(inference.code)]),) if coded else ()),
            inference.counter.eq(self.row_counters.counter),
        ]

    def _connect_decision(self, m: Module) -> None:
        """The draw and the sums, and the decision by them."""
        trainer, prior, acceptance = self.trainer, self.log_prior, self.acceptance
        m.d.comb += [
            self.log_uniform.state.eq(self.lfsr.state),
            prior.clear.eq(trainer.propose),
            prior.ready.eq(trainer.summing),
            prior.valid.eq(self.cell_reads.valid),
            prior.code.eq(self.cell_reads.prior_code),
            acceptance.prior.eq(prior.cost),
            acceptance.neg_log2_u.eq(self.log_uniform.neg_log2),
            acceptance.compare.eq(trainer.decide),
            acceptance.keep.eq(trainer.accepted),
            trainer.accept.eq(acceptance.accept),
        ]

    def _connect_counters(self, m: Module) -> None:
        """What follows from the decision, and the votes' total."""
        trainer, counters, control = self.trainer, self.row_counters, self.control
        ring = self.formats.config.ring
        m.d.comb += [
            counters.restart.eq(self.starting),
            counters.begin.eq(trainer.accepted & ~trainer.stored if ring else trainer.accepted),
            counters.bump.eq(trainer.rejected),
            *same(counters, trainer, "store store_zero"),
            counters.row.eq(trainer.store_row),
            counters.begin_vote.eq(control.infer),
            counters.vote.eq(self.inference.voting),
            counters.fetch.eq(self.answers.counter_fetch),
            counters.fetch_row.eq(self.answers.counter_row),
        ]

    def _connect_samples(self, m: Module) -> None:
        """Samples from their memory to the array."""
        path, trainer, inference = self.sample_path, self.trainer, self.inference
        m.d.comb += [
            path.train_fetch.eq(trainer.fetch_sample),
            path.train_index.eq(trainer.fetch_index),
            path.vote_fetch.eq(inference.fetch_sample),
            path.vote_index.eq(inference.fetch_index),
            path.voting.eq(inference.busy),
            path.word.eq(self.samples.read_data),
            *same(self.samples, path, "read_enable read_address"),
        ]

    def _connect_answers(self, m: Module) -> None:
        """What a pulse's answer will belong to, and the answer that Pulse announces."""
        answers, pulse, trainer, inference = self.answers, self.pulse, self.trainer, self.inference
        control, ring = self.control, self.formats.config.ring
        m.d.comb += [
            *same(answers, pulse, "running inputs_on result_tag"),
            answers.voting.eq(inference.busy),
            answers.row.eq(inference.command.row),
            answers.cell.eq(trainer.command.cell),
            answers.is_label.eq(trainer.is_label),
            answers.valid.eq(pulse.result_valid),
            answers.is_eval.eq(pulse.result_is_eval),
            answers.host_fetch.eq(control.fetch_counter | control.adapt if ring else control.fetch_counter),
            answers.host_row.eq(Mux(control.adapt, control.start_row, control.index) if ring else control.index),
        ]

    def _connect_gates(self, m: Module) -> None:
        """Read codes to the gate DAC controller, gate codes from it."""
        reads, gate_dac, trainer = self.cell_reads, self.gate_dac, self.trainer
        m.d.comb += [
            reads.read.eq(self.answers.read),
            reads.code.eq(self.array.data[: len(reads.code)]),
            reads.tag.eq(self.pulse.result_tag),
            reads.fetch.eq(trainer.fetch_gate),
            reads.fetch_cell.eq(trainer.fetch_cell),
            gate_dac.fetch.eq(reads.gate_fetch),
            gate_dac.fetch_cell.eq(reads.gate_fetch_cell),
            *same(gate_dac, reads, "lookup lookup_code lookup_cell"),
            gate_dac.keep.eq(trainer.accepted),
            self.row_gates.first.eq(trainer.first),
            self.row_gates.found.eq(gate_dac.gate),
        ]
