"""How all plots look."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pymodels.errors import InputError
from pymodels.machine import cache_root, not_installed
from tb.posterior import EXTRA

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CHAIN_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""M. Okabe and K. Ito's palette, told apart with any colour vision."""
STYLE: dict[Any, Any] = {
    "font.size": 8, "axes.titlesize": 8, "axes.labelsize": 8, "xtick.labelsize": 7, "ytick.labelsize": 7,
    "axes.linewidth": 0.6, "xtick.major.width": 0.6, "ytick.major.width": 0.6, "lines.linewidth": 0.7,
    "axes.spines.top": False, "axes.spines.right": False, "figure.constrained_layout.use": True,
    "svg.hashsalt": "oxmc", "svg.fonttype": "none", "image.interpolation": "nearest",
}  # fmt: skip
WIDTH_IN = 7.0
PNG_DPI = 200


@contextmanager
def plot_style() -> Iterator[None]:
    """Our style over matplotlib's own, whatever a user's matplotlibrc says."""
    os.environ.setdefault("MPLCONFIGDIR", str(cache_root() / "matplotlib"))  # where its list of fonts lies by default
    try:
        import matplotlib
    except ImportError as error:
        raise InputError(f"oxmc plot needs {not_installed(EXTRA)}") from error
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def grid(rows: int, columns: int, *, height_in: float, width_in: float = WIDTH_IN, **options: Any) -> tuple[Any, Any]:
    """A figure that no window system knows of, and its axes [rows, columns]."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_in, height_in))
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def save(figure: Figure, stem: Path) -> list[Path]:
    """The figure as PNG and as SVG, free of dates, so that a run always draws the same files."""
    png, svg = stem.with_suffix(".png"), stem.with_suffix(".svg")
    figure.savefig(png, dpi=PNG_DPI, metadata={"Software": None})
    figure.savefig(svg, dpi=PNG_DPI, metadata={"Date": None})
    return [png, svg]
