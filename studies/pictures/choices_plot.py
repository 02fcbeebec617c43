"""The picture of `studies.choices`: a panel a choice, accuracy against the training's joules, all on one y axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from oxmc.plots.style import CHAIN_COLOURS, grid, plot_style
from oxmc.studies.tables import Row, save_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS, PANEL_IN = 4, (2.2, 1.9)
"""Panels in a row, and what each takes, with its labels."""
LEFT_IN, RIGHT_IN, HEAD_IN, FOOT_IN = 0.65, 0.1, 0.65, 0.4
GAP_IN = (0.2, 0.55)
NODE = "28nm"
DEPTH = 0.02
"""The y axis ends this share of the centre's value below it; what is lower sits on its edge with its value."""
WIDE, FLAT = 1.5, 1.1
"""Largest factor between a step's joules and the centre's above which a panel has a wide x axis, and up to which the
joules say nothing and the steps stand side by side."""
BLUE, ORANGE, GREEN = CHAIN_COLOURS[:3]
FONT = 6.5
ASTRAY = 12.0
"""Square points that a label may cover sooner than stand nearer to another dot than to its own."""
PLACES = ((4, 3), (4, -8), (-4, 3), (-4, -8), (0, 5), (0, -10), (7, -2), (-7, -2), (9, 6), (-9, 6), (9, -11), (-9, -11))
"""Where a label may stand, in points from its dot."""


class Dot(NamedTuple):
    """A point of a panel: joules in uJ, value, s.e. of its difference to the centre."""

    label: str
    joules: float
    value: float
    sem: float
    centre: bool
    free: bool


def panels(rows: Sequence[Row], steps: Mapping[str, Sequence[Any]]) -> dict[str, list[Dot]]:
    """The dots of each choice in the order of its steps; the choices that move the joules most come first."""
    centre, *others = rows
    found: dict[str, list[Dot]] = {}
    left = iter(others)
    for title, own in steps.items():
        dots = []
        for step in own:
            row = next(left) if step.point else centre
            free = NODE in row["free at"]
            dots.append(
                Dot(step.label, row[f"uJ, {NODE}"], row["accuracy"].mean, row["to centre"].sem, not step.point, free)
            )
        found[title] = dots
    return dict(sorted(found.items(), key=lambda entry: -span(entry[1])))


def span(dots: Sequence[Dot]) -> float:
    """The largest factor between a dot's joules and the centre's."""
    (centre,) = [dot.joules for dot in dots if dot.centre]
    return max(max(dot.joules / centre, centre / dot.joules) for dot in dots)


def draw(rows: Sequence[Row], steps: Mapping[str, Sequence[Any]], title: str, folder: Path) -> None:
    """`choices.png` and `choices.svg` in `folder`."""
    found = panels(rows, steps)
    every = [dot for dots in found.values() for dot in dots]
    floor, top = limits(every)
    with plot_style(), one_font():
        figure, axes = framed(len(found))
        drawn = [(dots, span(dots), axis) for dots, axis in zip(found.values(), axes.flat, strict=False)]
        for name, (dots, factor, axis) in zip(found, drawn, strict=True):
            axis.set_title(name, pad=4)
            axis.set_ylim(floor, top)
            plot_dots(axis, dots, floor, side_by_side=factor <= FLAT)
        set_scale([(dots, axis) for dots, factor, axis in drawn if factor > WIDE], wide=True)
        set_scale([(dots, axis) for dots, factor, axis in drawn if FLAT < factor <= WIDE], wide=False)
        for axis in axes[:, 0]:
            axis.set_ylabel("accuracy" if top < 1.5 else "reward")
        handles, names = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, names, loc="upper center", ncols=len(names), frameon=False, title=title)
        for dots, factor, axis in drawn:
            if factor > FLAT:
                place_labels(axis, dots, floor)
        save_figure(figure, folder, "choices")


def one_font() -> Any:
    """Texts of an SVG name each font that may stand in; with some 200 texts that is a third of the file."""
    import matplotlib

    return matplotlib.rc_context({"font.sans-serif": ["DejaVu Sans"]})


