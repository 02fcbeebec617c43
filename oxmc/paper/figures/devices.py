"""Figures of devices: 2, 3, S16 and S17."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from oxmc.paper.claim import Claim, Found, Line, apart, beside, mean_of
from oxmc.paper.entry import Entry, Part, Plan, Results, Size
from oxmc.plots.style import CHAIN_COLOURS, grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CURRENTS_UA = [20.0, 30.0, 45.0, 70.0, 100.0, 150.0, 220.0, 330.0, 500.0]
"""Nine SET currents over the range of Fig 2b's axis; the text does not name its own."""
MIDDLE_UA = 100.0
MODEL = "array model, 4k card"
CIRCULAR = "the card was made from this figure: it checks that the model keeps the law, and is no evidence of its own"
GAIN, EXPONENT, EXPONENT_SD = 0.19, 0.78, 0.096


def plan_2(size: Size) -> Plan:
    devices = size.of(1024, 4096)
    return {
        "one": [Part.of("devices:single", card="4k", current_ua=MIDDLE_UA, cycles=100, seed=1)],
        "all": [Part.of("devices:population", card="4k", currents_ua=CURRENTS_UA, devices=devices, cycles=100, seed=1)],
        "joint": [Part.of("devices:joint", card="4k", current_ua=MIDDLE_UA, devices=devices, cycles=500, seed=1)],
    }


def judge_2(results: Results) -> Sequence[Line]:
    law, spread = results["all"], [*zip(*results["all"]["median_us"], strict=True)]
    wide = mean_of([(high - low) / (2 * 1.645 * middle) for low, middle, high in zip(*spread, strict=True)])
    where = "p. 153, Fig 2"
    return [
        apart(
            Claim("Cycles of one device scatter by a normal law (2a)", f"{where}a"), MODEL,
            "the text gives no test; the model draws normal scatter",
            Found(results["one"]["p"], results["one"]["p"], results["one"]["p"], 100, "cycles: p of Shapiro and Wilk"),
        ),
        beside(
            Claim("Exponent c of the median in the SET current (2b)", "p. 159, Eq 10", EXPONENT), MODEL,
            mean_of(law["median_exponent"], f"groups, {law['devices']:,} devices together"), f"{CIRCULAR}; card: 0.78",
        ),
        beside(
            Claim("Exponent b of the standard deviation in the SET current (2b)", "p. 159, Eq 9", 0.48), MODEL,
            mean_of(law["sd_exponent"], f"groups, {law['devices']:,} devices together"), f"{CIRCULAR}; card: 0.48",
        ),
        apart(
            Claim("Devices differ in median and scatter (2c)", f"{where}c"), MODEL,
            "the text gives no number; the model's spread of medians, 5 % for one device, is an assumption", wide,
        ),
    ]  # fmt: skip


def draw_2(results: Results) -> Figure:
    from matplotlib.ticker import NullLocator

    figure, axes = grid(1, 3, height_in=2.7, stacked=True)
    one, law, joint = axes[0]
    values = np.array(results["one"]["us"])
    one.hist(values, bins=15, density=True, color=CHAIN_COLOURS[2], alpha=0.4)
    x = np.linspace(values.min(), values.max(), 100)
    one.plot(x, np.exp(-(((x - values.mean()) / values.std()) ** 2) / 2) / (values.std() * np.sqrt(2 * np.pi)), "k--")
    one.set(xlabel="conductance (µS)", ylabel="probability density")
    one.set_title("a  one device, 100 cycles", loc="left")
    other = law.twinx()
    for axis, name, mark, face in ((law, "median_us", "o", 0), (other, "sd_percent", "s", 1)):
        low, middle, high = np.array(results["all"][name]).T
        axis.errorbar(
            CURRENTS_UA, middle, (middle - low, high - middle), fmt=mark, ms=3, color=CHAIN_COLOURS[face], lw=0.8
        )
        axis.plot(CURRENTS_UA, middle, color=CHAIN_COLOURS[face], linestyle="--")
    law.set(xscale="log", yscale="log", xlabel="SET current (µA)", ylabel="median (µS)")
    for axis, ticks in ((law.xaxis, (20, 50, 100, 200, 500)), (law.yaxis, (20, 50, 100, 200))):
        axis.set_minor_locator(NullLocator())
        axis.set_ticks(ticks, [str(tick) for tick in ticks])
    other.set_ylabel("cycle-to-cycle s.d. (%)", color=CHAIN_COLOURS[1])
    law.set_title("b  population, 5 to 95 %", loc="left")
    joint.scatter(results["joint"]["median_us"], results["joint"]["sd_percent"], s=2, color=CHAIN_COLOURS[2], lw=0)
    joint.set(xlabel="conductance median (µS)", ylabel="cycle-to-cycle s.d. (%)")
    joint.set_title(f"c  {len(results['joint']['median_us'])} devices", loc="left")
    return figure


FROM_US = [45.0, 60.0, 75.0]


def plan_3(size: Size) -> Plan:
    return {"c": [Part.of("devices:proposals", card="16k", from_us=FROM_US, devices=size.of(2048, 16384), seed=1)]}


def judge_3(results: Results) -> Sequence[Line]:
    found = results["c"]
    claim = Claim(
        "A proposal's median is the conductance that it starts from (3c); read as: to half a step of the LUT, 1 µS",
        "p. 154, Fig 3c", -1.0, "µS", to=1.0,
    )  # fmt: skip
    lines = []
    for start, landed in zip(found["from_us"], found["landed_us"], strict=True):
        off = np.array(landed) - start
        half = 1.96 * 1.2533 * off.std() / np.sqrt(len(off))
        middle = float(np.median(off))
        ours = Found(middle, middle - half, middle + half, len(off), "devices")
        lines.append(beside(claim, f"from {start:g} µS", ours, f"offset {middle:.2f} µS of the LUT's rounding"))
    fabricated = Claim("An array of 16,384 devices was fabricated and imaged (3d)", "p. 154, Fig 3d", 16384, "devices")
    return [*lines, apart(fabricated, "simulated chip", "no chip was made: devices here are a model, the chip is RTL")]


