"""What each design choice costs: one choice after another is varied around a preset, by a sweep (`oxmc sweep`).

All points see the same splits, devices and noise, so differences to the centre are paired. A step is free at a node if
its accuracy is no worse by more than one standard error of that difference, and its training takes at least 1 % less
joules, by more than two standard errors. Joules, SETs, evaluations and time are those of the training. Pulse widths and
clock change no bit: the device model has no pulse width, and a width counts in clock cycles, rounded up.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from oxmc.campaign.repeats import Plan, Standing
from oxmc.campaign.sweep import Sweep, point_records, resolver, run_sweep
from oxmc.campaign.sweep_points import Axis, Point, Resolve, Settings, along, parse_vary, value_text
from oxmc.pymodels.config import PRESETS, TASKS, Config, parse_setting
from oxmc.pymodels.errors import InputError, RunError
from oxmc.pymodels.tasks import DataSource
from oxmc.run.result import NODES
from oxmc.run.train import Request
from oxmc.studies.estimates import Estimate, estimate, paired
from oxmc.studies.records import Progress
from oxmc.studies.tables import Row, finish, study_parser

FREE_SEM, CHEAPER_SEM, SAVING = 1.0, 2.0, 0.01
"""Standard errors by which a free step may be less accurate and must be cheaper, and the share that it must save."""
WIDTHS = "set_pulse_s,reset_pulse_s,read_pulse_s,eval_pulse_s"


def verified(config: Config) -> bool:
    return config.verify != "off"


def any_config(_: Config) -> bool:
    return True


def first_value(settings: Settings) -> str:
    return value_text(next(iter(settings.values())))


def nanoseconds(settings: Settings) -> str:
    return f"{settings['set_pulse_s'] * 1e9:g}" + (" at 20 MHz" if settings["clock_hz"] == 20e6 else "")


def megahertz(settings: Settings) -> str:
    return f"{settings['clock_hz'] / 1e6:g}"


def order(settings: Settings) -> str:
    return settings["sample_order"].replace("_", " ") if settings["early_rejection"] else "to the end"


class Choice(NamedTuple):
    """A design choice: `vary` as `oxmc sweep` takes it, where it has an effect, and what a step is called."""

    title: str
    vary: str
    applies: Callable[[Config], bool] = any_config
    label: Callable[[Settings], str] = first_value

    @property
    def name(self) -> str:
        """The first of its keys."""
        return next(iter(self.axis))

    @property
    def axis(self) -> Axis:
        return parse_vary([self.vary])[0]


CHOICES = (
    Choice("rows", "rows=16,32,48,64,96,128,192,256,512"),
    Choice("ADC and tables, bits", "adc_bits,table_bits=3,4,5,6,7,8,10"),
    Choice("input DAC, bits", "input_bits=3,4,5,6,7,8,10"),
    Choice("input DAC, range", "input_range=1,1.5,2,2.5,3,4,6"),
    Choice(
        "pulses, ns",
        f"{WIDTHS},conversion_s,clock_hz=" + "5e-8:" * 5 + "2e7," + ",".join(
            f"{width}:" * 4 + "1e-7:1e7" for width in ("1e-7", "2e-7", "5e-7", "1e-6")
        ),
        label=nanoseconds,
    ),
    Choice("clock, MHz", "clock_hz=2e6,5e6,1e7,2e7,5e7,1e8", label=megahertz),
    Choice("gate LUT, steps", "gate_codes=4,8,16,32,48,64"),
    Choice("gate DACs", "gate_dacs=1,2,4,8,16", lambda config: not verified(config)),
    Choice("verified programming", "verify=off,cell,pair"),
    Choice("window of verified programming, uS", "verify_window_us=3,5,7,10,14,20,30", verified),
    Choice("tries of verified programming", "verify_tries=1,2,4,6,8,12", verified),
    Choice("READs, bits", "read_bits=3,4,5,6,7,8,10"),
    Choice(
        "evaluations end", "early_rejection,sample_order=false:given,true:given,true:hard_first", label=order
    ),
    Choice("row counters, bits", "counter_bits=1,2,3,4,5,6,8,12"),
    Choice("responses, bits", "response_bits=2,3,4,6,8,10"),
    Choice("LFSR, bits", "lfsr_bits,lfsr_step_bits=8:8,12:4,16:8,24:8,32:8,64:8"),
    Choice("fraction of log2, bits", "log_fraction_bits=4,5,6,8,10,12"),
)  # fmt: skip


class Step(NamedTuple):
    """A value of a choice and the sweep's point that has it; point 0 is the centre."""

    label: str
    point: int


