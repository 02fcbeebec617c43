"""`python -m energy.characterise`: measure every cell that is not measured yet, then write the library.

With `--cells` only those are measured and put into the library that is there."""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from pathlib import Path

from energy.characterise import cells, measure, spice
from energy.characterise.cells import CELLS
from energy.characterise.lib_text import LIBRARY, library, with_cells
from energy.characterise.spice import Pdk
from pymodels.whole import write_file


def sources() -> str:
    """A digest of what shapes a measurement: with another one, cells are measured again."""
    text = b"".join(Path(str(module.__file__)).read_bytes() for module in (cells, measure, spice))
    return hashlib.sha256(text).hexdigest()[:16]


def main() -> None:
    parser = argparse.ArgumentParser(prog="characterise", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("build/characterise"), help="where measurements are kept")
    parser.add_argument("--out", type=Path, default=LIBRARY, help="the Liberty file to write")
    parser.add_argument("--date", default=time.strftime("%Y-%m-%d"), help="date that goes into the file")
    parser.add_argument(
        "--cells", nargs="+", choices=CELLS, metavar="CELL", help="measure these, keep the file's others"
    )
    options = parser.parse_args()
    pdk, records, digest = Pdk(options.folder), {}, sources()
    names = options.cells or list(CELLS)
    for number, name in enumerate(names, start=1):
        kept = options.folder / f"{name}.json"
        record = json.loads(kept.read_text()) if kept.exists() else {}
        if record.get("sources") != digest:
            started = time.monotonic()
            record = measure.measure(pdk, CELLS[name], options.folder / name) | {"sources": digest}
            write_file(kept, json.dumps(record))
            print(f"{number}/{len(names)} {name}: {time.monotonic() - started:.0f} s", flush=True)
        records[name] = record
    options.out.parent.mkdir(parents=True, exist_ok=True)
    if options.cells:
        write_file(options.out, with_cells(options.out.read_text(), records, options.date))
    else:
        write_file(options.out, library(records, options.date))
    print(options.out)


if __name__ == "__main__":
    main()
