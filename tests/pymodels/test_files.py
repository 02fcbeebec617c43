"""Files from outside and files that are kept: what is refused ahead of reading it, and what a failed write leaves."""

from __future__ import annotations

import ast
import errno
import os
import resource
import signal
import subprocess
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import OXMC, ROOT, TWIN, failure, oxmc, refusal
from pytest import CaptureFixture, MonkeyPatch

from oxmc.energy.costs import load_costs
from oxmc.pymodels import files, strict, whole
from oxmc.pymodels.errors import InputError, RunError, printable, shown
from oxmc.pymodels.files import read_arrays, read_json, read_text
from oxmc.pymodels.whole import write_file, write_files

pytestmark = pytest.mark.testpoint(
    "files from outside and files that are kept",
    "pipes, devices, bombs, claims of size, names of names; a full disk, a write that fails half way; signals "
    "within a kernel; terminals of ASCII, control characters, numbers out of range, memory that lacks; one "
    "place that reads, one that writes",
)

DEADLINE_S = 240.0
RULE = "it must be a file"


@pytest.mark.parametrize("option", ["--config", "--data"])
def test_a_user_names_a_pipe_or_a_device(capsys: CaptureFixture[str], tmp_path: Path, option: str) -> None:
    """Neither waits for a writer nor reads for ever."""
    os.mkfifo(tmp_path / "pipe")
    task = ("train", "table", "--label", "x") if option == "--data" else ("train", "cancer")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        assert refusal(capsys, *task, option, path).endswith(f", not {str(path)!r} (it is no plain file)")


def test_a_user_hands_over_a_zip_bomb(capsys: CaptureFixture[str], tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_DATA", 1 << 20)
    bomb = tmp_path / "bomb.npz"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("feat", "rec", "sym"):
            archive.writestr(f"{name}.npy", bytes(1 << 20))
    message = refusal(capsys, "train", "ecg", "--subject", "1", "--data", bomb)
    assert message.endswith("(it unpacks to more than the 1048576 bytes that are read)")


def test_an_array_is_not_made_before_its_size_is_known(tmp_path: Path) -> None:
    """A head that claims a terabyte over a few bytes; one that holds programs."""
    head = (
        b"\x93NUMPY\x01\x00v\x00"
        + b"{'descr': '<i8', 'fortran_order': False, 'shape': (1000000000000,), }".ljust(117)
        + b"\n"
    )
    for content in (head + bytes(80),):
        with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
            archive.writestr("a.npy", content)
        with pytest.raises(InputError, match="as long as its head says"):
            read_arrays(tmp_path / "a.npz", RULE)
    np.savez(tmp_path / "o.npz", a=np.array([{}], object))
    with pytest.raises(InputError, match="plain numbers or text"):
        read_arrays(tmp_path / "o.npz", RULE)


def test_arrays_are_numpys(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    arrays = {
        "a": rng.random((3, 4)), "b": np.asfortranarray(rng.integers(0, 9, (2, 3, 4))), "c": np.array("text"),
        "d": np.zeros((0, 5), np.uint8), "e": np.array(["x", "yy"]), "f": np.array(7),
    }  # fmt: skip
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "a.npz", **arrays)
        found = read_arrays(tmp_path / "a.npz", RULE)
        for name, array in arrays.items():
            assert np.array_equal(found[name], array) and found[name].dtype == array.dtype, name


def test_a_file_that_is_too_long_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "long"
    file.touch()
    os.truncate(file, 1 << 40)  # a sparse file: a terabyte that takes no room
    with pytest.raises(InputError, match="its 1099511627776 bytes are more than the"):
        read_text(file, RULE)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[" * 100_000, "nested too deeply"),
        ("9" * 5000, "Exceeds the limit"),
        ("{", "Expecting property name"),
        ("", "Expecting value"),
    ],
)
def test_a_json_file_is_refused_in_one_way(tmp_path: Path, content: str, reason: str) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(InputError, match=f"^{RULE}, not '.*a.json' \\({reason}"):
        read_json(tmp_path / "a.json", RULE)


