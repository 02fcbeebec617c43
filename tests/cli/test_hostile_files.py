"""Every file that a user hands over, damaged in every way: one line, exit 0 or 2, nothing left, within bounds.

A mutation is drawn from the session's seed, its number in the order of the kinds of damage, so that a failure names
what to run again. OXMC_MUTATIONS sets how many of each file; `make regress` runs thousands.
"""

from __future__ import annotations

import io
import json
import os
import random
import resource
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import TWIN, oxmc
from pytest import CaptureFixture, TempPathFactory

from oxmc.cli.app import run
from oxmc.pymodels.config import preset
from oxmc.run.sources import sources_digest

pytestmark = pytest.mark.testpoint(
    "damaged files",
    "every file that a command reads, cut, flipped, with bytes, keys, types and sizes changed: exit 0 or 2 (1 "
    "where a run's books do not add up), one line, nothing left, within bounded memory",
)

MUTATIONS = int(os.environ.get("OXMC_MUTATIONS", "10"))
BOUND_BYTES = 1 << 30
"""What the process may grow by over all mutations of a file."""
NASTY: list[Any] = [
    None, True, [], {}, "", "x", "\x1b[31m", "a/b", "../x", "$x_", "\0", "é", -1, 0, 1e308, -1e308, 10**30, 10**4000,
    [[[[]]]], {"a": {"b": {}}}, "9" * 5000, [1, "a"],
]  # fmt: skip
TOKENS = [
    b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\r\n", b"nan", b"-nan", b"inf", b"1e999", b"9" * 5000, b"0x" + b"f" * 5000,
    b"[" * 2000, b"{" * 2000, b"\x1b[2J", b'"', b"$\\frac", b"{a.__class__}", b"{a:>999999999}", b"=", b",", b";",
    b"../../etc/passwd", b"-1", b"999999999999999999999",
]  # fmt: skip


def cut(rng: random.Random, data: bytes) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def flip(rng: random.Random, data: bytes) -> bytes:
    content = bytearray(data)
    for _ in range(rng.choice((1, 1, 3, 20))):
        if content:
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    return bytes(content)


