"""`oxmc plot`: the pictures hold the data, are whole files, and are the same each time."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from commands import oxmc, refusal
from pytest import CaptureFixture, TempPathFactory

from pymodels.config import Config
from pymodels.outcome import Outcome
from tb.cli import run
from tb.plots import array_figure, decisive_pairs, pair_figure, trace_figure
from tb.posterior import expand, read_posterior

NAMES = ("trace", "pairs", "array", "devices", "accuracy", "uncertainty")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: TempPathFactory) -> Path:
    """Two chains of 24 rows on a few points, in real numbers."""
    out = tmp_path_factory.mktemp("plots") / "run"
    settings = ("train_samples=30", "test_samples=5", "burn_in=4", "features=6")
    sets = [part for setting in settings for part in ("--set", setting)]
    arguments = ["train", "cancer", "--engine", "float", "--rows", "24", *sets, "--chains", "2", "--out", str(out)]
    assert run(arguments) == 0
    return out


def test_files_are_whole_and_repeatable(capsys: CaptureFixture[str], trained: Path, tmp_path: Path) -> None:
    answer = oxmc(capsys, "plot", trained)
    files = [trained / "plots" / f"{name}.{kind}" for name in NAMES for kind in ("png", "svg")]
    assert (answer.code, answer.err) == (0, "") and answer.out.split() == [str(path) for path in files]
    for png in files[0::2]:
        head = png.read_bytes()[:24]
        width, height = struct.unpack(">II", head[16:24])
        assert head[:8] == b"\x89PNG\r\n\x1a\n" and width == 1400 and 500 <= height <= 1600
    for svg in files[1::2]:
        assert ElementTree.parse(svg).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    assert oxmc(capsys, "plot", trained, "--out", tmp_path / "again").code == 0
    for path in files:
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes(), path.name

    check_texts(trained / "plots")


def check_texts(folder: Path) -> None:
    """Axes say what they show, with units, and SVG text is text."""
    for name, texts in {
        "trace": ("proposal after the burn-in", "log L (nat)", "chain 1", "µS"),
        "pairs": ("counter 10", "chain 0", "µS"),
        "array": ("conductance (µS)", "row counter", "burn-in", "cell (even: g+, odd: g−)"),
        "devices": ("SET current (µA)", "word line (V)", "gate LUT, 48 codes"),
        "accuracy": ("test accuracy", "one row alone", "burn-in"),
        "uncertainty": ("confidence", "expected error", "share of points kept"),
    }.items():
        svg = (folder / f"{name}.svg").read_text()
        for text in texts:
            assert text in svg, (name, text)


def test_trace_shows_the_expanded_chains(trained: Path) -> None:
    tree: Any = read_posterior(trained)
    draws = expand(tree)
    figure = trace_figure(tree)
    pairs = decisive_pairs(draws)
    axes = np.array(figure.axes).reshape(-1, 2)
    assert len(axes) == len(pairs) + 1 == 5
    for axis, pair in zip(axes[:, 0], pairs, strict=False):
        for chain, line in enumerate(axis.lines):
            assert np.array_equal(line.get_ydata(), draws["w"].values[chain, :, pair])
    counters, values = (tree["sample_stats"][name].values[1] for name in ("counter", "log_likelihood"))
    assert np.array_equal(axes[-1, 0].lines[1].get_ydata(), np.repeat(values, counters)[: draws.sizes["draw"]])


def test_pairs_show_stored_models_by_their_counters(trained: Path) -> None:
    tree: Any = read_posterior(trained)
    pairs = decisive_pairs(expand(tree))
    axis: Any = np.array(pair_figure(tree).axes).reshape(4, 4)[1, 0]
    for chain, dots in enumerate(axis.collections):
        counters = tree["sample_stats"]["counter"].values[chain]
        w = tree["posterior"]["w"].values[chain][counters > 0]
        assert np.array_equal(dots.get_offsets(), w[:, pairs[:2]])
        sizes = dots.get_sizes()
        assert np.allclose(sizes / sizes[0], counters[counters > 0] / counters[0], rtol=1e-12)  # rounding


def test_array_shows_conductances_and_counters(trained: Path) -> None:
    state = Outcome.load(trained / "state.npz")
    config = Config(rows=24, features=6, train_samples=30, test_samples=5, burn_in=4)
    heat: Any
    bars: Any
    heat, bars, *_ = array_figure(config, state).axes
    assert np.array_equal(heat.images[0].get_array(), state.conductance_ns / 1000)
    assert [bar.get_width() for bar in bars.patches] == state.counters.tolist()
    assert heat.lines[0].get_ydata()[0] == 3.5  # between rows 3 and 4


def test_decisive_pairs_are_those_far_from_0() -> None:
    import xarray as xr

    noise = np.random.default_rng(0).standard_normal((1, 500, 6))
    w = xr.Dataset({"w": (("chain", "draw", "pair"), noise + np.array([0, -9, 3, 1, 5, 0]))})
    w["w"][:, :, 5] = 0.0  # never moved and says nothing
    assert decisive_pairs(w) == [1, 4, 2, 3]
    assert decisive_pairs(w, 2) == [1, 4]


@pytest.mark.parametrize("settings", [("features=1",), ("features=2",)])
def test_small_models_and_short_chains(capsys: CaptureFixture[str], tmp_path: Path, settings: tuple[str, ...]) -> None:
    out = tmp_path / "run"
    sets = [part for s in (*settings, "train_samples=10", "test_samples=2") for part in ("--set", s)]
    assert oxmc(capsys, "train", "cancer", "--engine", "float", "--rows", "2", *sets, "--out", out).code == 0
    assert oxmc(capsys, "plot", out).code == 0


def test_what_cannot_be_plotted(capsys: CaptureFixture[str], trained: Path, tmp_path: Path) -> None:
    assert refusal(capsys, "plot", tmp_path).startswith("RUN must be a run directory with a run.json, not ")
    taken = tmp_path / "file"
    taken.touch()
    message = refusal(capsys, "plot", trained, "--out", taken)
    assert message.startswith(f"--out must be a folder that can be written, not {str(taken)!r} (")
