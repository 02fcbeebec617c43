"""`oxmc plot`: the pictures hold the data, are whole files, and are the same each time."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from commands import oxmc, refusal
from pytest import CaptureFixture, TempPathFactory

from oxmc.cli.app import run
from oxmc.plots.parameters import draws_of_tree, parameter_figure
from oxmc.plots.pictures import array_figure, decisive_pairs, pair_figure, trace_figure
from oxmc.plots.plane import MASSES, exact_posterior, mass_levels, probability_at
from oxmc.plots.results import Held, reward_figure, uncertainty_figure
from oxmc.plots.style import chain_look, grid, labelled_above, plot_style
from oxmc.posterior.names import pair_names
from oxmc.posterior.posterior import read_posterior
from oxmc.posterior.row_accuracy import accuracy_alone, accuracy_together
from oxmc.pymodels.config import Config, resolve
from oxmc.pymodels.outcome import Outcome
from oxmc.run.checked import checked_run

pytestmark = pytest.mark.testpoint(
    "pictures",
    "whole PNG and SVG files, the same each time, with axes labelled; the artists hold the run's data; contours "
    "of the exact posterior against Rayleigh's law; outputs apart, rewards, small models; what cannot be drawn "
    "is refused",
)

NAMES = ("trace", "pairs", "parameters", "array", "devices", "accuracy", "uncertainty")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: TempPathFactory) -> Path:
    """Two chains of 24 rows on a few points, in real numbers."""
    out = tmp_path_factory.mktemp("plots") / "run"
    settings = ("train_samples=30", "test_samples=5", "burn_in=4", "features=6")
    sets = [part for setting in settings for part in ("--set", setting)]
    arguments = [
        "train",
        "cancer",
        "--preset",
        "wide",
        "--engine",
        "float",
        "--rows",
        "24",
        *sets,
        "--chains",
        "2",
        "--out",
        str(out),
    ]
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

    for name in NAMES:
        drawn = (trained / "plots" / f"{name}.svg").read_text()
        text = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", drawn))  # sentences go over several lines
        assert "task cancer, preset wide, engine float, seed 0, data those of the task" in text, name
        assert ("this is chain 0 of 2" in text) == (name in ("array", "accuracy", "uncertainty")), name
        record = json.loads((trained / "run.json").read_text())
        for kind in ("warning", "note"):
            assert record[f"{kind}s"] and all(f"{kind}: {said}"[:60] in text for said in record[f"{kind}s"]), name
    check_texts(trained / "plots")


def check_texts(folder: Path) -> None:
    """Axes say what they show, with units, and SVG text is text."""
    for name, texts in {
        "trace": ("proposal after the burn-in", "log L (nat)", "chain 1", "µS"),
        "pairs": ("counter 10", "chain 0", "µS"),
        "parameters": ("w (µS)", "prior ± s.d.", "chain 0, 50 % of the draws", "chain 1", "what the pair weighs"),
        "array": ("conductance (µS)", "row counter", "burn-in", "cell (even: g+, odd: g−)"),
        "devices": ("SET current (µA)", "word line (V)", "gate LUT, 48 codes"),
        "accuracy": (
            "test accuracy",
            "one row alone",
            "burn-in",
            "logistic regression",
            "interval of 5 points (Wilson",
        ),
        "uncertainty": ("confidence", "expected error", "share of points kept", "95 % interval that its points leave"),
    }.items():
        svg = (folder / f"{name}.svg").read_text()
        for text in texts:
            assert text in svg, (name, text)


def test_formats_and_widths(capsys: CaptureFixture[str], trained: Path, tmp_path: Path) -> None:
    """Each is as wide as asked, in points of PDF and pixels of PNG; a bad one leaves nothing behind."""
    out = tmp_path / "out"
    answer = oxmc(capsys, "plot", trained, "--out", out, "--format", "pdf", "--format", "png", "--width", "89")
    assert answer.code == 0 and {path.suffix for path in out.iterdir()} == {".pdf", ".png"}
    (box,) = re.findall(rb"/MediaBox \[ ?0 0 ([0-9.]+) [0-9.]+ ?\]", (out / "trace.pdf").read_bytes())
    assert float(box) == pytest.approx(89 * 72 / 25.4, abs=0.01)
    (width,) = struct.unpack(">I", (out / "devices.png").read_bytes()[16:20])
    assert width == int(89 / 25.4 * 200)
    for option, value, rule in (
        ("--format", "bmp", "--format must be one of png, svg, pdf, not 'bmp'"),
        ("--width", "12", "--width must be from 60 to 500 mm, not 12"),
        ("--width", "nan", "--width must be from 60 to 500 mm, not nan"),
    ):
        assert refusal(capsys, "plot", trained, "--out", tmp_path / "no", option, value) == rule
    assert not (tmp_path / "no").exists()


def test_a_legend_has_room_for_every_chain() -> None:
    """Its columns follow from the picture's width, so that no label is cut."""
    for width_mm in (60.0, 178.0):
        with plot_style(width_mm):
            figure, axes = grid(1, 1, height_in=2.0)
            for chain in range(14):
                axes[0, 0].plot([0, 1], [chain, chain], label=f"chain {chain}", **chain_look(chain))
            labelled_above(figure, axes[0, 0])
            figure.draw_without_rendering()
            (legend,) = figure.legends
            box = legend.get_window_extent()
            assert len(legend.texts) == 14 and 0 <= box.x0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1
    looks = [tuple(chain_look(chain).values()) for chain in range(14)]
    assert len(set(looks)) == 14


