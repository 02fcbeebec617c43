"""The wires of rows that are a ring."""

from __future__ import annotations

from amaranth import Module

from oxmc.hdl.top.core import same
from oxmc.hdl.top.preparation import Preparation


class Ring(Preparation):
    """The method that wires what an adaptation needs; `oxmc.hdl.chip` builds it where it is asked for."""

    def _connect_ring(self, m: Module) -> None:
        """Where an adaptation begins and ends, the host's way to the counters, and where the votes go round."""
        control, counters, trainer = self.control, self.row_counters, self.trainer
        m.d.comb += [
            trainer.resume.eq(control.adapt),
            *same(trainer, control, "start_row stop_row"),
            counters.resume.eq(control.adapt),
            counters.put.eq(self.loader.write_counters),
            counters.put_row.eq(control.index),
            counters.put_count.eq(control.bus.write_data),
            self.inference.ring_end.eq(control.last_row),
        ]
