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
            "programming": In(1),  # the programmer is busy
            "push": In(1),  # it gives a code
            "push_code": In(code),  # this one
        }
        by_verify = {
            "off": {},
            "cell": {
                "push_cell": In(cell),  # that the programmer works on
                "push_fetch": In(1),  # it asks for the cell's gate code and target
            },
            "pair": {
                "aim": In(1),  # the programmer looks up a gate code
                "aim_code": In(code),  # for this read code
                "push_pair": In(self.pair_bits),  # that the programmer works on
                "pair": Out(self.pair_bits),  # of the code given to the prior
            },
        }
        super().__init__(
            {
                "read": In(1),  # a plain READ's answer
                "code": In(code),  # that was read
                "tag": In(cell),  # its cell
                "fetch": In(1),  # the trainer asks for the gate code of a cell of the next row
                "fetch_cell": In(cell),  # this one
                **({"preparing": In(1)} if config.form or config.calibrate else {}),
                **(programmer if config.verify != "off" else {}),
                **by_verify[config.verify],
                **({"corrects": In(1)} if config.hastings else {}),  # the row that is read is a proposed one
                # to the prior
                "valid": Out(1),  # a code is there
                "prior_code": Out(code),  # this one
                # to the gate DAC controller, as there
                "gate_fetch": Out(1),  # a gate code is asked for
                "gate_fetch_cell": Out(cell),  # of this cell
                "lookup": Out(1),  # a read code is looked up
                "lookup_code": Out(code),  # this one
                "lookup_cell": Out(cell),  # for this cell
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
