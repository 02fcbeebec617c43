"""`run.plot`: the pictures of `oxmc plot`, one by one, as matplotlib figures that a notebook shows."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from oxmc.pymodels.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from oxmc.api.run import Run


class Plots:
    """The pictures that a run has data for; each method raises `InputError` where it has none, or needs the extra."""

    def __init__(self, run: Run):
        self._run = run

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if not name.startswith("_")]

    def trace(self) -> Figure:
        """The most decisive weights and the log-likelihood over the proposals of each chain, with marginals."""
        return self._drawn("trace")

    def pairs(self) -> Figure:
        """Joint marginals of the most decisive weights."""
        return self._drawn("pairs")

    def parameters(self) -> Figure:
        """Every weight's posterior."""
        return self._drawn("parameters")

    def array(self) -> Figure:
        """The conductances of the array, row by row, with the row counters."""
        return self._drawn("array")

    def devices(self) -> Figure:
        """What the gate codes program, by the device card."""
        return self._drawn("devices")

    def plane(self) -> Figure:
        """Posterior and prediction in the plane of two features."""
        return self._drawn("plane")

    def accuracy(self) -> Figure:
        """Test accuracy of each row alone and of all up to it."""
        return self._drawn("accuracy")

    def reward(self) -> Figure:
        """The reward with which each row was accepted."""
        return self._drawn("reward")

    def uncertainty(self) -> Figure:
        """Calibration, and accuracy on the points that are surest."""
        return self._drawn("uncertainty")

    def _drawn(self, name: str) -> Figure:
        from oxmc.plots.pictures import figures_of
        from oxmc.plots.style import plot_style

        with plot_style():
            makers = figures_of(self._run.path)
            if name not in makers:
                raise InputError(f"this run has no picture {name!r}, but {', '.join(makers)}")
            return _shown(makers[name]())


def _shown(figure: Figure) -> Figure:
    """A figure that a notebook shows, whatever backend it has chosen."""

    def png() -> bytes:
        content = io.BytesIO()
        figure.savefig(content, format="png", dpi=110)
        return content.getvalue()

    picture: Any = figure
    picture._repr_png_ = png
    return figure
