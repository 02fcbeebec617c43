"""`python -m oxmc.silicon.characterise`: measure every cell that is not measured yet, then write the library.

With `--cells` only those are measured, and the others taken from the library that is there; with none after it, only
its text is written anew.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from pathlib import Path

from oxmc.pymodels.whole import write_file
from oxmc.silicon.characterise import cells, constraints, measure, spice
from oxmc.silicon.characterise.cells import CELLS
from oxmc.silicon.characterise.kept import records_of
from oxmc.silicon.characterise.lib_text import LIBRARY, library
from oxmc.silicon.characterise.measure import Record
from oxmc.silicon.characterise.spice import Pdk


def sources() -> str:
    """A digest of what shapes a measurement: with another one, cells are measured again."""
    text = b"".join(Path(str(module.__file__)).read_bytes() for module in (cells, constraints, measure, spice))
    return hashlib.sha256(text).hexdigest()[:16]


def main() -> None:
    parser = argparse.ArgumentParser(prog="characterise", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("build/characterise"), help="where measurements are kept")
    parser.add_argument("--out", type=Path, default=LIBRARY, help="the Liberty file to write")
    parser.add_argument("--date", default=time.strftime("%Y-%m-%d"), help="date that goes into the file")
    parser.add_argument(
        "--cells", nargs="*", choices=CELLS, metavar="CELL", help="measure these, if any; keep the others of the file"
    )
    options = parser.parse_args()
    names, records, date = list(CELLS), dict[str, Record](), options.date
    if options.cells is not None:
        names, (records, kept_date) = options.cells, records_of(options.out.read_text())
        date = date if names else kept_date
    records |= measured(names, options.folder)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write_file(options.out, library(records, date))
    print(options.out)


def measured(names: list[str], folder: Path) -> dict[str, Record]:
    """Records by cell, from `folder` where they are kept there and their sources are the same."""
    if not names:
        return {}
    pdk, records, digest = Pdk(folder), {}, sources()
    for number, name in enumerate(names, start=1):
        kept = folder / f"{name}.json"
        record = json.loads(kept.read_text()) if kept.exists() else {}
        if record.get("sources") != digest:
            started = time.monotonic()
            record = measure.measure(pdk, CELLS[name], folder / name) | {"sources": digest}
            write_file(kept, json.dumps(record))
            print(f"{number}/{len(names)} {name}: {time.monotonic() - started:.0f} s", flush=True)
        records[name] = record
    return records


if __name__ == "__main__":
    main()
