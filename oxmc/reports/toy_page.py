"""The toy's chain in a browser, step by step: docs/interactive/toy.html, one file that needs no network.

The script walks the chain of preset `paper` in the twin's own integers, from the keys of the run's seed, so a seed
gives the rows and counters of `oxmc train toy --preset paper`. Python hands over tables and keys; what follows from the
device's law is computed in the browser, since its sliders change that.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from oxmc.pymodels.config import Config, resolve
from oxmc.pymodels.formats import LFSR_TAPS, Formats, lfsr_state
from oxmc.pymodels.oxram.bulk_draws import DEVICE, MIN_DEVICE_Q16, MIN_NS, NORMAL_KNOTS, SET
from oxmc.pymodels.oxram.devices import first_gate, load_card
from oxmc.pymodels.streams import lfsr_seed, stream_key
from oxmc.pymodels.tasks import DataSource, load_task
from oxmc.pymodels.tasks.jobs import make_job
from oxmc.reports.markup import rendered

ROWS, MOST_PROPOSALS = 256, 5000
"""A chain that stands still ends after so many proposals, before a reader does."""
SEEDS = range(8)
SECTIONS = {"walk": "The walk", "devices": "The device's law", "words": "What is what", "same": "Is it the chip?"}


@dataclasses.dataclass(frozen=True)
class Slider:
    """A figure of the device's law that a reader may change: its name there, its words, unit and range."""

    name: str
    words: str
    unit: str
    low: float
    high: float
    step: float


SLIDERS = (
    Slider("current_low_ua", "SET current of the lowest gate code", "µA", 20.0, 80.0, 1.0),
    Slider("current_high_ua", "SET current of the highest gate code", "µA", 85.0, 130.0, 1.0),
    Slider("median_gain_us", "median conductance: gain by each µA", "µS/µA", 0.3, 0.7, 0.01),
    Slider("sd_gain_us", "spread from SET to SET: s.d. at 1 µA", "µS", 0.1, 2.0, 0.01),
    Slider("d2d_spread", "spread from device to device, relative", "", 0.0, 0.3, 0.01),
)


def toy_config() -> Config:
    """What the page walks: the paper's toy with fewer rows, and the same points for every seed."""
    return resolve("toy", "paper", settings={"rows": ROWS, "max_proposals": MOST_PROPOSALS, "split": "fixed"})


def law_of_card(config: Config) -> dict[str, float]:
    """The figures of the card's law that the script computes gate codes from, and the spread between devices."""
    card = load_card(config.card)
    names = (
        "current_low_ua", "current_high_ua", "median_offset_us", "median_gain_us", "median_exponent", "sd_gain_us",
        "sd_exponent",
    )  # fmt: skip
    return {name: getattr(card, name) for name in names} | {"d2d_spread": config.d2d_spread}


def keys_of(config: Config, seed: int) -> dict[str, Any]:
    """What a run of a seed draws from: the array's and the devices' keys, the state that its LFSR starts in."""
    return {
        "seed": seed,
        "array": stream_key(seed, "array"),
        "devices": stream_key(seed, "devices"),
        "lfsr": lfsr_state(lfsr_seed(seed, config.lfsr_bits), config.lfsr_bits),
    }


def chip_of(config: Config) -> dict[str, Any]:
    """The chip's constants and tables, and the training points [label, code of x, code of y]."""
    formats, train = Formats(config), config.train_samples
    job = make_job(config, load_task("toy", config, 0, DataSource()), 0)
    multiplier, shift = formats.prior_constants
    keys = ("rows", "features", "burn_in", "lfsr_bits", "log_u_index_bits", "log_fraction_bits", "gate_codes")
    derived = ("eval_step", "read_step_ns", "likelihood_table", "log_u_table")
    return {
        **{key: getattr(config, key) for key in (*keys, "max_proposals", "scale_per_us", "prior_sigma_us")},
        **{name: getattr(formats, name) for name in derived},
        "samples": [
            [label, *codes]
            for label, codes in zip(job.labels[:train].tolist(), job.codes[:train].tolist(), strict=True)
        ],
        "input_step": config.input_range / formats.input_max,
        "adc_top": 2 ** (config.adc_bits - 1) - 1,
        "table_shift": config.adc_bits - config.table_bits,
        "read_top": 2**config.read_bits - 1,
        "counter_top": 2**config.counter_bits - 1,
        "first_gate": first_gate(config),
        "prior_multiplier": multiplier,
        "prior_shift": shift,
        "lfsr_taps": LFSR_TAPS[config.lfsr_bits],
        "domains": {"set": SET, "device": DEVICE},
        "min_ns": MIN_NS,
        "min_device_q16": MIN_DEVICE_Q16,
        "knots": NORMAL_KNOTS.tolist(),
    }


def toy_data() -> dict[str, Any]:
    """All that the page's script is handed: `chip`, `law`, `seeds`, `sliders`."""
    config = toy_config()
    return {
        "chip": chip_of(config),
        "law": law_of_card(config),
        "seeds": [keys_of(config, seed) for seed in SEEDS],
        "sliders": [dataclasses.asdict(slider) for slider in SLIDERS],
    }


def toy_page() -> str:
    """The whole page."""
    config = toy_config()
    return rendered(
        "toy", toy_data(), scripts=("chain",), command="interactive", contents=SECTIONS, rows=ROWS,
        most=MOST_PROPOSALS, points=config.train_samples, burn_in=config.burn_in, seeds=SEEDS, card=config.card,
    )  # fmt: skip
