"""Gives the array to whoever is at work, and brings its commands to the pulse timing and the array port."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import or_

from amaranth import Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.hdl.array_command import ArrayCommand
from oxmc.hdl.gate_dac import present
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import ArrayOp

TRAINER = "trainer"


class Arbiter(wiring.Component):
    """One port a commander, by its name. The trainer has the array unless another one asks for it by `valid`.

    At most one commander is at work, so all others name no pulse, which is zero, and `op` is all of theirs together.
    Whose address fields hold is a register, as what selects them must not glitch when states change. A field that a
    commander has not is the trainer's: a programmer writes the row that the trainer proposes. SETs of a commander
    without `gate` are at `gates`, RESETs of one without `mask` clear the whole row.

    Latency: combinational but for the change of hands, 1 cycle from `valid`.
    """

    def __init__(self, formats: Formats, commanders: Mapping[str, ArrayCommand]):
        self.formats, self.names = formats, tuple(commanders)
        super().__init__(
            {
                **{name: In(signature) for name, signature in commanders.items()},
                "gates": In(formats.gates_bits),  # gate codes of the row that is written, one a gate DAC
                # to and from Pulse
                "halt": In(1),  # no pulse may follow
                "op": Out(ArrayOp),  # pulse that begins with the next cycle; IDLE: none
                "running": In(ArrayOp),  # pulse on the pins
                "bl": In(1),  # the running pulse is a RESET
                "latch": In(1),  # last cycle of the running pulse
                "converting": In(1),  # a conversion runs: its answer is still to come
                # to the array port, as there
                "row": Out(formats.row_bits),  # to the array: row of the block that has it
                "cell": Out(formats.cell_bits),  # to the array: its cell, or the first one of a SET's group
                "segment": Out(formats.segment_bits),  # to the array: its hidden neuron or output
                "gate": Out(formats.gates_bits),  # to the array: gate codes of a SET, else 0; 0 past the end of the row
                "mask": Out(formats.cells),  # to the array: cells that a RESET clears, else 0
            }
        )

    def _elaborate_owners(self, m: Module) -> None:
        """Who else than the trainer has the array."""
        self.owns: dict[str, Signal] = {}
        for name in self.names:
            if name != TRAINER:
                self.owns[name] = owns = Signal(name=f"{name}_owns")
                m.d.sync += owns.eq(getattr(self, name).valid)

    def _of_owner(self, field: str, default: Value) -> Value:
        """The owner's field, `default` if it has none."""
        for name, owns in self.owns.items():
            commander = getattr(self, name)
            if field in commander.signature.members:
                default = Mux(owns, getattr(commander, field), default)
        return default

    def _elaborate_gates(self, m: Module) -> None:
        """Gate codes are zero but in a SET, and past the end of a row."""
        formats, dacs = self.formats, self.formats.config.gate_dacs
        codes = Signal.like(self.gate)
        m.d.comb += codes.eq(Mux(self.running == ArrayOp.SET, self._of_owner("gate", self.gates), 0))
        if formats.cells % dacs == 0:
            m.d.comb += self.gate.eq(codes)
            return
        for lane, is_present in enumerate(present(formats, self.cell)):
            code = codes.word_select(lane, formats.gate_bits)
            m.d.comb += self.gate.word_select(lane, formats.gate_bits).eq(Mux(is_present, code, 0))

    def elaborate(self, platform):
        formats, m = self.formats, Module()
        commanders = [getattr(self, name) for name in self.names]
        trainer = getattr(self, TRAINER)
        self._elaborate_owners(m)
        self._elaborate_gates(m)
        asked = reduce(or_, (Value.cast(commander.op) for commander in commanders))
        m.d.comb += [
            self.op.eq(Mux(self.halt, ArrayOp.IDLE, asked)),
            self.row.eq(self._of_owner("row", trainer.row)),
            self.cell.eq(self._of_owner("cell", trainer.cell)),
            self.segment.eq(self._of_owner("segment", trainer.segment)),
            self.mask.eq(Mux(self.bl, self._of_owner("mask", Const(2**formats.cells - 1, formats.cells)), 0)),
        ]
        for commander in commanders:
            m.d.comb += commander.latch.eq(self.latch)
            if "converting" in commander.signature.members:
                m.d.comb += commander.converting.eq(self.converting)
        return m
