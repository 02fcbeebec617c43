"""A result does not depend on what surrounds it: the order of hashes, language, time zone, folder, umask, threads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import SMALL

pytestmark = pytest.mark.testpoint(
    "surroundings",
    "the order of hashes, language, time zone, folder, umask, threads and processes change no byte but times; "
    "that order does change sets",
)

LABELS = ("-nan", "1", "2", "+nan", "3", "inf", "1e999")
"""Classes that are no numbers, or none that can be put in order."""
ONE: dict[str, str] = {"PYTHONHASHSEED": "0", "LANG": "C.UTF-8", "TZ": "UTC"}
OTHERS: list[dict[str, str]] = [
    {"PYTHONHASHSEED": "1", "LC_ALL": "tr_TR.UTF-8", "TZ": "Pacific/Kiritimati", "OMP_NUM_THREADS": "1"},
    {"PYTHONHASHSEED": "12345", "LC_ALL": "C", "TZ": "America/St_Johns", "NUMBA_NUM_THREADS": "1", "PYTHONUTF8": "1"},
]
UMASKS = (0o022, 0o077)
ONE_AFTER_THE_OTHER = """
import json, sys
from oxmc.cli.app import run
sys.exit(max(run(line) for line in json.loads(sys.argv[1])))
"""


def table(folder: Path) -> Path:
    path = folder / "table.csv"
    rows = [f"{k / 10},{7 * k % 11},{LABELS[k * k % len(LABELS)]}" for k in range(70)]
    path.write_text("\n".join(["a,b,y", *rows]) + "\n")
    return path


def commands(data: Path, out: Path) -> dict[str, list[str]]:
    """What is run in each surrounding, by the name of what it leaves in `out`."""
    twin = ["--engine", "twin"]
    return {
        "table": ["train", "table", "--data", str(data), "--label", "y", *twin, "--rows", "8"],
        "repeats": ["train", "cancer", *twin, *SMALL, "--repeats", "3"],
        "sweep": ["sweep", "cancer", *SMALL[2:], "--vary", "rows=4,6", "--repeats", "2"],
        "verilog": ["verilog", "cancer", "--set", "adc_bits=6", "--set", "table_bits=6"],
    } | {"energy": ["energy", str(out / "table"), "--format", "json"]}


def left_by(folder: Path, surrounding: dict[str, str], data: Path, *, umask: int, jobs: str) -> dict[str, Any]:
    """What the commands leave, times apart, by name; they run in one process, which works in `folder`."""
    folder.mkdir()
    out, environment = Path("out"), os.environ | surrounding | {"OXMC_BUILD": str(folder / "sim")}
    lines = []
    for name, words in commands(data, out).items():
        more = ["--jobs", jobs] if name in ("repeats", "sweep") else []
        place = out / name if name != "energy" else out / "energy.json"
        lines.append([*words, *more, "--out", str(place)])
    done = subprocess.run(
        [sys.executable, "-c", ONE_AFTER_THE_OTHER, json.dumps(lines)], cwd=folder, env=environment, umask=umask,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return {str(path): content(folder / path) for path in files(folder, out)}


def files(folder: Path, out: Path) -> Iterator[Path]:
    for path in sorted((folder / out).rglob("*")):
        if path.is_file():
            yield path.relative_to(folder)


def content(path: Path) -> Any:
    """The bytes of a file, or what its JSON holds without times."""
    if path.name not in ("run.json", "sweep.json"):
        return path.read_bytes()
    found = json.loads(path.read_text())
    for part, names in (("time", ("wall_s", "cycles_per_s")), ("repeats", ("wall_s",))):
        for name in names if isinstance(found.get(part), dict) else ():
            found[part].pop(name)
    return found


@pytest.mark.slow
def test_a_user_gets_the_same_bytes_wherever_and_however_a_command_runs(tmp_path: Path) -> None:
    data = table(tmp_path)
    first = left_by(tmp_path / "one", ONE, data, umask=UMASKS[0], jobs="1")
    assert {Path(name).parts[1] for name in first} >= {"table", "repeats", "sweep", "verilog", "energy.json"}
    for number, surrounding in enumerate(OTHERS):
        again = left_by(tmp_path / f"other {number}", surrounding, data, umask=UMASKS[number], jobs=str(1 + number))
        assert list(again) == list(first)
        assert [name for name in first if again[name] != first[name]] == []


def test_what_depends_on_the_order_of_hashes_is_seen(tmp_path: Path) -> None:
    """The order of a set of texts, which two of the surroundings above have otherwise: the test can fail."""
    shown = [
        subprocess.run(
            [sys.executable, "-c", f"print(list(set({LABELS!r})))"],
            env=os.environ | surrounding, capture_output=True, text=True, check=True,
        ).stdout
        for surrounding in (ONE, *OTHERS)
    ]  # fmt: skip
    assert len(set(shown)) > 1
