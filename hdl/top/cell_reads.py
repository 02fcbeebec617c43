"""Read codes of the proposed row on their way to the prior and the gate DAC controller."""

from __future__ import annotations

from amaranth import Const, Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oxmc.pymodels.formats import Formats, bits_for


class CellReads(wiring.Component):
    """Codes come from plain READs or, while a programmer writes the row, from it. Those of READs ahead of a training,
    while `preparing`, go nowhere.

    Each code is looked up for the cell's gate code in the next row; a pair's programmer looks up what it aims at
    instead, as there are no gate codes to keep. With the Hastings correction the current row's code of the same cell is
    fetched beside.

    Latency: combinational.
    """

    def __init__(self, formats: Formats):
        self.formats = formats
        config = formats.config
        code, cell = config.read_bits, formats.cell_bits
        self.pair_bits = bits_for(formats.pairs - 1)
        programmer = {
            "programming": In(1),  # a programmer writes the row: codes come from it
            "push": In(1),  # the programmer gives a final read code
            "push_code": In(code),  # the final read code that it gives
        }
        by_verify = {
            "off": {},
            "cell": {
                "push_cell": In(cell),  # cell that the programmer works on
                "push_fetch": In(1),  # the programmer asks for that cell's gate code and target
            },
            "pair": {
                "aim": In(1),  # the programmer looks up a gate code
                "aim_code": In(code),  # read code that it looks up
                "push_pair": In(self.pair_bits),  # pair that the programmer works on
                "pair": Out(self.pair_bits),  # pair of the code that goes to the prior
            },
        }
        preparing = {"preparing": In(1)}  # forming or calibration runs: its reads are not the row's
        corrects = {"corrects": In(1)}  # the row is not row 0: fetch the current row's codes of each cell
        super().__init__(
            {
                "read": In(1),  # the answer to a READ is there
                "code": In(code),  # read code of that answer
                "tag": In(cell),  # cell of that answer
                "fetch": In(1),  # the trainer asks for the gate codes of a group
                "fetch_cell": In(cell),  # first cell of that group
                **(preparing if config.form or config.calibrate else {}),
                **(programmer if config.verify != "off" else {}),
                **by_verify[config.verify],
                **(corrects if config.hastings else {}),
                # to the prior
                "valid": Out(1),  # a read code of the row is there
                "prior_code": Out(code),  # that read code
                # to the gate DAC controller, as there
                "gate_fetch": Out(1),  # a gate code is asked for
                "gate_fetch_cell": Out(cell),  # cell whose gate code is asked for, or the first one of its group
                "lookup": Out(1),  # a read code is looked up
                "lookup_code": Out(code),  # the read code that is looked up
                "lookup_cell": Out(cell),  # cell that it belongs to
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self.formats.config
        valid, code, cell = self.read, self.code, self.tag
        fetch, fetch_cell = self.fetch, self.fetch_cell
        if config.verify != "off":
            valid, code = Mux(self.programming, self.push, valid), Mux(self.programming, self.push_code, code)
        if config.verify == "cell":
            cell, fetch = Mux(self.programming, self.push_cell, cell), Mux(self.programming, self.push_fetch, fetch)
            fetch_cell = Mux(self.programming, self.push_cell, fetch_cell)
        if config.verify == "pair":
            m.d.comb += self.pair.eq(Mux(self.programming, self.push_pair, self.tag[1:]))
        if config.hastings:
            beside = self.lookup & self.corrects
            fetch, fetch_cell = fetch | beside, Mux(beside, self.lookup_cell, fetch_cell)
        lookup, lookup_code = (self.aim, self.aim_code) if config.verify == "pair" else (valid, code)
        heard = ~self.preparing if config.form or config.calibrate else Const(1)
        m.d.comb += [
            self.valid.eq(valid & heard),
            self.prior_code.eq(code),
            self.gate_fetch.eq(fetch),
            self.gate_fetch_cell.eq(fetch_cell),
            self.lookup.eq(lookup & heard),
            self.lookup_code.eq(lookup_code),
            self.lookup_cell.eq(cell),
        ]
        return m
