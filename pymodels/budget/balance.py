"""What the events of a run say of each other: the budget (`oxmc.pymodels.budget.formulas`) turned round.

The budget gives every event from a few numbers of a chain. Here these come from what the run says of its chain, or from
events that do not count the same thing, and every event of every phase must then be the budget's. On the RTL that holds
the chip's strobes against formulas; elsewhere it notices what got lost on the way.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from oxmc.pymodels.budget.episodes import episode_counts
from oxmc.pymodels.budget.formulas import TALLIED, event_counts, preparation_counts
from oxmc.pymodels.config import Config
from oxmc.pymodels.events import EVENTS, PHASES
from oxmc.pymodels.formats import Formats, formats_of

Counts = Mapping[str, Mapping[str, int]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Course:
    """How a run went: host words loaded for each chain, proposals, rows accepted, steps of all test episodes, and
    whether it was an adaptation."""

    words: int
    proposals: int
    accepted_rows: int
    skipped_rows: int
    test_steps: int = 0
    adapts: bool = False


def unbalanced(config: Config, course: Course, counts: Counts) -> list[str]:
    """Each event of `counts`, {phase: {name: count}}, that the others do not allow, as a rule with both values."""
    due = due_counts(config, course, counts)
    return [
        f"{name} in phase {phase} must be {due[phase][name]}, not {counts[phase][name]}"
        for phase in PHASES
        for name in EVENTS
        if counts[phase][name] != due[phase][name]
    ]


def due_counts(config: Config, course: Course, counts: Counts) -> dict[str, dict[str, int]]:
    """What each event of a run must be, {phase: {name: count}}. Of outputs with chains of their own, the sum of all."""
    formats, chains = formats_of(config.chip), config.chains
    tally = _tally(formats, chains, course, counts["train"])
    if _rejects_early(formats):
        tally |= _sweeps(formats, chains, course, counts, tally)
    return _budget(formats, chains, course, counts, tally)


def _sweeps(formats: Formats, chains: int, course: Course, counts: Counts, tally: dict[str, int]) -> dict[str, int]:
    """Sweeps of chains that reject early and, behind a hidden layer, samples whose outputs were evaluated.

    Word lines say how many there are of both, the clock how many of each, as both are linear in them.
    """
    lines, most = counts["train"]["eval_line"], course.proposals + chains
    if not formats.config.hidden:
        return {"sweep": _between(chains, lines, most)}
    none, sweep, layer = (
        _budget(formats, chains, course, counts, tally | {"sweep": sweeps, "layer": layers})["train"]["cycle"]
        for sweeps, layers in ((0, 0), (1, 0), (0, 1))
    )
    sweeps = (counts["train"]["cycle"] - none - (layer - none) * lines) // (sweep - layer)
    sweeps = _between(chains, sweeps, most)
    return {"sweep": sweeps, "layer": max(0, lines - sweeps)}


def _rejects_early(formats: Formats) -> bool:
    return formats.config.early_rejection and not formats.rewards


def _between(low: int, value: int, high: int) -> int:
    return max(low, min(high, value))


def _budget(
    formats: Formats, chains: int, course: Course, counts: Counts, tally: dict[str, int]
) -> dict[str, dict[str, int]]:
    """The budget's events of all chains, which is linear in what they did but for what each chain begins with."""
    c, infer = formats.config, counts["infer"]
    points = course.test_steps if formats.rewards else c.test_samples
    voting = infer["response_add"] // max(1, points * c.outputs)
    words = course.words * chains
    if formats.rewards:
        counted = episode_counts(formats, words, course.proposals, voting, tally, course.test_steps)
    else:
        counted = event_counts(formats, words, course.proposals, 0, voting, tally, adapts=course.adapts)
    start = event_counts(formats, 0, 0, 0, 0, dict.fromkeys(TALLIED, 0))
    ahead = preparation_counts(formats, _ahead(formats))
    further = {phase: ahead[phase] if phase in ahead else start[phase] for phase in PHASES}
    counted |= ahead
    return {
        phase: {name: counted[phase][name] + (chains - 1) * further[phase][name] for name in EVENTS} for phase in PHASES
    }


