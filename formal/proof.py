"""What is claimed of a block, how it is proven, and the mistake that shows that the proof can fail."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from oxmc.formal.bench import Bench
from oxmc.formal.mutant import Mutant


@dataclasses.dataclass(frozen=True)
class Proof:
    """`says`, of `block`, holds in the bench that `bench` builds.

    By induction over `depth` cycles it holds for ever; `bounded`, for the first `depth` cycles after power-up. A cover
    shows within `reach` cycles that the assumptions leave something to happen, and `mutant` must be refuted within
    as many. With `free_memories` what a memory answers is anything, which takes more for possible than is. `seconds`
    of the processor is what a question may take the solver.
    """

    name: str
    block: str
    says: str
    bench: Callable[[], Bench]
    mutant: Mutant
    depth: int = 2
    reach: int = 12
    bounded: bool = False
    free_memories: bool = False
    seconds: int = 120


@dataclasses.dataclass(frozen=True)
class Computed:
    """`says` is computed: `check` gives what is wrong, one line each, and of a `mistake` it must give some."""

    name: str
    block: str
    says: str
    check: Callable[[], list[str]]
    mistake: Callable[[], list[str]]
    mutant: str
    depth: str
