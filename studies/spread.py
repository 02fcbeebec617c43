"""Device-to-device spread from none to 100 %: accuracy or reward, rows filled, SETs and joules, a line each.

Tasks cancer, ecg and cartpole at presets `paper`, `plain` and `wide`; ecg takes `--data` and tests all of `--subject`.
A chain that freezes runs until `--limit` proposals, so its SETs and joules are those of the limit. `frozen` is the
share of trainings that ended there before their array was full.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from oxmc.pymodels.config import Config, preset
from oxmc.pymodels.tasks import NO_SOURCE, DataSource, fit_config
from oxmc.studies.estimates import estimate, median
from oxmc.studies.records import Progress, Records, digest
from oxmc.studies.tables import Row, finish, save_figure, study_parser
from oxmc.studies.trainings import NODE, seeds_of, training

TASKS, PRESETS = ("cancer", "ecg", "cartpole"), ("paper", "wide", "plain")
SPREADS = (0.0, 0.05, 0.25, 0.5, 1.0)
LIMIT, FEWER = 30_000, 10
"""Most proposals of a training, and most repeats of task cartpole, which is the slowest where it freezes."""


def measure(config: Config, seed: int, task: str, source: DataSource) -> Row:
    run = training(config, seed, task=task, source=source)
    full = run.rows + run.outcome.skipped == config.rows
    names = ("accuracy", "proposals", "sets", "energy_uj", "rows")
    return {name: getattr(run, name) for name in names} | {"frozen": not full}


def line(task: str, name: str, config: Config, runs: Sequence[Row]) -> Row:
    """The line of one task, preset and spread."""
    column = {key: [float(run[key]) for run in runs] for key in runs[0]}
    return {
        "task": task,
        "preset": name,
        "spread": f"{100 * config.d2d_spread:g} %",
        "repeats": len(runs),
        "mean": estimate(column["accuracy"]),
        "median": median(column["accuracy"]),
        "rows": f"{np.mean(column['rows']):.1f} of {config.rows}",
        "frozen": round(float(np.mean(column["frozen"])), 2),
        "proposals": round(np.mean(column["proposals"])),
        "SETs": round(np.mean(column["sets"])),
        f"uJ, {NODE}": round(float(np.mean(column["energy_uj"])), 2),
    }


def draw(rows: Sequence[Row], folder: Path) -> None:
    """Accuracy and joules against the spread, a column a task."""
    from oxmc.plots.style import CHAIN_COLOURS, grid, plot_style

    tasks = list(dict.fromkeys(row["task"] for row in rows))
    places = [f"{100 * spread:g} %" for spread in SPREADS]
    with plot_style():
        figure, axes = grid(2, len(tasks), height_in=4.2, sharex=True)
        for column, task in enumerate(tasks):
            for name, colour in zip(PRESETS, CHAIN_COLOURS, strict=False):
                lines = [row for row in rows if (row["task"], row["preset"]) == (task, name)]
                x = [places.index(row["spread"]) for row in lines]
                mean = np.array([row["mean"] for row in lines]).reshape(-1, 2)
                axes[0, column].errorbar(x, mean[:, 0], mean[:, 1], color=colour, marker="o", ms=3, label=name)
                axes[1, column].plot(x, [row[f"uJ, {NODE}"] for row in lines], color=colour, marker="o", ms=3)
            axes[0, column].set(title=task, ylabel="mean reward" if task == "cartpole" else "mean accuracy")
            axes[1, column].set(yscale="log", xlabel="device-to-device spread", ylabel=f"uJ at {NODE}")
            axes[1, column].set_xticks(range(len(places)), places)
        axes[0, 0].legend(frameon=False)
        save_figure(figure, folder, "spread")


def main(arguments: Sequence[str] | None = None) -> None:
    options = study_parser(__doc__, seed=20000, repeats=40)
    options.add_argument("--task", action="append", choices=TASKS, help="only this task (may be repeated)")
    options.add_argument("--data", type=Path, help="recordings for ecg, made-up ones without it")
    options.add_argument("--subject", type=int, default=208, help="record that ecg tests (default 208)")
    options.add_argument("--limit", type=int, default=LIMIT, help=f"most proposals of a training (default {LIMIT})")
    given = options.parse_args(arguments)
    tasks, records, rows = given.task or TASKS, Records(given.out), []
    progress = Progress(len(tasks) * len(PRESETS) * len(SPREADS))
    for task in tasks:
        repeats = min(FEWER, given.repeats) if task == "cartpole" else given.repeats
        source = DataSource(data=given.data, subject=given.subject) if task == "ecg" and given.data else NO_SOURCE
        for name in PRESETS:
            for spread in SPREADS:
                config = preset(task, name).replace(d2d_spread=spread, max_proposals=given.limit)
                config, runs = fit_config(task, config, (), source), []
                for seed in seeds_of(given.seed, repeats):
                    key = (task, source.subject, digest(config), seed)
                    runs.append(records.of(key, measure, config, seed, task, source))
                rows.append(line(task, name, config, runs))
                progress.step(f"{task}, {name}, {spread:g}: {rows[-1]['mean']}, rows {rows[-1]['rows']}")
    finish(rows, given)
    if given.out is not None:
        draw(rows, given.out)


if __name__ == "__main__":
    main()