def _ahead(formats: Formats) -> dict[str, dict[str, int]]:
    """Tallies of forming and conditioning, and of calibrating."""
    c, nothing = formats.config, dict.fromkeys(TALLIED, 0)
    formed = c.rows * formats.cells if c.form else 0
    swept = c.gate_codes * formats.calibration_rows if c.calibrate else 0
    form = {"set": c.condition_cycles * formed, "reset": (c.condition_cycles + 1) * formed}
    form["reset_pulse"] = form["reset"] // formats.cells
    calibrate = dict.fromkeys(("set", "reset", "read"), swept * formats.cells) | {"reset_pulse": swept}
    return {"form": nothing | form, "calibrate": nothing | calibrate}


def _tally(formats: Formats, chains: int, course: Course, train: Mapping[str, int]) -> dict[str, int]:
    """What the chains did, by the names of `TALLIED`; `sweep` of chains that reject early is left to `_sweeps`."""
    rejected = course.proposals - (course.accepted_rows - chains)
    retry, switch = _retries(formats, course.proposals, chains, train)
    programmed = (course.proposals + chains) * formats.cells + retry
    stored = course.accepted_rows + course.skipped_rows
    forgotten = _between(stored - 1, train["reset_pulse"] - rejected - retry, stored) if course.adapts else 0
    cleared = (forgotten if course.adapts else formats.config.rows * chains) + rejected
    return dict.fromkeys(TALLIED, 0) | {
        "set": programmed - course.adapts * formats.cells,
        "read": programmed,
        "forgotten": forgotten,
        "reset": cleared * formats.cells + retry,
        "reset_pulse": cleared + retry,
        "retry": retry,
        "switch": switch,
        "rejected": rejected,
        "stored": stored + formats.config.ring * rejected + forgotten,
        **_evaluations(formats, course.proposals, chains, train),
    }


def _retries(formats: Formats, proposals: int, chains: int, train: Mapping[str, int]) -> tuple[int, int]:
    """SETs that a verified programming repeated, and changes of side among them."""
    if formats.config.verify == "pair":
        return train["offset_write"] - proposals * formats.cells, train["offset_read"] - train["offset_write"]
    if formats.config.verify == "cell":
        return max(train["set"], train["read"]) - (proposals + chains) * formats.cells, 0
    return 0, 0


def _evaluations(formats: Formats, proposals: int, chains: int, train: Mapping[str, int]) -> dict[str, int]:
    """Evaluations and what goes with a sample. Rejected early, a sweep may end within a sample: then within bounds."""
    c, segments, sweeps = formats.config, formats.segments, proposals + chains
    if not _rejects_early(formats):
        samples = train["sample_read"] if formats.rewards else c.train_samples * sweeps
        counted = {
            "sample_read": samples,
            "eval": samples * segments,
            "layer": samples,
            "activation": samples * c.hidden,
        }
        order = {"order_read": c.train_samples * proposals, "order_write": samples}
    else:
        evaluated = train["likelihood_add"] + train["activation"]
        least = -(-evaluated // segments)
        most = evaluated if segments == 1 else (evaluated + sweeps * (segments - 1)) // segments
        samples = _between(least, train["sample_read"], most)
        read, cut = samples - c.train_samples * chains, 0 if segments == 1 else sweeps
        order = {
            "order_read": _between(read, train["order_read"], read + proposals),
            "order_write": _between(samples - cut, train["order_write"], samples),
        }
        counted = {"eval": evaluated, "activation": train["activation"]}
    if c.sample_order != "hard_first":
        order = {}
    return {"sweep": sweeps, "sample_read": samples, "layer": samples, **counted, **order}
