"""`oxmc quality`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oxmc.cli import options
from oxmc.pymodels.config import DEFAULT_PRESET, TASKS
from oxmc.pymodels.errors import InputError, printable
from oxmc.pymodels.whole import write_file, write_files

if TYPE_CHECKING:
    from oxmc.quality.sampler import Sampler


def quality(
    what: Annotated[
        list[str], typer.Argument(metavar="TASK|RUN...", help="Tasks to train, or run directories of several chains.")
    ],
    preset: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Preset of the tasks; may be given more than once.")
    ] = None,
    chains: Annotated[str, typer.Option(metavar="C", help="Chains of a task on one split, 2 or more.")] = "4",
    sampler: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Also gibbs, nuts or random-walk on this processor, on the first target."),
    ] = None,
    entry: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Also a sampler of your own, on the first target.")
    ] = None,
    target: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the first target for a sampler of your own, as .npz.")
    ] = None,
    watts: Annotated[
        str, typer.Option(metavar="W", help="Of a busy core, where the processor counts no joules.")
    ] = "10",
    node: Annotated[str, typer.Option(metavar="NODE|FILE", help="Cost table of the chip's joules.")] = "28nm",
    engine: options.Engine = "twin",
    seed: options.Seed = "0",
    rows: options.Rows = None,
    config: options.Config = None,
    settings: options.Set = None,
    card: options.Card = None,
    data: options.Data = None,
    subject: options.Subject = None,
    label: options.Label = None,
    output: Annotated[str, typer.Option("--format", help="text, json or html.")] = "text",
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    out: Annotated[Path | None, typer.Option(help="File to write in place of standard output.")] = None,
) -> None:
    """Measure how good a sampler the chip is. Do chains agree? What does a draw cost? Is it the exact posterior?

    Each figure of goodness stands beside its noise: that of as many exact draws."""
    output = "json" if as_json else output
    if output not in ("text", "json", "html"):
        raise InputError(f"--format must be one of text, json, html, not {output!r}")
    from oxmc.quality.foreign import of_entry, target_file
    from oxmc.quality.processor import on_processor
    from oxmc.quality.record import quality_record
    from oxmc.quality.sampler import judged
    from oxmc.reports.quality_page import quality_page, quality_text

    power = options.above_zero("--watts", watts)
    assert power is not None
    asked = {
        "engine": engine, "seed": seed, "rows": rows, "config": config, "settings": options.keys(settings, card),
        "data": data, "subject": subject, "label": label,
    }  # fmt: skip
    samplers = list(_chips(what, preset or [DEFAULT_PRESET], chains, node, asked))
    first = samplers[0].target
    if target is not None:
        write_files({target: target_file(first)}, target, "--target must be a file that can be written")
    samplers += [of_entry(path, first) for path in entry or ()]
    samplers += [on_processor(name, first, power) for name in sampler or ()]
    record = quality_record([judged(each) for each in samplers], node)
    text = {
        "json": lambda: json.dumps(record, indent=2) + "\n",
        "html": lambda: quality_page(record),
        "text": lambda: quality_text(record),
    }[output]()
    if out is None:
        print(printable(text), end="")
        return
    write_file(out, text)


def _chips(
    what: list[str], presets: list[str], chains: str, node: str, asked: Mapping[str, object]
) -> Iterator[Sampler]:
    """Each task with each preset, and each run directory."""
    from oxmc.api.training import request_of
    from oxmc.quality.chip import LEAST_CHAINS, of_request, of_run
    from oxmc.run.request import MOST_CHAINS, integer

    count = integer("--chains", chains, LEAST_CHAINS, MOST_CHAINS)
    for name in what:
        if name in TASKS:
            for preset in presets:
                yield of_request(request_of(name, preset=preset, **asked), count, node)  # type: ignore[arg-type]
        elif Path(name).is_dir():
            yield of_run(Path(name), node)
        else:
            raise InputError(f"TASK|RUN must be one of {', '.join(TASKS)}, or a run directory, not {name!r}")
