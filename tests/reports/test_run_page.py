"""`oxmc report`: what the page says, alone and in a browser, whose scrubber shows the array as it was left."""

from __future__ import annotations

import base64
import json
import re
import shutil
from pathlib import Path
from typing import Any

import arviz_stats
import numpy as np
import pytest
from browser import Nesting, chromium, in_browser, text_of, widths
from commands import SMALL, oxmc, refusal
from pytest import CaptureFixture, TempPathFactory

import oxmc as api
from oxmc.cli.app import run as run_oxmc
from oxmc.reports.chain_parts import chains_of, parameters_of, traces
from oxmc.reports.run_page import run_page
from oxmc.run.baseline import baseline_of
from oxmc.run.checked import CheckedRun, checked_run

REPORT = pytest.mark.testpoint(
    "report",
    "stands alone, well nested, of each kind of run; says result, baseline, warnings and notes; weights as ArviZ has "
    "them, steps and array as the state; counts in the calibration; escapes names",
)
REPORT_IN_A_BROWSER = pytest.mark.testpoint(
    "report in a browser",
    "headless Chromium: the scrubber says of each row what the state says, light and dark, nothing on the console, no "
    "sideways scrolling at 390 px",
)

KINDS = {
    "one": ("cancer", "--rows", "24", "--seed", "3"),
    "chains": ("cancer", *SMALL, "--rows", "12", "--chains", "3"),
    "outputs": ("wine", "--rows", "4", "--set", "counters=own", "--set", "max_proposals=60"),
    "rewards": ("cartpole", "--rows", "3", "--set", "max_proposals=9", "--set", "test_episodes=2"),
    "repeats": ("cancer", *SMALL, "--repeats", "3"),
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: TempPathFactory) -> dict[str, Path]:
    """A small training of each kind."""
    folder = tmp_path_factory.mktemp("report")
    for name, arguments in KINDS.items():
        assert run_oxmc(["train", *arguments, "--engine", "twin", "--out", str(folder / name)]) == 0
    return {name: folder / name for name in KINDS}


@pytest.fixture(scope="module")
def pages(runs: dict[str, Path]) -> dict[str, str]:
    return {name: run_page(path) for name, path in runs.items()}


def checked(path: Path) -> tuple[CheckedRun, Any]:
    found = checked_run(path)
    return found, found.state


def embedded(markup: str) -> dict[str, Any]:
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', markup, re.S)
    assert "<" not in data
    array: dict[str, Any] = json.loads(data)["array"]
    return array


@REPORT
@pytest.mark.parametrize("kind", KINDS)
def test_the_page_stands_alone(runs: dict[str, Path], pages: dict[str, str], kind: str) -> None:
    """Well nested, and nothing in it loads anything from anywhere; the same each time."""
    found = Nesting(pages[kind])
    assert (found.wrong, found.loads) == ([], [])
    assert not re.search(r"@import|url\(|fetch\(|XMLHttp|import\s", pages[kind].partition("<body>")[0])
    places = set(re.findall(r' id="([^"]+)"', pages[kind]))
    assert set(re.findall(r'href="#([^"]+)"', pages[kind])) <= places
    assert run_page(runs[kind]) == pages[kind]


@REPORT
@pytest.mark.parametrize("kind", KINDS)
def test_the_answer_stands_first(runs: dict[str, Path], pages: dict[str, str], kind: str) -> None:
    """Result and baseline, what warns, what is to be noted; all before the joules."""
    run = checked(runs[kind])[0].run
    text, digits = text_of(pages[kind]), 1 if kind == "rewards" else 4
    value = run["repeats"]["median"] if kind == "repeats" else run["result"]["value"]
    held = baseline_of(runs[kind], checked_run(runs[kind]))
    first = text[: text.index("Energy Every joule")]
    assert f"{value:.{digits}f} " in first and f"{held:.{digits}f} " in first
    assert f'data-value="{value}"' in pages[kind] and f'data-baseline="{held}"' in pages[kind]
    assert all(sentence in first for sentence in (*run["warnings"], *run["notes"]))
    for name in ("task", "preset", "engine", "seed"):
        assert f"{name} {run[name]} " in first


