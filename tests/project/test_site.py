"""The site of docs/: menus and links without the generator; where MkDocs is there, the whole site, also in a browser.

`make site` installs MkDocs (extra `site`); without it, or without Debian's Chromium, those tests are skipped.
"""

from __future__ import annotations

import functools
import http.server
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag

import pytest
from browser import chromium, in_browser
from commands import ROOT
from quotes import anchor

from tools import site

DOCS = ROOT / "docs"
SITE = pytest.mark.testpoint(
    "menus and links of the site",
    "every document stands in a menu, once; links follow files to their pages, those in code stay; headings have the "
    "anchors of the repository; a notebook becomes a page with its outputs",
)
BUILT = pytest.mark.testpoint(
    "site",
    "built strictly; every link and anchor leads somewhere; nothing loads from a network; a dead link is found; in "
    "headless Chromium light and dark, at 390 and 1280 px, nothing stands on the console; the search's index",
)


def entries(menu: Any) -> Iterator[str]:
    if isinstance(menu, str):
        yield menu
    for each in menu.values() if isinstance(menu, dict) else menu if isinstance(menu, list) else ():
        yield from entries(each)


@SITE
def test_every_document_stands_in_a_menu_once() -> None:
    listed = list(entries(site.menus((DOCS / "README.md").read_text())))
    pages = [path for kind in ("*.md", "*.ipynb", "*.html") for path in DOCS.rglob(kind)]
    assert sorted(listed) == sorted([*map(site.place, pages), *(site.place(ROOT / name) for name in site.PROJECT)])


@SITE
def test_links_lead_to_pages() -> None:
    page = DOCS / "guide/first-hour.md"
    text = "[a](../../README.md#x) ![b](../measurements/spread.svg) [c](#d) [e](https://example.org)"
    text += " [f](../../hdl/pulse.py) [g](../tutorials/your-data.ipynb) [h](../README.md)\n"
    text += "```text\n[a](../../README.md)\n```\n"
    assert site.relinked(text, page, site.place(page)) == (
        "[a](../project/readme.md#x) ![b](../measurements/spread.svg) [c](#d) [e](https://example.org) "
        "[f](../source/hdl/pulse.py.md) [g](../tutorials/your-data.md) [h](../documents.md)\n"
        "```text\n[a](../../README.md)\n```\n"
    )
    assert site.place(ROOT / "energy/tables") == "source/energy/tables/index.md"


@SITE
def test_headings_have_the_anchors_of_the_repository() -> None:
    headings = re.findall(r"^#+ (.*)$", "\n".join(page.read_text() for page in DOCS.rglob("*.md")), re.M)
    assert len(headings) > 200
    assert [each for each in headings if "#" + site.slug(each.replace("`", "")) != anchor(each)] == []


@SITE
def test_a_notebook_becomes_a_page() -> None:
    pictures: dict[str, bytes] = {}
    text = site.notebook_page(DOCS / "tutorials/a-chip-learns.ipynb", pictures)
    assert text.startswith("# A chip learns in 60 seconds\n") and "```python\nimport oxmc\n" in text
    assert '<div class="output"><table>' in text and "```text\nrow 0: cells [" in text
    assert list(pictures) == ["a-chip-learns-0.png"] and "](a-chip-learns-0.png)" in text
    assert pictures["a-chip-learns-0.png"].startswith(b"\x89PNG")


