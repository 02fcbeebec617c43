"""`make docs` (`python -m oxmc.pages`): write the printed pages of docs/ in the current folder."""

from __future__ import annotations

import json
from pathlib import Path

from oxmc.cli.config_page import config_page
from oxmc.ip.package import ip_files
from oxmc.pages.blocks import CHIPS, Block, blocks, index, page
from oxmc.pages.figures import figures_page, trained
from oxmc.pages.gates import Gates, gates, gates_file
from oxmc.pymodels.whole import write_file
from oxmc.reports.toy_page import toy_page

REFERENCE = Path("docs/reference")
KEPT = Path("blocks/gates.json")
FIGURES = Path("docs/measurements/figures.md")
TOY = Path("docs/interactive/toy.html")


def block_pages(every: list[Block], found: dict[str, Gates]) -> dict[Path, str]:
    """The pages of the blocks by their place in `REFERENCE`."""
    pages = {Path("blocks") / f"{block.name}.md": page(block, found) for block in every}
    return {**pages, Path("blocks/README.md"): index(every, found)}


def registers_page() -> str:
    """The registers of one chip behind a bus, as `oxmc ip` writes them."""
    return ip_files(CHIPS["paper"][1].chip, "apb", "oxmc_ip")["registers.md"]


def main() -> None:
    kept = REFERENCE / KEPT
    found = gates(
        {name: config for name, (_, config) in CHIPS.items()}, json.loads(kept.read_text()) if kept.exists() else {}
    )
    kept.parent.mkdir(parents=True, exist_ok=True)
    first = {Path("config.md"): config_page(), Path("registers.md"): registers_page()}
    pages = {**first, KEPT: gates_file(found), **block_pages(blocks(), found)}
    for name, text in pages.items():
        write_file(REFERENCE / name, text)
    write_file(FIGURES, figures_page(trained()))
    write_file(TOY, toy_page())


if __name__ == "__main__":
    main()
