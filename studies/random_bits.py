"""The bits of a draw, as `lfsr_output` makes them, before the batteries of dieharder, and in trainings.

The draws are the twin's, which are the RTL's to the bit. They go to dieharder as words of 32 bits, one a draw, from as
many seeds as asked. Needs the command dieharder (on Debian: apt-get install dieharder).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import IO

import numpy as np

from oxmc.pymodels.config import Config, preset
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.formats import formats_of, lfsr_state
from oxmc.pymodels.kernels import njit
from oxmc.pymodels.twin.chain import arithmetic
from oxmc.pymodels.twin.lfsr import draw_state, drawn_bits
from oxmc.pymodels.twin.state import Arithmetic
from oxmc.studies.estimates import estimate, paired
from oxmc.studies.tables import Row, parser, show
from oxmc.studies.trainings import TASK, seeds_of, trainings

OUTPUTS = ("state", "sum")
BATTERIES = {
    0: "birthdays", 2: "ranks 32x32", 3: "ranks 6x8", 4: "bitstream", 15: "runs", 100: "monobit", 101: "STS runs",
    102: "STS serial", 201: "minimum distance",
}  # fmt: skip
"""Numbers of dieharder's tests: ranks, which an LFSR fails, and others."""
WORDS = 1 << 16
"""Draws a write."""


@njit(cache=True, nogil=True, borrows=True)
def fill(words: np.ndarray, state: np.uint64, chip: Arithmetic) -> np.uint64:
    """The words of the next draws into `words`, uint32; the state after them."""
    for place in range(len(words)):
        state = draw_state(state, chip.lfsr_leap)
        words[place] = np.uint32(drawn_bits(state, chip))
    return state


def write_draws(pipe: IO[bytes], config: Config, seed: int) -> None:
    """Draws without end into `pipe`, until nobody reads."""
    chip = arithmetic(formats_of(config), np.arange(config.gate_codes))
    state, words = np.uint64(lfsr_state(seed, config.lfsr_bits)), np.empty(WORDS, np.uint32)
    with suppress(BrokenPipeError), pipe:  # dieharder ends
        while True:
            state = np.uint64(fill(words, state, chip))
            pipe.write(words.tobytes())


def p_values(config: Config, seed: int, battery: int) -> list[float]:
    """What dieharder says of the draws: a p-value for each statistic of the battery.

    Raises `InputError` where dieharder is not installed, or says nothing.
    """
    command = shutil.which("dieharder")
    if command is None:
        raise InputError("the command dieharder must be installed (on Debian: apt-get install dieharder)")
    asked = [command, "-g", "200", "-d", str(battery), "-c", ",", "-D", "pvalues"]
    with subprocess.Popen(asked, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        threading.Thread(target=write_draws, args=(process.stdin, config, seed), daemon=True).start()
        said = process.stdout.read().decode()
    found = [float(line.strip().strip(",")) for line in said.splitlines() if line.strip().strip(",")]
    if not found:
        raise InputError(f"dieharder must print p-values of its test {battery}, not {said[:80]!r}")
    return found


def batteries(seeds: Sequence[int], numbers: Sequence[int]) -> Iterator[Row]:
    """A row a battery: how many of its p-values lie outside 1e-6 to 1 - 1e-6, of all seeds, an output a column."""
    for number in numbers:
        row: Row = {"battery of dieharder": f"{number}, {BATTERIES[number]}"}
        for output in OUTPUTS:
            config = Config(lfsr_output=output, lfsr_bits=32)
            values = [value for seed in seeds for value in p_values(config, seed, number)]
            failed = sum(not 1e-6 < value < 1 - 1e-6 for value in values)
            row[f"{output}: failed"] = f"{failed} of {len(values)}"
            print(f"{row['battery of dieharder']}, {output}: {failed} of {len(values)} failed", file=sys.stderr)
        yield row


def chains(seeds: Sequence[int], name: str) -> Iterator[Row]:
    """A row an output: accuracy and acceptance of a preset's trainings, under `real` conditions."""
    first: list[float] = []
    for output in OUTPUTS:
        runs = trainings(preset(TASK, name).replace(lfsr_output=output, conditions="real"), seeds)
        accuracy = [run.accuracy for run in runs]
        first = first or accuracy
        yield {
            "lfsr_output": output,
            "accuracy": estimate(accuracy),
            "to that of state": paired(accuracy, first),
            "rows a proposal": estimate([run.rows / run.proposals for run in runs]),
        }


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser(__doc__, seed=50000, repeats=3)
    options.add_argument("--chains", metavar="PRESET", help="train cancer by a preset, in place of dieharder")
    options.add_argument(
        "--battery", type=int, action="append", choices=list(BATTERIES), help="dieharder's number of a test; all"
    )
    given = options.parse_args(arguments)
    seeds = seeds_of(given.seed, given.repeats)
    rows = chains(seeds, given.chains) if given.chains else batteries(seeds, given.battery or list(BATTERIES))
    show(list(rows), given.json)


if __name__ == "__main__":
    main()