Steps = dict[str, list[Step]]
"""The steps of each choice by its title, the centre among them."""


def steps_of(choices: Sequence[Choice], resolve: Resolve) -> tuple[list[Choice], list[Point], Steps]:
    """The choices that the centre has, the points of a sweep around it, and each choice's steps.

    A choice or step that this configuration does not have is left out, and stderr says so.
    """
    centre = resolve({})
    points: list[Point] = [({}, centre)]
    kept, steps = [], {}
    for choice in choices:
        if not choice.applies(centre):
            print(f"{choice.title}: left out, without effect here", file=sys.stderr)
            continue
        own = {key: getattr(centre, key, None) for key in choice.axis}
        found, refused = [(own, 0)], []
        for settings in along(choice.axis):
            try:
                config = resolve(settings)
            except InputError as error:
                refused.append(f"{choice.title}, {choice.label(settings)}: left out, {error}")
                continue
            if settings != own:
                points.append((settings, config))
                found.append((settings, len(points) - 1))
        if len(found) > 1:
            kept.append(choice)
            steps[choice.title] = [Step(choice.label(given), point) for given, point in ordered(found)]
        for text in refused if len(found) > 1 else refused[:1]:  # one line for a choice that is not there at all
            print(text, file=sys.stderr)
    return kept, points, steps


def ordered(found: list[tuple[Settings, int]]) -> list[tuple[Settings, int]]:
    """Steps by their first value, where that is a number; else as they are."""
    values = [next(iter(settings.values())) for settings, _ in found]
    if any(isinstance(value, (str, bool)) for value in values):
        return found
    return [found[place] for place in sorted(range(len(found)), key=values.__getitem__)]


class Measured(NamedTuple):
    """The repeats of one point, by repeat; joules by node are those of the training."""

    values: list[float]
    training_j: dict[str, list[float]]
    events: dict[str, float]

    @classmethod
    def of(cls, records: Sequence[Mapping[str, Any]]) -> Measured:
        events = {
            name: sum(record["training_events"][name] for record in records) / len(records)
            for name in ("set", "eval", "cycle")
        }
        joules = {node: [record["training_j"][node] for record in records] for node in NODES}
        return cls([record["value"] for record in records], joules, events)

    def joules(self, node: str) -> float:
        """Mean joules of a training."""
        return sum(self.training_j[node]) / len(self.training_j[node])

    def free(self, centre: Measured) -> list[str]:
        """The nodes at which this takes less than the centre for the same."""
        gain = paired(self.values, centre.values)
        saved = {node: paired(self.training_j[node], centre.training_j[node]) for node in NODES}
        if gain.mean < -FREE_SEM * gain.sem:
            return []
        return [
            node
            for node, joules in saved.items()
            if joules.mean < -max(CHEAPER_SEM * joules.sem, SAVING * centre.joules(node))
        ]


def line(choice: str, label: str, one: Measured, centre: Measured, clock_hz: float) -> Row:
    """A line of the table."""
    joules: Row = {}
    for node in NODES:
        joules[f"uJ, {node}"] = float(f"{one.joules(node) * 1e6:.4g}")
        joules[f"times, {node}"] = round(one.joules(node) / centre.joules(node), 3)
    return {
        "choice": choice,
        "value": label,
        "accuracy": estimate(one.values),
        "to centre": paired(one.values, centre.values) if one is not centre else Estimate(0.0, 0.0),
        "free at": ", ".join(one.free(centre)) or "-",
        **joules,
        "SETs": round(one.events["set"]),
        "evaluations": round(one.events["eval"]),
        "ms": round(1e3 * one.events["cycle"] / clock_hz, 2),
    }


