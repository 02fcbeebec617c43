"""`oxmc energy --format html`: what the page says, alone and in a browser, whose sliders follow the Python model.

The browser is Debian's Chromium without a window; where there is none, those tests are skipped.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from browser import Nesting, chromium, in_browser, text_of, widths
from commands import SMALL, oxmc
from pytest import CaptureFixture, TempPathFactory

from oxmc.cli.app import run as run_oxmc
from oxmc.energy.whatif import evaluate
from oxmc.posterior import learning_curve as curves
from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.outcome import Outcome
from oxmc.reports.accounts import read_account
from oxmc.reports.energy_page import _model, page
from oxmc.reports.markup import joules, linked
from oxmc.run.rundir import read_run

ENERGY_PAGE = pytest.mark.testpoint(
    "energy page",
    "stands alone, well nested, says what the ledger says, escapes names; two runs; accuracy along the chain",
)
ENERGY_PAGE_IN_A_BROWSER = pytest.mark.testpoint(
    "energy page in a browser",
    "headless Chromium: sliders move the totals as the Python model does, nothing on the console, no sideways "
    "scrolling at 390 px",
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: TempPathFactory) -> tuple[Path, Path]:
    """A small training as the paper does it, and one with our options."""
    folder = tmp_path_factory.mktemp("page")
    for name in ("paper", "wide"):
        arguments = ["train", "cancer", "--engine", "twin", "--preset", name, *SMALL, "--out", str(folder / name)]
        assert run_oxmc(arguments) == 0
    return folder / "paper", folder / "wide"


@pytest.fixture(scope="module")
def one(runs: tuple[Path, Path]) -> str:
    return page([read_account(runs[0], ("28nm", "130nm"))])


def spaced(value: float) -> str:
    """Joules as `text_of` has them: any space is one."""
    return joules(value).replace("\u202f", " ")


@ENERGY_PAGE
def test_the_page_stands_alone(runs: tuple[Path, Path], one: str) -> None:
    """Well nested, and nothing in it loads anything from anywhere."""
    both = page([read_account(run, ("28nm", "130nm")) for run in runs])
    for markup in (one, both):
        found = Nesting(markup)
        assert (found.wrong, found.loads) == ([], [])
        assert not re.search(r"@import|url\(|fetch\(|XMLHttp|import\s", markup.partition("<body>")[0])
    assert page([read_account(runs[0], ("28nm", "130nm"))]) == one  # no date, no chance


@ENERGY_PAGE
def test_the_page_says_what_the_ledger_says(runs: tuple[Path, Path], one: str) -> None:
    text, found = text_of(one), read_run(runs[0])
    account = read_account(runs[0], ("28nm", "130nm"))
    for node, ledger in account.ledgers.items():
        assert spaced(ledger.total_j) in text and spaced(account.bands[node].total.low) in text
        for name, part in account.parts(node).items():
            assert f"{name} {spaced(part.ledger.total_j)} " in text
        for name, value in account.per(node)["operation"].items():
            assert f"{name.upper()} {spaced(value)}" in text
        for component, value in ledger.by_component().items():
            assert f"{component.replace('_', ' ')} " in text and spaced(value) in text
    for line in account.ledgers["28nm"].lines:
        assert re.sub(r"\s+", "", line.source) in re.sub(r"\s+", "", text)  # a link in it is an element of its own
    assert f"{found['result']['value']:.4g}" in text
    comparison = account.paper("28nm")
    assert comparison and "1.30 µJ for the task at 28nm" in text
    assert all(sentence.replace(" uJ", " µJ") in text for sentence in comparison.sentences)
    assert "Against each other" not in text
    assert all(sentence in text for sentence in (*found["warnings"], *found["notes"]))
    assert "array and converters" in text and "memories and logic" in text
    places = re.findall(r'<a href="#([^"]*)">', one.partition("</nav>")[0])
    assert len(places) == 6 and all(f'<section id="{place}"' in one or f'id="{place}"' in one for place in places)


@ENERGY_PAGE
def test_two_runs_are_compared(runs: tuple[Path, Path]) -> None:
    accounts = [read_account(run, ("28nm",)) for run in runs]
    text = text_of(page(accounts))
    totals = [account.parts("28nm")["training"].ledger.total_j for account in accounts]
    assert "Against each other" in text and f"× {totals[1] / totals[0]:.3g} " in text
    assert spaced(totals[1] - totals[0]) in text


@ENERGY_PAGE
def test_each_run_has_its_sources(runs: tuple[Path, Path]) -> None:
    """Figures of the second run, too: it has blocks of the logic that the first has not."""
    accounts = [read_account(run, ("28nm",)) for run in runs]
    used = [{(line.component, line.action) for line in account.ledgers["28nm"].lines} for account in accounts]
    assert used[1] - used[0]
    cards = text_of(page(accounts).partition('<section id="sources">')[2].join(("<body>", "")))
    for component, action in used[0] | used[1]:
        assert component.replace("_", " ") in cards and action in cards, (component, action)


@ENERGY_PAGE
def test_what_comes_ahead_of_a_training_is_named(tmp_path: Path) -> None:
    """Forming and calibration have rows and columns of their own, and stay out of the headline."""
    ahead = [word for setting in ("form=true", "condition_cycles=2", "calibrate=true") for word in ("--set", setting)]
    assert run_oxmc(["train", "cancer", "--engine", "twin", *SMALL, *ahead, "--out", str(tmp_path / "run")]) == 0
    account = read_account(tmp_path / "run", ("28nm",))
    parts, text = account.parts("28nm"), text_of(page([account]))
    assert list(parts) == ["training", "inference", "forming", "calibration"]
    assert f"training at 28nm {spaced(parts['training'].ledger.total_j)} " in text  # the headline
    assert all(f"{name} {spaced(part.ledger.total_j)} " in text for name, part in parts.items())
    assert "Forming and conditioning happen once" in text and "infer form calibrate" in text


@ENERGY_PAGE
def test_names_and_sources_are_text(runs: tuple[Path, Path], tmp_path: Path) -> None:
    """A folder or a source with markup in it stays text; addresses in a source, and only those, become links."""
    odd = Path(shutil.copytree(runs[0], tmp_path / "<script>alert(1)<"))
    markup = page([read_account(odd, ("28nm",))])
    assert "<script>alert" not in markup and "&lt;script&gt;alert" in markup
    assert Nesting(markup).wrong == []
    assert linked("a <b>, doi:10.1/x-2, and https://example.org/a.html.") == (
        'a &lt;b&gt;, <a href="https://doi.org/10.1/x-2">doi:10.1/x-2</a>, and '
        '<a href="https://example.org/a.html">https://example.org/a.html</a>.'
    )


@ENERGY_PAGE
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12.03e-6, "12.0 µJ"),
        (0.6, "600 mJ"),
        (999.7e-9, "1.00 µJ"),
        (1.5e-16, "0.15 fJ"),
        (-2e-9, "−2.00 nJ"),
        (0, "0.00 fJ"),
    ],
)
def test_joules_in_words(value: float, text: str) -> None:
    assert spaced(value) == text


@ENERGY_PAGE
def test_the_curve_ends_at_the_run(runs: tuple[Path, Path]) -> None:
    """Shares grow to 1; the last accuracy is the run's, and one of fewer rows is what those rows alone give."""
    for path in runs:
        run = read_run(path)
        stages = curves.learning_curve(path, run, Config(**run["config"]))
        assert [stage.rows for stage in stages] == [1, 2, 3, 4]
        assert stages[-1].accuracy == run["result"]["value"] and stages[-1].share == 1.0
        shares = [stage.share for stage in stages]
        assert shares == sorted(shares) and 0 < shares[0] < 1


