"""The interactive toy: its script walks the twin's chain to the bit, in Node; the page stands alone, and in a browser.

Node is Debian's, Chromium too; where one is missing, its tests are skipped.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
import tomli_w
from browser import Nesting, chromium, in_browser, text_of, widths
from commands import ROOT

import oxmc
from oxmc.pymodels.config import Config
from oxmc.pymodels.oxram.card_file import card_table
from oxmc.pymodels.oxram.devices import load_card
from oxmc.pymodels.oxram.philox import philox4x32
from oxmc.pymodels.rule import Proposal
from oxmc.reports.toy_page import SLIDERS, toy_config, toy_data, toy_page

TOY = pytest.mark.testpoint(
    "interactive toy",
    "in Node: Philox's published block, normal quantiles, every proposal, counter and conductance of the twin, with "
    "the card's law and another; a wrong line of the script is found; the page stands alone and is the one in docs/",
)
TOY_IN_A_BROWSER = pytest.mark.testpoint(
    "interactive toy in a browser",
    "headless Chromium: buttons and sliders by hand, the twin's counts on the page, dark, nothing on the console, no "
    "sideways scrolling at 390 px",
)
NODE = shutil.which("node") or shutil.which("nodejs") or ""
in_node = pytest.mark.skipif(not NODE, reason="no Node to run the script: apt-get install nodejs")
SCRIPT = (ROOT / "oxmc/reports/page/chain.js").read_text()
OTHER = {
    "current_low_ua": 30.0,
    "current_high_ua": 125.0,
    "median_gain_us": 0.55,
    "sd_gain_us": 1.3,
    "d2d_spread": 0.02,
}
"""Another law: each slider somewhere else."""
WALK = """
const [data, law, seed] = given, chain = new Chain(data.chip, { ...data.law, ...law }, data.seeds[seed]), steps = [];
while (!chain.ended) steps.push(chain.step());
return { steps, counters: chain.counters, rows: chain.rows, counts: chain.counts };
"""


def node(body: str, given: Any, script: str = SCRIPT) -> Any:
    """What the body of a function makes of `given` beside the script, as JSON."""
    program = f"{script}\nprocess.stdout.write(JSON.stringify(((given) => {{ {body} }})({json.dumps(given)})));"
    done = subprocess.run([NODE, "-"], input=program, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def page() -> str:
    return toy_page()


def twin(config: Config, seed: int) -> tuple[oxmc.Run, list[Proposal]]:
    """A training on the twin, and each proposal as an acceptance rule is told of it."""
    seen: list[Proposal] = []

    def rule(proposal: Proposal) -> bool:
        seen.append(proposal)
        return proposal.accepts

    return oxmc.train("toy", preset="paper", config=config, seed=seed, accept=rule), seen


def unlike(walk: dict[str, Any], run: oxmc.Run, seen: list[Proposal]) -> list[str]:
    """Where a walk of the script differs from a run of the twin, the first place of each kind."""
    bit, steps = 2.0**-run.config.log_fraction_bits, walk["steps"][1:]  # row 0 is compared with nothing
    for step, due in zip(steps, seen, strict=False):
        cells = np.array(step["ns"])
        said = {
            "number": step["number"], "row": step["row"], "current_row": step["current"], "accepts": step["accepted"],
            "likelihood": step["likelihood"] * bit, "prior": step["prior"] * bit, "current": step["before"] * bit,
            "u": step["u"] * bit,
        }  # fmt: skip
        wrong = [name for name, value in said.items() if value != getattr(due, name)]
        wrong += ["w_us"] if not np.array_equal((cells[0::2] - cells[1::2]) / 1000, due.w_us) else []
        if wrong:
            return [f"proposal {due.number}: {', '.join(wrong)}"]
    filled, found = np.array(walk["rows"]), [] if len(steps) == len(seen) else [f"{len(steps)} proposals"]
    found += [] if np.array_equal(filled, run.state.conductance_ns[: len(filled)]) else ["conductances"]
    found += [] if walk["counters"] == run.state.counters.tolist() else ["counters"]
    events = run.record["phases"]["train"]["events"]
    return found + [name for name, count in walk["counts"].items() if events[name.lower()] != count]


@TOY
@in_node
def test_draws_are_those_of_their_sources() -> None:
    """The block that Random123 publishes for a counter and key of 0; Python's own normal quantiles."""
    words = [0, 1, 12345, 2**31 - 1, 2**31, 3 * 2**30 + 7, 2**32 - 1]
    cells, body = [0, 1, 1023, 2**32 - 1], "return [given.words.map((w) => normalQ16(w, given.knots)), given.cells.map("
    body += "(c) => philox(c, 9, 4, [123456789, 4000000000]))].concat([philox(0, 0, 0, [0, 0])]);"
    normals, drawn, first = node(body, {"words": words, "cells": cells, "knots": toy_data()["chip"]["knots"]})
    assert first == 0x6627E8D5
    assert drawn == [philox4x32(cell, 9, 0, 4, 123456789, 4000000000)[0] for cell in cells]
    assert np.allclose(np.array(normals) / 2**16, [NormalDist().inv_cdf((w + 0.5) / 2**32) for w in words], atol=2e-4)


