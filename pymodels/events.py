"""Names of everything a run counts: array operations, digital events, quantities, phases.

The chip raises one strobe a digital event and cycle; the array port counts cells and row-segments. Energies are
costs times these counts (`energy/`), so a name that is not here is an error wherever it turns up.
"""

from __future__ import annotations

from collections.abc import Iterable

PHASES = ("load", "train", "infer", "form", "calibrate")
"""What the chip is busy with: host loading and LUT map, the Markov chain, inference on the test points; forming and
conditioning, and the calibration of the LUT and of the front end's offset (its EVALs), where these are asked for."""

ARRAY_EVENTS = {
    "form": "cells formed",
    "reset": "cells that saw a RESET pulse",
    "set": "cells that saw a SET pulse",
    "read": "cells read through the read converter",
    "eval": "row-segments evaluated through the ADC",
}

PULSE_EVENTS = {
    "reset_pulse": "RESET pulses, each on one row's cells at once",
}

LINE_EVENTS = {
    "eval_line": "word lines raised for evaluations that follow each other on one row",
}

DIGITAL_EVENTS = {
    "host_write": "host words written",
    "lut_read": "LUT entries read while the code map is built",
    "map_write": "code map entries written",
    "gate_lookup": "code map look-ups, one a cell read",
    "gate_code_write": "gate codes stored for the next row",
    "gate_code_read": "words of gate codes fetched, one ahead of a SET pulse",
    "pair_read": "pair differences of the current row fetched by a verified programming",
    "pair_write": "pair differences of the proposed row stored",
    "offset_read": "learned code offsets of a device fetched",
    "offset_write": "learned code offsets of a device stored",
    "order_read": "entries of the evaluation order fetched",
    "order_write": "entries of the next evaluation order stored",
    "sample_read": "samples fetched from the sample memory",
    "activation": "sigmoid table look-ups, one a hidden neuron evaluated",
    "likelihood_add": "likelihood table look-ups, each added to the sum; of a softmax those of the inference, too",
    "prior_square": "pair differences squared and added",
    "hastings_term": "cells whose ways there and back joined the Hastings correction",
    "lfsr_step": "clocks on which the LFSR advanced",
    "decision": "acceptance decisions",
    "counter_write": "row counters stored",
    "counter_read": "row counters fetched, by the inference or the host",
    "response_add": "response table look-ups, each weighted by a counter and added",
    "classify": "test points classified, or actions chosen in training",
    "histogram_read": "counts of the calibration's histogram fetched",
    "histogram_write": "counts of the calibration's histogram stored",
    "lut_write": "LUT entries stored by the calibration",
}

CLOCK_EVENTS = {
    "cycle": "clock cycles",
}

EVENTS: dict[str, str] = {**ARRAY_EVENTS, **PULSE_EVENTS, **LINE_EVENTS, **DIGITAL_EVENTS, **CLOCK_EVENTS}

QUANTITIES = {
    "form_current_na_cycles": "programming current times pulse cycles, summed over FORMs, in nA",
    "set_current_na_cycles": "programming current of the gate code times pulse cycles, summed over SETs, in nA",
    "reset_conductance_ns_cycles": "conductance before plus after, times pulse cycles, summed over RESET cells, in nS",
    "read_conductance_ns_cycles": "conductance times pulse cycles, summed over READs, in nS",
    "eval_conductance_code2_ns_cycles": "conductance times squared input code times pulse cycles, summed over EVALs' "
    "cells, in nS",
}
"""Exact integers that the array's joules scale with; `energy/` multiplies them by V^2, V and the clock period."""

QUANTITY_OF = {name.partition("_")[0]: name for name in QUANTITIES}
"""The quantity that each array operation's joules are proportional to, whose name begins with the operation's."""


def check_names(names: Iterable[str], known: Iterable[str], what: str) -> None:
    """Raise `KeyError` naming the first of `names` that is not in `known`."""
    unknown = [name for name in names if name not in set(known)]
    if unknown:
        raise KeyError(f"{unknown[0]!r} is not a known {what}")
