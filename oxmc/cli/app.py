"""The program `oxmc`: its commands, and what it says and returns where one fails."""

from __future__ import annotations

import importlib.metadata
import io
import os
import resource
import sys
import warnings
from typing import Annotated, Any

import typer

from oxmc.cli import (
    adapt,
    bench,
    calibrate,
    card,
    data,
    doctor,
    energy,
    ip,
    listed,
    paper,
    plot,
    predict,
    quality,
    report,
    show,
    signals,
    sweep,
    synth,
    train,
    verilog,
)
from oxmc.cli.signals import Terminated
from oxmc.pymodels.errors import InputError, RunError, printable

EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED, EXIT_TERMINATED = 1, 2, 130, 143

UsageError: Any = typer.BadParameter.__mro__[1]
"""Typer carries its own copy of click; this is the base of its usage errors."""

app = typer.Typer(
    name="oxmc", pretty_exceptions_enable=False, rich_markup_mode=None, invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip
LONGEST_MESSAGE = 2000


def _version(asked: bool) -> None:
    if asked:
        print(f"oxmc {importlib.metadata.version('oxmc')}")
        raise typer.Exit


@app.callback()
def oxmc(
    context: typer.Context,
    debug: Annotated[bool, typer.Option(help="Show a traceback where a command fails.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """A chip that trains Bayesian models inside its own resistive memory, simulated cycle by cycle."""
    if context.invoked_subcommand is None:
        print(context.get_help())


COMMANDS = (
    train.train, adapt.adapt, predict.predict, calibrate.calibrate, verilog.verilog, ip.ip, synth.synth, energy.energy,
    sweep.sweep, plot.plot, report.report, quality.quality, paper.paper, show.show, listed.list_, bench.bench,
    data.data, doctor.doctor,
)  # fmt: skip
"""In the order of `oxmc --help`."""

for _command in COMMANDS:
    app.command(_command.__name__.rstrip("_"))(_command)
app.add_typer(card.card, name="card")


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

    signals.install()
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