def lines(folder: Path, points: Sequence[Point], steps: Steps) -> list[Row]:
    """The centre, then the steps of each choice; the centre's own value stands behind the title."""
    measured = [Measured.of(point_records(folder, number)) for number in range(len(points))]
    centre = measured[0]
    rows = [line("centre", "-", centre, centre, points[0][1].clock_hz)]
    for title, own in steps.items():
        (at,) = [step.label for step in own if step.point == 0]
        rows += [
            line(f"{title} ({at})", step.label, measured[step.point], centre, points[step.point][1].clock_hz)
            for step in own
            if step.point
        ]
    return rows


def swept(given: argparse.Namespace, source: DataSource, folder: Path) -> tuple[Path, list[Point], Steps]:
    """Trains what is missing; the folder of the sweep, its points and steps. What is there already is taken up."""
    fixed = dict(parse_setting(text) for text in given.set)
    resolve = resolver(given.task, given.preset, "twin", source, settings=fixed)
    chosen = [choice for choice in CHOICES if not given.choice or choice.name in given.choice]
    kept, points, steps = steps_of(chosen, resolve)
    asked = [given.task, given.preset, given.seed, given.repeats, source.identity(), [c.as_dict() for _, c in points]]
    out = folder / f"sweep-{hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:12]}"
    request = Request(
        task=given.task, preset=given.preset, engine="twin", seed=given.seed, config=points[0][1], out=out,
        source=source,
    )  # fmt: skip
    plan = Plan(repeats=given.repeats, jobs=given.jobs, cluster=given.cluster, resume=True)
    progress = Progress(len(points) * given.repeats)

    def watch(number: int, standing: Standing) -> None:
        progress.done = number * given.repeats + standing.done + standing.failed - 1
        progress.step(f"point {number + 1} of {len(points)}, mean {standing.mean:.4f}")

    axes = [choice.axis for choice in kept]
    run_sweep(Sweep(request=request, plan=plan, axes=axes, points=points, around=True), watch)
    return out, points, steps


def main(arguments: Sequence[str] | None = None) -> None:
    options = study_parser(__doc__, seed=20000, repeats=20)
    options.add_argument("--task", default="cancer", choices=TASKS)
    options.add_argument("--preset", default="wide", choices=PRESETS, help="the centre (default wide)")
    options.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a key of the centre")
    names = [choice.name for choice in CHOICES]
    options.add_argument(
        "--choice", action="append", choices=names, metavar="KEY", help=f"only this, again for more: {', '.join(names)}"
    )
    options.add_argument("--data", type=Path, help="data of ecg or table")
    options.add_argument("--subject", type=int, help="record that ecg tests")
    options.add_argument("--label", help="column that table learns")
    options.add_argument("--jobs", type=int, default=1, help="processes that share the trainings (default 1)")
    options.add_argument("--cluster", metavar="ADDRESS", help="Dask scheduler that runs them instead")
    given = options.parse_args(arguments)
    source = DataSource(data=given.data, subject=given.subject, label=given.label)
    with tempfile.TemporaryDirectory() as scratch:
        try:
            folder, points, steps = swept(given, source, given.out or Path(scratch))
        except InputError as error:
            options.error(str(error))
        except RunError as error:
            sys.exit(f"choices: {error}")
        rows = lines(folder, points, steps)
    finish(rows, given)
    if given.out is not None:
        from oxmc.studies.pictures.choices_plot import draw

        draw(rows, steps, f"{given.task}, {given.preset}, {given.repeats} trainings a point", given.out)


if __name__ == "__main__":
    main()
