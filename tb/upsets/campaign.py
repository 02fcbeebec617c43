"""Draws upsets by class, plays them in batches that are kept, and counts the verdicts."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np

from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import RunError
from oxmc.pymodels.formats import Formats
from oxmc.pymodels.job import Job
from oxmc.pymodels.whole import write_file
from oxmc.tb.upsets.simulation import Ending, UpsetSimulation, prepared
from oxmc.tb.upsets.state import CLASSES, Element
from oxmc.tb.upsets.verdict import VERDICTS, Share, judged, weighted

LONGEST = 6
"""Times the cycles of the undisturbed training after which a run hangs; other chains of it take up to 1.2 times."""


@dataclasses.dataclass(frozen=True)
class Upset:
    """A bit of `place` that flips in the middle of clock cycle `cycle` after power-up."""

    kind: str
    place: str
    word: int
    bit: int
    cycle: int

    def line(self, number: int) -> str:
        """Of the plan that the program reads."""
        scope, _, signal = f"chip.{self.place}".rpartition(".")
        return f"{number} {self.cycle} {scope} {signal} {self.word} {self.bit}"


@dataclasses.dataclass(frozen=True)
class Record:
    """An upset and what became of it."""

    upset: Upset
    how: str
    loss: float
    refused: bool


def by_class(chip: list[Element]) -> dict[str, list[Element]]:
    """The elements of each class that the chip has."""
    found: dict[str, list[Element]] = {kind: [] for kind in CLASSES}
    for each in chip:
        found[each.kind].append(each)
    return {kind: elements for kind, elements in found.items() if elements}


def drawn(chip: list[Element], kind: str, span: tuple[int, int], rng: np.random.Generator) -> Upset:
    """An upset of a class: every used bit and every cycle of `span` alike."""
    number = int(rng.integers(sum(each.bits for each in chip)))
    for each in chip:
        if number < each.bits:
            break
        number -= each.bits
    return Upset(kind, each.place, *each.at(number), int(rng.integers(*span)))


class Campaign:
    """Upsets of one training on one chip; batches are kept in `folder`, by the digest of all that they follow from."""

    def __init__(self, job: Job, simulation: UpsetSimulation, folder: Path, seed: int):
        self.job, self.simulation, self.seed = job, simulation, seed
        self.formats = Formats(job.config)
        self.labels = job.labels[job.config.train_samples :]
        simulation.build()
        digest = hashlib.sha256(repr((simulation.folder.name, job.config.to_toml(), job.seed, seed)).encode())
        for array in (job.codes, job.labels):
            digest.update(array.tobytes())
        self.folder = folder / digest.hexdigest()[:16]
        self.right = self.play([])[0]

    def play(self, upsets: list[Upset], limit: int = 10**9) -> list[Ending]:
        """How the training ends with each upset; of none, the one ending without. Raises `RunError` for a crash."""
        order = sorted(range(len(upsets)), key=lambda number: upsets[number].cycle)
        plan = [upsets[number].line(number) for number in order] or ["-1 0"]
        with tempfile.TemporaryDirectory() as scratch:
            prepared(self.job, Path(scratch))
            found = dict(self.simulation.play(Path(scratch), plan, limit))
        endings = [found[number] for number in (range(len(upsets)) if upsets else [-1])]
        if None in endings:
            raise RunError(f"the simulation crashed at {upsets[endings.index(None)]}")
        return [ending for ending in endings if ending is not None]

    def judge(self, upsets: list[Upset]) -> list[Record]:
        """What each upset did."""
        records = []
        for upset, ending in zip(upsets, self.play(upsets, LONGEST * self.right.cycle), strict=True):
            found = judged(ending, self.right, self.formats, self.labels)
            records.append(Record(upset, found.how, found.loss, found.refused))
        return records

    def draw(self, batch: int, each: int) -> list[Upset]:
        """`each` upsets of every class, between the first command and the end of the training."""
        rng = np.random.default_rng([self.seed, batch])
        span = self.right.began, self.right.cycle
        return [
            drawn(chip, kind, span, rng)
            for kind, chip in by_class(self.simulation.elements).items()
            for _ in range(each)
        ]

    def batch(self, number: int, each: int) -> list[Record]:
        """A batch, as it is kept or made now."""
        file = self.folder / f"batch-{each}-{number}.json"
        if file.exists():
            return [Record(Upset(**entry.pop("upset")), **entry) for entry in json.loads(file.read_text())]
        records = self.judge(self.draw(number, each))
        write_file(file, json.dumps([dataclasses.asdict(record) for record in records]))
        return records

    def run(self, batches: int, each: int, say: Callable[[str], None]) -> list[Record]:
        """All batches, one after the other."""
        records: list[Record] = []
        for number in range(batches):
            records += self.batch(number, each)
            counts = {how: sum(record.how == how for record in records) for how in VERDICTS}
            told = ", ".join(f"{count} {how}" for how, count in counts.items())
            say(f"batch {number + 1} of {batches}, seed {self.seed}: {len(records)} upsets: {told}")
        return records


def table(campaign: Campaign, records: list[Record]) -> str:
    """A line a class, in Markdown, and two of all: as drawn, and as if every used bit were hit alike."""
    of: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        of[record.upset.kind].append(record)
    bits = {kind: sum(each.bits for each in chip) for kind, chip in by_class(campaign.simulation.elements).items()}
    lines = [
        f"| class | bits | upsets | {' | '.join(f'{how} %' for how in VERDICTS)} | worst loss | bad pulse % |",
        "|---" * (len(VERDICTS) + 5) + "|",
    ]
    for kind, found in [*of.items(), ("all, as drawn", records)]:
        shares = [str(Share(sum(record.how == how for record in found), len(found))) for how in VERDICTS]
        worst = max((record.loss for record in found if record.how in ("lost", "changed")), default=0.0)
        refused = 100 * sum(record.refused for record in found) / len(found)
        size = bits.get(kind, sum(bits.values()))
        lines.append(
            f"| {kind} | {size} | {len(found)} | {' | '.join(shares)} | {max(0.0, worst):.3f} | {refused:.1f} |"
        )
    weights = [bits[kind] / sum(bits.values()) for kind in of]
    alike = [
        weighted([(sum(r.how == how for r in found), len(found)) for found in of.values()], weights) for how in VERDICTS
    ]
    lines.append(f"| all, each bit alike | {sum(bits.values())} | {len(records)} | {' | '.join(alike)} | | |")
    return "\n".join(lines) + "\n"


def campaign_of(config: Config, job: Job, folder: Path, seed: int) -> Campaign:
    return Campaign(job, UpsetSimulation(config), folder, seed)
