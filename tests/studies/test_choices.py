"""What each design choice costs: the table is that of the trainings, free steps by rule, the picture as the table."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pytest import CaptureFixture, MonkeyPatch
from scipy import stats

from oxmc.campaign import repeats
from oxmc.campaign.sweep import resolver
from oxmc.pymodels.config import preset
from oxmc.pymodels.tasks import NO_SOURCE
from oxmc.studies import choices, tables, trainings
from oxmc.studies.choices import CHOICES, Choice, Measured, steps_of
from oxmc.studies.estimates import Estimate
from oxmc.studies.pictures import choices_plot
from oxmc.studies.tables import Row

pytestmark = pytest.mark.testpoint(
    "what each design choice costs",
    "each line is that of trainings one by one; free steps by rule, with cases that are not; every step is a "
    "configuration of each preset, what is not there is said; the picture shows the table; a finished study "
    "trains nothing",
)

SMALL = {"rows": 24, "burn_in": 3, "train_samples": 60, "test_samples": 40}
ARGUMENTS = ["--repeats", "3", "--choice", "verify_window_us", "--choice", "input_range"]
ARGUMENTS += [word for key, value in SMALL.items() for word in ("--set", f"{key}={value}")]


def test_the_table_is_that_of_the_trainings(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    """Each line against trainings of the same seeds without any sweep; a finished study trains nothing anew."""
    choices.main([*ARGUMENTS, "--out", str(tmp_path)])
    first = capsys.readouterr().out
    found = {(row["choice"], row["value"]): row for row in _lines(tmp_path)}
    assert list(found)[0] == ("centre", "-") and ("input DAC, range (2.75)", "2.75") not in found
    config, seeds = preset("cancer", "wide").replace(**SMALL), trainings.seeds_of(20000, 3)
    base = trainings.trainings(config, seeds)
    for name, change in (
        (("centre", "-"), {}),
        (("window of verified programming, uS (7)", "20"), {"verify_window_us": 20.0}),
        (("input DAC, range (2.75)", "1.5"), {"input_range": 1.5}),
    ):
        runs, row = trainings.trainings(config.replace(**change), seeds), found[name]
        apart = [one.accuracy - other.accuracy for one, other in zip(runs, base, strict=True)]
        assert row["accuracy"].mean == pytest.approx(np.mean(trainings.accuracies(runs)), rel=1e-12)
        assert row["to centre"].mean == pytest.approx(np.mean(apart), abs=1e-15)
        assert row["to centre"].sem == pytest.approx(stats.sem(apart) if change else 0.0, abs=1e-15)
        events = [run.outcome.counts for run in runs]
        assert row["SETs"] == round(np.mean([run.sets for run in runs]))
        assert row["evaluations"] == round(np.mean([run.evaluations for run in runs]))
        cycles = [count["load"]["cycle"] + count["train"]["cycle"] for count in events]
        assert row["ms"] == pytest.approx(np.mean(cycles) / 10e6 * 1e3, abs=0.005)  # rounded to 0.01 ms
        assert row["uJ, 28nm"] < np.mean([run.energy_uj for run in runs])  # which have the test in them
    picture = (tmp_path / "choices.svg").read_bytes()
    with MonkeyPatch.context() as patch:
        patch.setattr(repeats, "run_repeat", lambda *_: pytest.fail("nothing is left to train"))
        choices.main([*ARGUMENTS, "--out", str(tmp_path)])
    assert capsys.readouterr().out == first and (tmp_path / "choices.svg").read_bytes() == picture


def _lines(folder: Path) -> list[Row]:
    """The study's rows, from the sweep that it left in `folder`."""
    resolve = resolver("cancer", "wide", "twin", NO_SOURCE, settings=SMALL)
    chosen = [choice for choice in CHOICES if choice.name in ("verify_window_us", "input_range")]
    _, points, steps = steps_of(chosen, resolve)
    (sweep,) = [path for path in folder.iterdir() if path.name.startswith("sweep-")]
    return choices.lines(sweep, points, steps)