@REPORT
def test_weights_are_what_arviz_makes_of_the_posterior(runs: dict[str, Path], pages: dict[str, str]) -> None:
    """Of several chains; and the worst are those of run.json."""
    found, _ = checked(runs["chains"])
    weights = parameters_of(found.config, found.run, chains_of(runs["chains"], found))
    posterior = api.open_run(runs["chains"]).posterior
    summary = arviz_stats.summary(posterior, round_to="none")
    draws = posterior["posterior"]["w"].values[..., 0].size
    bessel = (draws / (draws - 1)) ** 0.5  # ArviZ divides by draws - 1 from 1.0 on
    for each, (_, due) in zip(weights, summary.iterrows(), strict=True):
        assert each.mean == pytest.approx(due["mean"], rel=1e-9)
        assert due["sd"] in (pytest.approx(each.sd, rel=1e-9), pytest.approx(each.sd * bessel, rel=1e-9))
        assert each.rhat == pytest.approx(due["r_hat"], rel=1e-9)
        assert each.ess == pytest.approx(due["ess_bulk"], rel=1e-9)
    assert max(each.rhat for each in weights) == pytest.approx(found.run["chains"]["rhat_max"], rel=1e-12)
    w = posterior["posterior"]["w"].values.reshape(-1, len(weights))
    ends = np.quantile(w, (0.05, 0.95), axis=0, method="inverted_cdf")
    assert np.array_equal(ends.T, [(each.low, each.high) for each in weights])
    text = text_of(pages["chains"])
    best = max(weights, key=lambda each: each.score)
    assert f"{best.name} {best.mean:.1f} {best.sd:.1f} ".replace("-", "\N{MINUS SIGN}") in text
    assert all(f"chain {chain}" in text for chain in range(3))


@REPORT
@pytest.mark.parametrize("kind", ["one", "outputs"])
def test_outputs_mix_as_the_run_says(runs: dict[str, Path], kind: str) -> None:
    found, _ = checked(runs[kind])
    weights = parameters_of(found.config, found.run, chains_of(runs[kind], found))
    assert len(weights) == found.config.chip.pairs * found.config.chains
    worst = max(each.rhat for each in weights)
    assert found.run["mixing"]["rhat_max"] == (None if np.isnan(worst) else pytest.approx(worst, rel=1e-12))


def heights(path: str) -> list[tuple[float, float, float]]:
    """The steps of a path: from, to and height."""
    numbers = [float(each) for each in re.findall(r"-?[\d.]+", path)]
    start, y, end, *rest = numbers
    steps = [(start, end, y)]
    for height, stop in zip(rest[::2], rest[1::2], strict=True):
        steps.append((steps[-1][1], stop, height))
    return steps


@REPORT
def test_steps_last_as_long_as_their_counters(runs: dict[str, Path]) -> None:
    found, state = checked(runs["one"])
    chains = chains_of(runs["one"], found)
    weights = parameters_of(found.config, found.run, chains)
    drawn = traces(found.config, chains, weights)
    assert len(drawn) == 4
    for trace in drawn:
        (path,), number = trace["paths"], weights.index(trace["parameter"])
        steps = heights(path["burn_in"]) + heights(path["votes"])
        counters, w = state.counters[state.counters > 0], chains[0].w_us[state.counters > 0, number]
        assert len(heights(path["burn_in"])) == np.count_nonzero(state.counters[: found.config.burn_in])
        lasts = np.array([stop - start for start, stop, _ in steps]) * counters.sum() / 100
        assert np.allclose(lasts, counters, atol=0.02 * counters.sum() / 100)
        y = trace["high"] - np.array([height for *_, height in steps]) / 100 * (trace["high"] - trace["low"])
        assert np.allclose(y, w, atol=0.01 * (trace["high"] - trace["low"]))


