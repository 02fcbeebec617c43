"""The compiled coupling as a program that plays one training many times, with bits flipped or power cut in between."""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path

import numpy as np

from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import RunError
from oxmc.pymodels.formats import HOST_WORD_BITS, Formats
from oxmc.pymodels.interface import Space, Status, address
from oxmc.pymodels.job import Job
from oxmc.pymodels.machine import environment
from oxmc.tb.cosim import runners
from oxmc.tb.cosim.compiled import LOAD, load_for, read_hex, write_hex
from oxmc.tb.cosim.simulator import TOP, CompiledSimulation
from oxmc.tb.upsets.state import Element, elements

PROGRAM, CONTROL = "upsets.cpp", "upsets.vlt"
SURROUNDINGS = {
    "cosim": "reset_left rst width answering conversion_left op array_row array_cell array_mask",
    "host_rom": "loaded next answered classified answers results",
    "oxram_array": "conductance_ns set_count rows",
}
"""What the program sees of the co-simulation around the chip, by module."""
FOREVER = 10**9


@dataclasses.dataclass(frozen=True)
class Ending:
    """How a run ended: `ended` unless the cycle limit stopped it, `refused` if the array was given a pulse it refuses.

    `answers` are what the host read, `results` the words of the inference; `conductance_ns` and `set_count` int64
    [rows, cells] the array. `began` is the cycle in which the chip was first busy; `op` and `row` are at the array.
    """

    ended: bool
    cycle: int
    refused: bool
    began: int
    op: int
    row: int
    answers: tuple[int, ...]
    results: tuple[int, ...]
    conductance_ns: np.ndarray
    set_count: np.ndarray

    @property
    def errors(self) -> int:
        """ERRORS, as the host read it ahead of the counters and at last."""
        return self.status(Status.ERRORS) | (self.answers[-1] if self.answers else 0)

    def status(self, register: Status) -> int:
        """A status register as the host read it after the training; 0 where it did not come to that."""
        return self.answers[register] if register < len(self.answers) else 0


class UpsetSimulation(CompiledSimulation):
    """One build for a configuration; all of its chip's state can be changed. `text` is another chip than its own.

    The compiler optimises at `level`: a handful of trainings is sooner over without.
    """

    def __init__(self, config: Config, text: str = "", *, level: str = "-O2"):
        super().__init__(config, "verilator")
        self.config, self.level = config, level
        name = f"{self.rtl[0]}.v"
        self.sources[name] = text or self.sources[name]
        self.elements = elements(self.sources[name], Formats(config))
        del self.sources[self.control]
        self.sources[PROGRAM] = resources.files("oxmc.tb.upsets").joinpath(PROGRAM).read_text()
        self.sources[CONTROL] = _control(self.elements)
        self.control = PROGRAM
        self.folder = self.folder.with_name(f"upsets{level}-{self._digest()}")

    def _parameters(self) -> dict[str, int]:
        return super()._parameters() | {"QUIET": 1}

    def _build_args(self) -> list[str]:
        return [*super()._build_args(), "--vpi", CONTROL]

    def _compile(self, folder: Path) -> None:
        sources = [self.control, *(name for name in self.sources if name.endswith(".v"))]
        runners.verilate(folder, [*self._build_args(), *sources], f"V{TOP}", level=self.level)

    def play(self, folder: Path, plan: Iterable[str], limit: int = FOREVER) -> list[tuple[int, Ending | None]]:
        """What became of each line of the plan, in its order; None where the program crashed. See `upsets.cpp`.

        Raises `RunError` where the program fails.
        """
        state = [f"{each.scope} {each.signal} {each.width} {each.words}" for each in self.elements]
        text = "\n".join(f"chip.{line}" for line in state) + "\n\n" + "".join(f"{line}\n" for line in plan)
        cells = Formats(self.config).cells
        done = subprocess.run(
            [self.folder / TOP, str(limit), str(cells)], input=text, capture_output=True, text=True, cwd=folder,
            env=environment(),
        )  # fmt: skip
        if done.returncode:
            raise RunError(f"the upsets' program ended with exit code {done.returncode}: {done.stderr.strip()}")
        return [(int(line.split(" ", 1)[0]), _ending(line.split(" "), cells)) for line in done.stdout.splitlines()]


def _control(chip: Sequence[Element]) -> str:
    """Lets the program see all state, and change it."""
    seen = [(each.module, each.signal) for each in chip]
    seen += [(module, name) for module, names in SURROUNDINGS.items() for name in names.split()]
    lines = [f'public_flat_rw -module "{module}" -var "{name}"\n' for module, name in dict.fromkeys(seen)]
    return "`verilator_config\n" + "".join(lines)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(word, 16) for word in text.split(",") if word)


def _ending(words: list[str], cells: int) -> Ending | None:
    if words[1] == "crash":
        return None
    _, how, cycle, refused, began, op, row, answers, results, conductance, sets = words
    array = [np.array(_numbers(text), np.int64).reshape(-1, cells) for text in (conductance, sets)]
    place = int(cycle), refused == "1", int(began), int(op), int(row)
    return Ending(how == "end", *place, _numbers(answers), _numbers(results), *array)


def prepared(job: Job, folder: Path) -> None:
    """Make `folder` ready for the program to play a training in; the host reads ERRORS once more at its end."""
    load_for(job, folder)
    program = [int(word, 16) for word in read_hex(folder / LOAD / "program.hex")]
    write_program(folder, [*program, address(Space.STATUS, Status.ERRORS) << HOST_WORD_BITS])


def write_program(folder: Path, program: Sequence[int]) -> None:
    """What the host plays: of each entry whether it writes, the address and the word."""
    write_hex(folder / LOAD / "program.hex", program)
    write_hex(folder / LOAD / "length.hex", [len(program)])
