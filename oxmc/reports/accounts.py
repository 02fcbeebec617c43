"""`oxmc energy`: the ledgers of finished runs, with their bands, as text, JSON, CSV or a page."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from oxmc.energy import accelergy
from oxmc.energy.area import AreaLine, areas, by_component, total
from oxmc.energy.interval import Band, Uncertainty, uncertainty
from oxmc.energy.ledger import Ledger, array_energy_error
from oxmc.energy.parts import HEADLINE, Part, parts_of, per_bounds, per_json
from oxmc.energy.performance import Performance, performance
from oxmc.energy.point import MULTIPLIERS
from oxmc.energy.published import DOI, SOURCE, Comparison, compare, micro
from oxmc.energy.report import (
    area_lines,
    per_lines,
    performance_lines,
    render,
    render_band,
    render_parts,
    render_sensitivity,
    source_lines,
)
from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.files import understood
from oxmc.pymodels.whole import write_files
from oxmc.reports.plain import PlainConsole
from oxmc.run.books import CONSERVATION_LIMIT, check_events
from oxmc.run.checked import CheckedRun, checked_run
from oxmc.run.provenance import cautions
from oxmc.run.records import summarise
from oxmc.run.result import NODES, costs_of, ledger_of
from oxmc.silicon.chip_point import point_of

FORMATS = ("text", "json", "csv", "html", "accelergy")
CSV_COLUMNS = (
    "run", "node", "name", "action", "phase", "count", "energy_j", "low", "high", "source", "item", "value", "unit",
    "factor", "per",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Account:
    """A run with its ledger at each node, the bands of those, and the joules of its repeats, if it has any."""

    path: Path
    run: dict[str, Any]
    config: Config
    ledgers: dict[str, Ledger]
    bands: dict[str, Uncertainty]
    repeats: dict[str, list[float]]
    training_repeats: dict[str, list[float]]

    @property
    def events(self) -> dict[str, dict[str, int]]:
        """Events by phase."""
        return {phase: row["events"] for phase, row in self.run["phases"].items()}

    @property
    def share(self) -> str:
        """Which training of a run of several these ledgers are of, as "repeat 0 of 5"; empty for a run of one."""
        for name, kind in (("repeats", "repeat"), ("chains", "chain")):
            if isinstance(of := self.run.get(name), dict):
                return f"{kind} 0 of {of.get('n')}"
        return ""

    @property
    def cautions(self) -> list[str]:
        """What warns of the run, and what a reader should know of it."""
        return cautions(self.run)

    def parts(self, node: str) -> dict[str, Part]:
        return parts_of(self.ledgers[node], self.events, self.config.clock_hz)

    def part_bands(self, node: str) -> dict[str, Band]:
        return {name: uncertainty(part.ledger).total for name, part in self.parts(node).items()}

    def per(self, node: str) -> dict[str, Any]:
        """What a proposal, a prediction and each operation take, in J."""
        return per_json(self.ledgers[node], self.events)

    def per_bounds(self, node: str) -> dict[str, dict[str, Any]]:
        """The same with all figures at their lows, and at their highs."""
        return per_bounds(self.ledgers[node], self.events)

    def performance(self, node: str) -> Performance:
        """Rates, latencies, currents and joules a MAC."""
        quantities = {phase: row["quantities"] for phase, row in self.run["phases"].items()}
        return performance(self.config, self.ledgers[node], self.events, quantities, point_of(self.config))

    def areas(self, node: str) -> tuple[AreaLine, ...]:
        """Areas at a node, or at the one that an overlay changes; none for a table of one's own."""
        known = costs_of(node).base or node
        current = self.performance(node).current_a.get("reset", 0.0)
        return areas(known, point_of(self.config), current) if known in NODES else ()

    def paper(self, node: str) -> Comparison | None:
        return compare(self.run["task"], costs_of(node).base or node, self.ledgers[node])


def report(runs: Sequence[Path], nodes: Iterable[str], output: str, *, whole: bool = False) -> str:
    """The report of each run at each node. Raises `InputError` for a bad format, run, node or cost table.

    As text it is one screen a run, or the `whole`, every action with its source. `accelergy` is files, see
    `write_accelergy`.
    """
    if output not in FORMATS:
        raise InputError(f"--format must be one of {', '.join(FORMATS)}, not {output!r}")
    if whole and output != "text":
        raise InputError(f"--all must be left out with --format {output}, which has everything")
    accounts = [read_account(path, tuple(nodes)) for path in runs]
    text = _text if whole else _short
    return {"text": text, "json": _json, "csv": _csv, "html": _html}[output](accounts)