@TOY
@in_node
@pytest.mark.parametrize(("seed", "law"), [(0, {}), (3, OTHER)])
def test_the_script_walks_as_the_twin(seed: int, law: dict[str, float], tmp_path: Path) -> None:
    config = toy_config()
    if law:
        assert {slider.name for slider in SLIDERS} == set(law)
        table = card_table(load_card(config.card)) | {"ranges": {}}
        for name in law.keys() & table.keys():
            table[name] |= {"value": law[name], "low": law[name], "high": law[name]}
        (tmp_path / "other.toml").write_text(tomli_w.dumps(table))
        config = config.replace(card=str(tmp_path / "other.toml"), d2d_spread=law["d2d_spread"])
    run, seen = twin(config, seed)
    assert unlike(node(WALK, [toy_data(), law, seed]), run, seen) == [] and len(seen) > 300


@TOY
@in_node
@pytest.mark.parametrize(
    ("line", "wrong", "found"),
    [
        ("<= before + u", "< before + u - 40", "accepts"),
        ("label ? code : ~code", "label ? ~code : code", "likelihood"),
        ("++this.setCount[index]", "this.setCount[index]++", "w_us"),
        ("- log_u_table[", "+ log_u_table[", "u"),
        ("this.counts.RESET += this.cells;", "", "RESET"),
    ],
)
def test_a_wrong_line_is_found(twin_of_seed_0: Any, line: str, wrong: str, found: str) -> None:
    assert SCRIPT.count(line) == 1
    assert found in unlike(node(WALK, [toy_data(), {}, 0], SCRIPT.replace(line, wrong)), *twin_of_seed_0)[0]


@pytest.fixture(scope="module")
def twin_of_seed_0() -> tuple[oxmc.Run, list[Proposal]]:
    return twin(toy_config(), 0)


@TOY
def test_the_page_stands_alone_and_is_current(page: str) -> None:
    found = Nesting(page)
    assert (found.wrong, found.loads) == ([], [])
    assert not re.search(r"@import|url\(|fetch\(|XMLHttp|import\s", page.partition("<body>")[0])
    assert (ROOT / "docs/interactive/toy.html").read_text(encoding="utf-8") == page, "run: make docs"


@TOY
def test_the_command_on_the_page_is_its_configuration(page: str) -> None:
    (line,) = re.findall(r"oxmc train toy [^\n]*max_proposals=\d+", text_of(page))
    settings = dict(re.findall(r"--set (\w+)=(\w+)", line)) | {"rows": line.partition("--rows ")[2].split()[0]}
    config = oxmc.preset("toy", "paper").replace(
        rows=int(settings["rows"]), split=settings["split"], max_proposals=int(settings["max_proposals"])
    )
    assert config == toy_config()


@TOY_IN_A_BROWSER
@in_browser
def test_hands_on_the_page(page: str, tmp_path: Path, twin_of_seed_0: Any) -> None:
    """By the buttons alone: a step, the end, another law; light, then dark."""
    run, _ = twin_of_seed_0
    script = """<script>
      const said = {}, press = (id) => byId(id).click();
      press("step"); said.first = byId("said").textContent;
      press("step"); press("step"); said.third = byId("said").textContent;
      press("end"); said.facts = byId("facts").textContent; said.shut = byId("step").disabled;
      said.last = [...byId("rows").rows[0].cells].map((cell) => cell.textContent);
      const slider = byId("sd_gain_us"); slider.value = 2; slider.dispatchEvent(new Event("input"));
      said.again = byId("said").textContent; said.spoken = slider.getAttribute("aria-valuetext");
      press("walking"); said.pressed = byId("walking").getAttribute("aria-pressed"); press("walking");
      said.names = [...document.querySelectorAll("canvas")].map((each) => each.getAttribute("aria-label"));
      said.named = [...document.querySelectorAll("input, select")].every((each) => each.labels.length === 1);
      said.ground = getComputedStyle(document.documentElement).backgroundColor;
      document.documentElement.dataset.said = JSON.stringify(said);
    </script></body>"""
    (tmp_path / "page.html").write_text(page.replace("</body>", script), encoding="utf-8")
    grounds = []
    for options in ((), ("--blink-settings=preferredColorScheme=0",)):
        dom, console = chromium(tmp_path, f"file://{tmp_path / 'page.html'}", *options)
        (text,) = re.findall(r'data-said="([^"]*)"', dom)
        said = json.loads(text.replace("&quot;", '"').replace("&amp;", "&"))
        grounds.append(said["ground"])
        assert console == [] and said["named"] and said["shut"] and said["pressed"] == "true"
    assert grounds[0] != grounds[1]
    assert said["first"].startswith("Row 0 was SET at gate code 0.") and said["third"].startswith("Proposal 2: row ")
    chain = run.record["chain"]
    assert f"proposals{chain['proposals']}accepted{100 * chain['acceptance']:.0f} %" in said["facts"]
    filled, cells = len(run.state.counters), run.state.conductance_ns[len(run.state.counters) - 1] / 1000
    assert said["last"][:5] == [str(filled - 1), *(f"{cell:.1f}" for cell in cells)]
    assert said["last"][-1] == str(run.state.counters[-1])
    assert said["again"].startswith("All cells are RESET") and said["spoken"].startswith("2.00")
    assert len(said["names"]) == 4 and all(len(name) > 20 for name in said["names"])


@TOY_IN_A_BROWSER
@in_browser
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits(page: str, tmp_path: Path, width: int) -> None:
    assert widths(page, tmp_path, width) == (width, width)