def test_a_lack_of_open_files_is_no_bad_input(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(files.os, "open", fail)
    with pytest.raises(RunError, match="Too many open files"):
        read_text(tmp_path / "a", RULE)


SOURCES = """[sources]
{}
[[cost]]
component = "c"
action = "a"
event = "set"
value = 1.0
low = 1.0
high = 1.0
unit = "J"
source = "{{z}}"
"""


def test_a_users_cost_table_names_names_of_names(tmp_path: Path) -> None:
    """Ten braces deep, ten each: ten thousand million letters, and a width of as many blanks."""
    nested = 'a = "xxxxxxxxxx"\n' + "".join(
        f'{new} = "{f"{{{old}}}" * 10}"\n' for old, new in zip("abcdefghi", "bcdefghiz", strict=True)
    )
    for text, reason in (
        (nested, "source must have at most 10000 letters"),
        ('z = "{a:>999999999}"\na = "x"', "braces must hold the name of a text"),
        ('z = "{z.__class__}"', "braces must hold the name of a text"),
    ):
        file = tmp_path / "mine.toml"
        file.write_text(SOURCES.format(text))
        with pytest.raises(InputError, match=reason):
            load_costs(file)


@pytest.mark.parametrize("start", [b"\xef\xbb\xbf", b"\xff\xfe", b"\0", b"\xe9"])
def test_a_user_saves_a_record_in_another_encoding(start: bytes) -> None:
    """Bytes are refused like the text that they are; a reader that guesses would take them and its neighbour not."""
    assert strict.loads(b'{"a": 1}') == strict.loads('{"a": 1}') == {"a": 1}
    with pytest.raises(ValueError):
        strict.loads(start + b'{"a": 1}')
    with pytest.raises(ValueError):
        strict.loads('{"a": 1}'.encode("utf-16"))


def test_a_users_recording_claims_what_no_heart_has(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    """A rate of a gigahertz, more samples than the file, another file's name."""
    pytest.importorskip("wfdb")
    (tmp_path / "900.dat").write_bytes(bytes(4000))
    (tmp_path / "900.atr").write_bytes(b"\0\0")
    for head, reason in {
        "900 2 1e9 1000\n900.dat 16 200 16 0\n900.dat 16 200 16 0\n": "its sampling rate must be from 20 to 100000 Hz",
        "900 2 360 99999999999\n900.dat 16 200 16 0\n900.dat 16 200 16 0\n": "it must have at most",
        "900 2 360 1000\n/dev/zero 16 200 16 0\n/dev/zero 16 200 16 0\n": "must be whole and readable",
        "900 2 360 1000\n900.dat 16x999999999 200 16 0\n900.dat 16 200 16 0\n": "it must have at most",
    }.items():
        (tmp_path / "900.hea").write_text(head)
        assert reason in refusal(capsys, "train", "ecg", "--subject", "900", "--data", tmp_path), head


def test_what_was_there_stays_until_the_new_is_whole(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    """One of two files cannot be written: neither is, and nothing else stays."""
    old, new = tmp_path / "old", tmp_path / "made" / "new"
    old.write_text("mine")
    sync = os.fsync

    def full(handle: int) -> None:
        if len(list(tmp_path.rglob(".oxmc-*"))) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(handle)

    monkeypatch.setattr(whole.os, "fsync", full)
    with pytest.raises(RunError, match="No space left on device"):
        write_files({old: "theirs", new: "theirs"}, tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["old"] and old.read_text() == "mine"
    monkeypatch.undo()
    assert write_files({old: "ours", new: b"ours"}, tmp_path) == [old, new]
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["made", "new", "old"] and old.read_text() == "ours"


def test_links_modes_and_devices_stay_what_they_are(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(file)
    write_file(link, "new")
    assert link.is_symlink() and file.read_text() == "new" and file.stat().st_mode & 0o777 == 0o640
    write_file(Path("/dev/null"), "nothing")
    assert not Path("/dev/null").is_file()


def limited(kind: int, most: int) -> Any:
    return lambda: resource.setrlimit(kind, (most, most))


def test_a_users_disk_is_full(tmp_path: Path) -> None:
    """A limit of the size of a file is a disk that is full to the program: from each file on, none, and no scratch."""
    codes = set()
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}  # Python 3.11 keeps bytecode that it wrote in part
    for most in (0, 2_000, 8_000, 20_000, 61_440):
        arguments = [OXMC, *TWIN, "--set", "test_samples=100", "--out", str(tmp_path / "run")]
        found = subprocess.run(
            arguments, capture_output=True, text=True, preexec_fn=limited(resource.RLIMIT_FSIZE, most), cwd=ROOT,
            stdin=subprocess.DEVNULL, env=environment,
        )  # fmt: skip
        codes.add(found.returncode)
        assert found.returncode in (0, 1), (most, found)
        if found.returncode:
            assert found.stderr.startswith("oxmc: error: ") and found.stderr.count("\n") == 1, (most, found.stderr)
            assert list(tmp_path.iterdir()) == [], most
    assert 1 in codes


@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGTERM, 143, "terminated"), (signal.SIGINT, 130, "interrupted")]
)
@pytest.mark.parametrize("engine", ["twin", "float"])
def test_a_user_stops_a_training_inside_a_kernel(
    tmp_path: Path, engine: str, number: signal.Signals, code: int, word: str
) -> None:
    """Hours of proposals in one compiled call: whoever did not hear would run into the deadline."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        pytest.skip("SIGINT is ignored here, and what this process starts inherits that")
    long = ("--preset", "paper", "--set", "max_proposals=16000000", "--set", "rows=16384")
    arguments = [OXMC, "train", "digits", "--engine", engine, *long, "--out", tmp_path / "run"]
    process = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True)
    started = time.monotonic()
    while not list(tmp_path.iterdir()):
        assert process.poll() is None and time.monotonic() < started + DEADLINE_S
        time.sleep(0.05)
    time.sleep(3.0)  # on into the kernel; before it, a signal is heard anyway
    process.send_signal(number)
    _, said = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, said) == (code, f"oxmc: error: {word}\n")
    assert list(tmp_path.iterdir()) == []


def test_a_users_terminal_knows_ascii_only(tmp_path: Path) -> None:
    environment = os.environ | {
        "LC_ALL": "C",
        "PYTHONIOENCODING": "ascii",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
    }
    for arguments in (
        [*TWIN, "--out", tmp_path / "lauf-é"],
        ["energy", tmp_path / "lauf-é"],
        ["energy", tmp_path / "ü"],
    ):
        found = subprocess.run([OXMC, *map(str, arguments)], capture_output=True, env=environment, cwd=ROOT)
        assert found.returncode == (2 if arguments[-1].name == "ü" else 0), found
        assert found.stdout.isascii() and found.stderr.isascii() and b"Traceback" not in found.stderr


def test_a_user_names_what_a_terminal_would_obey(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "\x1b[31mred"
    answer = oxmc(capsys, *TWIN, "--out", out)
    assert answer.code == 0 and "\x1b" not in answer.out and (out / "run.json").exists()
    for arguments in (("energy", out), ("energy", out, "--format", "csv"), ("verilog", "--out", out / "v")):
        answer = oxmc(capsys, *arguments)
        assert answer.code == 0 and "\x1b" not in answer.out and r"\x1b[31mred" in answer.out.replace("\n", "")
    assert refusal(capsys, "train", "cancer", "--set", "a\x1b[2Jb=1").startswith(
        r"a\x1b[2Jb is not a configuration key"
    )
    assert printable("a\r\nb\tc\rd\u202e\u202f") == "a\r\nb\tc\\rd\\u202e\u202f"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("cancer --rows 8 --set rows=9", "--rows 8 must be left out with --set rows=9"),
        (f"cancer --seed 1{'0' * 40}", f"--seed must be an integer of at most {2**128 - 1}, not '1{'0' * 40}'"),
        (f"cancer --seed {'9' * 5000}", f"--seed must be an integer >= 0, not '{'9' * 199}..."),
        ("cancer --repeats 1000000000", "--repeats must be an integer of at most 1000000, not '1000000000'"),
        ("cancer --repeats 2 --jobs 99999", "--jobs must be an integer of at most 1024, not '99999'"),
        (f"cancer --chains {'9' * 5000}", f"--chains must be an integer from 1 to 64, not '{'9' * 199}..."),
        (f"cancer --rows {'9' * 5000}", "rows must be an integer from 2 to 16384, not inf"),
    ],
)
def test_a_user_gives_numbers_out_of_all_range(capsys: CaptureFixture[str], arguments: str, message: str) -> None:
    assert refusal(capsys, "train", *arguments.split()) == message


def test_memory_that_is_not_there_is_said(
    capsys: CaptureFixture[str], tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise MemoryError("Unable to allocate 3 TiB")

    monkeypatch.setattr("oxmc.run.engine.Twin.run", fail)
    message = failure(oxmc(capsys, *TWIN, "--out", tmp_path / "run"), 1)
    assert message == "the run needs more memory than there is (Unable to allocate 3 TiB)"


def test_standard_output_that_is_full_is_said() -> None:
    with open("/dev/full", "w") as full:
        found = subprocess.run([OXMC, "energy", "--template"], stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert found.returncode == 1 and found.stderr.startswith("oxmc: error: ") and found.stderr.count("\n") == 1
    assert "No space left on device" in found.stderr


def test_a_value_is_shown_in_bounds() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert shown(16**5000) == "a int too large to show" and shown(deep) == "a list too large to show"
    assert shown("x" * 10**6) == "'" + "x" * 199 + "..." and shown(3) == "3"


WRITES = {
    "silicon/characterise/spice.py",
    "pymodels/digests.py",
    "pymodels/kernel_cache.py",
    "pymodels/outcome.py",
    "pymodels/whole.py",
    "tb/system/tour.py",
    "tb/cosim/compiled.py",
    "tb/cosim/simulator.py",
    "silicon/cell/loop/__main__.py",
    "silicon/cell/loop/bench.py",
    "silicon/cell/session.py",
    "silicon/gate_costs.py",
    "pymodels/job.py",
    "oxmc/campaign/partial.py",
    "oxmc/ip/rdl.py",
    "oxmc/run/inference.py",
    "tb/cosim/objcache.py",
    "tb/cosim/runners.py",
    "tb/cosim/simulated.py",
    "studies/records.py",
    "studies/tasks_table.py",
    "silicon/synth.py",
    "tb/cosim/training.py",
    "silicon/windows.py",
}
"""Files that write by themselves: scratch and caches, tools' folders, and a run's folder that has no name yet."""


def writes(source: str) -> bool:
    """Whether a source writes a file other than through `oxmc.pymodels.whole`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in ("write_text", "write_bytes", "savez", "to_netcdf"):
            return True
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "open":
            modes = [
                word.value for word in [*node.args, *(k.value for k in node.keywords)] if isinstance(word, ast.Constant)
            ]
            if any(isinstance(mode, str) and set(mode) & set("wax") and len(mode) < 4 for mode in modes):
                return True
    return False


def test_what_is_kept_is_written_in_one_place() -> None:
    paths = [
        path
        for room in ("pymodels", "hdl", "energy", "tb", "silicon", "studies", "oxmc")
        for path in (ROOT / room).rglob("*.py")
    ]
    found = {str(path.relative_to(ROOT)) for path in paths if writes(path.read_text())}
    assert found == WRITES and not any(name.startswith("oxmc/cli/") for name in found)
    assert writes("p.write_text('x')") and writes("open(p, 'w')") and not writes("open(p)\nwrite_file(p, 'x')")


def test_every_kernel_lets_go_of_pythons_lock() -> None:
    """One that kept it would keep the main thread from hearing signals."""
    sources = [path.read_text() for path in (ROOT / "pymodels").rglob("*.py")]
    decorators = [line for source in sources for line in source.splitlines() if line.startswith("@njit")]
    assert len(decorators) > 50 and [line for line in decorators if "nogil=True" not in line] == []


def test_oxmc_build_may_be_empty(monkeypatch: MonkeyPatch) -> None:
    from oxmc.hdl.verilog.netlist_cache import cache_folder

    monkeypatch.setenv("OXMC_BUILD", "")
    assert cache_folder() == Path("build/sim").absolute()
