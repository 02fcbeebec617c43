"""`python -m energy.characterise`: measure every cell that is not measured yet, then write the library."""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from pathlib import Path

from energy.characterise import cells, constraints, measure, spice
from energy.characterise.cells import CELLS
from energy.characterise.kept import records_of
from energy.characterise.lib_text import LIBRARY, library
from energy.characterise.spice import Pdk


def sources() -> str:
    """A digest of what shapes a measurement: with another one, cells are measured again."""
    text = b"".join(Path(str(module.__file__)).read_bytes() for module in (cells, constraints, measure, spice))
    return hashlib.sha256(text).hexdigest()[:16]


def main() -> None:
    parser = argparse.ArgumentParser(prog="characterise", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("build/characterise"), help="where measurements are kept")
    parser.add_argument("--out", type=Path, default=LIBRARY, help="the Liberty file to write")
    parser.add_argument("--date", default=time.strftime("%Y-%m-%d"), help="date that goes into the file")
    parser.add_argument("--text", action="store_true", help="measure nothing: write what the file holds anew")
    options = parser.parse_args()
    if options.text:
        options.out.write_text(library(*records_of(options.out.read_text())))
        return
    pdk, records, digest = Pdk(options.folder), {}, sources()
    for number, (name, cell) in enumerate(CELLS.items(), start=1):
        kept = options.folder / f"{name}.json"
        record = json.loads(kept.read_text()) if kept.exists() else {}
        if record.get("sources") != digest:
            started = time.monotonic()
            record = measure.measure(pdk, cell, options.folder / name) | {"sources": digest}
            kept.write_text(json.dumps(record))
            print(f"{number}/{len(CELLS)} {name}: {time.monotonic() - started:.0f} s", flush=True)
        records[name] = record
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(library(records, options.date))
    print(options.out)


if __name__ == "__main__":
    main()
