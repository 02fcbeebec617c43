"""What the tests of pages share: markup that is read without a browser, and a browser without a window.

The browser is Debian's Chromium; where there is none, tests with `in_browser` are skipped.
"""

from __future__ import annotations

import html
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome") or ""
in_browser = pytest.mark.skipif(not CHROMIUM, reason="no Chromium to show the page: apt-get install chromium")
VOID = {"meta", "link", "br", "input", "img"}


class Nesting(HTMLParser):
    """Elements that are closed in the wrong order or not at all, and every address that the page would load."""

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.loads: list[str] = []
        self.feed(text)
        self.wrong += self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.loads += [value for key, value in attrs if key in ("src", "srcset", "data") and value]
        self.loads += [value for key, value in attrs if tag == "link" and key == "href" and value != "data:,"]

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def text_of(markup: str) -> str:
    body = markup.partition("<body>")[2].partition("<script")[0]
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", body)))


def chromium(folder: Path, address: str, *options: str) -> tuple[str, list[str]]:
    """The page's elements after its scripts ran, and what it said on the console."""
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--enable-logging=stderr",
        f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=3000", *options, "--dump-dom", address,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def widths(markup: str, folder: Path, width: int) -> tuple[int, int]:
    """How wide the page is, and how wide its window, for a window of `width`; nothing may stand on the console.

    A window without a screen is never narrower than 500 px, so the page stands in a frame.
    """
    (folder / "frame.html").write_text(
        f'<!doctype html><html><body><iframe id="f" style="width:{width}px;height:900px;border:0" '
        f'srcdoc="{html.escape(markup)}"></iframe><script>'
        "f.onload = () => { const page = f.contentDocument.documentElement;"
        "document.documentElement.dataset.widths = page.scrollWidth + ' ' + page.clientWidth; };</script>",
        encoding="utf-8",
    )
    dom, console = chromium(folder, f"file://{folder / 'frame.html'}", "--hide-scrollbars")
    (found,) = re.findall(r'data-widths="([^"]*)"', dom)
    assert console == []
    page, window = map(int, found.split())
    return page, window
