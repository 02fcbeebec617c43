"""Whether a run's books add up: what `oxmc train` checks before it leaves a run, and `oxmc energy` before it reports.

Nothing is simulated again. Whatever an engine dropped or counted twice, and whatever was changed in run.json since, has
to get past sums over the phases, events that follow from one another, and the array's own integral.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oxmc.energy.ledger import Ledger, array_energy_error
from oxmc.pymodels.budget.balance import Course, unbalanced
from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import RunError
from oxmc.pymodels.events import EVENTS, PHASES, QUANTITIES
from oxmc.pymodels.formats import formats_of
from oxmc.tb.cosim.program import load_word_count

CONSERVATION_LIMIT = 1e-9
"""Relative difference allowed between ledger and array integral, both in double precision; the integral's sums keep
what each addition loses, so that it does not grow with the number of pulses."""
NAMED = 3
"""Events that a message spells out."""


def check_array(ledger: Ledger, joules: Mapping[str, Mapping[str, float]]) -> float:
    """The largest relative disagreement of a ledger and the array's integral, {phase: {operation: J}}.

    Raises `RunError` if it is not below `CONSERVATION_LIMIT`.
    """
    error = array_energy_error(ledger, joules)
    if not error < CONSERVATION_LIMIT:
        raise RunError(f"array energy of ledger and pins must agree to {CONSERVATION_LIMIT:g}, not to {error:.3g}")
    return error


def check_events(run: Mapping[str, Any], config: Config) -> None:
    """Sums over the phases and the balance of all events of a run.json. Raises `RunError` naming what is off."""
    phases = run["phases"]
    for kind, names in (("events", EVENTS), ("quantities", QUANTITIES)):
        for name in names:
            total, parts = run[kind][name], sum(phases[phase][kind].get(name, 0) for phase in PHASES)
            if total != parts:
                raise RunError(f"{kind} {name} must be the sum of its phases, {parts}, not {total}")
    cycles, counted = run["time"]["cycles"], run["events"]["cycle"]
    if cycles != counted:
        raise RunError(f"cycles of the whole run must be those of its phases, {counted}, not {cycles}")
    counts = {phase: {name: phases[phase]["events"].get(name, 0) for name in EVENTS} for phase in PHASES}
    wrong = unbalanced(config, course_of(run, config), counts)
    if wrong:
        more = f" and {len(wrong) - NAMED} more" if len(wrong) > NAMED else ""
        raise RunError(f"events must follow from each other: {'; '.join(wrong[:NAMED])}{more}")


def course_of(run: Mapping[str, Any], config: Config) -> Course:
    """What a run.json says of its chain beside its counts."""
    formats = formats_of(config.chip)
    samples, adapts = 0 if formats.rewards else config.train_samples + config.test_samples, "adapted" in run
    return Course(
        words=load_word_count(formats, samples, adapts=adapts),
        adapts=adapts,
        proposals=run["chain"]["proposals"],
        accepted_rows=run["chain"]["accepted"] + config.chains,
        skipped_rows=run["chain"]["rows_skipped"],
        test_steps=sum(run["result"].get("rewards", ())),
    )
