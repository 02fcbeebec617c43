"""Clock cycles and events of a chip that learns from rewards, by formula (docs/design.md, reward)."""

from __future__ import annotations

from collections.abc import Mapping

from oxmc.pymodels.budget.formulas import (
    build_cycles,
    draw_steps,
    event_counts,
    first_draws,
    programming_cycles,
    row_cycles,
)
from oxmc.pymodels.formats import HOST_WORD_BITS, Formats

SET_UP_COMMANDS = 2
"""Host words that start the code map's build and the training; two more start what comes ahead."""


def observation_words(formats: Formats) -> int:
    """Host words of one observation."""
    return -(-formats.inputs_bits // HOST_WORD_BITS)


def step_words(formats: Formats) -> int:
    """Host words of one step, in training or test: the observation and the command that acts on it."""
    return observation_words(formats) + 1


def step_cycles(formats: Formats) -> int:
    """One step of a training episode: a host word a cycle, all evaluations, the last conversion and the action."""
    c = formats.config
    return step_words(formats) + c.outputs * c.cycles(c.eval_pulse_s) + c.cycles(c.conversion_s) + 1


def episode_counts(
    formats: Formats, words: int, proposals: int, voting_rows: int, tally: Mapping[str, int], test_steps: int
) -> dict[str, dict[str, int]]:
    """Events by phase of a run in which the host loaded `words` words ahead of its commands.

    `tally` as for `event_counts`; `test_steps` over all test episodes, whose host words are in phase `load`.
    """
    c = formats.config
    counts = event_counts(formats, words, proposals, 0, voting_rows, tally)
    commands = SET_UP_COMMANDS + c.form + c.calibrate + (c.auto_zero_bits > 0)
    host_words = words + commands + test_steps * step_words(formats)
    counts["load"] |= {"host_write": host_words, "cycle": host_words + build_cycles(formats)}
    steps, episodes = tally["sample_read"], proposals + 1
    programming = proposals * programming_cycles(formats, 0, 0)
    programming += programming_cycles(formats, tally["retry"], tally["switch"]) - programming_cycles(formats, 0, 0)
    counts["train"] |= {
        "host_write": steps * step_words(formats) + episodes,
        "likelihood_add": 0,
        "eval_line": steps,
        "classify": steps,
        "cycle": (c.rows + tally["rejected"]) * c.cycles(c.reset_pulse_s)
        + row_cycles(formats) + programming  # row 0 is always programmed plainly
        + first_draws(formats) * draw_steps(c)
        + steps * step_cycles(formats) + 2 * episodes + 1,
    }  # fmt: skip
    counts["infer"] = {event: count * test_steps for event, count in counts["infer"].items()}  # those of one step
    return counts
