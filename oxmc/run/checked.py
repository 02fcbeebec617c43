"""A run directory that is read again is held against itself: nothing that was torn or changed goes into a report.

What run.json says of the chain, the counts, the joules of the array and the result follows from state.npz, and is made
from it again; the state has its digest in run.json. The rest is checked for being what `oxmc train` writes: all texts
where texts belong, all numbers finite, and sums that are sums. What each repeat left is held against `repeats`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from oxmc.energy.costs import NODES
from oxmc.energy.parts import PARTS
from oxmc.posterior import posterior
from oxmc.posterior.draws import plain_draws, stored_models, weights_us
from oxmc.posterior.groups import model_likelihood
from oxmc.posterior.posterior import read_posterior, values_of
from oxmc.pymodels import strict
from oxmc.pymodels.config import KEYS, Config
from oxmc.pymodels.errors import InputError, RunError
from oxmc.pymodels.files import read_toml
from oxmc.pymodels.outcome import Outcome
from oxmc.pymodels.streams import chain_seeds, repeat_seed
from oxmc.pymodels.tasks.scaling import Scaling
from oxmc.pymodels.tasks.table_columns import LABELS
from oxmc.run.books import CONSERVATION_LIMIT
from oxmc.run.cards import card_record, with_kept_card
from oxmc.run.cautions import mixing_record, repeats_warnings, warnings_of
from oxmc.run.records import CHAIN, read_records, short_record, summarise
from oxmc.run.records import FILE as RECORDS
from oxmc.run.result import counted_record, state_sha256, time_record
from oxmc.run.rundir import SCHEMA, check_one_run, read_run

if TYPE_CHECKING:
    import xarray as xr

STATE = "state.npz"
TEXTS = ("task", "engine", "preset")
WRITTEN = {
    "schema", "task", "engine", "preset", "seed", "config", "card", "versions", "result", "chain", "events",
    "quantities", "phases", "time", "energy_j", "array_energy_j", "conservation_error", "mixing", "warnings", "notes",
    "data",
}  # fmt: skip
"""What every run.json has."""
OPTIONAL = {"uncertainty", "chains", "repeats", "adapted"}
OF_SOME = ("keep", "drop", "counts", "remarks", "scaling", "labels", "columns")
"""What `data` may have besides."""
BOUNDS = ("low", "total", "high")
CHAINS = ("rhat_max", "ess_bulk_min", "autocorrelation_max", "ess_per_uj", "ess_per_set", "ess_per_chip_s")
"""Statistics of several chains that may be unknown."""

Rule = Callable[[bool, str], None]


@dataclasses.dataclass(frozen=True)
class CheckedRun:
    """run.json, its configuration, the stored state (none for a run.json by itself) and the lines of its repeats."""

    run: dict[str, Any]
    config: Config
    state: Outcome | None
    records: list[dict[str, Any]]


def checked_run(path: Path, *, repeats: bool = True) -> CheckedRun:
    """The run directory at `path`, or the run.json alone; without `repeats`, one that is not yet finished.

    Raises `InputError` if it is not what a training left.
    """
    if repeats:
        check_one_run(path)
    run = read_run(path)

    def rule(holds: bool, message: str) -> None:
        if not holds:
            raise InputError(f"RUN must hold a whole run, which {str(path)!r} does not: {message}")

    try:
        config = with_kept_card(_config(run, rule), path)
        _check_due(run["card"], card_record(config), "card", rule)
        _check_written(run, config, rule)
        if not path.is_dir():
            return CheckedRun(run, config, None, [])
        state, test_t = read_state(path, config)
        _check_state(run, config, state, test_t, rule)
        _check_chains(run, config, path, rule)
        if not repeats:
            return CheckedRun(run, config, state, [])
        _check_due(_kept_config(path), run["config"], "config.toml", rule)
        return CheckedRun(run, config, state, _records(run, config, path, rule))
    except (AttributeError, IndexError, KeyError, OverflowError, RunError, TypeError, ZeroDivisionError) as error:
        raise InputError(f"RUN must hold a whole run, which {str(path)!r} does not ({error!r})") from error


def is_first(folder: Path, record: dict[str, Any]) -> bool:
    """Whether run.json and state of an unfinished run are whole and those of `record`, the line of its repeat 0."""
    try:
        run = checked_run(folder, repeats=False).run
    except InputError:
        return False
    return strict.first_difference(record, short_record(0, run, record["reference"])) is None


def read_state(folder: Path, config: Config) -> tuple[Outcome, np.ndarray]:
    """The stored state of a run directory, and the classes of its test points, int64 [test].

    Raises `InputError` if it is torn or of another configuration.
    """
    path = folder / STATE
    rule = f"RUN must hold a whole {STATE}, which {str(path)!r} is not"
    try:
        state = Outcome.load(path)
        with np.load(path) as file:
            test_t = file["test_t"]
    except InputError:
        raise
    except Exception as error:  # of a torn archive there are many kinds
        first_line = " ".join(str(error).splitlines()[:1]) or type(error).__name__
        raise InputError(f"{rule} ({first_line})") from error
    rows, cells = config.rows * config.chains, 2 * config.chip.pairs
    steps = int(state.rewards.sum()) if state.rewards.size else config.test_samples
    shapes = {
        "conductance_ns": (rows, cells), "counters": (state.last_row + 1,), "classes": (steps,),
        "sums": (steps, config.outputs),
    }  # fmt: skip
    for name, due in shapes.items():
        found = getattr(state, name).shape
        if found != due:
            raise InputError(f"{rule} ({name} must be of shape {due}, not {found})")
    if (state.counters < 0).any() or len(state.counters) > rows or not state.counters.any():
        raise InputError(f"{rule} (counters must be those of up to {rows} rows)")
    return state, test_t


def checked_posterior(folder: Path, config: Config) -> xr.DataTree:
    """posterior.nc of a run directory, whose models and draws must be those of its chains. Raises `InputError`."""
    tree = read_posterior(folder)
    rule = f"RUN must hold a {posterior.FILE} of its state, which {str(folder)!r} does not"
    try:
        for chain in range(len(values_of(tree, "stored_models", "counter"))):
            state, _ = read_state(folder if chain == 0 else folder / f"chain-{chain}", config)
            difference = _models_differ(tree, config, state, chain) or _draws_differ(tree, chain)
            if difference:
                raise InputError(f"{rule} ({difference} of chain {chain})")
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{rule} ({error!r})") from error
    return tree


def _models_differ(tree: xr.DataTree, config: Config, state: Outcome, chain: int) -> str | None:
    """The first variable of a chain's stored models that is not what its state gives."""
    rows = stored_models(config, state.counters)
    x, t = np.zeros((0, config.features)), np.zeros(0, np.int64)
    if config.acceptance != "reward":
        x, t = values_of(tree, "constant_data", "x"), values_of(tree, "observed_data", "t")
    likelihood = model_likelihood(config, x, t, state, rows)
    names = ("counter", "row", "w", "log_likelihood")
    found = {name: values_of(tree, "stored_models", name)[chain] for name in names}
    of_rows = {name: values[: len(rows)] for name, values in found.items()}
    holds = {
        "counter": np.array_equal(of_rows["counter"], state.counters[rows]) and not found["counter"][len(rows) :].any(),
        "row": np.array_equal(of_rows["row"], rows),
        "w": np.array_equal(of_rows["w"], weights_us(state.conductance_ns[rows])),
        "log_likelihood": np.allclose(of_rows["log_likelihood"], likelihood, rtol=1e-9, atol=1e-9),
    }
    return next((name for name, is_so in holds.items() if not is_so), None)