def read_account(path: Path, nodes: Sequence[str]) -> Account:
    """A run directory accounted for at each node.

    Raises `InputError` if it is not whole, `RunError` if its events do not follow from each other.
    """
    return account_of(path, checked_run(path), nodes)


def account_of(path: Path, checked: CheckedRun, nodes: Sequence[str]) -> Account:
    """The same of a run that was read already."""
    run, config, phases = checked.run, checked.config, checked.run["phases"]
    with _whole(path):
        ledgers = {node: ledger_of(config, phases, node) for node in nodes}
        apart = array_energy_error(ledger_of(config, phases, NODES[0]), run["array_energy_j"])
    for node, ledger in ledgers.items():
        if not ledger.lines:
            raise InputError(f"RUN must hold a run that counted something, which {str(path)!r} did not ({node})")
    if not apart < CONSERVATION_LIMIT:
        rule = "RUN must hold the counts that its array_energy_j was integrated from"
        raise InputError(f"{rule}, which {str(path)!r} does not (relative error {apart:.3g})")
    with _whole(path):
        check_events(run, config)
    bands = {node: uncertainty(ledger) for node, ledger in ledgers.items()}
    repeats = {key: _repeats(checked, nodes, key) for key in ("energy_j", "training_j")}
    return Account(path, run, config, ledgers, bands, repeats["energy_j"], repeats["training_j"])


@contextmanager
def _whole(path: Path) -> Iterator[None]:
    """What a run.json lacks, or has of another type, is bad input."""
    with understood("RUN must hold a whole run", path):
        yield


def _repeats(checked: CheckedRun, nodes: Sequence[str], key: str) -> dict[str, list[float]]:
    """Joules of each repeat as they were accounted for when it ran, by node; none for a table of one's own."""
    if not checked.records:
        return {}
    return {node: [float(record[key][node]) for record in checked.records] for node in nodes if node in NODES}


def _short(accounts: Sequence[Account]) -> str:
    from oxmc.reports.short import WIDTH, short  # which imports this module

    stream = io.StringIO()
    console = PlainConsole(file=stream, width=WIDTH, highlight=False)
    for number, account in enumerate(accounts):
        for part in [*([""] if number else []), *short(account)]:
            console.print(part)
    return stream.getvalue()


def _text(accounts: Sequence[Account]) -> str:
    stream = io.StringIO()
    console = PlainConsole(file=stream, width=120, highlight=False)
    for account in accounts:
        console.print(card_line(account.run["card"]))
        for sentence in account.cautions:
            console.print(sentence)
        for node, ledger in account.ledgers.items():
            title = f"{account.path} at {costs_of(node).title}"
            if node in account.repeats:
                console.print(f"{title}, {spread_line(account.repeats[node])}")
                console.print(f"of these, {HEADLINE}: {spread_line(account.training_repeats[node])}")
            if account.share:
                console.print(f"What follows is {account.share}.")
                title += f", {account.share}"
            console.print(render_parts(account.parts(node), account.part_bands(node), title))
            for line in per_lines(account.per(node), account.per_bounds(node)):
                console.print(line)
            console.print("The range in brackets takes every figure at its lower bound, then at its upper bound.")
            for line in (*performance_lines(account.performance(node)), *area_lines(account.areas(node))):
                console.print(line)
            for line in _paper_lines(account.paper(node)):
                console.print(line)
            console.print(render(ledger, "all parts"))
            console.print(render_band(ledger, account.bands[node]))
            console.print(render_sensitivity(ledger, account.bands[node].figures))
            for line in source_lines(ledger):
                console.print(line)
    return stream.getvalue()


def _paper_lines(comparison: Comparison | None) -> list[str]:
    """The training beside the paper's figure, where it has one."""
    if comparison is None:
        return []
    rows = [
        f"{part.name} {micro(part.energy_j)} ({micro(part.band.low)} to {micro(part.band.high)}, x {part.times:.3g})"
        for part in comparison.counted
    ]
    counted = f"{HEADLINE} if this counts, in brackets 5 to 95 %: {'; '.join(rows)}"
    return [" ".join(comparison.sentences), counted, f"the paper: {SOURCE}, doi:{DOI}"]


def summary(joules: list[float]) -> dict[str, Any]:
    """n, mean, standard error (null for one repeat), 5th and 95th percentile of the repeats' joules."""
    found = summarise(joules, 0.0)
    return {key: found[key] for key in ("n", "mean", "sem", "low", "high")}