def test_trace_shows_the_expanded_chains(trained: Path) -> None:
    tree: Any = read_posterior(trained)
    draws = tree["posterior"]["w"].values
    figure = trace_figure(tree)
    pairs = decisive_pairs(draws)
    axes = np.array(figure.axes).reshape(-1, 2)
    assert len(axes) == len(pairs) + 1 == 5
    for axis, pair in zip(axes[:, 0], pairs, strict=False):
        for chain, line in enumerate(axis.lines):
            assert np.array_equal(line.get_ydata(), draws[chain, :, pair])
    counters, values = (tree["stored_models"][name].values[1] for name in ("counter", "log_likelihood"))
    assert np.array_equal(axes[-1, 0].lines[1].get_ydata(), np.repeat(values, counters)[: draws.shape[1]])


def test_pairs_show_stored_models_by_their_counters(trained: Path) -> None:
    tree: Any = read_posterior(trained)
    pairs = decisive_pairs(tree["posterior"]["w"].values)
    axis: Any = np.array(pair_figure(tree).axes).reshape(4, 4)[1, 0]
    for chain, dots in enumerate(axis.collections):
        counters = tree["stored_models"]["counter"].values[chain]
        w = tree["stored_models"]["w"].values[chain][counters > 0]
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


def test_burn_in_is_drawn_as_not_voting(trained: Path) -> None:
    """Its counters, and its rows alone, are grey; each dot of the calibration has its count."""
    record = json.loads((trained / "run.json").read_text())
    config = Config(**record["config"])
    bars = array_figure(config, Outcome.load(trained / "state.npz")).axes[1].patches
    grey = [bar.get_facecolor()[:3] == (0.75, 0.75, 0.75) for bar in bars]
    assert grey == [True] * config.burn_in + [False] * (config.rows - config.burn_in)
    reliability = uncertainty_figure(record["uncertainty"]).axes[0]
    counts = [int(text.get_text()) for text in reliability.texts]
    assert counts == [entry["n"] for entry in record["uncertainty"]["calibration"]] and sum(counts) == 5


def test_parameters_show_quantiles_of_the_draws(trained: Path) -> None:
    """Of both chains, each model as often as it was counted; the prior behind them."""
    tree: Any = read_posterior(trained)
    config = Config(rows=24, features=6, burn_in=4, prior_sigma_us=50.0)
    record = json.loads((trained / "run.json").read_text())
    axis: Any = parameter_figure(config, draws_of_tree(tree), record).axes[0]
    w = tree["posterior"]["w"].values
    bars = [bar.get_segments() for bar in axis.collections]
    assert len(bars) == 4  # 90 and 50 % of two chains
    for chain, wide, narrow in ((0, *bars[:2]), (1, *bars[2:])):
        for pair in range(6):
            expected = np.quantile(w[chain, :, pair], (0.05, 0.25, 0.75, 0.95))
            found = [wide[pair][0][1], narrow[pair][0][1], narrow[pair][1][1], wide[pair][1][1]]
            assert np.allclose(found, expected, rtol=1e-12)
    assert [tick.get_text() for tick in axis.get_xticklabels()] == record["data"]["features"]


def test_pair_names_follow_the_order_of_a_row() -> None:
    network = Config(features=2, hidden=2, outputs=2)
    inputs, fed = pair_names(network, ["a", "b"], ["no", "yes"])
    assert inputs == ["a", "b", "a", "b", "hidden 0", "hidden 1", "hidden 0", "hidden 1"]
    assert fed == ["hidden 0", "hidden 0", "hidden 1", "hidden 1", "no", "no", "yes", "yes"]
    own = Config(features=2, outputs=2, counters="own")
    assert pair_names(own, ["a", "b"], []) == (["a", "b"] * 2, ["class 0"] * 2 + ["class 1"] * 2)


def test_contours_enclose_what_they_say() -> None:
    """Without points the posterior is the prior: a normal's share r^2 < -2 s^2 log(1 - share), Rayleigh's law."""
    config = Config(features=2, prior_sigma_us=20.0)
    line = np.linspace(-100, 100, 401)
    w = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    density = exact_posterior(config, np.zeros((0, 2)), np.zeros(0, np.int64), w)
    for share, level in zip(MASSES, mass_levels(density), strict=True):
        inside = np.hypot(*w[density >= level].T).max()
        # the grid's step of 0.5 uS
        assert inside == pytest.approx(20.0 * np.sqrt(-2 * np.log(1 - share)), abs=0.6)