def _draws_differ(tree: xr.DataTree, chain: int) -> str | None:
    """The first variable of a chain's draws that does not follow from the stored models of all chains."""
    due = plain_draws(list(values_of(tree, "stored_models", "counter")), int(tree.attrs["stride"]))[chain]
    if not np.array_equal(values_of(tree, "sample_stats", "model")[chain], due):
        return "model"
    of_draws = {"w": values_of(tree, "posterior", "w")}
    of_draws |= {name: values_of(tree, "sample_stats", name) for name in ("counter", "log_likelihood")}
    stored = {name: values_of(tree, "stored_models", name)[chain][due] for name in of_draws}
    return next((name for name, values in of_draws.items() if not np.array_equal(values[chain], stored[name])), None)


def _kept_config(path: Path) -> dict[str, Any]:
    """The keys of config.toml. Raises `InputError`."""
    rule = "RUN must hold a whole config.toml"
    return read_toml(path / "config.toml", rule, rule)


def _config(run: dict[str, Any], rule: Rule) -> Config:
    """The configuration, each key of which must be there: a default might not be what the run had."""
    given = run["config"]
    rule(isinstance(given, dict), f"config must be a table of keys, not {given!r}")
    missing = [name for name in KEYS if name not in given]
    rule(not missing, f"config must give {', '.join(missing[:3])}")
    config = Config().replace(**given)
    difference = strict.first_difference(given, config.as_dict(), "config")
    rule(difference is None, str(difference))
    return config