def insert(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice(TOKENS) + data[at:]


def replace(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice(TOKENS) + data[at + rng.choice((1, 4, 40)) :]


def drop(rng: random.Random, data: bytes) -> bytes:
    lines = data.splitlines(keepends=True) or [b""]
    del lines[rng.randrange(len(lines))]
    return b"".join(lines)


def double(rng: random.Random, data: bytes) -> bytes:
    lines = data.splitlines(keepends=True) or [b""]
    at = rng.randrange(len(lines))
    return b"".join([*lines[:at], lines[at], *lines[at:]])


def encode(rng: random.Random, data: bytes) -> bytes:
    text = data.decode("latin-1")
    return rng.choice((text.encode("utf-16"), b"\xef\xbb\xbf" + data, text.replace("\n", "\r\n").encode(), b""))


BYTES = (cut, flip, insert, replace, drop, double, encode)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container and key inside a JSON value."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, key
        if isinstance(inner, (dict, list)):
            yield from places(inner)


def change_json(rng: random.Random, data: bytes) -> bytes:
    """A line's JSON value with a key deleted, replaced, renamed, or made of another type or size."""
    lines = data.decode().splitlines() if data[-2:-1] == b"}" and data.count(b"\n{") else [data.decode()]
    at = rng.randrange(len(lines))
    value = json.loads(lines[at])
    for _ in range(rng.choice((1, 1, 2))):
        container, key = rng.choice(list(places(value)))
        if isinstance(container, dict) and rng.random() < 0.3:
            container.pop(key, None)
        elif isinstance(container, dict) and rng.random() < 0.2:
            container[rng.choice(["x", "$", "a/b", "\x1b", "x" * 300])] = container.pop(key, None)
        elif isinstance(container, dict) or key < len(container):
            container[key] = rng.choice(NASTY)
    lines[at] = json.dumps(value)
    return ("\n".join(lines) + "\n").encode()


def change_arrays(rng: random.Random, data: bytes) -> bytes:
    """An .npz with an array gone, of another type, shape or size, or a bomb."""
    with np.load(io.BytesIO(data)) as file:
        arrays = {name: file[name] for name in file.files}
    name = rng.choice(list(arrays))
    array = arrays[name]
    kinds: list[Callable[[], Any]] = [
        lambda: array.astype("U30"), lambda: array.ravel(), lambda: array[..., None], lambda: array.ravel()[:0],
        lambda: np.array(["9" * 5000]), lambda: np.array(7), lambda: np.full(array.shape, -(2**62)),
        lambda: np.full(array.shape, np.nan), lambda: np.array([{}], object), lambda: np.ones(array.shape, np.uint8),
        lambda: array.T.copy("F"),
    ]  # fmt: skip
    if rng.random() < 0.2:
        del arrays[name]
    else:
        arrays[name] = rng.choice(kinds)()
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


Command = Callable[[Path], tuple[Any, ...]]
Case = tuple[str, str, Command, tuple[Callable[[random.Random, bytes], bytes], ...]]
"""Name, the file inside the folder of whole files, the command on a folder, and the kinds of damage."""


ON_TWIN = ("train", "cancer", "--engine", "twin")
SMALL = ("--engine", "twin", "--rows", "4", "--set", "max_proposals=9", "--set", "train_samples=16")


def learn(*words: str) -> Command:
    """`oxmc train` of files in the folder `{at}`."""
    return lambda at: ("train", *(word.format(at=at) for word in words), *SMALL, "--out", at / "out")


def account(*words: str) -> Command:
    return lambda at: ("energy", at / "run", *(word.format(at=at) for word in words))


def drawn(at: Path) -> tuple[Any, ...]:
    return "plot", at / "run", "--out", at / "out"


def reported(at: Path) -> tuple[Any, ...]:
    return "report", at / "run", "--out", at / "out"


def resumed(at: Path) -> tuple[Any, ...]:
    return *TWIN, "--repeats", "3", "--resume", "--out", at / "new"


SWEEP = ("sweep", "cancer", "--preset", "paper", *SMALL, "--vary", "adc_bits=8,9", "--repeats", "1")
HTML, ACCELERGY = (("--format", output, "--out", "{at}/out") for output in ("html", "accelergy"))
CASES: list[Case] = [
    ("configuration", "c.toml", lambda at: (*ON_TWIN, "--config", at / "c.toml", "--out", at / "out"), BYTES),
    ("table", "t.csv", learn("table", "--data", "{at}/t.csv", "--label", "kind"), BYTES),
    ("beats", "b.npz", learn("ecg", "--data", "{at}/b.npz", "--subject", "203"), (*BYTES, change_arrays)),
    ("record's head", "rec/900.hea", learn("ecg", "--data", "{at}/rec", "--subject", "900"), BYTES),
    ("record's notes", "rec/900.atr", learn("ecg", "--data", "{at}/rec", "--subject", "900"), BYTES),
    ("cost table", "n.toml", account("--node", "{at}/n.toml"), BYTES),
    ("run", "run/run.json", account(), (*BYTES, change_json, change_json)),
    ("run as page", "run/run.json", account(*HTML), (change_json,)),
    ("run for Accelergy", "run/run.json", account(*ACCELERGY), (change_json,)),
    ("state as page", "run/state.npz", account(*HTML), (*BYTES, change_arrays)),
    ("repeats", "many/runs.jsonl", lambda at: ("energy", at / "many"), (*BYTES, change_json)),
    ("plotted run", "run/run.json", drawn, (change_json, cut, flip)),
    ("plotted state", "run/state.npz", drawn, (*BYTES, change_arrays)),
    ("plotted posterior", "run/posterior.nc", drawn, (cut, flip, replace)),
    ("reported run", "run/run.json", reported, (change_json, cut, flip)),
    ("reported state", "run/state.npz", reported, (*BYTES, change_arrays)),
    ("unfinished repeats", ".new.partial/request.json", resumed, (*BYTES, change_json)),
    ("their lines", ".new.partial/runs.jsonl", resumed, (*BYTES, change_json)),
    ("their time", ".new.partial/wall_s", resumed, BYTES),
    ("sweep", "swept/sweep.json", lambda at: (*SWEEP, "--resume", "--out", at / "swept"), (*BYTES, change_json)),
    ("resumed repeats", "many/run.json", lambda at: (*TWIN, "--repeats", "2", "--resume", "--out", at / "many"), BYTES),
]  # fmt: skip
SLOW = {"plotted": 8, "reported": 4, "state": 3}
"""Kinds of cases of which so many times fewer are tried: a picture takes a second."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: TempPathFactory) -> Path:
    """A folder of whole files, one of each kind."""
    at = tmp_path_factory.mktemp("whole")
    assert run([*map(str, (*TWIN, "--out", at / "run"))]) == 0
    assert run([*map(str, (*TWIN, "--repeats", "2", "--out", at / "many"))]) == 0
    shutil.copytree(at / "many", at / ".new.partial")
    record = json.loads((at / "many" / "run.json").read_text())
    identity = {key: record[key] for key in ("task", "preset", "engine", "seed", "config", "card")}
    identity["code"] = [sources_digest()]
    identity["data"] = {key: record["data"][key] for key in ("sha256", "subject", "label")}
    (at / ".new.partial" / "request.json").write_text(json.dumps(identity))
    (at / ".new.partial" / "wall_s").write_text("1.5")
    (at / ".new.partial" / "lock").touch()
    assert run([*map(str, (*SWEEP, "--out", at / "swept"))]) == 0
    (at / "c.toml").write_text(preset("cancer", "paper").replace(rows=4, burn_in=0, max_proposals=9).to_toml())
    rows = "".join(f"{k % 7},{k * k % 11},{'ab'[k % 2]}\n" for k in range(30))
    (at / "t.csv").write_text("x,y,kind\n" + rows)
    (at / "n.toml").write_text((Path("energy") / "tables" / "28nm.toml").read_text())
    rng = np.random.default_rng(0)
    np.savez(at / "b.npz", feat=rng.random((80, 12)), rec=np.repeat([201, 203], 40), sym=np.array(["N", "V"] * 40))
    wfdb = pytest.importorskip("wfdb")
    (at / "rec").mkdir()
    for name in ("900", "901"):
        wfdb.wrsamp(
            name, fs=360, units=["mV"] * 2, sig_name=["MLII", "V1"], p_signal=rng.random((4000, 2)), fmt=["16"] * 2,
            write_dir=str(at / "rec"),
        )  # fmt: skip
        beats = np.arange(300, 3700, 170)
        wfdb.wrann(name, "atr", beats, symbol=["N", "V"] * (len(beats) // 2), write_dir=str(at / "rec"))
    return at


def check(capsys: CaptureFixture[str], command: tuple[Any, ...], where: str) -> int:
    """Run a command on a damaged file: its exit code, after the rules that hold whatever the file held."""
    answer = oxmc(capsys, *command)
    assert answer.code in (0, 1, 2), (where, answer)
    if answer.code:
        lines = answer.err.splitlines()
        assert len(lines) == 1 and lines[0].startswith("oxmc: error: "), (where, answer.err[-3000:])
        assert "--debug" not in lines[0] and "\x1b" not in lines[0] and len(lines[0]) < 4000, (where, lines[0])
    return answer.code


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_a_user_hands_over_a_damaged_file(
    capsys: CaptureFixture[str], whole: Path, tmp_path: Path, seed: int, case: Case
) -> None:
    name, file, command, damages = case
    at = tmp_path / "at"
    shutil.copytree(whole, at)
    assert check(capsys, command(at), f"{name}, whole") == 0
    before, codes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, []
    data = (whole / file).read_bytes()
    for number in range(max(2, MUTATIONS // SLOW.get(name.split()[0], 1))):
        damage = damages[number % len(damages)]
        shutil.rmtree(at)
        shutil.copytree(whole, at)
        (at / file).write_bytes(damage(random.Random(f"{seed} {name} {number}"), data))
        there = sorted(at.rglob("*"))
        code = check(capsys, command(at), f"seed {seed}, {name}, mutation {number} ({damage.__name__})")
        codes.append(code)
        left = [path for path in sorted(at.rglob("*")) if path not in there]
        assert not code or not left, (name, number, left)
    assert 2 in codes or file.endswith(("npz", "jsonl", "wall_s")), (
        codes
    )  # a page says why it has no curve, a torn line is cut off
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10
    assert grown < BOUND_BYTES, (name, grown)