def measured(values: list[float], *joules: list[float]) -> Measured:
    events = {"set": 10.0, "eval": 20.0, "cycle": 1000.0}
    return Measured(values, dict(zip(("28nm", "130nm"), joules, strict=True)), events)


BASE = measured([0.90, 0.92, 0.94, 0.96], [1.0, 1.1, 0.9, 1.0], [8.0, 8.8, 7.2, 8.0])


@pytest.mark.parametrize(
    ("values", "times", "free"),
    [
        ([0.90, 0.92, 0.94, 0.96], (0.9, 0.9), ["28nm", "130nm"]),
        ([0.90, 0.92, 0.94, 0.96], (0.9, 1.1), ["28nm"]),
        ([0.90, 0.92, 0.94, 0.96], (0.995, 0.98), ["130nm"]),  # half a percent is not worth a mark
        ([0.89, 0.91, 0.93, 0.95], (0.5, 0.5), []),  # worse each time, whatever it saves
        ([0.89, 0.93, 0.94, 0.96], (0.9, 0.9), ["28nm", "130nm"]),  # as often better
        ([0.89, 0.90, 0.95, 0.96], (0.9, 0.9), ["28nm", "130nm"]),  # worse by 0.005 +- 0.0065
        ([0.89, 0.90, 0.93, 0.96], (0.9, 0.9), []),  # worse by 0.01 +- 0.0041
    ],
)
def test_free_by_rule(values: list[float], times: tuple[float, float], free: list[str]) -> None:
    one = measured(
        values, *([times[n] * joule for joule in BASE.training_j[node]] for n, node in enumerate(("28nm", "130nm")))
    )
    assert one.free(BASE) == free
    assert BASE.free(BASE) == []


def test_cheaper_by_chance_is_not_free() -> None:
    """A saving of 5 % with a standard error of 5 %."""
    one = measured(BASE.values, [0.8, 1.2, 0.8, 1.0], [8.0, 8.8, 7.2, 8.0])
    assert one.free(BASE) == []


@pytest.mark.parametrize("name", ["wide", "paper", "plain"])
def test_every_step_is_a_configuration(capsys: CaptureFixture[str], name: str) -> None:
    """All of the list, but for keys that are not there and what has no effect; the preset itself is trained once."""
    kept, points, steps = steps_of(CHOICES, resolver("cancer", name, "twin", NO_SOURCE))
    said = capsys.readouterr().err.splitlines()
    without = {line.partition(":")[0] for line in said}
    verified = {"window of verified programming, uS", "tries of verified programming"}
    short = "pulses, ns, 50 at 20 MHz"  # shorter than the card was measured with, which `wide` asks for
    assert without == ({"gate DACs"} if name == "wide" else verified | {short})
    assert [choice.title for choice in kept] == list(steps)
    configs = [config for _, config in points]
    assert configs[0] == preset("cancer", name)
    for choice in kept:
        own = steps[choice.title]
        assert [step.point for step in own].count(0) == 1
        for step in own:
            settings, config = points[step.point]
            assert set(settings) in (set(), set(choice.axis))
            assert choice.label({key: getattr(config, key) for key in choice.axis}) == step.label
        assert len({step.label for step in own}) == len(own)


def test_what_is_not_there_is_said(capsys: CaptureFixture[str]) -> None:
    made = (Choice("new", "rowz=4,8"), Choice("too wide", "adc_bits=7,99"), Choice("none", "rows=8", lambda _: False))
    kept, points, steps = steps_of(made, resolver("cancer", "wide", "twin", NO_SOURCE))
    assert [choice.title for choice in kept] == ["too wide"] == list(steps)
    assert [(step.label, step.point) for step in steps["too wide"]] == [("5", 0), ("7", 1)]
    assert capsys.readouterr().err.splitlines() == [
        "new, 4: left out, rowz is not a configuration key; did you mean rows?",
        "too wide, 99: left out, adc_bits must be an integer from 2 to 12 bit, not 99",
        "none: left out, without effect here",
    ]