def framed(count: int) -> tuple[Any, Any]:
    """A figure and its axes [rows, columns], `count` of them left, each of a size that its labels may rely on."""
    columns = min(COLUMNS, count)
    rows = -(-count // columns)
    width, height = LEFT_IN + columns * PANEL_IN[0] + RIGHT_IN, HEAD_IN + rows * PANEL_IN[1] + FOOT_IN
    inner = (PANEL_IN[0] - GAP_IN[0], PANEL_IN[1] - GAP_IN[1])
    place = {
        "left": LEFT_IN / width, "right": 1 - RIGHT_IN / width, "bottom": FOOT_IN / height, "top": 1 - HEAD_IN / height,
        "wspace": GAP_IN[0] / inner[0], "hspace": GAP_IN[1] / inner[1],
    }  # fmt: skip
    figure, axes = grid(rows, columns, height_in=height, wide_in=width, sharey=True, gridspec_kw=place)
    figure.set_layout_engine("none")
    for axis in axes.flat[count:]:
        axis.remove()
    return figure, axes


def limits(dots: Sequence[Dot]) -> tuple[float, float]:
    """The y axis of all panels."""
    centre = next(dot.value for dot in dots if dot.centre)
    low, top = min(dot.value - dot.sem for dot in dots), max(dot.value + dot.sem for dot in dots)
    floor = max(low, centre * (1 - DEPTH))
    return floor - 0.08 * (top - floor), top + 0.1 * (top - floor)


def plot_dots(axis: Axes, dots: Sequence[Dot], floor: float, *, side_by_side: bool) -> None:
    """A line through the steps, dots with the errors of their differences, the centre's level and joules."""
    places = list(range(len(dots))) if side_by_side else [dot.joules for dot in dots]
    shown = [(dot, x, max(dot.value, floor)) for dot, x in zip(dots, places, strict=True)]
    ((centre, at, _),) = [entry for entry in shown if entry[0].centre]
    axis.axhline(centre.value, color="0.85", zorder=0)
    axis.axvline(at, color="0.85", zorder=0)
    axis.plot(places, [y for *_, y in shown], color="0.75", zorder=1)
    kinds: dict[str, tuple[str, str, Callable[[Dot], bool]]] = {
        "the preset": ("s", "black", lambda dot: dot.centre),
        "another value": ("o", BLUE, lambda dot: not (dot.centre or dot.free or dot.value < floor)),
        "free: cheaper, no less accurate": ("o", GREEN, lambda dot: dot.free),
        "below the axis": ("v", ORANGE, lambda dot: dot.value < floor),
    }
    for name, (marker, colour, chosen) in kinds.items():
        own = [(x, y, dot.sem) for dot, x, y in shown if chosen(dot)]
        axis.errorbar(
            [x for x, *_ in own], [y for _, y, _ in own], [sem for *_, sem in own] if marker == "o" else None,
            color=colour, marker=marker, ms=3.5, ls="none", elinewidth=0.6, label=name, clip_on=False, zorder=2,
        )  # fmt: skip
    if side_by_side:
        axis.set_xticks(places, [dot.label if dot.value >= floor else f"{dot.label}: {dot.value:.3g}" for dot in dots])
        axis.set_xlim(-0.5, len(dots) - 0.5)
        axis.set_xlabel(f"value; within {100 * (FLAT - 1):.0f} % of the preset's µJ", labelpad=1)
        for text, dot in zip(axis.get_xticklabels(), dots, strict=True):
            text.set_fontweight("bold" if dot.centre else "normal")


def set_scale(drawn: Sequence[tuple[Sequence[Dot], Axes]], *, wide: bool) -> None:
    """One x axis for all of these panels: logarithmic where it is wide."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

    joules = [dot.joules for dots, _ in drawn for dot in dots]
    for _, axis in drawn:
        low, high = min(joules), max(joules)
        axis.set_xlabel(f"training, µJ at {NODE.replace('nm', ' nm')}", labelpad=1)
        if wide:
            axis.set_xscale("log")
            axis.set_xlim(low / (high / low) ** 0.08, high * (high / low) ** 0.08)
            axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < 200 else (1,)))
            axis.xaxis.set_minor_locator(NullLocator())
        else:
            axis.set_xlim(low - 0.1 * (high - low), high + 0.1 * (high - low))
            axis.xaxis.set_major_locator(MaxNLocator(5))
        axis.xaxis.set_major_formatter("{x:g}")


def place_labels(axis: Axes, dots: Sequence[Dot], floor: float) -> None:
    """Each label where it covers least of dots, error bars and earlier labels; earlier places are preferred."""
    scale = 72.0 / axis.figure.dpi

    def spot(value: float, joules: float) -> tuple[float, float]:
        x, y = axis.transData.transform((joules, max(value, floor))) * scale
        return float(x), float(y)

    taken: list[Box] = []
    for dot in dots:
        (x, y), (_, low), (_, high) = (spot(dot.value + error, dot.joules) for error in (0, -dot.sem, dot.sem))
        taken += [(x - 2.5, y - 2.5, x + 2.5, y + 2.5), (x - 1, low, x + 1, high)]
    left, bottom, right, top = (float(edge) * scale for edge in axis.get_window_extent().extents)
    for dot in dots:
        text = dot.label if dot.value >= floor else f"{dot.label}: {dot.value:.3g}"
        here, others = spot(dot.value, dot.joules), [spot(o.value, o.joules) for o in dots if o is not dot]
        boxes = [label_box(text, *here, place) for place in PLACES]
        costs = [
            sum(overlap(box, other) for other in taken)
            + outside(box, (left, bottom, right, top))
            + ASTRAY * (distance(here, box) > 0.7 * min((distance(other, box) for other in others), default=99.0))
            for box in boxes
        ]
        best = min(range(len(PLACES)), key=lambda n: costs[n] + 0.1 * n)  # 0.1 square points: what no one sees
        taken.append(boxes[best])
        aside = PLACES[best][0]
        axis.annotate(
            text, (dot.joules, max(dot.value, floor)), xytext=PLACES[best], textcoords="offset points", fontsize=FONT,
            ha="left" if aside > 0 else "right" if aside < 0 else "center", annotation_clip=False,
            color="black" if dot.centre else "0.25", weight="bold" if dot.centre else "normal",
        )  # fmt: skip


Box = tuple[float, float, float, float]


def label_box(text: str, x: float, y: float, place: tuple[int, int]) -> Box:
    """What a label takes beside a dot at x, y; letters are some 0.58 of their size wide."""
    right, up = place
    width = 0.58 * FONT * len(text)
    left = x + right - (0 if right > 0 else width if right < 0 else width / 2)
    return left, y + up, left + width, y + up + FONT


def distance(spot: tuple[float, float], box: Box) -> float:
    """From a point to the nearest point of a box."""
    x, y = spot
    return math.hypot(max(box[0] - x, 0.0, x - box[2]), max(box[1] - y, 0.0, y - box[3]))


def overlap(one: Box, other: Box) -> float:
    """The area that two boxes (left, bottom, right, top) share."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, width) * max(0.0, height)


def outside(box: Box, frame: Box) -> float:
    """The area of a box that is not in a frame; twice, since a title or a neighbour may be there."""
    return 2 * ((box[2] - box[0]) * (box[3] - box[1]) - overlap(box, frame))