def draw_3(results: Results) -> Figure:
    figure, axes = grid(1, 1, height_in=2.6)
    axis, found = axes[0, 0], results["c"]
    for start, landed, shade in zip(found["from_us"], found["landed_us"], CHAIN_COLOURS, strict=False):
        axis.hist(landed, bins=60, density=True, histtype="stepfilled", alpha=0.35, color=shade,
                  label=f"after {start:g} µS")  # fmt: skip
        axis.axvline(start, color=shade, linestyle="--")
    axis.set(xlabel="conductance proposed in row n + 1 (µS)", ylabel="proposal density")
    axis.set_title("c  proposals by a SET at the LUT's nearest gate voltage", loc="left")
    axis.legend(frameon=False)
    return figure


def plan_s16(size: Size) -> Plan:
    return {"lut": [Part.of("devices:lut", rows=size.of(128, 512), seed=1)]}


def judge_s16(results: Results) -> Sequence[Line]:
    found, where = results["lut"], "p. 158, Methods; Supplementary Fig. 16"
    series = f"sweep of {found['devices']} devices, 16k card"
    why = "reads are rounded to 0.5 µS; 95 % interval by the scatter of the devices, 0.5 µS"
    ends = [
        beside(
            Claim(f"{name} median of the LUT", where, number, "µS"), series,
            Found(value, value - 0.5, value + 0.5, found["devices"], "devices"), f"{why}: {value:g} µS",
        )
        for name, number, value in (("Lowest", 40.0, found["found_us"][0]), ("Highest", 80.0, found["found_us"][-1]))
    ]  # fmt: skip
    steps = len(found["gate_v"])
    entries = Claim("Gate voltages from 1.4 to 1.8 V in steps of 20 mV", where, 21, "entries")
    return [*ends, beside(entries, series, Found(steps, steps, steps, 1, "table"), f"{steps} entries")]


def draw_s16(results: Results) -> Figure:
    figure, axes = grid(1, 2, height_in=2.6, stacked=True)
    found = results["lut"]
    for axis, x, label in zip(
        axes[0], (found["gate_v"], found["current_ua"]), ("gate voltage (V)", "SET current (µA)"), strict=True
    ):
        axis.plot(x, found["law_us"], color="0.5", linestyle="--", label="the card's law")
        axis.plot(x, found["found_us"], "o", ms=3, color=CHAIN_COLOURS[0], label="found by the sweep")
        axis.set(xlabel=label, ylabel="median conductance (µS)")
    axes[0, 0].legend(frameon=False)
    return figure


def plan_s17(size: Size) -> Plan:
    return {"all": plan_2(size)["all"]}


def judge_s17(results: Results) -> Sequence[Line]:
    exponents, gains = (np.array(results["all"][name]) for name in ("device_exponent", "device_gain"))
    n = len(exponents)

    def spread(values: np.ndarray) -> Found:
        sd = float(values.std(ddof=1))
        return Found(sd, sd * (1 - 1.96 / np.sqrt(2 * n)), sd * (1 + 1.96 / np.sqrt(2 * n)), n, "devices")

    sd = spread(exponents)
    where = "p. 159, below Eq 10; Supplementary Fig. 17"
    return [
        beside(
            Claim("Standard deviation of the exponent c over devices, printed with the unit of the factor d", where,
                  EXPONENT_SD), MODEL, sd,
            f"here devices share the exponent ({sd.value:.3f} is what fits of 100 cycles leave) and differ by a factor "
            f"of 5 %; an exponent as uneven as 0.096 would move medians at 50 µA by {50**EXPONENT_SD - 1:.0%}, and "
            "chains freeze from 25 % on (S11)",
        ),
        apart(
            Claim("The same read by its unit, as the standard deviation of d (0.19)", where, EXPONENT_SD / GAIN), MODEL,
            "of d 0.096 would be 51 %, with which the paper's own chain freezes (S11): the printed unit cannot be read",
            spread(gains / np.median(gains)),
        ),
    ]  # fmt: skip


def draw_s17(results: Results) -> Figure:
    figure, axes = grid(1, 2, height_in=2.5, stacked=True)
    exponents, gains = results["all"]["device_exponent"], np.array(results["all"]["device_gain"])
    axes[0, 0].hist(exponents, bins=40, color=CHAIN_COLOURS[0], alpha=0.5)
    axes[0, 0].set(xlabel="exponent c fitted to one device", ylabel="devices")
    axes[0, 1].hist(gains / np.median(gains), bins=40, color=CHAIN_COLOURS[1], alpha=0.5)
    axes[0, 1].set(xlabel="factor d of one device over the median one")
    for name, value in (("this model", np.std(exponents)), ("the paper", EXPONENT_SD)):
        axes[0, 0].axvspan(
            EXPONENT - value, EXPONENT + value, alpha=0.12, lw=0,
            color="black" if name == "the paper" else CHAIN_COLOURS[0], label=f"± one s.d. of {name}",
        )  # fmt: skip
    axes[0, 0].legend(frameon=False, fontsize=6)
    return figure


ENTRIES = [
    Entry("2", plan=plan_2, judge=judge_2, draw=draw_2),
    Entry("3", plan=plan_3, judge=judge_3, draw=draw_3),
    Entry("S16", plan=plan_s16, judge=judge_s16, draw=draw_s16),
    Entry("S17", plan=plan_s17, judge=judge_s17, draw=draw_s17),
]
