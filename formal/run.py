"""Runs a proof: the first cycles, the step, the cover, the mutant. What was proven of the same RTL is kept."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from contextlib import ExitStack, suppress
from pathlib import Path

from oxmc.formal.proof import Computed, Proof
from oxmc.formal.smt import ask, sources, translate, versions
from oxmc.pymodels.whole import write_file

GOOD = ("proven", "bounded", "computed")


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of a proof, and why where it is not good."""

    name: str
    verdict: str
    why: str = ""
    seconds: float = 0.0
    digest: str = ""

    @property
    def good(self) -> bool:
        return self.verdict in GOOD


def texts(proof: Proof) -> dict[str, dict[str, str]]:
    """The bench, and the bench of its mutant."""
    found = {}
    for name in ("right", "wrong"):
        with ExitStack() as stack:
            if name == "wrong":
                stack.enter_context(proof.mutant.planted())
            found[name] = sources(proof.bench(), free_memories=proof.free_memories)
    return found


def digest_of(proof: Proof, parts: dict[str, dict[str, str]]) -> str:
    """Over the RTL, the tools and how the proof is done."""
    how = (proof.depth, proof.reach, proof.bounded, versions(), parts)
    return hashlib.sha256(json.dumps(how, sort_keys=True).encode()).hexdigest()


def questions(proof: Proof) -> list[tuple[str, str, str, tuple[str, ...]]]:
    """What is asked: of which bench, the answer that is due, what another one means, how it is asked."""
    step = ("right", "passed", "the step of the induction", ("-i", "-t", str(proof.depth)))
    return [
        ("right", "passed", "the first cycles", ("-t", str(proof.depth + 1))),
        *([] if proof.bounded else [step]),
        ("right", "passed", "the cover", ("-c", "-t", str(proof.reach))),
        ("wrong", "failed", "the mutant", ("-t", str(proof.reach))),
    ]


def solve(proof: Proof, folder: Path) -> Outcome:
    """Ask until an answer is not the one that is due."""
    begin = time.monotonic()
    verdict, why = "bounded" if proof.bounded else "proven", ""
    for bench, due, means, options in questions(proof):
        answer = ask(folder, bench, proof.seconds, *options)
        if answer != due:
            verdict, why = "unknown" if answer == "unknown" else "failed", f"{means}: {answer}"
            break
    return Outcome(proof.name, verdict, why, round(time.monotonic() - begin, 1))


def compute(proof: Computed) -> Outcome:
    begin = time.monotonic()
    wrong, why = proof.check(), ""
    verdict = "failed" if wrong else "computed"
    if wrong:
        why = "; ".join(wrong[:3])
    elif not proof.mistake():
        verdict, why = "failed", "the mutant: passed"
    return Outcome(proof.name, verdict, why, round(time.monotonic() - begin, 1))


def run(proof: Proof | Computed, build: Path) -> Outcome:
    """The kept outcome for the same RTL, if it was good, or a new one, which is kept."""
    if isinstance(proof, Computed):
        return compute(proof)
    folder = build / proof.name
    folder.mkdir(parents=True, exist_ok=True)
    try:
        parts = texts(proof)
    except ValueError as error:
        return Outcome(proof.name, "failed", f"the mutant: {error}")
    digest = digest_of(proof, parts)
    with suppress(OSError, ValueError, TypeError):
        kept = Outcome(**json.loads((folder / "outcome.json").read_text()))
        if kept.digest == digest and kept.good:
            return kept
    if parts["right"] == parts["wrong"]:
        return Outcome(proof.name, "failed", "the mutant: changes nothing")
    translate(folder, parts)
    found = dataclasses.replace(solve(proof, folder), digest=digest)
    write_file(folder / "outcome.json", json.dumps(dataclasses.asdict(found)) + "\n")
    return found