def _check_written(run: dict[str, Any], config: Config, rule: Rule) -> None:
    """All that stands in run.json by itself."""
    odd = sorted((WRITTEN - run.keys()) | (run.keys() - WRITTEN - OPTIONAL))
    rule(not odd, f"run.json must have {', '.join(sorted(WRITTEN))}; this is about {', '.join(odd)}")
    rule(run["schema"] == SCHEMA, f"schema must be {SCHEMA!r}, not {run['schema']!r}")
    for name in TEXTS:
        rule(isinstance(run[name], str), f"{name} must be a text, not {run[name]!r}")
    rule(type(run["seed"]) is int and run["seed"] >= 0, f"seed must be an integer >= 0, not {run['seed']!r}")
    rule(
        _texts(run["versions"].values()) and "sources" in run["versions"], "versions must be texts, sources among them"
    )
    for name in ("notes", "warnings"):
        rule(isinstance(run[name], list) and _texts(run[name]), f"{name} must be a list of texts")
    _check_data(run["data"], config, rule)
    _check_shown(run, rule)
    times = run["time"]
    rule(
        strict.is_number(times["wall_s"], 0) and times["wall_s"] > 0,
        f"wall_s must be positive, not {times['wall_s']!r}",
    )
    _check_due(times, time_record(config, run["events"]["cycle"], times["wall_s"]), "time", rule)
    apart = run["conservation_error"]
    rule(
        type(apart) is float and 0 <= apart < CONSERVATION_LIMIT,
        f"conservation_error must be below 1e-9, not {apart!r}",
    )
    _names(run["energy_j"], NODES, "energy_j", rule)
    for node, joules in run["energy_j"].items():
        _check_joules(node, joules, rule)


def _check_shown(run: dict[str, Any], rule: Rule) -> None:
    """What reports show of the result and the chain, where a state may be missing that would say so."""
    shown = [*run["chain"].items(), *((name, run["result"][name]) for name in ("value", "rows_used"))]
    for name, value in shown:
        rule(strict.is_number(value, 0), f"{name} must be a finite number >= 0, not {value!r}")
    rule(run["chain"].keys() == set(CHAIN), f"chain must have {', '.join(CHAIN)}")
    rule(isinstance(run["result"]["metric"], str), f"metric must be a text, not {run['result']['metric']!r}")


def _names(found: Any, due: Collection[str], where: str, rule: Rule) -> None:
    rule(
        isinstance(found, dict) and found.keys() == set(due), f"{where} must have {', '.join(due)}, not {found!r:.200}"
    )


def _texts(values: Any) -> bool:
    return all(isinstance(value, str) for value in values)


def _check_due(found: Any, due: Any, where: str, rule: Rule) -> None:
    difference = strict.first_difference(found, due, where)
    rule(difference is None, str(difference))


