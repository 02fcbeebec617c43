"""Every picture can be read at the width of a journal's column: nothing is cut, too small, or over something else."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest import TempPathFactory

from oxmc.cli.app import run
from oxmc.plots.pictures import figures_of
from oxmc.plots.style import grid, plot_style

pytestmark = pytest.mark.testpoint(
    "layout of pictures",
    "at 85 and 178 mm no text leaves the picture, is below 6 pt or lies over another one; what is so is found",
)

SMALLEST_PT = 6.0
SMALL = ("train_samples=30", "test_samples=20", "burn_in=4")
SETS = [part for setting in SMALL for part in ("--set", setting)]


def texts(figure: Any) -> Iterator[Any]:
    """Texts that are seen: of axes that are, not empty."""
    from matplotlib.text import Text

    hidden = {text for axis in figure.axes if not axis.get_visible() for text in axis.findobj(Text)}
    unlabelled = {
        each
        for axis in figure.axes
        for side in (axis.xaxis, axis.yaxis)
        for tick in side.get_major_ticks()
        for each, shown in ((tick.label1, tick.label1.get_visible()), (tick.label2, tick.label2.get_visible()))
        if not shown or not _inside(axis, side, tick)
    }
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text().strip() and text not in hidden | unlabelled:
            yield text


def _inside(axis: Any, side: Any, tick: Any) -> bool:
    low, high = sorted(axis.get_xlim() if side is axis.xaxis else axis.get_ylim())
    return bool(low <= tick.get_loc() <= high)


def misplaced(figure: Any) -> list[str]:
    """What is wrong with the texts of a picture."""
    figure.draw_without_rendering()
    boxes = [(text.get_text(), text.get_window_extent(), text.get_fontsize()) for text in texts(figure)]
    frame, wrong = figure.bbox, []
    for said, box, points in boxes:
        if not (
            frame.x0 - 1 <= box.x0 and box.x1 <= frame.x1 + 1 and frame.y0 - 1 <= box.y0 and box.y1 <= frame.y1 + 1
        ):
            wrong.append(f"cut: {said}")
        if points < SMALLEST_PT:
            wrong.append(f"{points} pt: {said}")
    for (one, a, _), (other, b, _) in itertools.combinations(boxes, 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        if across > 1 and min(a.y1, b.y1) - max(a.y0, b.y0) > 1:
            wrong.append(f"over each other: {one} / {other}")
    return wrong


@pytest.fixture(scope="module")
def folders(tmp_path_factory: TempPathFactory) -> list[Path]:
    """A training of two chains, repeats, a sweep with a long key, and a plane, all small and in real numbers."""
    out = tmp_path_factory.mktemp("layout")
    engine = ["--engine", "float", "--rows", "24", *SETS]
    calls = {
        "run": ["train", "cancer", *engine, "--chains", "2"],
        "repeats": ["train", "cancer", *engine, "--repeats", "6"],
        "sweep": ["sweep", "cancer", *engine, "--vary", "prior_sigma_us=20,50", "--vary", "scale_per_us=0.05,0.1",
                  "--repeats", "2"],
        "plane": ["train", "toy", "--engine", "float", "--rows", "24"],
    }  # fmt: skip
    for name, arguments in calls.items():
        assert run([*arguments, "--out", str(out / name)]) == 0
    return [out / name for name in calls]


@pytest.mark.parametrize("width_mm", [85.0, None])
def test_pictures_can_be_read(folders: list[Path], width_mm: float | None) -> None:
    with plot_style(width_mm):
        wrong = {
            f"{folder.name} {name}": faults
            for folder in folders
            for name, make in figures_of(folder).items()
            if (faults := misplaced(make()))
        }
    assert wrong == {}


def test_what_cannot_be_read_is_found() -> None:
    with plot_style(85.0):
        figure, axes = grid(1, 1, height_in=2.0)
        axes[0, 0].set_title("much too long a title for a picture that is only as wide as a column of a journal")
        axes[0, 0].annotate("small", (0.5, 0.5), fontsize=5.5)
        axes[0, 0].annotate("upon it", (0.5, 0.5))
        wrong = misplaced(figure)
    assert [each.partition(":")[0] for each in wrong] == ["5.5 pt", "cut", "over each other"]
