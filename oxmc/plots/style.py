"""How all plots look."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator
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
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        warnings.filterwarnings("ignore", "Glyph", UserWarning)  # a letter that the font lacks is drawn as a box
        yield


def unmarked(name: object) -> str:
    """A name that came from outside as it is drawn: matplotlib sets what stands between dollars as a formula."""
    return printable(" ".join(str(name).split())).replace("$", r"\$")


def grid(rows: int, columns: int, *, height_in: float, width_in: float = WIDTH_IN, **options: Any) -> tuple[Any, Any]:
    """A figure that no window system knows of, and its axes [rows, columns]."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_in, height_in))
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def drawn(figure: Figure, stem: Path) -> dict[Path, bytes]:
    """The figure as PNG and as SVG by file, free of dates, so that a run always draws the same."""
    files: dict[Path, bytes] = {}
    for suffix, nameless in ((".png", "Software"), (".svg", "Date")):
        content = io.BytesIO()
        figure.savefig(content, format=suffix[1:], dpi=PNG_DPI, metadata={nameless: None})
        files[stem.with_suffix(suffix)] = content.getvalue()
    return files


def save(figure: Figure, stem: Path) -> list[Path]:
    """Write both files; returns their names."""
    return write_files(drawn(figure, stem), stem.parent)
