"""The command line `oxmc`."""

from __future__ import annotations

import dataclasses
import functools
import io
import json
import os
import resource
import signal
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from oxmc.pymodels.config import PRESETS, TASKS, load_toml, parse_setting, resolve
from oxmc.pymodels.errors import InputError, RunError, printable, shown
from oxmc.pymodels.whole import write_file
from oxmc.reports.plain import PlainConsole
from oxmc.run.engine import ENGINES, Options, engine_of
from oxmc.run.records import mean_reference

if TYPE_CHECKING:
    from oxmc.campaign.repeats import Plan
    from oxmc.pymodels.tasks import DataSource

EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED, EXIT_TERMINATED = 1, 2, 130, 143

UsageError: Any = typer.BadParameter.__mro__[1]
"""Typer carries its own copy of click; this is the base of its usage errors."""

app = typer.Typer(name="oxmc", add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

ENGINE_HELP = "; ".join(f"{name}: {engine.help}" for name, engine in ENGINES.items()) + "."
CALIBRATING = "; ".join(f"{name}: {engine.help}" for name, engine in ENGINES.items() if engine.calibrates) + "."
MAX_CHAINS = 64
MOST_SEED, MOST_SUBJECT, MOST_REPEATS, MOST_JOBS = 2**128 - 1, 10**9, 1_000_000, 1024
"""More randomness than numpy's generator has, records than a database has, and work or processes than a machine has."""
LONGEST_MESSAGE = 2000
DEFAULT_PRESET = "best"
"""The best we have measured; `paper` is what the paper did."""

TaskArgument = Annotated[str, typer.Argument(help=f"What to learn: {', '.join(TASKS)}.")]
PresetOption = Annotated[str, typer.Option(help=f"Named configuration of the task: {', '.join(PRESETS)}.")]
ConfigOption = Annotated[Path | None, typer.Option(help="TOML file of configuration keys, over the preset.")]
DataOption = Annotated[Path | None, typer.Option(help="File or folder with the data of table or ecg.")]
SubjectOption = Annotated[str | None, typer.Option(metavar="R", help="The record that ecg is tested on.")]
LabelOption = Annotated[str | None, typer.Option(metavar="COLUMN", help="The column that table learns.")]
OtherCodeOption = Annotated[bool, typer.Option("--other-code", help="Let --resume go on with what other code did.")]
KeepOption = Annotated[
    list[str] | None, typer.Option(metavar="COLUMN", help="A column that table uses although it looks like an index.")
]
DropOption = Annotated[list[str] | None, typer.Option(metavar="COLUMN", help="A column that table leaves out.")]
SetOption = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One key, over the file.")]


@app.callback()
def oxmc(debug: Annotated[bool, typer.Option(help="Show a traceback where a command fails.")] = False) -> None:
    """A chip that trains Bayesian models inside its own resistive memory, simulated cycle by cycle."""


class Terminated(BaseException):
    """SIGTERM came. Like `KeyboardInterrupt` it is no `Exception`, so that nothing but `run` stops it."""


def _integer(option: str, text: str, low: int, high: int) -> int:
    """The value of an option. Raises `InputError` if it is no integer from `low` to `high`."""
    try:
        value = int(text)
    except ValueError:
        value = low - 1
    if value < low:
        raise InputError(f"{option} must be an integer >= {low}, not {shown(text)}")
    if value > high:
        raise InputError(f"{option} must be an integer of at most {high}, not {shown(text)}")
    return value


def _rows(rows: str | None, settings: Mapping[str, Any]) -> Any:
    """The value of --rows. Raises `InputError` where --set says it, too."""
    if rows is not None and "rows" in settings:
        raise InputError(f"--rows {rows} must be left out with --set rows={settings['rows']}")
    return None if rows is None else parse_setting(f"rows={rows}")[1]


def _source(
    data: Path | None, subject: str | None, label: str | None, keep: list[str] | None, drop: list[str] | None
) -> DataSource:
    """What a user gave of the data. Raises `InputError` for a subject that is no number."""
    from oxmc.pymodels.tasks import DataSource

    number = None if subject is None else _integer("--subject", subject, 0, MOST_SUBJECT)
    return DataSource(data=data, subject=number, label=label, keep=tuple(keep or ()), drop=tuple(drop or ()))


def _plan(repeats: str | None, jobs: str | None, cluster: str | None, resume: bool, other_code: bool) -> Plan | None:
    """How to repeat, None for one training. Raises `InputError` for options that do not go together."""
    if other_code and not resume:
        raise InputError("--other-code must come with --resume, which is not there")
    if repeats is None:
        for option, given in (("--jobs", jobs is not None), ("--cluster", cluster is not None), ("--resume", resume)):
            if given:
                raise InputError(f"{option} must come with --repeats, which is not there")
        return None
    from oxmc.campaign.repeats import Plan

    if jobs is not None and cluster is not None:
        raise InputError("--jobs must be left out with --cluster, where each worker does one repeat at a time")
    count = _integer("--repeats", repeats, 1, MOST_REPEATS)
    processes = _integer("--jobs", "1" if jobs is None else jobs, 1, MOST_JOBS)
    return Plan(repeats=count, jobs=processes, cluster=cluster, resume=resume, other_code=other_code)


def _chains(text: str) -> int:
    """The number of chains in `text`. Raises `InputError` unless it is 1 or more and can be analysed."""
    from oxmc.posterior.posterior import EXTRA, available
    from oxmc.pymodels.machine import not_installed

    if not (text.isdecimal() and len(text) <= len(str(MAX_CHAINS)) and 1 <= int(text) <= MAX_CHAINS):
        raise InputError(f"--chains must be an integer from 1 to {MAX_CHAINS}, not {shown(text)}")
    if int(text) > 1 and not available():
        raise InputError(f"--chains above 1 needs {not_installed(EXTRA)}")
    return int(text)


def _preparation(age: str | None, calibrate: bool, form: bool) -> dict[str, Any]:
    """Settings that the options of a training stand for."""
    switches = {"calibrate": calibrate, "form": form}
    aged = {} if age is None else dict([parse_setting(f"age_cycles={age}")])
    return aged | {name: True for name, given in switches.items() if given}


@app.command()
def train(
    task: TaskArgument,
    preset: PresetOption = DEFAULT_PRESET,
    engine: Annotated[str, typer.Option(help=ENGINE_HELP)] = "verilator",
    seed: Annotated[str, typer.Option(metavar="N", help="All randomness comes from it; an integer >= 0.")] = "0",
    rows: Annotated[str | None, typer.Option(metavar="N", help="Array rows; also caps burn_in at N/8.")] = None,
    config: ConfigOption = None,
    settings: SetOption = None,
    out: Annotated[Path | None, typer.Option(help="Run directory; by default a new one in build/runs.")] = None,
    age: Annotated[str | None, typer.Option(metavar="CYCLES", help="Age of the array; sets age_cycles.")] = None,
    calibrate: Annotated[bool, typer.Option(help="The chip calibrates its gate LUT first.")] = False,
    form: Annotated[bool, typer.Option(help="The chip forms and conditions the array first.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print run.json and nothing else.")] = False,
    chains: Annotated[str, typer.Option(metavar="C", help="Chains on one split, each with its own devices.")] = "1",
    coupling: Annotated[str, typer.Option(help="Where the array's model runs: python or compiled.")] = "python",
    waves: Annotated[bool, typer.Option(help="Keep a VCD of all signals in the run directory.")] = False,
    lockstep: Annotated[bool, typer.Option(help="Run the twin beside the RTL; the first difference ends it.")] = False,
    repeats: Annotated[str | None, typer.Option(metavar="N", help="Trainings, each with its own split.")] = None,
    jobs: Annotated[str | None, typer.Option(metavar="N", help="Processes that share the repeats; else 1.")] = None,
    cluster: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Dask scheduler to run the repeats.")] = None,
    resume: Annotated[bool, typer.Option(help="Go on with repeats that were stopped or failed.")] = False,
    other_code: OtherCodeOption = False,
    data: DataOption = None,
    subject: SubjectOption = None,
    label: LabelOption = None,
    keep: KeepOption = None,
    drop: DropOption = None,
) -> None:
    """Train a model on the chip's RTL with the array model in the loop, then test it on the chip.

    The twin gives the same bits without the clock, in a fraction of a second."""
    from oxmc.cli import console
    from oxmc.pymodels.ahead import Ahead
    from oxmc.pymodels.tasks import fitted_keys, load_task, reference_value  # what `oxmc --help` need not load
    from oxmc.run import result
    from oxmc.run import train as training
    from oxmc.run.rundir import check_out, free_name

    runner = engine_of(engine)
    runner.refuse(Options(waves=waves, lockstep=lockstep, coupling=coupling))
    seed_value = _integer("--seed", seed, 0, MOST_SEED)
    plan = _plan(repeats, jobs, cluster, resume, other_code)
    for option, given in (("--waves", waves), ("--chains", chains != "1")):
        if plan and given:
            raise InputError(f"{option} must be left out with --repeats")
    toml, keys = load_toml(config) if config else {}, dict(parse_setting(text) for text in settings or [])
    keys |= _preparation(age, calibrate, form)
    source = _source(data, subject, label, keep, drop)
    fitted = resolve(
        task, preset, toml=toml, settings=keys, rows=_rows(rows, keys),
        fit=functools.partial(fitted_keys, task, source=source),
    )  # fmt: skip
    runner.refuse_config(fitted)
    stem = f"{task}-{preset}-{engine}-s{seed_value}"
    if plan:
        from oxmc.campaign import repeats as repeating

        unnamed = repeating.default_out(f"{stem}-r{plan.repeats}", resume=resume)
    else:
        unnamed = free_name(stem)
    request = training.Request(
        task=task,
        preset=preset,
        engine=engine,
        seed=seed_value,
        config=runner.sized(fitted, {*toml, *keys}),
        out=out or unnamed,
        waves=waves,
        lockstep=lockstep,
        chains=_chains(chains),
        coupling=coupling,
        source=source,
    )
    if plan:
        with console.repeats_progress(plan.repeats) as repeats_watcher:
            run = repeating.train_repeats(request, plan, repeats_watcher)
        summary = console.repeats_summary(run, request.out, mean_reference(request.out))
        print(json.dumps(run)) if as_json else PlainConsole().print(summary)
        return
    check_out(request.out)
    reference = Ahead(
        lambda: reference_value(request.config, load_task(task, request.config, seed_value, source), seed_value)
    )
    # chains end with statistics that import scipy, as the reference does: one thread at a time
    meanwhile = None if as_json or request.chains > 1 else reference.start
    with console.progress(request.config.rows) as watcher:
        run = training.train(dataclasses.replace(request, meanwhile=meanwhile), watcher)
    if as_json:
        print(json.dumps(run))
        return
    from oxmc.energy.report import render_components

    terminal = PlainConsole()
    ledgers = {node: result.ledger_of(request.config, run["phases"], node) for node in result.NODES}
    terminal.print(render_components(ledgers))
    terminal.print(console.summary(run, request.out, reference.value()))


@app.command()
def calibrate(
    task: TaskArgument = "cancer",
    preset: PresetOption = DEFAULT_PRESET,
    engine: Annotated[str, typer.Option(help=CALIBRATING)] = "twin",
    seed: Annotated[str, typer.Option(metavar="N", help="Devices and noise come from it; an integer >= 0.")] = "0",
    rows: Annotated[str | None, typer.Option(metavar="N", help="Array rows.")] = None,
    config: ConfigOption = None,
    settings: SetOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Let the chip fill its gate LUT by a sweep over the array, and compare it with the device card's law."""
    from oxmc.run.calibration import calibrate as sweep
    from oxmc.run.calibration import render

    keys = dict(parse_setting(text) for text in settings or []) | {"calibrate": True}
    toml = load_toml(config) if config else None
    chosen = resolve(task, preset, toml=toml, settings=keys, rows=_rows(rows, keys))
    record = sweep(chosen, engine, _integer("--seed", seed, 0, MOST_SEED))
    print(json.dumps(record)) if as_json else PlainConsole().print(render(record))


@app.command()
def verilog(
    task: TaskArgument = "cancer",
    preset: PresetOption = DEFAULT_PRESET,
    config: ConfigOption = None,
    settings: SetOption = None,
    out: Annotated[Path, typer.Option(help="Folder; a chip in it is replaced.")] = Path("build/v"),
    name: Annotated[str, typer.Option(help="What all modules' names and the files' begin with.")] = "oxmc_chip",
    observers: Annotated[
        bool, typer.Option("--observers", help="With the ports that simulations are watched by, not for silicon.")
    ] = False,
) -> None:
    """Write the chip as synthesizable Verilog: with lint waivers, its memories, and the configuration behind it."""
    from oxmc.hdl.verilog.netlist import write_verilog

    toml = load_toml(config) if config else None
    chosen = resolve(task, preset, toml=toml, settings=dict(parse_setting(text) for text in settings or []))
    for path in write_verilog(chosen, out, name=name, observed=observers):
        print(printable(str(path)))


@app.command()
def synth(
    task: TaskArgument = "cancer",
    preset: PresetOption = DEFAULT_PRESET,
    config: ConfigOption = None,
    settings: SetOption = None,
    target: Annotated[str, typer.Option(help="sky130: our 130 nm cells; ice40: an FPGA; generic: gates.")] = "sky130",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON and nothing else.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder of the netlists; by default one in build/synth.")] = None,
) -> None:
    """Synthesise the chip: cells and area by block, the longest path, the fastest clock."""
    from oxmc.silicon import synth as synthesis

    toml = load_toml(config) if config else None
    chosen = resolve(task, preset, toml=toml, settings=dict(parse_setting(text) for text in settings or []))
    folder = out or Path("build/synth") / f"{task}-{preset}-{target}"
    result = synthesis.synthesise(chosen, target, folder)
    if as_json:
        print(json.dumps(result.as_json()))
        return
    terminal = PlainConsole()
    terminal.print(synthesis.render(result))
    terminal.print(synthesis.summary(result, folder))


@app.command()
def energy(
    runs: Annotated[list[Path] | None, typer.Argument(metavar="RUN...", help="Run directories.")] = None,
    node: Annotated[list[str] | None, typer.Option(help="28nm, 130nm or a cost table; may be given twice.")] = None,
    output: Annotated[str, typer.Option("--format", help="text, json, csv, html or accelergy.")] = "text",
    out: Annotated[Path | None, typer.Option(help="File to write, not standard output; accelergy: folder.")] = None,
    template: Annotated[bool, typer.Option("--template", help="Print a cost table to fill in, without a run.")] = False,
) -> None:
    """Account for the energy of runs, every figure with its source and the totals with their bands.

    html is a page of its own, with sliders for voltages, pulse widths, clock and converters."""
    from oxmc.energy.template import template as cost_template
    from oxmc.reports import accounts

    if template and runs:
        raise InputError("RUN must be left out with --template")
    if not (template or runs):
        raise InputError("Missing argument 'RUN...'.")
    if output == "accelergy" and runs:
        if out is None:
            raise InputError("--format accelergy must come with --out, the folder to write")
        for path in accounts.write_accelergy(runs, tuple(node or accounts.NODES), out):
            print(printable(str(path)))
        _say(accounts.shares(runs))
        return
    text = cost_template() if not runs else accounts.report(runs, tuple(node or accounts.NODES), output)
    if output == "csv" and runs:
        _say(accounts.shares(runs))
    if out is None:
        print(printable(text), end="")
        return
    write_file(out, text)


@app.command()
def sweep(
    task: TaskArgument,
    vary: Annotated[
        list[str],
        typer.Option(metavar="KEY=V1,V2,...", help="Values of a key; again for more; KEY,KEY=... move together."),
    ],
    one_at_a_time: Annotated[
        bool, typer.Option("--one-at-a-time", help="Each --vary alone around the preset, which is point 0.")
    ] = False,
    preset: PresetOption = DEFAULT_PRESET,
    engine: Annotated[str, typer.Option(help=ENGINE_HELP)] = "twin",
    seed: Annotated[str, typer.Option(metavar="N", help="All randomness comes from it; an integer >= 0.")] = "0",
    rows: Annotated[str | None, typer.Option(metavar="N", help="Array rows; also caps burn_in at N/8.")] = None,
    config: ConfigOption = None,
    settings: SetOption = None,
    repeats: Annotated[str, typer.Option(metavar="R", help="Trainings a point, each with its own split.")] = "10",
    jobs: Annotated[str | None, typer.Option(metavar="N", help="Processes for a point's repeats; else 1.")] = None,
    cluster: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Dask scheduler to run the repeats.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder; by default a new one in build/runs.")] = None,
    resume: Annotated[bool, typer.Option(help="Go on with a sweep that was stopped.")] = False,
    other_code: OtherCodeOption = False,
    output: Annotated[str, typer.Option("--format", help="What to print: text, json or csv.")] = "text",
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    data: DataOption = None,
    subject: SubjectOption = None,
    label: LabelOption = None,
    keep: KeepOption = None,
    drop: DropOption = None,
) -> None:
    """Train at every combination of some keys' values: mean accuracy, mean energy at both nodes, the Pareto front.

    KEY,KEY=V1,V2 gives both keys V1, then V2; KEY,KEY=V1:W1,V2:W2 gives each its own."""
    from oxmc.campaign import sweep as sweeping
    from oxmc.campaign import sweep_points
    from oxmc.campaign.repeats import default_out
    from oxmc.cli import console
    from oxmc.pymodels.tasks import fit_config
    from oxmc.run import train as training

    if output not in ("text", "json", "csv"):
        raise InputError(f"--format must be one of text, json, csv, not {output!r}")
    engine_of(engine).refuse(Options())
    seed_value = _integer("--seed", seed, 0, MOST_SEED)
    plan = _plan(repeats, jobs, cluster, resume, other_code)
    assert plan is not None
    toml = load_toml(config) if config else {}
    fixed = dict(parse_setting(text) for text in settings or [])
    source = _source(data, subject, label, keep, drop)
    fit_config(task, resolve(task, preset), (), source)  # what is wrong with the data is so at each point
    _rows(rows, fixed)
    row_count = None if rows is None else _integer("--rows", rows, 0, MOST_SUBJECT)
    axes = sweep_points.parse_vary(vary, again=one_at_a_time)
    for name in () if one_at_a_time else (name for axis in axes for name in axis if name in fixed):
        raise InputError(f"--set {name} must be left out with --vary {name}")

    resolved = sweeping.resolver(task, preset, engine, source, toml=toml, settings=fixed, rows=row_count)
    points = (sweep_points.points_around if one_at_a_time else sweep_points.all_points)(axes, resolved)
    stem = f"sweep-{task}-{preset}-s{seed_value}"
    folder = out or default_out(stem, resume=resume)
    first = points[0][1]
    request = training.Request(
        task=task, preset=preset, engine=engine, seed=seed_value, config=first, out=folder, source=source
    )
    with console.sweep_progress(len(points), plan.repeats) as watcher:
        asked = sweeping.Sweep(request=request, plan=plan, axes=axes, points=points, around=one_at_a_time)
        record = sweeping.run_sweep(asked, watcher)
    if as_json or output == "json":
        print(json.dumps(record, indent=2))
    elif output == "csv":
        print(sweeping.table_csv(record), end="")
    else:
        console.wide().print(console.sweep_table(record, folder))


@app.command()
def plot(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, repeats or sweep.")],
    out: Annotated[Path | None, typer.Option(help="Folder for the pictures; by default RUN/plots.")] = None,
) -> None:
    """Draw a run as PNG and SVG: chain, parameters, array, accuracy or reward by row, calibration, devices.

    Of a run of repeats: their results beside the reference. Of a sweep: results against joules."""
    from oxmc.plots.pictures import plot_run

    for path in plot_run(run, out or run / "plots"):
        print(printable(str(path)))


@app.command()
def bench(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A ratio, scaling or energy; again for more.")
    ] = None,
    energy: Annotated[bool, typer.Option("--energy", help="Joules of this processor; as --only energy.")] = False,
    cpu_power_w: Annotated[
        float, typer.Option("--cpu-power", metavar="W", help="Package power where it has no counters.")
    ] = 65.0,
    quick: Annotated[bool, typer.Option(help="Measure everything once: a look, no figures to keep.")] = False,
    out: Annotated[Path | None, typer.Option(help="File that also gets the JSON.")] = None,
) -> None:
    """Measure the speed of co-simulation, twin and repeats on this machine, in less than ten minutes.

    And what a training takes on its processor: joules by the kernel's counters, or seconds times --cpu-power."""
    from oxmc.speed import plan, report

    names = [*(only or []), *(["energy"] if energy else [])]
    chosen = plan.plan_of(names, quick=quick, cpu_power_w=cpu_power_w)
    with report.output(out) as write:
        record = plan.measure(chosen)
        write(record)
    print(json.dumps(record)) if as_json else PlainConsole().print(report.text(record))


@app.command("data")
def fetch_data(
    database: Annotated[str, typer.Argument(metavar="NAME", help="mitdb: recordings for ecg; iris: a table.")],
    out: Annotated[Path | None, typer.Option(help="Folder of mitdb or file of iris; else in build/data.")] = None,
) -> None:
    """Put data where `--data` can read it.

    mitdb fetches the MIT-BIH Arrhythmia Database, some 100 MB, and needs a network; whole files are kept.
    iris writes Fisher's irises, which scikit-learn ships."""
    from oxmc.run.recordings import fetch_database
    from oxmc.run.tables import write_iris

    if database == "iris":
        path = out or Path("build/data/iris.csv")
        print(f"{path} has {write_iris(path)} rows")
        return
    folder = out or Path("build/data/mitdb")
    count = fetch_database(database, folder, lambda text: print(text, file=sys.stderr, flush=True))
    print(f"{folder} is complete, {count} files fetched")


def _say(lines: list[str]) -> None:
    """What goes beside a result that a program reads."""
    for line in lines:
        print("oxmc:", " ".join(line.splitlines()), file=sys.stderr)


def _fail(message: str, code: int) -> int:
    """Say on one line of stderr, which a terminal takes for text, what went wrong."""
    line = printable(" ".join(message.splitlines()))
    if len(line) > LONGEST_MESSAGE:
        line = f"{line[: LONGEST_MESSAGE // 2]} ... {line[-LONGEST_MESSAGE // 4 :]}"
    print("oxmc: error:", line, file=sys.stderr)
    return code


def _detail(error: Exception) -> str:
    return f" ({error})" if str(error) else ""


STOPPED: dict[type, tuple[str, int]] = {
    KeyboardInterrupt: ("interrupted", EXIT_INTERRUPTED),
    Terminated: ("terminated", EXIT_TERMINATED),
}


def _terminate(signum: int, frame: object) -> NoReturn:
    raise Terminated


def run(arguments: list[str]) -> int:
    """Run a command line and return its exit code; errors are one line on stderr."""
    command = typer.main.get_command(app)
    try:
        code = command.main(arguments, prog_name="oxmc", standalone_mode=False)
    except UsageError as error:
        return _fail(error.format_message(), EXIT_USAGE)
    except (KeyboardInterrupt, typer.Abort):
        code = EXIT_INTERRUPTED
    except Terminated:
        return _fail("terminated", EXIT_TERMINATED)
    except Exception as error:
        if "--debug" in arguments:
            raise
        if isinstance(error, InputError):
            return _fail(str(error), EXIT_USAGE)
        if type(error.__cause__) in STOPPED:  # a run that has kept what was done
            word, code = STOPPED[type(error.__cause__)]
            return _fail(f"{word}; {error}", code)
        if isinstance(error, (RunError, OSError)):
            return _fail(str(error), EXIT_FAILED)
        if isinstance(error, MemoryError):
            return _fail(f"the run needs more memory than there is{_detail(error)}", EXIT_FAILED)
        first_line = " ".join(str(error).splitlines()[:1])
        return _fail(f"{type(error).__name__}: {first_line} (oxmc --debug shows all of it)", EXIT_FAILED)
    if code == EXIT_INTERRUPTED:  # where typer has caught the interrupt itself
        return _fail("interrupted", EXIT_INTERRUPTED)
    return code if isinstance(code, int) else 0


def main() -> None:
    """Entry point of `oxmc` and `python -m oxmc`."""
    from oxmc.pymodels.ahead import is_left_alone

    signal.signal(signal.SIGTERM, _terminate)
    if not (sys.warnoptions or "--debug" in sys.argv):
        warnings.simplefilter("ignore")  # of libraries to programmers; what users should know is in the results
    if resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # each takes tens of megabytes, and all fail if one does
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # whatever letters the locale lacks
    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of a pipe went away; there is nobody left to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = _fail(f"standard output takes no more ({error.strerror})", EXIT_FAILED)
    if code in (EXIT_INTERRUPTED, EXIT_TERMINATED) and is_left_alone():
        os._exit(code)  # all is said and removed; Python would tear down what a kernel still works on
    sys.exit(code)