def test_the_plane_predicts_as_eq_8(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    """P = 0.5 where the counted models say so, class 1 at the upper left; the picture is one of the run's."""
    out = tmp_path / "run"
    assert oxmc(capsys, "train", "toy", "--engine", "twin", "--rows", "40", "--out", out).code == 0
    answer = oxmc(capsys, "plot", out)
    assert answer.code == 0 and str(out / "plots" / "plane.png") in answer.out
    svg = (out / "plots" / "plane.svg").read_text()
    assert all(text in svg for text in ("90 % of the exact one", "P(upper left)", "lower right", "µS"))
    tree: Any = read_posterior(out)
    config = resolve("toy", "best", rows=40)
    counters, w = (tree["stored_models"][name].values[0] for name in ("counter", "w"))
    x = np.array([[-2.0, 2.0], [2.0, -2.0], [1.0, 1.5]])
    z = config.scale_per_us * x @ w.T
    expected = (counters / (1 + np.exp(-z))).sum(axis=1)
    found = probability_at(config, w, counters, x)
    assert np.allclose(found, expected / counters.sum(), rtol=1e-12) and found[0] > 0.9 > 0.1 > found[1]


@pytest.mark.parametrize("counters", ["own", "shared"])
def test_accuracy_of_all_rows_is_the_runs(capsys: CaptureFixture[str], tmp_path: Path, counters: str) -> None:
    """The curve ends at run.json's accuracy, its first point is that of one row; without posterior.nc, too."""
    out = tmp_path / "run"
    sizes = ("--rows", "16", "--set", f"counters={counters}")
    run = json.loads(oxmc(capsys, "train", "wine", "--engine", "twin", *sizes, "--json", "--out", out).out)
    config, state = Config().replace(**run["config"]), Outcome.load(out / "state.npz")
    with np.load(out / "state.npz") as file:
        codes, t = file["test_codes"], file["test_t"]
    rows, together = accuracy_together(config, state, codes, t)
    assert together[-1] == run["result"]["value"] and rows[-1] == 15
    filled, alone = accuracy_alone(config, state, codes, t)
    assert alone[filled == rows[0]] == together[0] and rows[0] == config.burn_in
    answer = oxmc(capsys, "plot", out)
    assert answer.code == 0 and ("trace.png" in answer.out) == (counters == "shared")
    assert "parameters.png" in answer.out and "accuracy.png" in answer.out
    text = (out / "plots" / "parameters.svg").read_text()
    assert "class_2" in text and "proline" in text


def test_rewards_by_row(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    """Fig 6b: each row's reward, the test's mean; trace and array, no accuracy."""
    out = tmp_path / "run"
    small = ("--rows", "24", "--set", "test_episodes=3", "--set", "episode_steps=60")
    assert oxmc(capsys, "train", "cartpole", "--engine", "twin", *small, "--out", out).code == 0
    assert oxmc(capsys, "plot", out).code == 0
    names = {path.stem for path in (out / "plots").iterdir()}
    assert names == {"trace", "pairs", "parameters", "array", "devices", "reward"}
    svg = (out / "plots" / "reward.svg").read_text()
    assert all(
        text in svg
        for text in ("reward (steps)", "mean of 3 test episodes", "burn-in", "random actions", "interval of 3 episodes")
    )
    state = Outcome.load(out / "state.npz")
    held = Held.of(out, checked_run(out))
    axis: Any = reward_figure(resolve("cartpole", "best", rows=24), state, held).axes[0]
    assert axis.lines[0].get_ydata()[0] == state.rewards.mean()
    assert axis.collections[0].get_offsets()[:, 1].tolist() == state.row_rewards[state.counters > 0].tolist()


def test_decisive_pairs_are_those_far_from_0() -> None:
    w = np.random.default_rng(0).standard_normal((1, 500, 6)) + np.array([0, -9, 3, 1, 5, 0])
    w[:, :, 5] = 0.0  # never moved and says nothing
    assert decisive_pairs(w) == [1, 4, 2, 3]
    assert decisive_pairs(w, 2) == [1, 4]


@pytest.mark.parametrize("settings", [("features=1",), ("features=2",)])
def test_small_models_and_short_chains(capsys: CaptureFixture[str], tmp_path: Path, settings: tuple[str, ...]) -> None:
    out = tmp_path / "run"
    sets = [part for s in (*settings, "train_samples=10", "test_samples=2") for part in ("--set", s)]
    wide = ("train", "cancer", "--preset", "wide")
    assert oxmc(capsys, *wide, "--engine", "float", "--rows", "2", *sets, "--out", out).code == 0
    assert oxmc(capsys, "plot", out).code == 0


def test_what_cannot_be_plotted(capsys: CaptureFixture[str], trained: Path, tmp_path: Path) -> None:
    assert refusal(capsys, "plot", tmp_path).startswith("RUN must be a run directory with a run.json, not ")
    taken = tmp_path / "file"
    taken.touch()
    message = refusal(capsys, "plot", trained, "--out", taken)
    assert message.startswith(f"--out must be a folder that can be written, not {str(taken)!r} (")