@ENERGY_PAGE
def test_the_curve_of_a_run_that_stopped_early(tmp_path: Path) -> None:
    """A chain of half the proposals, ended by max_proposals, is a stage of the whole one: same rows, same accuracy."""
    base = ["train", "cancer", "--engine", "twin", "--rows", "24", "--seed", "5"]
    assert run_oxmc([*base, "--out", str(tmp_path / "whole")]) == 0
    run = read_run(tmp_path / "whole")
    half = run["chain"]["proposals"] // 2
    assert run_oxmc([*base, "--set", f"max_proposals={half}", "--out", str(tmp_path / "half")]) == 0
    short = read_run(tmp_path / "half")
    stages = curves.learning_curve(tmp_path / "whole", run, Config(**run["config"]))
    (stage,) = [stage for stage in stages if stage.rows == short["result"]["rows_used"] - 1]
    assert stage.share <= half / run["chain"]["proposals"]
    halves = curves.learning_curve(tmp_path / "half", short, Config(**short["config"]))
    assert halves[-1].accuracy == short["result"]["value"]
    accuracy = {stage.rows: stage.accuracy for stage in stages}
    both = [half for half in halves[:-1] if half.rows in accuracy]  # the last row was still counting
    assert len(both) > 3 and all(half.accuracy == accuracy[half.rows] for half in both)