class Addresses(HTMLParser):
    """What a page links to, what it loads, and where in it links may lead."""

    def __init__(self, text: str):
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: set[str] = {""}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        self.anchors |= {given[key] for key in ("id", "name") if key in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "link" and given.get("rel") not in ("canonical", "prev", "next"):
            self.loads.append(given["href"])
        self.loads += [given[key] for key in ("src", "data") if key in given]


@functools.cache
def addresses(page: Path) -> Addresses:
    return Addresses(page.read_text(encoding="utf-8"))


def dead(folder: Path) -> list[str]:
    """Addresses of a site's pages that lead to no file or anchor of it."""
    found = []
    for page in sorted(folder.rglob("*.html")):
        for address in (*addresses(page).links, *addresses(page).loads):
            if re.match(r"\w+:", address) or page.name == "404.html":
                continue
            name, fragment = urldefrag(address)
            target = Path(os.path.normpath(page.parent / unquote(name))) if name else page
            target = target / "index.html" if target.is_dir() else target
            known = not fragment or target.suffix != ".html" or unquote(fragment) in addresses(target).anchors
            if not target.is_file() or not known:
                found.append(f"{page.relative_to(folder)}: {address}")
    return found


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("mkdocs", reason="no MkDocs to build the site: make site")
    folder = tmp_path_factory.mktemp("site") / "built"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    )
    assert done.returncode == 0 and "WARNING" not in done.stderr, done.stderr
    return folder


@BUILT
@pytest.mark.campaign
def test_every_link_leads_somewhere(built: Path) -> None:
    assert dead(built) == []
    page = built / "broken" / "index.html"
    page.parent.mkdir()
    page.write_text(
        '<a href="../guide/first-hour/#what-runs">x</a><a href="../guide/none/">y</a><a href="../#none">z</a>'
    )
    assert dead(built) == ["broken/index.html: ../guide/none/", "broken/index.html: ../#none"]
    page.unlink()


@BUILT
@pytest.mark.campaign
def test_nothing_loads_from_a_network(built: Path) -> None:
    loads = {address for page in built.rglob("*.html") for address in addresses(page).loads}
    assert len(loads) > 20 and [address for address in loads if re.match(r"(https?:)?//", address)] == []
    styles = [address for file in built.rglob("*.css") for address in re.findall(r"url\(([^)]*)\)", file.read_text())]
    assert [address for address in styles if re.match(r"[\"']?(https?:)?//", address)] == []


@pytest.fixture(scope="module")
def served(built: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(built))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


FRAME = """<!doctype html><iframe id="f" style="width:%dpx;height:900px;border:0" src="%s"></iframe><script>
f.onload = () => setTimeout(() => { const page = f.contentDocument.documentElement, said = {
  wide: page.scrollWidth + " " + page.clientWidth, ink: getComputedStyle(page.ownerDocument.body).color };
  document.documentElement.dataset.said = said.wide + " " + said.ink; }, 500);</script>"""


def looked_at(built: Path, served: str, folder: Path, page: str, width: int, *options: str) -> tuple[str, str]:
    """A page's widths and the colour of its text as the browser has them; nothing may stand on the console."""
    (built / "frame.html").write_text(FRAME % (width, f"/{page}"), encoding="utf-8")
    dom, console = chromium(folder, f"{served}/frame.html", "--hide-scrollbars", *options)
    (said,) = re.findall(r'data-said="([^"]*)"', dom)
    assert console == [], page
    wide, window, ink = said.split(" ", 2)
    return f"{wide} {window}", ink


@BUILT
@pytest.mark.campaign
@in_browser
@pytest.mark.parametrize(
    "page", ["", "guide/first-hour/", "reference/config/", "tutorials/a-chip-learns/", "interactive/toy.html"]
)
def test_pages_in_a_browser(built: Path, served: str, tmp_path: Path, page: str) -> None:
    inks = set()
    for width in (390, 1280):
        for look, options in (("light", ()), ("dark", ("--blink-settings=preferredColorScheme=0",))):
            wide, ink = looked_at(built, served, tmp_path / f"{look}{width}", page, width, *options)
            assert wide == f"{width} {width}"
            inks.add(ink)
    assert len(inks) == 2, "light and dark"


@BUILT
@pytest.mark.campaign
def test_search_knows_the_words(built: Path) -> None:
    """The index that the site's search reads, by the pages and sections that a word stands in."""
    index = json.loads((built / "search/search_index.json").read_text())
    places = {entry["location"] for entry in index["docs"] if "microsiemens" in entry["text"]}
    assert "guide/glossary/#the-memory" in places
    assert {"tutorials/a-chip-learns/", "reference/api/"} <= {entry["location"] for entry in index["docs"]}