def _check_data(data: dict[str, Any], config: Config, rule: Rule) -> None:
    names = ("file", "sha256", "subject", "label", "features", "classes")
    rule(isinstance(data, dict), f"data must be a table of names, not {data!r}")
    _names({name: data[name] for name in data if name not in OF_SOME}, names, "data", rule)
    for name in ("keep", "drop", "remarks"):
        rule(isinstance(data.get(name, []), list) and _texts(data.get(name, [])), f"{name} must be a list of texts")
    counts = data.get("counts", [1] * len(data["classes"]))
    rule(
        isinstance(counts, list) and all(type(count) is int and count > 0 for count in counts)
        and len(counts) == len(data["classes"]),
        f"counts must be a positive integer a class, not {counts!r:.200}",
    )  # fmt: skip
    if "scaling" in data:
        try:
            Scaling.read(data["scaling"], len(data["features"]))
        except ValueError as error:
            rule(False, str(error))
    columns = data.get("columns", [])
    rule(isinstance(columns, list) and _texts(columns) and len(columns) == config.raw_features,
         f"columns must be a text for each of raw_features ({config.raw_features})")  # fmt: skip
    labels = data.get("labels", LABELS[0])
    rule(labels in LABELS, f"labels must be one of {', '.join(LABELS)}, not {labels!r:.200}")
    for name in ("file", "sha256", "label"):
        rule(data[name] is None or isinstance(data[name], str), f"{name} must be a text or null, not {data[name]!r}")
    subject = data["subject"]
    rule(
        subject is None or type(subject) is int and subject >= 0, f"subject must be an integer or null, not {subject!r}"
    )
    classes = config.outputs if config.outputs > 1 else 2
    for name, counts in (("features", (config.features,)), ("classes", (0, classes))):
        value = data[name]
        rule(isinstance(value, list) and len(value) in counts and _texts(value), f"{name} must be {counts[-1]} texts")


def _check_joules(node: str, joules: dict[str, Any], rule: Rule) -> None:
    """Totals and bounds of a node: those of its parts, added."""
    where = f"energy_j of {node}"
    _names(joules, (*BOUNDS, "parts"), where, rule)
    rule(set(joules["parts"]) <= set(PARTS), f"parts of {where} must be of {', '.join(PARTS)}")
    for name, part in joules["parts"].items():
        _names(part, BOUNDS, f"{name} in {where}", rule)
    for entry in (joules, *joules["parts"].values()):
        low, total, high = (entry[name] for name in BOUNDS)
        rule(all(type(value) is float and strict.is_number(value, 0) for value in (low, total, high)),
             f"{where} must be finite and not negative")  # fmt: skip
        rule(low <= total <= high, f"{where} must have its total ({total:g} J) between low and high")
    for name in BOUNDS:
        parts = math.fsum(part[name] for part in joules["parts"].values())
        rule(
            math.isclose(parts, joules[name], rel_tol=1e-9), f"{name} of {node} must be that of its parts, {parts:g} J"
        )


def _check_state(run: dict[str, Any], config: Config, state: Outcome, test_t: np.ndarray, rule: Rule) -> None:
    """run.json against the state that it was made from."""
    due = counted_record(config, state, test_t)
    for name, part in due.items():
        _check_due(run[name], part, name, rule)
    mixing, found = run["mixing"], mixing_record(config, state)
    _names(mixing, found, "mixing", rule)
    for name, value in found.items():
        rule(_is_near(mixing[name], value), f"mixing.{name} must be {value!r}, not {mixing[name]!r}")
    number = _adaptation(run, rule)
    rule(number == state.adaptation, f"adapted.number must be {state.adaptation}, not {number!r}")
    rule((state.pointer is not None) == config.ring, "the state must have a pointer where rows are a ring")
    rule(("uncertainty" in run) == ("uncertainty" in due), "uncertainty must be there where rows have voted")


ADAPTED = ("parent", "number", "points", "copies", "extended", "value_before")
"""What `adapted` has; the file of the points besides, where there was one."""