@ENERGY_PAGE
def test_a_run_without_state_has_no_curve(runs: tuple[Path, Path], tmp_path: Path) -> None:
    copy = Path(shutil.copytree(runs[0], tmp_path / "run"))
    record = json.loads((copy / "run.json").read_text())
    with pytest.raises(InputError, match="^RUN must give its own accuracy again, 0.1, not "):
        curves.learning_curve(
            copy, record | {"result": {"metric": "accuracy", "value": 0.1}}, Config(**record["config"])
        )
    with pytest.raises(InputError, match="^RUN must have an accuracy for a curve of it, not a reward$"):
        curves.learning_curve(copy, record | {"result": {"metric": "reward"}}, Config(**record["config"]))
    (copy / "state.npz").unlink()
    text = text_of(page([read_account(copy / "run.json", ("28nm",))]))
    assert "No curve: RUN must hold a whole state.npz, not " in text


@ENERGY_PAGE
def test_the_curve_of_repeats_is_that_of_the_first(tmp_path: Path) -> None:
    arguments = ["train", "cancer", "--engine", "twin", *SMALL, "--repeats", "2", "--out", str(tmp_path / "run")]
    assert run_oxmc(arguments) == 0
    run = read_run(tmp_path / "run")
    assert curves.learning_curve(tmp_path / "run", run, Config(**run["config"]))[-1].accuracy == run["result"]["value"]
    assert "2 repeats: training " in text_of(page([read_account(tmp_path / "run", ("28nm",))]))


@ENERGY_PAGE
def test_a_curve_opens_no_file_that_a_run_names(tmp_path: Path) -> None:
    """A run may come from anywhere: its curve comes from the test points kept with it, or not at all."""
    file, out = tmp_path / "table.csv", tmp_path / "run"
    file.write_text("a,b,class\n" + "".join(f"{k % 7},{k * k % 11},{k % 2}\n" for k in range(30)))
    learn = ["--data", str(file), "--label", "class", "--engine", "twin", "--rows", "4", "--set", "max_proposals=30"]
    assert run_oxmc(["train", "table", *learn, "--out", str(out)]) == 0
    run = read_run(out)
    assert curves.learning_curve(out, run, Config(**run["config"]))[-1].accuracy == run["result"]["value"]
    file.unlink()
    os.mkfifo(file)  # whoever opened it would wait for ever
    assert curves.learning_curve(out, run, Config(**run["config"]))[-1].accuracy == run["result"]["value"]
    state = Outcome.load(out / "state.npz")
    state.save(out / "state.npz")  # without them
    with pytest.raises(InputError, match="^RUN must keep its test points for a curve, which .* does not$"):
        curves.learning_curve(out, run, Config(**run["config"]))


