"""What those who watch a simulation see of the chip: its phase, its events and the decisions of its chain."""

from __future__ import annotations

from functools import reduce
from typing import Any

from amaranth import Cat, Const, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import Out

from oxmc.pymodels.events import DIGITAL_EVENTS, PHASES
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.interface import PROPOSAL_BITS, decision_widths

STROBES = {
    "host_write": "control.writing",
    "lut_read": "gate_dac.searching",
    "map_write": "gate_dac.mapping",
    "gate_lookup": "gate_dac.lookup",
    "gate_code_write": "gate_dac.storing",
    "gate_code_read": "gate_dac.fetch",
    "pair_read": "programmer.pair_fetch",
    "pair_write": "programmer.store",
    "offset_read": "programmer.offset_fetch",
    "offset_write": "programmer.offset_store",
    "order_read": "sample_order.fetch",
    "order_write": "sample_order.filing",
    "sample_read": "samples.read_enable",
    "activation": "activation.valid",
    "likelihood_add": "log_likelihood.adding",
    "prior_square": "log_prior.square",
    "hastings_term": "hastings.valid",
    "lfsr_step": "lfsr.busy",
    "counter_read": "row_counters.fetch",
    "response_add": "inference.adding",
    "histogram_read": "calibrator.counting_read",
    "histogram_write": "calibrator.counting_write",
    "lut_write": "calibrator.write",
}
"""Events and the signals that mark them, as BLOCK.PORT; without the block or the port there is no such event."""


def decision_layout(formats: Formats) -> data.StructLayout:
    """The fields of `decision_widths`."""
    return data.StructLayout(decision_widths(formats))


def observers(formats: Formats) -> dict[str, wiring.Member]:
    """Ports for those who watch a simulation."""
    return {
        "phase": Out(range(len(PHASES))),  # index into `events.PHASES` of what the chip is doing
        "row": Out(formats.row_bits),  # that the trainer writes
        "proposals": Out(PROPOSAL_BITS),  # that are decided
        "events": Out(len(DIGITAL_EVENTS)),  # one strobe a name
        "decide": Out(1),  # this cycle's `decision` is one
        "decision": Out(decision_layout(formats)),
    }


def observed(chip: Any) -> list[Any]:
    """What drives the ports of `observers`; all blocks of `chip` are built."""
    return [
        chip.phase.eq(chip.status.phase),
        chip.row.eq(chip.trainer.command.row),
        chip.proposals.eq(chip.trainer.proposals),
        chip.events.eq(_events_of(chip)),
        chip.decide.eq(chip.trainer.decide),
        *(chip.decision[name].eq(value) for name, value in _decision_of(chip).items()),
    ]


def _events_of(chip: Any) -> Value:
    """One strobe a name of `events.DIGITAL_EVENTS`."""
    trainer, result = chip.trainer, chip.result
    composed = {
        "decision": trainer.decide & ~trainer.first,
        "counter_write": trainer.store | trainer.store_zero,
        **({"likelihood_add": chip.log_likelihood.folding} if chip.formats.softmax else {}),
        "classify": result.valid & result.ready & result.payload.last,
    }
    found = {
        name: reduce(lambda at, part: getattr(at, part, None), path.split("."), chip) for name, path in STROBES.items()
    }
    strobes = {name: Const(0, 1) if signal is None else signal for name, signal in found.items()} | composed
    return Cat(strobes[name] for name in DIGITAL_EVENTS)


def _decision_of(chip: Any) -> dict[str, Value]:
    """The fields of `decision_layout`."""
    trainer = chip.trainer
    corrected = {"hastings": chip.hastings.cost} if chip.formats.config.hastings else {}
    return {
        "accepted": trainer.accepted,
        "row": trainer.command.row,
        "current_row": trainer.current_row,
        "counter": chip.row_counters.count,
        "prior": chip.log_prior.cost,
        "neg_log2_u": chip.log_uniform.neg_log2,
        "current_cost": chip.acceptance.current_cost,
        "likelihood": chip.reward.cost if chip.formats.rewards else chip.log_likelihood.sum,
        **corrected,
    }
