"""Keys of value `auto`: the step that theory asks for, within what the pairs reach, and refused where no rule is."""

from __future__ import annotations

import numpy as np
import pytest

from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.tasks import load_task
from oxmc.pymodels.tasks.auto import MOVES_US, WINDOWS_US, best_step
from oxmc.run.request import configured

pytestmark = pytest.mark.testpoint(
    "steps by the training points",
    "the step of theory, S by the pairs' range, sigma and window with it; numbers win, and what has no rule is refused",
)
AUTO = {"scale_per_us": "auto", "prior_sigma_us": "auto", "verify_window_us": "auto"}
CARD = {"lut_low_us": 0.0, "lut_high_us": 0.0, "extrapolate": False}


def cancer(**keys: object) -> Config:
    return configured("cancer", "wide", "twin", settings=keys, seed=3)


def test_the_step_is_that_of_theory() -> None:
    """3 / sqrt(n d V), V 0.35 of what the classes' shares leave open."""
    config = cancer()
    data = load_task("cancer", config, 3)
    open_ = data.train_t.mean() * (1 - data.train_t.mean())
    assert best_step(config, data) == pytest.approx(3 / np.sqrt(369 * 16 * 0.35 * open_))


def test_pairs_move_by_that_step() -> None:
    wide, narrow = cancer(**AUTO), cancer(**AUTO, **CARD)
    for config in (wide, narrow):
        move = float(np.interp(config.verify_window_us, WINDOWS_US, MOVES_US))
        step = best_step(config, load_task("cancer", config, 3))
        assert config.scale_per_us * max(move, 1.0) == pytest.approx(max(step, config.scale_per_us), rel=0.02)
    assert wide.prior_sigma_us * wide.scale_per_us == pytest.approx(2.0, rel=0.01)
    assert narrow.scale_per_us > wide.scale_per_us and 4 * narrow.prior_sigma_us <= 40.3


def test_more_points_ask_for_smaller_steps() -> None:
    few, many = cancer(**AUTO, train_samples=100), cancer(**AUTO)
    assert few.scale_per_us * few.verify_window_us > many.scale_per_us * many.verify_window_us


def test_a_number_wins() -> None:
    config = configured(
        "cancer",
        "wide",
        "twin",
        toml={"scale_per_us": "auto", "prior_sigma_us": "auto"},
        settings={"scale_per_us": 0.2},
    )
    assert config.scale_per_us == 0.2 and config.prior_sigma_us == 10.0


@pytest.mark.parametrize(
    ("task", "keys", "message"),
    [
        ("cartpole", {"scale_per_us": "auto"}, "scale_per_us must be a number for task cartpole, which has no"),
        ("cartpole", {"components": "auto"}, "components must be a number for task cartpole, which has no training"),
        ("toy", {"components": "auto"}, "components must be 0 for task toy"),
        ("ecg", {"scale_per_us": "auto"}, "hidden must be 0 with scale_per_us = auto, a rule for one layer, not 9"),
        ("cancer", {"rows": "auto"}, "rows must be an integer from 2 to 16384, not 'auto'"),
    ],
)
def test_what_has_no_rule_says_so(task: str, keys: dict[str, str], message: str) -> None:
    with pytest.raises(InputError) as refused:
        configured(task, "wide", "twin", settings=keys)
    assert str(refused.value).startswith(message)
