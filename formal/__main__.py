"""`make formal` (`python -m oxmc.formal [NAME ...]`): prove what is claimed of the RTL, and print the table of it.

What was proven of the same RTL by the same tools is not proven again. Exit code 1 if anything is not proven, 2 for a
name that no proof has or a package that is missing.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from oxmc.formal.proof import Computed, Proof
from oxmc.formal.proofs import PROOFS
from oxmc.formal.run import Outcome, run
from oxmc.formal.smt import versions
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.whole import write_file
from oxmc.studies.page import MEASURED, commit_now

BUILD = Path("build/formal")
PAGE = Path("docs/reference/formal.md")
TABLE = re.compile(r"(?:^\|.*\n)+", re.M)
HEAD = """\
| property | block | method | depth | s | refuted mutant |
|---|---|---|---|---|---|
"""


def line(proof: Proof | Computed, found: Outcome) -> str:
    """Of the table."""
    depth, mutant = str(proof.depth), proof.mutant
    text = mutant if isinstance(mutant, str) else f"`{mutant.old.strip()}` → `{mutant.new.strip()}`"
    method = {"proven": "induction", "bounded": "bounded", "computed": "computed"}.get(found.verdict, found.verdict)
    cells = (f"`{proof.name}`: {proof.says}", proof.block, method, depth, f"{found.seconds:.0f}", text)
    return "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in cells) + " |\n"


def chosen(names: Sequence[str], proofs: Sequence[Proof | Computed]) -> list[Proof | Computed]:
    """The proofs of these names, all for none. Raises `InputError` for a name that none has."""
    known = [proof.name for proof in proofs]
    for name in names:
        if name not in known:
            raise InputError(f"a proof must be one of {', '.join(known)}, not {name!r}")
    return [proof for proof in proofs if not names or proof.name in names]


def prove(proofs: Sequence[Proof | Computed], build: Path) -> list[Outcome]:
    """One after the other, a line each on stderr."""
    outcomes = []
    for proof in proofs:
        found = run(proof, build)
        print(
            f"{found.verdict:9s}{found.seconds:6.1f} s  {proof.name}  {found.why}".rstrip(), file=sys.stderr, flush=True
        )
        outcomes.append(found)
    return outcomes


def write_page(table: str) -> None:
    """The table anew in the page, and the commit beside it."""
    text = TABLE.sub(lambda _: table, PAGE.read_text(), count=1)
    write_file(PAGE, MEASURED.sub(f"Measured at {commit_now()}.", text))


def main(arguments: Sequence[str] | None = None, proofs: Sequence[Proof | Computed] = PROOFS) -> int:
    options = argparse.ArgumentParser(prog="python -m oxmc.formal", description=(__doc__ or "").partition("\n")[0])
    options.add_argument("names", nargs="*", metavar="NAME", help="proofs; all if none is named")
    options.add_argument("--build", type=Path, default=BUILD, help="where outcomes are kept (default: %(default)s)")
    options.add_argument("--page", action="store_true", help=f"write the table into {PAGE}")
    given = options.parse_args(arguments)
    begin = time.monotonic()
    try:
        versions()
        asked = chosen(given.names, proofs)
        outcomes = prove(asked, given.build)
        table = HEAD + "".join(line(proof, found) for proof, found in zip(asked, outcomes, strict=True))
        if given.page:
            write_page(table)
    except InputError as error:
        options.error(str(error))
    print(table, end="")
    bad = [found.name for found in outcomes if not found.good]
    took = f"{time.monotonic() - begin:.0f} s"
    print(
        f"formal: {len(outcomes) - len(bad)} of {len(outcomes)} hold, {took}"
        + (f"; not: {', '.join(bad)}" if bad else "")
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