def spread_line(joules: list[float]) -> str:
    found = summary(joules)
    error = "" if found["sem"] is None else f" +- {found['sem'] * 1e9:.2g} (standard error)"
    span = f"5 to 95 % of them {found['low'] * 1e9:.4g} - {found['high'] * 1e9:.4g}"
    return f"{found['n']} repeats: mean {found['mean'] * 1e9:.4g}{error}, {span} nJ"


def _json(accounts: Sequence[Account]) -> str:
    entries = [_entry(account) for account in accounts]
    return json.dumps(entries[0] if len(entries) == 1 else entries, indent=2) + "\n"


def _entry(account: Account) -> dict[str, Any]:
    nodes = {}
    for node, ledger in account.ledgers.items():
        parts = ledger.as_json()
        lines = parts.pop("components")
        spreads = {"repeats": account.repeats, "training_repeats": account.training_repeats}
        repeats = {name: summary(spread[node]) for name, spread in spreads.items() if node in spread}
        nodes[node] = {
            **parts,
            **account.bands[node].as_json(ledger.total_j),
            "parts": _parts_json(account, node),
            "per": account.per(node),
            "per_bounds": account.per_bounds(node),
            "performance": account.performance(node).as_json(),
            "area": _area_json(account.areas(node)),
            "paper": comparison.as_json() if (comparison := account.paper(node)) else None,
            "table": costs_of(node).as_json(),
            **repeats,
            "components": lines,
        }
    point, names = point_of(account.config), ("task", "preset", "engine", "seed")
    return {
        "run": str(account.path),
        "share": account.share,
        "warnings": account.run["warnings"],
        "notes": account.run["notes"],
        **{name: account.run[name] for name in names},
        "card": account.run["card"]["name"],
        "card_sha256": account.run["card"]["sha256"],
        "card_range_us": account.run["card"]["range_us"],
        "extrapolated": account.run["card"]["extrapolated"],
        "point": {name: point.figure(name) for name in MULTIPLIERS},
        "nodes": nodes,
    }


def _area_json(lines: tuple[AreaLine, ...]) -> dict[str, Any] | None:
    """Sums in um2, by component, and each part; None where no area is known."""
    if not lines:
        return None
    return total(lines) | {"components": by_component(lines), "parts": [line.as_json() for line in lines]}


def _parts_json(account: Account, node: str) -> dict[str, Any]:
    bands = account.part_bands(node)
    return {name: part.as_json() | {"band": bands[name].as_json()} for name, part in account.parts(node).items()}


def told(runs: Sequence[Path]) -> list[str]:
    """Which training of several the figures are of, warnings and notes, for reports that have no place for them."""
    lines = []
    for account in (read_account(path, NODES[:1]) for path in runs):
        lines += [f"{account.path}: the figures are those of {account.share}"] * bool(account.share)
        lines += account.cautions
    return lines


def card_line(card: dict[str, Any]) -> str:
    """The card of a run.json by its digest and range."""
    low, high = card["range_us"]
    return f"card {card['name']}, {low:g} to {high:g} uS, SHA-256 {card['sha256']}"


def _csv(accounts: Sequence[Account]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, CSV_COLUMNS)
    writer.writeheader()
    for account in accounts:
        for node, ledger in account.ledgers.items():
            for line in ledger.lines:
                writer.writerow({"run": str(account.path), "node": node, **line.as_json()})
    return stream.getvalue()


def write_accelergy(runs: Sequence[Path], nodes: Sequence[str], out: Path) -> list[Path]:
    """Action counts and energy reference table of a run, in a folder a node of `out`, or in `out` for one node.

    Raises `InputError` for more than one run, a bad run, node or cost table, or an `out` that cannot be written.
    """
    if len(runs) != 1:
        raise InputError(f"--format accelergy must have one RUN, not {len(runs)}")
    folders = {node: out if len(nodes) == 1 else out / Path(node).stem for node in nodes}
    if len(set(folders.values())) < len(folders):
        raise InputError(f"--node must name tables of different names for --format accelergy, not {', '.join(nodes)}")
    account = read_account(runs[0], nodes)
    point = point_of(account.config)
    texts = {
        folders[node] / name: text
        for node, ledger in account.ledgers.items()
        for name, text in accelergy.files(ledger, costs_of(node), point).items()
    }
    return write_files(texts, out)


def _html(accounts: Sequence[Account]) -> str:
    from oxmc.reports.energy_page import page  # which imports this module

    return page(accounts)


__all__ = ["FORMATS", "NODES", "Account", "read_account", "report", "summary", "write_accelergy"]
