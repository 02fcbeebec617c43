"""How all plots look."""

from __future__ import annotations

import io
import os
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oxmc.posterior.posterior import EXTRA
from oxmc.pymodels.errors import InputError, printable
from oxmc.pymodels.machine import cache_root, not_installed
from oxmc.pymodels.whole import write_files

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CHAIN_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""M. Okabe and K. Ito's palette, told apart with any colour vision."""
STYLE: dict[Any, Any] = {
    "font.size": 8, "axes.titlesize": 8, "axes.labelsize": 8, "xtick.labelsize": 7, "ytick.labelsize": 7,
    "axes.linewidth": 0.6, "xtick.major.width": 0.6, "ytick.major.width": 0.6, "lines.linewidth": 0.7,
    "axes.spines.top": False, "axes.spines.right": False, "figure.constrained_layout.use": True,
    "svg.hashsalt": "oxmc", "svg.fonttype": "none", "pdf.fonttype": 42, "image.interpolation": "nearest",
}  # fmt: skip
WIDTH_IN = 7.0
STACKED_IN = 5.0
"""Below this width panels stand above each other."""
WIDTHS_MM = (60.0, 500.0)
MM = 1 / 25.4
PNG_DPI = 200
DATES = {"png": "Software", "svg": "Date", "pdf": "CreationDate"}
"""Formats of a picture, and what each would say of when and by what it was made."""
FORMATS = ("png", "svg")
"""Those that are written by default."""
LETTER_IN = 0.55 / 72
"""Mean width of a letter a point of its size."""
LEGEND_PT, FOOTNOTE_PT = 7.0, 6.0


@contextmanager
def plot_style(width_mm: float | None = None) -> Iterator[None]:
    """Our style over matplotlib's own, whatever a user's matplotlibrc says; pictures are `width_mm` wide.

    Raises `InputError` without matplotlib, or for a width that is not one of `WIDTHS_MM`.
    """
    low, high = WIDTHS_MM
    if width_mm is not None and not low <= width_mm <= high:
        raise InputError(f"--width must be from {low:g} to {high:g} mm, not {width_mm:g}")
    os.environ.setdefault("MPLCONFIGDIR", str(cache_root() / "matplotlib"))  # where its list of fonts lies by default
    try:
        import matplotlib
    except ImportError as error:
        raise InputError(f"oxmc plot needs {not_installed(EXTRA)}") from error
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        matplotlib.rcParams["figure.figsize"] = (WIDTH_IN if width_mm is None else width_mm * MM, WIDTH_IN)
        warnings.filterwarnings("ignore", "Glyph", UserWarning)  # a letter that the font lacks is drawn as a box
        yield


def unmarked(name: object) -> str:
    """A name that came from outside as it is drawn: matplotlib sets what stands between dollars as a formula."""
    return printable(" ".join(str(name).split())).replace("$", r"\$")


def width_in() -> float:
    """How wide a picture is to be."""
    import matplotlib

    return float(matplotlib.rcParams["figure.figsize"][0])


def chain_look(chain: int) -> dict[str, Any]:
    """Colour and dashes of a chain's line; chains beyond the palette have its colours again, dashed."""
    return {
        "color": CHAIN_COLOURS[chain % len(CHAIN_COLOURS)],
        "linestyle": ("-", "--", ":", "-.")[chain // len(CHAIN_COLOURS) % 4],
    }


def grid(
    rows: int, columns: int, *, height_in: float, wide_in: float | None = None, stacked: bool = False, **options: Any
) -> tuple[Any, Any]:
    """A figure that no window system knows of, and its axes [rows, columns].

    With `stacked` the panels of its one row stand above each other where the picture is narrow.
    """
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width = width_in() if wide_in is None else wide_in
    stacked = stacked and width < STACKED_IN
    if stacked:
        rows, columns, height_in = columns, 1, 0.8 * columns * height_in
        options = {key: value for key, value in options.items() if key != "width_ratios"}
    figure = Figure(figsize=(width, height_in))
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    return figure, np.transpose(axes) if stacked else axes


def wrapped(figure: Figure, text: str, points: float, margin_in: float = 0.1) -> list[str]:
    """Lines of a text that fit into the figure's width, but for a margin, with letters of this size."""
    return textwrap.wrap(text, int((figure.get_figwidth() - margin_in) / (LETTER_IN * points)))


def legend_above(
    figure: Figure, handles: Sequence[Any], labels: Sequence[str], *, title: str = "", **options: Any
) -> None:
    """A legend of the whole figure over it, which grows by its lines, in as many columns as its width has room for."""
    if not labels:
        return
    column_in = LETTER_IN * LEGEND_PT * max(map(len, labels)) + 0.5
    ncols = max(1, min(len(labels), int(figure.get_figwidth() / column_in)))
    head = wrapped(figure, title, LEGEND_PT)
    entries = labels if ncols > 1 else ["\n".join(wrapped(figure, label, LEGEND_PT, 0.5)) for label in labels]
    lines = len(head) + (sum(entry.count("\n") + 1 for entry in entries) if ncols == 1 else -(-len(labels) // ncols))
    figure.set_figheight(figure.get_figheight() + 1.5 * LEGEND_PT / 72 * (lines - 1))
    figure.legend(
        handles, entries, loc="outside upper left", ncols=ncols, frameon=False, fontsize=LEGEND_PT, alignment="left",
        columnspacing=1.2, title="\n".join(head) or None, title_fontsize=LEGEND_PT, **options,
    )  # fmt: skip


def labelled_above(figure: Figure, axis: Any) -> None:
    """The same of all that is labelled on an axis."""
    legend_above(figure, *axis.get_legend_handles_labels())


def footnote(figure: Figure, sentences: Iterable[str]) -> None:
    """Sentences below a figure, which grows by their lines."""
    lines = [line for sentence in sentences for line in wrapped(figure, unmarked(sentence), FOOTNOTE_PT)]
    figure.set_figheight(figure.get_figheight() + 1.25 * FOOTNOTE_PT / 72 * max(0, len(lines) - 1))
    figure.supxlabel("\n".join(lines), x=0.01, ha="left", fontsize=FOOTNOTE_PT, color="0.35")


def drawn(figure: Figure, stem: Path, formats: Iterable[str] = FORMATS) -> dict[Path, bytes]:
    """The figure in each format by file, free of dates, so that a run always draws the same."""
    files: dict[Path, bytes] = {}
    for name in formats:
        content = io.BytesIO()
        figure.savefig(content, format=name, dpi=PNG_DPI, metadata={DATES[name]: None})
        files[stem.with_suffix(f".{name}")] = content.getvalue()
    return files


def save(figure: Figure, stem: Path) -> list[Path]:
    """Write both files; returns their names."""
    return write_files(drawn(figure, stem), stem.parent)