def _adaptation(run: dict[str, Any], rule: Rule) -> Any:
    """The number of an adaptation, 0 of a training."""
    if "adapted" not in run:
        return 0
    told = run["adapted"]
    rule(isinstance(told, dict) and told.keys() - {"file", "sha256"} == {*ADAPTED},
         f"adapted must have {', '.join(ADAPTED)}")  # fmt: skip
    for name in ("number", "points", "copies"):
        rule(type(told[name]) is int and told[name] > 0, f"adapted.{name} must be a positive integer")
    rule(strict.is_number(told["value_before"], 0), f"value_before must be a number, not {told['value_before']!r}")
    rule(isinstance(told["parent"], str) and type(told["extended"]) is bool, "adapted must name its parent")
    return told["number"]


def _is_near(found: Any, due: float | None) -> bool:
    """Whether a statistic is one that another machine has rounded."""
    if due is None or found is None:
        return found is due
    return type(found) is type(due) and math.isclose(found, due, rel_tol=1e-6)


def _check_chains(run: dict[str, Any], config: Config, path: Path, rule: Rule) -> None:
    """Of several chains the state of each, in a folder of its own; what is warned of follows from all."""
    if "chains" not in run:
        rule(not (path / "chain-1").exists(), "run.json must have chains, as there is a folder chain-1")
        if "repeats" not in run:
            _check_due(run["warnings"], warnings_of(config, run), "warnings", rule)
        return
    chains, n = run["chains"], run["chains"]["n"]
    rule(type(n) is int and 2 <= n <= 64, f"chains must be 2 or more, not {n!r}")
    states = [read_state(path if c == 0 else path / f"chain-{c}", config) for c in range(n)]
    digests = [state_sha256(state.conductance_ns, state.counters) for state, _ in states]
    records = [counted_record(config, state, test_t) for state, test_t in states]
    values = [record["result"]["value"] for record in records]
    due = {"n": n, "seeds": chain_seeds(run["seed"], n), "values": values, "state_sha256": digests, "node": NODES[0]}
    _check_due({name: chains[name] for name in due}, due, "chains", rule)
    rule(chains.keys() == {*due, *CHAINS}, f"chains must have {', '.join((*due, *CHAINS))}")
    for name in CHAINS:
        value = chains[name]
        rule(
            value is None or type(value) is float and strict.is_number(value, 0),
            f"{name} must be a number, not {value!r}",
        )
    _check_due(run["warnings"], warnings_of(config, run, records[1:]), "warnings", rule)


def _records(run: dict[str, Any], config: Config, path: Path, rule: Rule) -> list[dict[str, Any]]:
    """The lines of the repeats, which `repeats` sums up; the first is of run.json itself."""
    if "repeats" not in run:
        rule(not (path / RECORDS).exists(), f"run.json must have repeats, as there is a {RECORDS}")
        return []
    repeats, records = run["repeats"], read_records(path)
    rule(type(repeats["n"]) is int and repeats["n"] == len(records),
         f"{RECORDS} must have as many lines as repeats.n says, {repeats['n']!r}, not {len(records)}")  # fmt: skip
    seeds = [repeat_seed(run["seed"], repeat) for repeat in range(len(records))]
    _check_due([record["seed"] for record in records], seeds, "seeds of the repeats", rule)
    rule(strict.is_number(repeats["wall_s"], 0), f"wall_s must be a number >= 0, not {repeats['wall_s']!r}")
    warned = sum(bool(record["warnings"]) for record in records)
    due = summarise([record["value"] for record in records], repeats["wall_s"]) | {"warned": warned}
    _check_due(repeats, due, "repeats", rule)
    _check_due(run["warnings"], repeats_warnings(warned, len(records)), "warnings", rule)
    first = run | {"warnings": warnings_of(config, run)}
    _check_due(records[0], short_record(0, first, records[0]["reference"]), f"line 1 of {RECORDS}", rule)
    return records
