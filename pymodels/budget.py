"""Clock cycles and events of the chip by formula (docs/design.md, cycle budget)."""

from __future__ import annotations

from pymodels.events import EVENTS
from pymodels.fixed import Formats

COMMANDS = 3
"""Host words that start the code map's build, the training and the inference."""


def build_cycles(formats: Formats) -> int:
    """Building the code map: one write a read code, two cycles a LUT entry, one to start."""
    return 1 + 2**formats.config.read_bits + 2 * formats.config.gate_codes


def proposal_cycles(formats: Formats) -> int:
    """From opening a proposal to its decision: SET and READ each cell, EVAL each sample and output, settle, decide."""
    c = formats.config
    cells = formats.cells * (c.cycles(c.set_pulse_s) + c.cycles(c.read_pulse_s))
    return cells + c.train_samples * c.outputs * c.cycles(c.eval_pulse_s) + c.cycles(c.conversion_s) + 2


def draw_stall_cycles(formats: Formats) -> int:
    """Cycles a decision waits for its uniform draw, which runs beside the pulses: 0 but for the tiniest geometries."""
    return max(0, formats.config.lfsr_bits // formats.config.lfsr_step_bits + 2 - proposal_cycles(formats))


def train_cycles(formats: Formats, proposals: int, rejected: int) -> int:
    """RESET of every row, row 0, all proposals, a RESET a rejection, and storing the last counter."""
    c = formats.config
    resets = (c.rows + rejected) * c.cycles(c.reset_pulse_s)
    return resets + (proposals + 1) * proposal_cycles(formats) + proposals * draw_stall_cycles(formats) + 1


def infer_cycles(formats: Formats, voting_rows: int) -> int:
    """A fetch a test point, and an EVAL a voting row and output, then settling and the result."""
    c = formats.config
    output = voting_rows * c.cycles(c.eval_pulse_s) + c.cycles(c.conversion_s) + 2
    return c.test_samples * (1 + c.outputs * output)


def event_counts(
    formats: Formats, *, words: int, proposals: int, rejected: int, last_row: int, voting_rows: int
) -> dict[str, dict[str, int]]:
    """Events by phase of a run in which the host loaded `words` words ahead of its commands."""
    c = formats.config
    sweeps, cells, samples = proposals + 1, formats.cells, c.train_samples
    resets, votes = c.rows + rejected, c.test_samples * c.outputs * voting_rows
    load = {
        "host_write": words + COMMANDS,
        "lut_read": c.gate_codes,
        "map_write": 2**c.read_bits,
        "cycle": words + COMMANDS + build_cycles(formats),
    }
    train = {
        "reset": resets * cells,
        "set": sweeps * cells,
        "read": sweeps * cells,
        "eval": sweeps * samples * c.outputs,
        "reset_pulse": resets,
        "gate_lookup": sweeps * cells,
        "gate_code_write": sweeps * cells,
        "gate_code_read": proposals * cells,
        "sample_read": sweeps * samples,
        "likelihood_add": sweeps * samples * c.outputs,
        "prior_square": sweeps * formats.pairs,
        "lfsr_step": proposals * (c.lfsr_bits // c.lfsr_step_bits),
        "decision": proposals,
        "counter_write": last_row + 1,
        "cycle": train_cycles(formats, proposals, rejected),
    }
    infer = {
        "eval": votes,
        "sample_read": c.test_samples,
        "counter_read": votes,
        "response_add": votes,
        "classify": c.test_samples,
        "cycle": infer_cycles(formats, voting_rows),
    }
    phases = {"load": load, "train": train, "infer": infer}
    return {phase: dict.fromkeys(EVENTS, 0) | counts for phase, counts in phases.items()}
