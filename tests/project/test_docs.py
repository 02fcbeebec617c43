"""What README and docs/ say of the project must be so: keys, links, paths, `make` targets and command lines."""

from __future__ import annotations

import functools
import re
import shlex
import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
import typer
import yaml
from commands import ROOT
from quotes import LINK, anchor, page_text

from oxmc.cli.app import UsageError, app
from oxmc.cli.config_page import config_page
from oxmc.pymodels.config import KEYS, parse_setting, resolve
from oxmc.pymodels.tasks.components import component_keys

pytestmark = pytest.mark.testpoint(
    "documentation",
    "configuration page current; links, paths, make targets and command lines exist; the citation is whole; the checks "
    "can fail",
)

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = [*DOCUMENTS, *sorted((ROOT / "docs").rglob("*.ipynb"))]
COMMANDS: dict[str, Any] = cast(Any, typer.main.get_command(app)).commands
OPTIONS = {option for each in cast(Any, typer.main.get_command(app)).params for option in each.opts} | {"--help"}
on_each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))

PATH = re.compile(r"(?<![\w./-])(?:hdl|pymodels|tb|energy|silicon|studies|oxmc|tests|docs|tools)/[\w./-]*\w")
COMMAND = re.compile(r"^\s*(?:\$ )?(?:\.venv/bin/)?oxmc (.*)$|`(?:\.venv/bin/)?oxmc ([^`]*)`", re.M)
TARGET = re.compile(r"(?:^\s*(?:\$ )?|`)make ([a-z]+)", re.M)


def dead_links(text: str, page: Path) -> list[str]:
    """Relative links whose file or heading does not exist."""
    dead = []
    for name, fragment in LINK.findall(text):
        target = (page.parent / name).resolve() if name else page
        there = target.exists()
        if there and fragment:
            headings = re.findall(r"^#+ (.*)$", text if target == page else page_text(target), re.M)
            there = fragment in map(anchor, headings)
        if not there:
            dead.append(name + fragment)
    return dead


def missing_paths(text: str) -> list[str]:
    """Paths in the project's folders that are named but do not exist."""
    return [path for path in PATH.findall(text) if not (ROOT / path).exists()]


def commands(text: str) -> Iterator[list[str]]:
    """The arguments of each `oxmc` command line."""
    for line, inline in COMMAND.findall(text):
        yield shlex.split(line or inline)


def parse(arguments: list[str]) -> dict[str, Any]:
    """What a command makes of its arguments, without running it. Raises `UsageError` for what it does not know."""
    name, *rest = arguments
    if name not in COMMANDS:
        raise UsageError(f"no command {name!r}")
    command = COMMANDS[name]
    if hasattr(command, "commands") and rest and rest[0] in command.commands:
        name, *rest = rest
        command = command.commands[name]
    return dict(command.make_context(name, rest).params)


def test_config_page_is_current() -> None:
    assert (ROOT / "docs/reference/config.md").read_text() == config_page(), (
        "run: python -m oxmc.cli.config_page > docs/reference/config.md"
    )


def test_config_page_has_every_key_once() -> None:
    assert re.findall(r"^\| `(\w+)` \|", config_page(), re.M) == list(KEYS)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md"], ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert dead_links(page_text(page), page) == []


@on_each_page
def test_named_paths_exist(page: Path) -> None:
    assert missing_paths(page_text(page)) == []


@on_each_page
def test_make_targets_exist(page: Path) -> None:
    targets = re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.M)
    assert [name for name in TARGET.findall(page_text(page)) if name not in targets] == []


def _fitted(task: str, keys: Mapping[str, Any], given: Collection[str]) -> dict[str, Any]:
    """What follows from components; a page's tables are not there."""
    found = component_keys(task, keys, keys)
    return {name: value for name, value in found.items() if name not in given}


@on_each_page
def test_command_lines_parse(page: Path) -> None:
    """Commands and options exist and take what they are given; keys after --set exist and are in range."""
    for arguments in commands(page_text(page)):
        if len(arguments) == 1:  # a command's name in a sentence
            assert arguments[0] in COMMANDS or arguments[0] in OPTIONS
        elif arguments[-1] != "--help":
            params = parse(arguments)
            settings = dict(parse_setting(text) for text in params.get("settings") or [])
            if "task" in params:
                fit = functools.partial(_fitted, params["task"])
                resolve(params["task"], params["preset"], fit=fit, settings=settings)


def test_readme_or_guide_shows_every_command() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs/guide").glob("*.md")]
    shown = {arguments[0] for page in pages for arguments in commands(page.read_text()) if len(arguments) > 1}
    assert shown == set(COMMANDS)


@pytest.mark.parametrize("line", ["train cancer --no-such-option", "train", "fly", "verilog --set"])
def test_a_bad_command_line_is_found(line: str) -> None:
    (arguments,) = commands(f"    $ oxmc {line}\n")
    with pytest.raises(UsageError):
        parse(arguments)


def test_dead_links_and_paths_are_found() -> None:
    page = ROOT / "README.md"
    assert dead_links("# A b\n[x](#a-b) [y](docs/none.md) [z](#none) [w](https://example.org)", page) == [
        "docs/none.md",
        "#none",
    ]
    assert missing_paths("see `hdl/none.py`, hdl/chip.py and build/none, oxmc/none.py") == [
        "hdl/none.py",
        "oxmc/none.py",
    ]


def test_citation_is_of_this_version_and_names_the_paper() -> None:
    """By the keys of the Citation File Format 1.2.0; its own validator, cffconvert, takes the file."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= set(citation)  # what the format's schema asks for
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (citation["version"], citation["license"]) == (project["version"], project["license"])
    (paper,) = citation["references"]
    readme = (ROOT / "README.md").read_text()
    assert f"{paper['journal']} {paper['volume']}, {paper['start']}-{paper['end']} ({paper['year']})" in readme
    assert f"doi:{paper['doi']}" in readme
    assert all(f"{author['given-names']} {author['family-names']}" in readme for author in paper["authors"])


STEP = re.compile(r"^\d\. `([\w/.]+)`(.*(?:\n   .*)*)", re.M)


def absent_names(page: str) -> list[str]:
    """Names that the walk along a proposal gives to a file which has them not."""
    walk = page.partition("## One proposal through the code")[2].partition("\n## ")[0]
    return [
        f"{file}: {name}"
        for file, text in STEP.findall(walk)
        for name in re.findall(r"`([\w.]+)`", text)
        if not re.search(rf"\b{re.escape(name)}\b", (ROOT / file).read_text())
    ]


def test_a_proposal_can_be_followed_through_five_files() -> None:
    page = (ROOT / "docs" / "design.md").read_text()
    walk = page.partition("## One proposal through the code")[2].partition("\n## ")[0]
    assert len(STEP.findall(walk)) == 5 and absent_names(page) == []
    assert absent_names("## One proposal through the code\n1. `hdl/pulse.py`: has `latch`\n   and `lach`\n") == [
        "hdl/pulse.py: lach"
    ]
