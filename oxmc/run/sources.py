"""Which code made a result: one digest over all sources that decide the bits and the joules of a run."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from oxmc.pymodels.digests import files_digest
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.machine import PACKAGE

ROOMS = ("pymodels", "hdl", "energy", "tb", "silicon", "posterior", "run", "campaign")
SUFFIXES = (".py", ".v", ".vh", ".vlt", ".cpp", ".lib", ".toml", ".csv")
BESIDE = ("tb/blocks", "tb/system", "silicon/characterise")
"""What checks or measures and never takes part in a training, as the rooms that are not above."""


def deciding_files(root: Path) -> list[Path]:
    """The files of `sources_digest`, in order."""
    found = (path for room in ROOMS for path in sorted((root / room).rglob("*")) if path.suffix in SUFFIXES)
    return [path for path in found if not path.relative_to(root).as_posix().startswith(tuple(f"{b}/" for b in BESIDE))]


@cache
def sources_digest() -> str:
    """16 hexadecimal digits, as in run.json's `versions`."""
    return digest_of(PACKAGE)


def digest_of(root: Path) -> str:
    """The same of a tree at `root`."""
    return files_digest(root, deciding_files(root))[:16]


def check_code(kept: object, where: Path, *, other_code: bool) -> None:
    """Raises `InputError` unless the code of digest `kept` is this code, or `other_code` allows others."""
    if kept != sources_digest() and not other_code:
        raise InputError(
            f"--resume must go on with results of the same code, {sources_digest()} now, but {str(where)!r} was made "
            f"by {kept}; --other-code goes on all the same"
        )
