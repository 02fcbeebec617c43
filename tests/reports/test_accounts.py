"""`oxmc energy`: the ledger of a run in each format, and what it refuses."""

from __future__ import annotations

import csv
import io
import json
import math
import shutil
import statistics
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from commands import TWIN, failure, oxmc, refusal
from pytest import CaptureFixture, MonkeyPatch, TempPathFactory

from oxmc.cli.app import run as run_oxmc
from oxmc.energy.costs import load_costs
from oxmc.energy.published import DOI, SOURCE
from oxmc.hdl.verilog.netlist import build_config, chip_verilog, flip_flops
from oxmc.pymodels.events import EVENTS, PHASES, QUANTITIES
from oxmc.run.result import ledger_of

ENERGY_COMMAND = pytest.mark.testpoint("energy command", "text, JSON and CSV of runs; by hand; nodes of choice")
ENERGY_COMMAND_REFUSES = pytest.mark.testpoint(
    "energy command refuses", "bad options and spoilt runs; a dropped event is noticed"
)
ENERGY_BANDS = pytest.mark.testpoint("energy bands")

KEYS = ["name", "action", "phase", "count", "energy_j", "low", "high", "source"]
KEYS += ["item", "value", "unit", "factor", "per"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "[/] :smile:"  # markup to the library that draws the tables
    assert run_oxmc([*TWIN, "--out", str(out)]) == 0
    return out


@pytest.fixture
def copy(run: Path, tmp_path: Path) -> Path:
    """A run to be spoilt."""
    return Path(shutil.copytree(run, tmp_path / "run"))


def record(run: Path) -> dict[str, Any]:
    return json.loads((run / "run.json").read_text())


def output(capsys: CaptureFixture[str], *arguments: object) -> str:
    answer = oxmc(capsys, "energy", *arguments)
    assert answer.code == 0 and all(
        line.startswith(("oxmc: warning: ", "oxmc: note: ")) for line in answer.err.splitlines()
    )
    return answer.out


@ENERGY_COMMAND
def test_json(capsys: CaptureFixture[str], run: Path) -> None:
    """Components sum to the total exactly, and the total is run.json's."""
    report = json.loads(output(capsys, run, "--format", "json"))
    assert report["run"] == str(run) and list(report["nodes"]) == ["28nm", "130nm"]
    found = record(run)
    for node, ledger in report["nodes"].items():
        lines = ledger["components"]
        assert all(list(line) == KEYS for line in lines)
        assert math.fsum(line["energy_j"] for line in lines) == ledger["total"]
        kept = dict(found["energy_j"][node])
        for name, part in kept.pop("parts").items():
            assert {key: ledger["parts"][name][key] for key in part} == part
        assert {name: ledger[name] for name in ("total", "low", "high")} == kept
        assert ledger["low"] < ledger["band"]["low"] < ledger["total"] < ledger["band"]["high"] < ledger["high"]
        assert set(ledger["component_bands"]) == {line["name"] for line in lines}
        assert math.fsum(part["variance_share"] for part in ledger["sensitivity"]) == pytest.approx(1.0, rel=1e-12)
        for line in lines:
            assert line["phase"] in PHASES and line["source"] and line["count"] > 0
            assert line["low"] <= line["energy_j"] <= line["high"]


@ENERGY_COMMAND
def test_counts_are_those_of_the_run(capsys: CaptureFixture[str], run: Path) -> None:
    """Each line's count stands in run.json, and each count that is not zero has a line."""
    found = record(run)["phases"]
    counted = {
        (phase, count)
        for phase in PHASES
        for kind, names in (("events", EVENTS), ("quantities", QUANTITIES))
        for name in names
        if (count := found[phase][kind][name])
    }
    report = json.loads(output(capsys, run, "--format", "json"))
    for ledger in report["nodes"].values():
        assert {(line["phase"], line["count"]) for line in ledger["components"]} == counted


@ENERGY_COMMAND
def test_the_array_by_hand(capsys: CaptureFixture[str], run: Path) -> None:
    """SETs cost V I t: the quantity in nA cycles at 2.0 V (card 16k) and 100 ns a cycle."""
    quantity = record(run)["quantities"]["set_current_na_cycles"]
    report = json.loads(output(capsys, run, "--format", "json"))
    for ledger in report["nodes"].values():
        (line,) = [line for line in ledger["components"] if line["name"] == "array" and line["count"] == quantity]
        assert line["energy_j"] == pytest.approx(2.0 * quantity * 1e-9 * 100e-9, rel=1e-12)  # rounding


@ENERGY_COMMAND
def test_the_clock_drives_every_flip_flop(run: Path) -> None:
    """The root clock is paid by the cycle and goes with the flip-flops of the netlist, most of them behind gates."""
    from oxmc.pymodels.config import Config

    found = record(run)
    config = Config(**found["config"])
    flops = sum(flip_flops(chip_verilog(build_config(config))).values())
    ledger = ledger_of(config, found["phases"], "28nm")
    (clock,) = [
        line for line in ledger.lines if line.action.startswith("flip-flops and tree") and line.phase == "train"
    ]
    assert clock.count == found["phases"]["train"]["events"]["cycle"]
    assert 0.02e-15 < clock.energy_j / clock.count / flops < 10e-15  # J a flip-flop and cycle; without gates 2 fJ


@ENERGY_COMMAND
def test_every_number_leads_to_its_row(capsys: CaptureFixture[str], run: Path) -> None:
    """JSON: each line to one row of the table, its figure and factor; text: each line's figure, unit and interval."""
    report = json.loads(output(capsys, run, "--format", "json"))
    text = " ".join(output(capsys, run, "--all").split())
    assert [report[key] for key in ("task", "preset", "engine", "seed", "card")] == [
        "cancer",
        "paper",
        "twin",
        0,
        "16k",
    ]
    for node, ledger in report["nodes"].items():
        rows = {(cost.component, cost.action, cost.item): cost for cost in load_costs(node).costs}
        for line in ledger["components"]:
            row = rows[line["name"], line["action"], line["item"]]
            assert (line["value"], line["unit"], line["source"]) == (row.value, row.unit, row.source)
            ends = [line["count"] * line["factor"] * figure for figure in (row.value, row.low, row.high)]
            assert [line[key] for key in ("energy_j", "low", "high")] == pytest.approx(ends, rel=1e-12, abs=0)
            if row.physics is None:
                assert line["per"] == " x ".join(row.per)
                factor = math.prod(report["point"][name] for name in row.per)
                assert line["factor"] == pytest.approx(factor, rel=1e-12, abs=0)  # rounding, as above
            assert (
                f" {row.component}, {row.action}: {row.value:.4g} {row.unit} ({row.low:.3g} - {row.high:.3g})" in text
            )
            assert " ".join(row.source.split()) in text
        known = {row.source for row in rows.values()}
        assert all(figure["sources"] and known.issuperset(figure["sources"]) for figure in ledger["sensitivity"])
        ends = (leaves(ledger["per_bounds"]["low"]), leaves(ledger["per"]), leaves(ledger["per_bounds"]["high"]))
        for low, value, high in zip(*ends, strict=True):
            assert 0 < low < value < high


def leaves(per: dict[str, Any]) -> list[float]:
    return [per["proposal"], per["prediction"], *per["operation"].values()]


@ENERGY_COMMAND
def test_the_papers_figure_has_its_source(capsys: CaptureFixture[str], run: Path) -> None:
    assert f"the paper: {SOURCE}, doi:{DOI}" in output(capsys, run, "--node", "28nm", "--all")


@ENERGY_COMMAND
def test_several_runs_make_a_list(capsys: CaptureFixture[str], run: Path, copy: Path) -> None:
    report = json.loads(output(capsys, run, copy, "--format", "json"))
    assert [entry["run"] for entry in report] == [str(run), str(copy)]
    assert report[0]["nodes"] == report[1]["nodes"]


@ENERGY_COMMAND
def test_csv(capsys: CaptureFixture[str], run: Path) -> None:
    text = output(capsys, run, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert list(rows[0]) == ["run", "node", *KEYS]
    for node, joules in record(run)["energy_j"].items():
        lines = [row for row in rows if row["node"] == node]
        assert math.fsum(float(row["energy_j"]) for row in lines) == joules["total"]
        assert {row["run"] for row in lines} == {str(run)}


@ENERGY_COMMAND
def test_text(capsys: CaptureFixture[str], run: Path, monkeypatch: MonkeyPatch) -> None:
    """A table a node with the total in nJ, and the source of every figure."""
    monkeypatch.chdir(run.parent)
    text = output(capsys, run.name, "--all")
    for node, joules in record(run)["energy_j"].items():
        assert f"{run.name} at {node}" in text
        assert f"{joules['total'] * 1e9:.4g}" in text
    assert "  array, " in text and "  leakage, " in text
    assert "5 to 95 % of 20,000 draws" in text and "what the total hangs on" in text


@ENERGY_COMMAND
def test_the_answer_fits_a_screen(capsys: CaptureFixture[str], run: Path) -> None:
    """Training and its bands first, then components that sum to it, in 24 lines of 100 columns."""
    text = output(capsys, run)
    lines, found = text.splitlines(), record(run)
    assert len(lines) <= 24 and max(map(len, lines)) <= 100
    bands = json.loads(output(capsys, run, "--format", "json"))["nodes"]
    for line, (node, joules) in zip(lines[1:], found["energy_j"].items(), strict=False):
        band = bands[node]["parts"]["training"]["band"]
        told = (
            f"{joules['parts']['training']['total'] * 1e6:.3g} uJ ({band['low'] * 1e6:.3g} to {band['high'] * 1e6:.3g})"
        )
        assert line.startswith(f"at {node}: training {told}, inference ")
    rows = [
        line.split() for line in lines[lines.index(next(line for line in lines if line.startswith("training "))) + 1 :]
    ]
    total = next(row for row in rows if row[0] == "total")
    parts = [row[2:] if row[1] == "others" else row[1:] for row in rows[: rows.index(total)]]
    assert sum(float(row[0]) for row in parts) == pytest.approx(float(total[1]), rel=0.01)  # three digits each
    assert sum(float(row[1]) for row in parts) == pytest.approx(100, abs=0.5)
    assert refusal(capsys, "energy", run, "--all", "--format", "csv").startswith(
        "--all must be left out with --format csv"
    )


@ENERGY_COMMAND
def test_warnings_and_notes_stand_in_every_report(capsys: CaptureFixture[str], run: Path) -> None:
    found = record(run)
    told = [f"{kind}: {text}" for kind in ("warning", "note") for text in found[f"{kind}s"]]
    assert found["notes"] and found["warnings"]
    for arguments in ((), ("--all",)):
        text = " ".join(output(capsys, run, *arguments).split())
        assert all(sentence in text for sentence in told)
    said = oxmc(capsys, "energy", run, "--format", "csv").err
    assert said.splitlines() == [f"oxmc: {sentence}" for sentence in told]
    report = json.loads(output(capsys, run, "--format", "json"))
    assert (report["warnings"], report["notes"]) == (found["warnings"], found["notes"])


@ENERGY_COMMAND
def test_an_overlay_is_named_and_paid(capsys: CaptureFixture[str], run: Path, tmp_path: Path) -> None:
    """Half the converter's figure is half its joules, and the table behind them is named in each report."""
    table = tmp_path / "mine.toml"
    table.write_text('base = "28nm"\n[change]\n"adc, conversion of a READ" = { value = 3.25e-13, source = "chip B" }\n')
    nodes = json.loads(output(capsys, run, "--format", "json", "--node", "28nm", "--node", table))["nodes"]
    base, mine = nodes["28nm"], nodes[str(table)]
    steps = [
        sum(line["energy_j"] for line in node["components"] if line["action"].startswith("conversion of"))
        for node in (base, mine)
    ]
    assert steps[0] == pytest.approx(2 * steps[1], rel=1e-12)
    assert base["total"] - mine["total"] == pytest.approx(steps[1], rel=1e-9)
    assert mine["table"]["base"] == "28nm" and mine["table"]["changed"] == ["adc, conversion of a READ"]
    assert base["table"] == {"base": None, "changed": [], "sha256": load_costs("28nm").sha256}
    assert mine["table"]["sha256"] == load_costs(table).sha256 != base["table"]["sha256"]
    assert mine["paper"]["paper_j"] == base["paper"]["paper_j"]
    for arguments in ((), ("--all",)):
        told = " ".join(output(capsys, run, *arguments, "--node", table).split())
        assert "(28nm, changed: adc, conversion of a READ)" in told
    assert "28nm with other adc, conversion of a READ" in output(capsys, run, "--format", "html", "--node", table)


@ENERGY_BANDS
def test_repeats_have_a_spread(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    """Mean, standard error and percentiles of what the repeats' own records say, at nodes that these have."""
    out = tmp_path / "run"
    assert run_oxmc([*TWIN, "--repeats", "3", "--out", str(out)]) == 0
    records = [json.loads(line) for line in (out / "runs.jsonl").read_text().splitlines()]
    table = tmp_path / "mine.toml"
    table.write_text(resources.files("oxmc.energy").joinpath("tables/28nm.toml").read_text())
    report = json.loads(output(capsys, out, "--format", "json", "--node", "28nm", "--node", table))
    joules = [line["energy_j"]["28nm"] for line in records]
    found = report["nodes"]["28nm"]["repeats"]
    assert found["n"] == 3 and found["mean"] == pytest.approx(statistics.mean(joules), rel=1e-12)
    assert found["sem"] == pytest.approx(statistics.stdev(joules) / 3**0.5, rel=1e-12)
    assert min(joules) < found["low"] < found["mean"] < found["high"] < max(joules)
    assert report["nodes"]["28nm"]["training_repeats"]["mean"] < found["mean"]
    assert "repeats" not in report["nodes"][str(table)]
    assert "3 repeats: mean " in output(capsys, out)
    records[1]["energy_j"]["130nm"] = math.nan
    (out / "runs.jsonl").write_text("".join(json.dumps(line) + "\n" for line in records))
    assert refusal(capsys, "energy", out).endswith("does not (NaN is no finite number)")
    (out / "runs.jsonl").write_text("{}\n")
    assert refusal(capsys, "energy", out).startswith("RUN must hold whole repeats, which ")


@ENERGY_COMMAND
def test_a_node_of_choice(capsys: CaptureFixture[str], run: Path, tmp_path: Path) -> None:
    """Named, twice, or as a file: the product's own table under another name gives the same."""
    table = tmp_path / "mine.toml"
    table.write_text(resources.files("oxmc.energy").joinpath("tables/130nm.toml").read_text())
    report = json.loads(output(capsys, run, "--format", "json", "--node", "130nm", "--node", table))
    assert list(report["nodes"]) == ["130nm", str(table)]
    assert report["nodes"]["130nm"]["area"] and report["nodes"][str(table)]["area"] is None  # it knows no areas
    assert report["nodes"]["130nm"] | {"area": None} == report["nodes"][str(table)]


@ENERGY_COMMAND
def test_out(capsys: CaptureFixture[str], run: Path, tmp_path: Path) -> None:
    file = tmp_path / "report.csv"
    assert output(capsys, run, "--format", "csv", "--out", file) == ""
    assert file.read_text().replace("\r\n", "\n") == output(capsys, run, "--format", "csv").replace("\r\n", "\n")
    for path, error in ((file / "x", "File exists"), (tmp_path, "Is a directory")):
        message = f"--out must be a file that can be written, not {str(path)!r} ({error})"
        assert refusal(capsys, "energy", run, "--out", path) == message


@ENERGY_COMMAND_REFUSES
def test_refusals(capsys: CaptureFixture[str], run: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("text")
    rule = "RUN must be a run directory with a run.json"
    for arguments, message in {
        (run, "--format", "pdf"): "--format must be one of text, json, csv, html, accelergy, not 'pdf'",
        (run, "--node", "7nm"): "--node must be 28nm, 130nm or name a readable TOML file, not '7nm' "
        "(No such file or directory)",
        (run, "--node", file): f"--node must name valid TOML, not {str(file)!r} (",
        (tmp_path,): f"{rule}, not {str(tmp_path)!r} (No such file or directory)",
        (file,): f"{rule}, not {str(file)!r} (Expecting value: line 1 column 1 (char 0))",
        (run, tmp_path / "x"): f"{rule}, not {str(tmp_path / 'x')!r} (No such file or directory)",
    }.items():
        assert refusal(capsys, "energy", *arguments).startswith(message)


COUNTS = "RUN must hold the counts that its array_energy_j was integrated from, which '"


def spoil(run: Path, change: Any) -> None:
    found = record(run)
    change(found)
    (run / "run.json").write_text(json.dumps(found))


@ENERGY_COMMAND_REFUSES
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda run: run.update(schema="oxmc.run/2"), "RUN must have schema 'oxmc.run/1', not 'oxmc.run/2' ("),
        (lambda run: run.pop("schema"), "RUN must have schema 'oxmc.run/1', not None ("),
        (lambda run: run.pop("config"), "RUN must hold a whole run, which '"),
        (lambda run: run.pop("task"), "RUN must hold a whole run, which '"),
        (lambda run: run["time"].clear(), "RUN must hold a whole run, which '"),
        (lambda run: run["chain"].clear(), "RUN must hold a whole run, which '"),
        (lambda run: run.update(config=3), "RUN must hold a whole run, which '"),
        (lambda run: run.update(task=["cancer"]), "RUN must hold a whole run, which '"),
        (lambda run: run["time"].update(chip_s=None), "RUN must hold a whole run, which '"),
        (lambda run: run["result"].update(value=math.nan), "RUN must be a run directory with a run.json, not '"),
        (lambda run: run["result"].update(value=None), "RUN must hold a whole run, which '"),
        (lambda run: run["chain"].update(acceptance=10**400), "RUN must be a run directory with a run.json, not '"),
        (lambda run: run.pop("array_energy_j"), "RUN must hold a whole run, which '"),
        (lambda run: run["phases"]["train"].update(quantities={}), COUNTS),
        (lambda run: run["phases"]["infer"]["quantities"].update(eval_conductance_code2_ns_cycles=1), COUNTS),
        (lambda run: run.pop("phases"), "RUN must hold a whole run, which '"),
        (lambda run: run["phases"]["train"].pop("events"), "RUN must hold a whole run, not '"),
        (lambda run: run.update(phases=[]), "RUN must hold a whole run, not '"),
        (lambda run: run["phases"]["train"]["events"].update(melt=1), "RUN must hold a whole run, not '"),
        (
            lambda run: [part[kind].clear() for part in run["phases"].values() for kind in part],
            "RUN must hold a run that counted something, which '",
        ),
        (lambda run: run["config"].update(rows=1), "rows must be an integer from 2 to 16384, not 1"),
        (
            lambda run: run["phases"]["train"]["events"].update(set=-1),
            "event set in phase train must be counted by an integer >= 0, not -1",
        ),
    ],
)
def test_a_spoilt_run_is_refused(capsys: CaptureFixture[str], copy: Path, change: Any, message: str) -> None:
    """Held against its state, and a run.json by itself against its own books."""
    spoil(copy, change)
    assert refusal(capsys, "energy", copy / "run.json").startswith(message)
    assert refusal(capsys, "energy", copy)


@ENERGY_COMMAND_REFUSES
@pytest.mark.parametrize(
    ("phase", "event"), [("train", "set"), ("train", "reset"), ("train", "read"), ("infer", "eval")]
)
def test_a_dropped_event_is_noticed(capsys: CaptureFixture[str], copy: Path, phase: str, event: str) -> None:
    spoil(copy, lambda run: run["phases"][phase]["events"].pop(event))
    assert f"phases.{phase}.events must have " in refusal(capsys, "energy", copy)
    alone = copy / "run.json"
    assert f"in phase {phase}, but no {event} was counted there" in failure(oxmc(capsys, "energy", alone), 1)