@ENERGY_PAGE
def test_the_command_writes_the_page(capsys: CaptureFixture[str], runs: tuple[Path, Path], tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    answer = oxmc(capsys, "energy", runs[0], "--format", "html", "--out", file)
    assert (answer.code, answer.out, answer.err) == (0, "", "")
    assert file.read_text(encoding="utf-8") == page([read_account(runs[0], ("28nm", "130nm"))])


def answers(dom: str) -> dict[str, dict[str, float]]:
    """What the page worked out, by node."""
    found = {}
    for element in re.findall(r'<div class="answer"([^>]*)>', dom):
        data = dict(re.findall(r'data-(\w+)="([^"]*)"', element))
        node = data.pop("node")
        found[node] = {key: float(value) for key, value in data.items()}
    return found


@ENERGY_PAGE_IN_A_BROWSER
@in_browser
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"set_pulse_s": 2.5e-7, "eval_pulse_s": 3e-7, "clock_hz": 3.1e7},
        {"set_sl_v": 1.6, "reset_bl_v": 2.2, "input_full_scale_v": 0.13, "word_line_v": 3.0, "adc": 0.4},
        {"supply": 0.8, "logic": 0.072, "read_pulse_s": 1e-8, "gate_high_v": 1.5, "read_sl_v": 0.3},
    ],
    ids=["as it ran", "times", "voltages", "digital"],
)
def test_the_page_turns_as_the_model_does(
    runs: tuple[Path, Path], one: str, tmp_path: Path, settings: dict[str, float]
) -> None:
    (tmp_path / "page.html").write_text(one, encoding="utf-8")
    fragment = "&".join(f"{name}={value}" for name, value in settings.items())
    dom, console = chromium(tmp_path, f"file://{tmp_path / 'page.html'}#{fragment}")
    assert console == [] and 'data-ready="yes"' in dom
    model = _model(read_account(runs[0], ("28nm", "130nm")))
    found = answers(dom)
    assert list(found) == ["28nm", "130nm"]
    for node, values in found.items():
        expected = evaluate(model, node, settings)
        assert values["total"] == pytest.approx(expected.total_j, rel=1e-9)  # the same sums in another order
        assert values["training"] == pytest.approx(expected.training_j, rel=1e-9)
        assert values["analogue"] == pytest.approx(expected.analogue_j, rel=1e-9)
        assert values["cycles"] == expected.cycles
    assert len(re.findall(r'class="knob moved"', dom)) == len(settings)
    spoken = re.findall(r'<output>([^<]*)</output><input [^>]*aria-valuetext="([^"]*)"', dom)
    assert len(spoken) == len(model.knobs) and all(shown == said for shown, said in spoken)
    ends = re.findall(r'<div class="ends"><span>([^<]*)</span><span>([^<]*)</span>', dom)
    assert len(ends) == len(model.knobs) and ("10\u202fns", "1\u202fµs") in ends and ("× 0.1", "× 10") in ends


@ENERGY_PAGE_IN_A_BROWSER
@in_browser
def test_a_hand_on_the_slider(one: str, tmp_path: Path) -> None:
    """Moving a slider in the page itself changes total and address; reset brings back the run's."""
    script = """<script>
      const total = () => Number(document.querySelector(".answer").dataset.total), seen = [total()];
      const slider = document.getElementById("knob-adc");
      slider.value = 1000; slider.dispatchEvent(new Event("input")); seen.push(total());
      document.documentElement.dataset.address = location.hash;
      location.hash = "#sources"; window.dispatchEvent(new Event("hashchange")); seen.push(total());
      document.querySelector(".answers button").click(); seen.push(total());
      document.documentElement.dataset.seen = seen.join(" ");
    </script></body>"""
    (tmp_path / "page.html").write_text(one.replace("</body>", script), encoding="utf-8")
    dom, console = chromium(tmp_path, f"file://{tmp_path / 'page.html'}")
    before, turned, elsewhere, after = map(float, re.findall(r'data-seen="([^"]*)"', dom)[0].split())
    assert console == [] and turned > 1.05 * before and elsewhere == turned and after == before
    assert 'data-address="#adc=10"' in dom


@ENERGY_PAGE_IN_A_BROWSER
@in_browser
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits(runs: tuple[Path, Path], tmp_path: Path, width: int) -> None:
    """No sideways scrolling at the width of a telephone or a desk; two runs, of which one has a long name."""
    long = Path(shutil.copytree(runs[1], tmp_path / ("a-run-with-a-rather-long-name" * 4)))
    both = page([read_account(path, ("28nm", "130nm")) for path in (runs[0], long)])
    assert widths(both, tmp_path, width) == (width, width)


@ENERGY_PAGE_IN_A_BROWSER
@in_browser
def test_an_error_on_the_console_is_seen(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<!doctype html><script>nothing.at.all()</script>")
    assert "nothing is not defined" in "".join(chromium(tmp_path, f"file://{tmp_path / 'page.html'}")[1])


@ENERGY_PAGE
def test_models_are_whole(runs: tuple[Path, Path], one: str) -> None:
    """The data in the page are those of the Python model, and cannot end their own element."""
    (data,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', one, re.S)
    expected: Any = json.loads(json.dumps(_model(read_account(runs[0], ("28nm", "130nm"))).as_json()))
    assert json.loads(data) == {"models": [expected]} and "<" not in data
