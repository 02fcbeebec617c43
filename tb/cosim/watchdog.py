"""What ends a simulation that would not end: a chip that goes on beyond its cycle budget, a simulator that stands."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from oxmc.pymodels.budget.episodes import step_cycles, step_words
from oxmc.pymodels.budget.formulas import (
    build_cycles,
    calibration_cycles,
    form_cycles,
    infer_cycles,
    train_cycles,
)
from oxmc.pymodels.errors import RunError
from oxmc.pymodels.events import PHASES
from oxmc.pymodels.formats import Formats
from oxmc.tb.cosim.program import load_word_count

PROGRESS = "progress"
"""File in a simulation's folder: cycle, row, proposals and phase, rewritten as it goes on."""
MARGIN = 2
"""Times the budget's cycles that a chip may take: the budget is exact, what the host adds is little."""
SILENT_S = 600.0
"""Wall time that a simulator may stand still, or take to start; the slowest writes its progress in some seconds."""


def longest_wait(formats: Formats) -> int:
    """The most clock cycles between two changes of the proposal counter, by the cycle budget: the sum of all that may
    lie between: all ahead of the first proposal, the longest proposal, the inference, and reading back."""
    c, rewards = formats.config, formats.rewards
    samples, evaluations = c.train_samples, 2 * c.train_samples * formats.segments
    retries = c.verify_tries * {"off": 0, "cell": formats.cells, "pair": formats.pairs}[c.verify]
    tally = {"retry": retries, "switch": retries, "sweep": 2, "eval": evaluations, "layer": 2 * samples, "rejected": 1}
    words = load_word_count(formats, samples + c.test_samples, adapts=c.ring)
    ahead = words + build_cycles(formats) + c.form * form_cycles(formats) + c.calibrate * calibration_cycles(formats)
    episode = c.episode_steps * (step_cycles(formats) + step_words(formats)) if rewards else 0
    tests = c.test_episodes * c.episode_steps * (1 + step_words(formats)) if rewards else 1
    back = 2 * (c.rows + words)
    return ahead + train_cycles(formats, 1, tally) + episode + tests * infer_cycles(formats, c.rows) + back


class Watchdog:
    """Looks at a chip now and then."""

    def __init__(self, formats: Formats):
        self.limit, self.bound = formats.config.max_proposals, MARGIN * longest_wait(formats)
        self._since, self._last = 0, -1

    def look(self, cycle: int, proposals: int) -> str:
        """What is wrong, with the bound, where the chip should have gone on or come to its end; else nothing."""
        if proposals != self._last:
            self._since, self._last = cycle, proposals
        if proposals > self.limit:
            return f"proposal {proposals} in clock cycle {cycle} must not come after max_proposals ({self.limit})"
        if cycle - self._since > self.bound:
            bound = f"{self.bound} cycles, {MARGIN} times the cycle budget's longest wait"
            return f"proposal {proposals} must be followed by a step within {bound}, not by none in clock cycle {cycle}"
        return ""

    def check(self, cycle: int, row: int, proposals: int, phase: int) -> None:
        """Raises `RunError` where the chip goes on beyond its cycle budget."""
        fault = self.look(cycle, proposals)
        if fault:
            raise RunError(f"the chip does not end: {fault}, phase {PHASES[phase]}")


def read_progress(file: Path) -> list[int]:
    """Cycle, row, proposals and phase; nothing before the first, or where it is just being rewritten."""
    words = file.read_text().split() if file.exists() else []
    return list(map(int, words)) if len(words) == 4 else []


class Heartbeat:
    """Called while a simulator runs: raises `RunError` once its progress has stood still for `SILENT_S`."""

    def __init__(self, file: Path, watch: Callable[[], None] | None):
        self._file, self._watch = file, watch
        self._text, self._since = "", time.monotonic()

    def __call__(self) -> None:
        text = self._file.read_text() if self._file.exists() else ""
        if text != self._text:
            self._text, self._since = text, time.monotonic()
        if time.monotonic() - self._since > SILENT_S:
            where = f"at clock cycle {self._text.split()[0]}" if self._text.split() else "before its first cycles"
            raise RunError(f"it stands still {where}, for {SILENT_S:g} s now")
        if self._watch is not None:
            self._watch()