def test_bad_use_is_one_line(capsys: CaptureFixture[str]) -> None:
    for arguments, message in (
        ("--set rowz=4", "rowz is not a configuration key; did you mean rows?"),
        ("--task ecg --subject 99 --repeats 1", "--subject must be one of "),
        ("--choice rowz", "argument --choice: invalid choice: 'rowz'"),
    ):
        with pytest.raises(SystemExit) as ended:
            choices.main(arguments.split())
        assert ended.value.code == 2 and message in capsys.readouterr().err


def row(value: float, joules: float, free: str = "-") -> Row:
    return {
        "accuracy": Estimate(value, 0.002), "to centre": Estimate(0.0, 0.001), "free at": free, "uJ, 28nm": joules,
    }  # fmt: skip


def drawn(tmp_path: Path, monkeypatch: MonkeyPatch) -> Figure:
    """The figure of a table of three choices: one that moves the joules much, one that does not, one between."""
    steps = {
        "flat, bits": [choices.Step("2", 1), choices.Step("4", 0)],
        "middle": [choices.Step("off", 0), choices.Step("on", 2)],
        "wide": [choices.Step("16", 3), choices.Step("32", 0), choices.Step("64", 4)],
    }
    rows = [row(0.96, 1.0), row(0.955, 0.99), row(0.96, 0.8, "28nm"), row(0.7, 0.2), row(0.965, 5.0)]
    kept: list[Figure] = []

    def keep(figure: Figure, folder: Path, name: str) -> None:
        kept.append(figure)
        tables.save_figure(figure, folder, name)

    monkeypatch.setattr(choices_plot, "save_figure", keep)
    choices_plot.draw(rows, steps, "made up", tmp_path)
    return kept[0]


def dots(axis: Axes) -> set[tuple[float, float]]:
    found = [line for line in axis.lines if line.get_marker() in ("o", "s", "v")]
    return {(float(x), float(y)) for line in found for x, y in zip(*line.get_data(), strict=True)}


def test_the_picture_shows_the_table(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    """Panels by what they move; a value that is below the axis sits on its edge and says so; every step is named."""
    figure = drawn(tmp_path, monkeypatch)
    wide, middle, flat = figure.axes
    assert [axis.get_title() for axis in figure.axes] == ["wide", "middle", "flat, bits"]
    assert wide.get_xscale() == "log" and middle.get_xscale() == "linear"
    floor = wide.get_ylim()[0]
    assert dots(wide) == {(0.2, floor), (1.0, 0.96), (5.0, 0.965)} and 0.9 < floor < 0.955
    assert dots(middle) == {(1.0, 0.96), (0.8, 0.96)} and dots(flat) == {(0.0, 0.955), (1.0, 0.96)}
    assert [text.get_text() for text in wide.texts] == ["16: 0.7", "32", "64"]
    assert [text.get_text() for text in flat.get_xticklabels()] == ["2", "4"]
    legend: Any = figure.legends[0]
    names = ["the preset", "another value", "free: cheaper, no less accurate", "below the axis"]
    assert [text.get_text() for text in legend.get_texts()] == names
    svg = (tmp_path / "choices.svg").read_text()
    assert all(re.search(rf">{text}<", svg) for text in ("16: 0.7", "made up", "off", "on"))
    assert middle.get_ylim() == wide.get_ylim() == flat.get_ylim()


def test_boxes_by_hand() -> None:
    box = (0.0, 0.0, 4.0, 2.0)
    assert (
        choices_plot.overlap(box, (3.0, 1.0, 9.0, 9.0)) == 1.0
        and choices_plot.overlap(box, (4.0, 0.0, 5.0, 1.0)) == 0.0
    )
    assert choices_plot.outside(box, (0.0, 0.0, 3.0, 2.0)) == 4.0 and choices_plot.outside(box, box) == 0.0
    assert choices_plot.distance((7.0, 6.0), box) == 5.0 and choices_plot.distance((1.0, 1.0), box) == 0.0
