"""The port between the chip and the OxRAM array macro."""

from __future__ import annotations

from amaranth.lib.wiring import In, Out, Signature

from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import ArrayOp

PULSE_PINS = ("wl", "bl", "sl", "inputs_on")
DRIVEN = {
    ArrayOp.IDLE: (0, 0, 0, 0),
    ArrayOp.FORM: (1, 0, 1, 0),
    ArrayOp.RESET: (1, 1, 0, 0),
    ArrayOp.SET: (1, 0, 1, 0),
    ArrayOp.READ: (1, 0, 1, 0),
    ArrayOp.EVAL: (1, 0, 0, 1),
}
"""What each command drives on `PULSE_PINS`."""


class ArrayPort(Signature):
    """Chip side of the array port.

    `wl`, `bl`, `sl` and `inputs_on` are the pulse pins: SET and FORM drive WL and SL, RESET WL and BL, READ WL and SL,
    EVAL WL and the input drivers. They and `op` are flip-flops with nothing behind them, which `rst` clears without a
    clock: they change at most once a cycle. Address fields settle after the edge that begins a pulse and are stable
    until the one that ends it. `latch` is high in the last cycle of a pulse; the array acts at the clock edge that ends
    it. A READ or EVAL answers on `data`, which the chip samples at the end of the conversion time counted from that
    edge. `gate` has one code a gate DAC: with several a SET programs the cells from `cell` on, a multiple of the DACs'
    number, that of `cell` at the code in the lowest bits; past the end of the row codes are zero. `segment` names a
    hidden neuron or, behind those, an output; of the lanes of `inputs` it takes the lowest, one a feature or hidden
    neuron, the others are zero. `trim` is there with `auto_zero_bits` and holds between searches.
    """

    def __init__(self, formats: Formats):
        super().__init__(
            {
                "op": Out(ArrayOp),
                "row": Out(formats.row_bits),  # that the pulse acts on
                "cell": Out(formats.cell_bits),
                "mask": Out(formats.cells),  # cells that a RESET clears
                "gate": Out(formats.gates_bits),
                "segment": Out(formats.segment_bits),
                "inputs": Out(formats.lanes_bits),
                "wl": Out(1),
                "bl": Out(1),
                "sl": Out(1),
                "inputs_on": Out(1),
                "latch": Out(1),
                "data": In(formats.data_bits),
                **({"trim": Out(trim_bits)} if (trim_bits := formats.config.auto_zero_bits) else {}),
            }
        )
