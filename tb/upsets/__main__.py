"""`make upsets` (`python -m oxmc.tb.upsets`): flip bits at random in small trainings on Verilator, and print the table.

Batches that were played on the same chip are not played again, so that a campaign goes on where it stopped.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from oxmc.pymodels.config import parse_setting
from oxmc.pymodels.errors import OxmcError
from oxmc.tb.upsets.campaign import by_class, campaign_of, table
from oxmc.tb.upsets.training import PRESETS, job_of, small_config

BUILD = Path("build/upsets")
EACH = 10
"""Upsets of each class in a batch."""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    options = argparse.ArgumentParser(prog="python -m oxmc.tb.upsets", description=(__doc__ or "").partition("\n")[0])
    options.add_argument("task", choices=sorted(PRESETS), help="the training that is hit")
    options.add_argument("--upsets", type=int, default=5000, help="how many at least (default: %(default)s)")
    options.add_argument("--seed", type=int, default=1, help="draws them (default: %(default)s)")
    options.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a key of the configuration")
    options.add_argument("--build", type=Path, default=BUILD, help="where batches are kept (default: %(default)s)")
    given = options.parse_args(arguments)
    try:
        config = small_config(given.task, **dict(map(parse_setting, given.set)))
        campaign = campaign_of(config, job_of(given.task, config), given.build, given.seed)
        batches = -(-given.upsets // (EACH * len(by_class(campaign.simulation.elements))))
        records = campaign.run(batches, EACH, say)
    except OxmcError as error:
        options.error(str(error))
    print(table(campaign, records), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