@REPORT
@pytest.mark.parametrize("kind", ["one", "outputs", "rewards"])
def test_the_page_holds_the_array(runs: dict[str, Path], pages: dict[str, str], kind: str) -> None:
    found, state = checked(runs[kind])
    array = embedded(pages[kind])
    codes = np.frombuffer(base64.b64decode(array["codes"]), "<u2").reshape(array["rows"], array["cells"])
    step_ns = round(1000 * array["step_us"])
    assert codes.shape == state.conductance_ns.shape and 1 <= step_ns <= 10
    assert np.array_equal(codes, state.conductance_ns // step_ns)
    assert array["counters"][: len(state.counters)] == state.counters.tolist()
    assert array["rewards"] == state.row_rewards.tolist()
    if kind == "one":
        assert array["together"][-1] == found.run["result"]["value"]
    assert array["alone"] == [] or len(array["alone"]) == found.config.rows


@REPORT
def test_the_calibration_has_its_counts(runs: dict[str, Path], pages: dict[str, str]) -> None:
    run, text = checked(runs["one"])[0].run, text_of(pages["one"])
    for entry in run["uncertainty"]["calibration"]:
        assert f"{entry['n']} {entry['confidence']:.3f} {entry['accuracy']:.3f} " in text
    assert sum(entry["n"] for entry in run["uncertainty"]["calibration"]) == run["config"]["test_samples"]
    assert "Calibration How often" not in text_of(pages["rewards"])


@REPORT
def test_repeats_are_a_histogram(runs: dict[str, Path], pages: dict[str, str]) -> None:
    (bars,) = re.findall(r'<div class="histogram">(.*?)</div>', pages["repeats"])
    found = [float(height) for height in re.findall(r"height:([\d.]+)%", bars)]
    values = checked(runs["repeats"])[0].run["repeats"]["values"]
    most = max(found)
    assert most == 100.0 and sum(found) == pytest.approx(
        100 * len(values) / max(np.unique(values, return_counts=True)[1])
    )
    assert "What follows is of repeat 0 of 3." in text_of(pages["repeats"])


@REPORT
def test_names_are_text(runs: dict[str, Path], tmp_path: Path) -> None:
    odd = Path(shutil.copytree(runs["one"], tmp_path / "<script>alert(1)<"))
    markup = run_page(odd)
    assert "<script>alert" not in markup and "&lt;script&gt;alert" in markup and Nesting(markup).wrong == []


@REPORT
def test_a_missing_baseline_is_said(tmp_path: Path) -> None:
    x = np.random.default_rng(1).normal(size=(30, 2))
    run = api.train(x, x[:, 0] > 0, rows=4, settings={"max_proposals": 30}, out=tmp_path / "run")
    assert f'data-baseline="{run.baseline}"' in run.report().read_text(encoding="utf-8")
    (tmp_path / "run/posterior.nc").unlink()
    assert "No baseline: RUN must keep its training points for a baseline, which " in text_of(run_page(run.path))


@REPORT
def test_command_and_api_write_the_page(
    capsys: CaptureFixture[str], runs: dict[str, Path], pages: dict[str, str], tmp_path: Path
) -> None:
    file, default = tmp_path / "page.html", runs["one"] / "report.html"
    answer = oxmc(capsys, "report", runs["one"], "--out", file)
    assert (answer.code, answer.out, answer.err) == (0, f"{file}\n", "")
    assert file.read_text(encoding="utf-8") == pages["one"]
    assert oxmc(capsys, "report", runs["one"]).out == f"{default}\n" and default.read_bytes() == file.read_bytes()
    assert api.open_run(runs["one"]).report(tmp_path / "api.html").read_bytes() == file.read_bytes()
    message = refusal(capsys, "report", runs["one"] / "run.json", "--out", tmp_path / "none.html")
    assert message.startswith("RUN must be a run directory, not ") and not (tmp_path / "none.html").exists()


def turned(markup: str, folder: Path, *rows: int, options: tuple[str, ...] = ()) -> tuple[dict[str, Any], list[str]]:
    """What the page says at each of `rows`, and of its look; and what stood on the console."""
    script = """<script>
      const said = {}, input = document.getElementById("row");
      const canvas = document.getElementById("cells"), width = 4 * canvas.width;
      const drawn = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
      for (const row of ROWS) {
        input.value = row; input.dispatchEvent(new Event("input"));
        said[row] = {
          spoken: input.getAttribute("aria-valuetext"), facts: document.getElementById("row-facts").textContent,
          weights: [...document.querySelectorAll(".watch b")].map((each) => each.textContent),
          clear: drawn[width * row + 3] === 0,
        };
      }
      said.ground = getComputedStyle(document.documentElement).backgroundColor;
      said.reached = input.tabIndex === 0 && document.querySelector("label[for=row]") !== null;
      document.documentElement.dataset.said = JSON.stringify(said);
    </script></body>""".replace("ROWS", json.dumps(rows))
    (folder / "page.html").write_text(markup.replace("</body>", script), encoding="utf-8")
    dom, console = chromium(folder, f"file://{folder / 'page.html'}", *options)
    assert 'data-ready="yes"' in dom
    (said,) = re.findall(r'data-said="([^"]*)"', dom)
    return json.loads(said.replace("&quot;", '"')), console


@REPORT_IN_A_BROWSER
@in_browser
def test_a_hand_on_the_scrubber(runs: dict[str, Path], pages: dict[str, str], tmp_path: Path) -> None:
    """Counter, weights and standing of a row that votes and of one that does not."""
    found, state = checked(runs["one"])
    burnt, votes = 0, int(np.flatnonzero(state.counters)[-1])
    said, console = turned(pages["one"], tmp_path, burnt, votes)
    assert console == [] and said["reached"]
    for row, standing in ((burnt, "burn-in, does not vote"), (votes, "votes")):
        there = said[str(row)]
        assert there["spoken"] == f"row {row}, counter {state.counters[row]}, {standing}" and not there["clear"]
        w = (state.conductance_ns[row, 0::2] - state.conductance_ns[row, 1::2]) / 1000
        spoken = [float(text.replace("\N{MINUS SIGN}", "-")) for text in there["weights"]]
        assert np.allclose(spoken, w[:16], atol=0.07)  # two cells, each cut to a step of the page, and a rounding
    share = 100 * state.counters[votes] / state.counters[found.config.burn_in :].sum()
    assert f"{share:.1f} %" in said[str(votes)]["facts"]
    dark, console = turned(pages["one"], tmp_path, votes, options=("--blink-settings=preferredColorScheme=0",))
    assert console == [] and dark["ground"] != said["ground"]


@REPORT_IN_A_BROWSER
@in_browser
def test_a_row_that_was_never_reached_is_clear(runs: dict[str, Path], pages: dict[str, str], tmp_path: Path) -> None:
    _, state = checked(runs["rewards"])
    array = embedded(pages["rewards"])
    empty = [row for row, count in enumerate(array["counters"]) if not count]
    filled = [row for row, count in enumerate(array["counters"]) if count]
    said, console = turned(pages["rewards"], tmp_path, *empty, *filled)
    assert console == [] and all(said[str(row)]["clear"] for row in empty)
    assert all(f"reward{state.row_rewards[row]}" in said[str(row)]["facts"] for row in filled)


@REPORT_IN_A_BROWSER
@in_browser
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits(runs: dict[str, Path], tmp_path: Path, width: int) -> None:
    long = Path(shutil.copytree(runs["outputs"], tmp_path / ("a-run-with-a-rather-long-name" * 4)))
    assert widths(run_page(long), tmp_path, width) == (width, width)
