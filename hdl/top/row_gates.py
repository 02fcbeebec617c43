"""Gate codes of the row that is written: row 0's, or those that the gate DAC controller found."""

from __future__ import annotations

from amaranth import Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.pymodels.formats import Formats


class RowGates(wiring.Component):
    """In row 0 all gate DACs have the same code: the lowest, a setting, or a fresh draw of the LFSR, whose low bits
    times the number of codes give it.

    Latency: combinational.
    """

    def __init__(self, formats: Formats):
        self.formats = formats
        init = formats.config.init
        setting = {"first_gate": In(formats.gate_bits)}  # gate code of row 0
        draw = {"drawn": In(formats.first_draw_bits)}  # bits of the LFSR's last draw
        super().__init__(
            {
                "first": In(1),  # the row is row 0
                **(draw if init == "random" else setting if init != "lowest" else {}),
                "found": In(formats.gates_bits),  # gate codes for all other rows, one a gate DAC
                "gates": Out(formats.gates_bits),  # gate codes of the row that is written, one a gate DAC
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self.formats.config
        if config.init == "random":
            first = ((self.drawn * config.gate_codes) >> len(self.drawn))[: self.formats.gate_bits]
        else:
            first = self.first_gate if config.init != "lowest" else None
        codes = 0 if first is None else first.replicate(config.gate_dacs)
        m.d.comb += self.gates.eq(Mux(self.first, codes, self.found))
        return m
