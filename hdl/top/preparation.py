"""The wires of what makes an array ready for trainings: forming, calibration and the front end's auto-zero."""

from __future__ import annotations

from amaranth import Cat, Module

from oxmc.hdl.top.core import Core


class Preparation(Core):
    """The methods that wire the former, the calibrator and the auto-zero; `oxmc.hdl.chip` builds those asked for."""

    def _connect_preparation(self, m: Module) -> None:
        """While the former or the calibrator has the array, the training's blocks see nothing of it."""
        control, status = self.control, self.status
        m.d.comb += [
            status.train.eq(self.starting),
            self.cell_reads.preparing.eq(Cat(block.busy for block in self.preparing.values()).any()),
        ]
        for name, block in self.preparing.items():
            m.d.comb += [
                block.start.eq(getattr(control, name)),
                getattr(status, name).eq(getattr(control, name)),
                getattr(status, f"{name}_busy").eq(block.busy),
                getattr(status, f"{name}_row").eq(block.command.row),
            ]

    def _connect_former(self, m: Module) -> None:
        m.d.comb += [
            self.former.last_row.eq(self.control.last_row),
            self.former.cycles.eq(self.control.condition_cycles),
        ]

    def _connect_calibrator(self, m: Module) -> None:
        """It writes the LUT, which the host may then read."""
        calibrator, control, loader, gate_dac = self.calibrator, self.control, self.loader, self.gate_dac
        m.d.comb += [
            calibrator.last_row.eq(control.calibration_last_row),
            calibrator.answer.eq(self.pulse.result_valid & calibrator.busy),
            calibrator.code.eq(self.array.data[: len(calibrator.code)]),
            loader.measured.eq(calibrator.write),
            loader.measured_gate.eq(calibrator.gate),
            loader.measured_entry.eq(calibrator.entry),
            gate_dac.fetch_entry.eq(control.fetch_lut),
            gate_dac.entry_index.eq(control.index),
            control.lut_entry.eq(gate_dac.lut.read_data),
        ]

    def _connect_auto_zero(self, m: Module) -> None:
        """While it searches, inputs are zero and no one else takes an answer."""
        auto_zero = self.front_end
        m.d.comb += [
            auto_zero.start.eq(self.control.auto_zero),
            auto_zero.answer.eq(self.pulse.result_valid & auto_zero.busy),
            auto_zero.negative.eq(self.array.data[self.formats.config.adc_bits - 1]),
            self.array.trim.eq(auto_zero.trim),
            self.sample_path.zeros.eq(auto_zero.busy),
            self.answers.zeroing.eq(auto_zero.busy),
            self.status.zero_busy.eq(auto_zero.busy),
        ]
