"""What a block asks of the array: one interface for all that command it."""

from __future__ import annotations

from amaranth.lib.wiring import In, Out, Signature

from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import ArrayOp


class ArrayCommand(Signature):
    """Commander's side; on the other one is `oxmc.hdl.top.arbiter`.

    `op` is the pulse that begins with the next cycle, IDLE for none: a commander names each pulse a cycle ahead. From
    then to the cycle where `latch` is high, the pulse's last, the address fields hold. `row`, `cell`, `segment`,
    `gate` and `mask` are as in `ArrayPort`.

    `valid` is high from the cycle of the command to the block until it has ended; the fields are taken from the cycle
    after. `converting` is high while an answer is on its way.

    A commander has `op`, `latch` and those of the others that it `names`. Without `valid` it is the one that has the
    array while nobody else asks for it.
    """

    def __init__(self, formats: Formats, *names: str):
        others = {
            "valid": Out(1),  # asks for the array, from the cycle of `start` to the end of the work
            "row": Out(formats.row_bits),  # row of the running pulse
            "cell": Out(formats.cell_bits),  # cell of the running pulse, or the first one of a SET's group
            "segment": Out(formats.segment_bits),  # hidden neuron or output that an EVAL evaluates
            "gate": Out(formats.gates_bits),  # gate codes of a SET, one a gate DAC
            "mask": Out(formats.cells),  # cells that a RESET clears, one bit a cell
            "converting": In(1),  # a conversion runs: its answer is still to come
        }
        super().__init__(
            {
                "op": Out(ArrayOp),  # pulse that begins with the next cycle; IDLE: none
                "latch": In(1),  # last cycle of the running pulse: the address fields may change after it
                **{name: others[name] for name in names},
            }
        )
