"""Clock cycles and events of the chip by formula (docs/design.md, cycle budget)."""

from __future__ import annotations

from collections.abc import Mapping

from oxmc.pymodels.config import Config
from oxmc.pymodels.events import EVENTS, PHASES
from oxmc.pymodels.formats import Formats

COMMANDS = 3
"""Host words that start the code map's build, the training and the inference; two more start what comes ahead."""

TALLIED = (
    "set", "reset", "read", "reset_pulse", "retry", "switch", "sweep", "sample_read", "eval", "order_read",
    "order_write", "stored", "rejected", "activation", "layer",
)  # fmt: skip
"""What the formulas need to know of a chain, as `oxmc.pymodels.twin.state.TALLIES` explains it."""


def build_cycles(formats: Formats) -> int:
    """Building the code map: one write a read code, two cycles a LUT entry, one to start."""
    return 1 + 2**formats.config.read_bits + 2 * formats.config.gate_codes


def row_cycles(formats: Formats) -> int:
    """Programming a row plainly: a SET a group of cells that have a gate DAC each, a READ a cell."""
    c = formats.config
    return formats.set_groups * c.cycles(c.set_pulse_s) + formats.cells * c.cycles(c.read_pulse_s)


def programming_cycles(formats: Formats, retries: int, switches: int) -> int:
    """Programming one proposed row, with `retries` RESET and SET repeats, `switches` of them after a change of side."""
    c = formats.config
    if c.verify == "off":
        return row_cycles(formats)
    attempt = c.cycles(c.set_pulse_s) + c.cycles(c.read_pulse_s) + c.cycles(c.conversion_s)
    retry = c.cycles(c.reset_pulse_s) + attempt
    if c.verify == "cell":
        return formats.cells * (2 + attempt) + retries * retry
    return formats.pairs * (4 + 2 * attempt) + retries * (2 + retry) + switches * 3


def draw_steps(config: Config) -> int:
    """Cycles of a draw of the LFSR."""
    return config.lfsr_bits // config.lfsr_step_bits


def first_draws(formats: Formats) -> int:
    """Draws for the gate codes of row 0, each ahead of its SET."""
    return formats.cells if formats.config.init == "random" else 0


def threshold_cycles(config: Config, verified: bool) -> int:
    """Waiting for the last pair's prior before the first evaluation, where early rejection needs the threshold."""
    if not config.early_rejection:
        return 0
    return 2 if verified else config.cycles(config.conversion_s) + 2


def layer_cycles(config: Config) -> int:
    """Waiting for the last hidden neuron's conversion and sigmoid before the outputs are evaluated."""
    return config.cycles(config.conversion_s) + 1 if config.hidden else 0


def sample_cycles(formats: Formats) -> int:
    """All evaluations of one sample under one row."""
    c = formats.config
    return formats.segments * c.cycles(c.eval_pulse_s) + layer_cycles(c)


def hastings_cycles(config: Config) -> int:
    """Waiting for the last cell's part of the Hastings correction, a cycle longer than for its pair's prior."""
    return 1 if config.hastings and config.early_rejection else 0


def sweep_cycles(formats: Formats) -> int:
    """All evaluations of one row, what follows the last of them, and the decision."""
    c = formats.config
    evaluations = c.train_samples * sample_cycles(formats)
    return (c.sample_order == "hard_first") + evaluations + c.cycles(c.conversion_s) + 2


def train_cycles(formats: Formats, proposals: int, tally: Mapping[str, int], *, adapts: bool = False) -> int:
    """RESET of every row, row 0, all proposals, a RESET a rejection, and storing the last counter.

    A proposal rejected ahead of its first evaluation goes from the threshold straight to the decision. An adaptation
    READs its first row, and RESETs each further one a cycle after it has emptied its counter.
    """
    c = formats.config
    verified = c.verify != "off"
    first = threshold_cycles(c, False) + sweep_cycles(formats)
    first += formats.cells * c.cycles(c.read_pulse_s) if adapts else row_cycles(formats)
    first += 0 if adapts else first_draws(formats) * draw_steps(c)
    programming = programming_cycles(formats, 0, 0) + threshold_cycles(c, verified) + hastings_cycles(c)
    extra = programming_cycles(formats, tally["retry"], tally["switch"]) - programming_cycles(formats, 0, 0)
    full = c.train_samples * formats.segments
    swept = tally["sweep"] - 1  # proposals with at least one evaluation
    sweeps = swept * (sweep_cycles(formats) - c.train_samples * sample_cycles(formats))
    evaluations = (tally["eval"] - full) * c.cycles(c.eval_pulse_s)
    evaluations += (tally["layer"] - c.train_samples) * layer_cycles(c)
    unswept = proposals - swept
    cleared, emptied = (tally["forgotten"], tally["forgotten"]) if adapts else (c.rows, 0)
    resets = (cleared + tally["rejected"]) * c.cycles(c.reset_pulse_s) + emptied
    return resets + first + proposals * programming + extra + sweeps + evaluations + unswept + 1


def infer_cycles(formats: Formats, voting_rows: int) -> int:
    """A fetch a test point, and an EVAL a voting row and output, then settling and the result.

    With a hidden layer or a softmax all segments of a row are evaluated before the next row's; the results come at the
    end. The shares of the last row's softmax are looked up one after the other.
    """
    c = formats.config
    if c.hidden or formats.softmax:
        settling = c.cycles(c.conversion_s) + 1 + (c.outputs + 1 if formats.softmax else 0)
        return c.test_samples * (1 + voting_rows * sample_cycles(formats) + settling + c.outputs)
    output = voting_rows * c.cycles(c.eval_pulse_s) + c.cycles(c.conversion_s) + 2
    return c.test_samples * (1 + c.outputs * output)


def event_counts(
    formats: Formats, words: int, proposals: int, last_row: int, voting_rows: int, tally: Mapping[str, int], *,
    adapts: bool = False,
) -> dict[str, dict[str, int]]:  # fmt: skip
    """Events by phase of a run in which the host loaded `words` words ahead of its commands.

    `tally` has the counts named in `TALLIED`, and of an adaptation `forgotten`. A chip whose rows are a ring has stored
    each decision's counter, and in clearing the array each row's.
    """
    c = formats.config
    votes = c.test_samples * c.outputs * voting_rows
    commands = COMMANDS + c.form + c.calibrate + (c.auto_zero_bits > 0)
    load = {
        "host_write": words + commands,
        "lut_read": c.gate_codes,
        "map_write": 2**c.read_bits,
        "counter_read": int(adapts),
        "cycle": words + commands + build_cycles(formats),
    }
    train = {name: tally[name] for name in ("reset", "set", "read", "eval", "reset_pulse", "sample_read")}
    train |= {
        "eval_line": tally["sweep"] + (tally["layer"] if c.hidden else 0),  # it falls while the outputs wait
        "activation": tally["activation"],
        "likelihood_add": tally["eval"] - tally["activation"],
        "prior_square": (proposals + 1) * formats.pairs,
        "lfsr_step": (proposals + (0 if adapts else first_draws(formats))) * draw_steps(c),
        "decision": proposals,
        "counter_write": tally["stored"] + c.ring * (1 if adapts else 1 + c.rows),
        "cycle": train_cycles(formats, proposals, tally, adapts=adapts),
        **_programming_events(formats, proposals, tally),
    }
    activations = c.test_samples * c.hidden * voting_rows
    infer = {
        "eval": activations + votes,
        "eval_line": (2 if c.hidden else 1 if formats.softmax else c.outputs) * c.test_samples * voting_rows,
        "activation": activations,
        "sample_read": c.test_samples,
        "counter_read": votes,
        "response_add": votes,
        "likelihood_add": votes if formats.softmax else 0,
        "classify": c.test_samples,
        "cycle": infer_cycles(formats, voting_rows),
    }
    phases = {"load": load, "train": train, "infer": infer}
    return {phase: dict.fromkeys(EVENTS, 0) | phases.get(phase, {}) for phase in PHASES}


def form_cycles(formats: Formats) -> int:
    """Forming and conditioning: a FORM a cell, a SET a group of them, a RESET a row."""
    c = formats.config
    pulses = formats.cells + c.condition_cycles * formats.set_groups
    return c.rows * (pulses * c.cycles(c.set_pulse_s) + (c.condition_cycles + 1) * c.cycles(c.reset_pulse_s))


def calibration_cycles(formats: Formats) -> int:
    """Clearing the histogram, then a gate code the sweep, settling and the walk up the codes."""
    c, codes = formats.config, 2**formats.config.read_bits
    reset = c.cycles(c.reset_pulse_s)
    rows = formats.calibration_rows * (row_cycles(formats) + reset)
    return codes + c.gate_codes * (rows + 1 + max(0, c.cycles(c.conversion_s) + 1 - reset) + codes + 2)


def auto_zero_cycles(formats: Formats) -> int:
    """An EVAL and its conversion a bit of the trim DAC."""
    c = formats.config
    return c.auto_zero_bits * (c.cycles(c.eval_pulse_s) + c.cycles(c.conversion_s))


def preparation_counts(formats: Formats, tallies: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    """Events of forming, auto-zero and calibrating, where the configuration has them; `tallies` as in
    `event_counts`."""
    c = formats.config
    pulses = ("reset", "set", "read", "reset_pulse")
    counts = {
        phase: dict.fromkeys(EVENTS, 0) | {name: tally[name] for name in pulses} for phase, tally in tallies.items()
    }
    if c.form:
        counts["form"] |= {"form": c.rows * formats.cells, "cycle": form_cycles(formats)}
    if c.calibrate:
        scanned = c.gate_codes * 2**c.read_bits
        counts["calibrate"] |= {
            "histogram_read": tallies["calibrate"]["read"] + scanned,
            "histogram_write": tallies["calibrate"]["read"] + scanned + 2**c.read_bits,
            "lut_write": c.gate_codes,
            "cycle": calibration_cycles(formats),
        }
    counts["calibrate"]["eval"] += c.auto_zero_bits
    counts["calibrate"]["eval_line"] += c.auto_zero_bits
    counts["calibrate"]["cycle"] += auto_zero_cycles(formats)
    return counts


def _programming_events(formats: Formats, proposals: int, tally: Mapping[str, int]) -> dict[str, int]:
    """Look-ups and small memories behind the SETs, by the way rows are programmed."""
    c, cells, sweeps = formats.config, formats.cells, proposals + 1
    order = {"order_read": tally["order_read"], "order_write": tally["order_write"]}
    if c.verify == "pair":
        attempts = proposals * cells + tally["retry"]
        return order | {
            "gate_lookup": attempts + tally["switch"],
            "offset_read": attempts + tally["switch"],
            "offset_write": attempts,
            "pair_read": proposals * formats.pairs,
            "pair_write": sweeps * formats.pairs,
        }
    return order | {
        "gate_lookup": sweeps * cells,
        "gate_code_write": sweeps * cells,
        "gate_code_read": proposals * (formats.set_groups + (cells if c.hastings else 0)),
        "hastings_term": proposals * cells if c.hastings else 0,
    }
