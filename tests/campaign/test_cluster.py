"""`--cluster`: real Dask schedulers and workers on this machine, of this version, of others, and dying."""

from __future__ import annotations

import contextlib
import http.server
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from commands import failure, oxmc, refusal
from pytest import CaptureFixture, MonkeyPatch
from test_repeats import DEADLINE_S, FILES, command, lines_of, records, started, wait_for_lines

from oxmc.campaign import cluster, repeats, workers
from oxmc.campaign.partial import partial_folder
from oxmc.cli.app import run
from oxmc.pymodels.errors import InputError
from oxmc.run import sources

pytestmark = pytest.mark.testpoint(
    "clusters",
    "real schedulers and workers: one thread, other versions, none, malformed and silent addresses, deaths of "
    "each part in mid-run with what is kept, Ctrl-C, data, digest of the sources",
)

pytest.importorskip("distributed")

WITHOUT = "import sys; sys.modules['oxmc.campaign.workers'] = None; "
"""Ahead of a worker's start: as on a machine where oxmc is not installed."""
OTHER = "import oxmc.campaign.workers as w; own = w._identity(); w._identity = lambda: (*own, ('numba', '0')); "
ELDER = "import oxmc.campaign.workers as w; del w.identity; "
SCHEDULER = "from distributed.cli.dask_scheduler import main; main()"
WORKER = "from distributed.cli.dask_worker import main; main()"


class Dask:
    """A scheduler and its workers, processes of their own."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack):
        self.folder, self._stack = folder, stack
        self.scheduler = self._start(
            SCHEDULER, "--host", "127.0.0.1", "--port", "0", "--scheduler-file", folder / "s.json"
        )
        self.address = ""
        self.wait(lambda: (folder / "s.json").exists() and (folder / "s.json").read_text().endswith("}"))
        self.address = json.loads((folder / "s.json").read_text())["address"]
        self.workers: list[subprocess.Popen[bytes]] = []

    def _start(self, program: str, *arguments: object) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-c", program, *map(str, arguments), "--no-dashboard"]
        process = subprocess.Popen(words, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        return process

    def wait(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + DEADLINE_S
        while not holds():
            assert time.monotonic() < end and self.scheduler.poll() is None
            time.sleep(0.05)

    def add(self, *preludes: str) -> None:
        """A worker each, behind a line of Python; returns when all are there."""
        from distributed import Client

        for prelude in preludes:
            arguments = (self.address, "--no-nanny", "--nthreads", 1, "--local-directory", self.folder / "work")
            self.workers.append(self._start(prelude + WORKER, *arguments))
        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(len(self.workers), timeout=DEADLINE_S)


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[Dask]:
    folder = tmp_path / "dask"
    folder.mkdir()
    with contextlib.ExitStack() as stack:
        yield Dask(folder, stack)


@pytest.fixture
def local(tmp_path: Path) -> Callable[[int], Path]:
    """A run of so many repeats on this machine."""

    def made(number: int) -> Path:
        out = tmp_path / f"local-{number}"
        assert run(command(out, number=number)) == 0
        return out

    return made


def check_equal(found: Path, expected: Path) -> None:
    assert sorted(path.name for path in found.iterdir()) == FILES
    for name in FILES:
        assert name == "run.json" or (found / name).read_bytes() == (expected / name).read_bytes(), name


def test_one_worker_thread_runs_nothing_here(
    dask: Dask, tmp_path: Path, local: Callable[[int], Path], monkeypatch: MonkeyPatch
) -> None:
    """The smallest cluster there is; the client's own repeat would fail."""
    expected = local(3)
    monkeypatch.setattr(repeats, "run_repeat", None)
    dask.add("")
    assert run(command(tmp_path / "run", "--cluster", dask.address, number=3)) == 0
    check_equal(tmp_path / "run", expected)
    scheme, _, place = dask.address.partition("://")
    assert scheme == "tcp" and run(command(tmp_path / "short", "--cluster", place, number=3)) == 0


@pytest.mark.parametrize(
    ("prelude", "why"),
    [
        (WITHOUT, "no oxmc or another one (import of oxmc.campaign.workers halted; None in sys.modules)"),
        (ELDER, "no oxmc or another one (module 'oxmc.campaign.workers' has no attribute 'identity')"),
        (OTHER, f"numba 0, not {workers.identity()['numba']}"),
    ],
)
def test_workers_of_another_version_are_named(
    dask: Dask, capsys: CaptureFixture[str], tmp_path: Path, prelude: str, why: str
) -> None:
    """Before anything runs, beside a good one."""
    dask.add("", prelude)
    message = failure(oxmc(capsys, *command(tmp_path / "run", "--cluster", dask.address)), 1)
    named, _, rest = message.removeprefix("--cluster must have workers with this oxmc, but ").partition(" has ")
    assert named.startswith("tcp://127.0.0.1:") and rest == why
    assert not (tmp_path / "run").exists() and not partial_folder(tmp_path / "run").exists()


def test_no_workers(dask: Dask, capsys: CaptureFixture[str], tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "GONE_S", 0.5)
    message = failure(oxmc(capsys, *command(tmp_path / "run", "--cluster", dask.address)), 1)
    assert message == f"--cluster must have workers, but {dask.address!r} has none"


@pytest.mark.parametrize(
    "address",
    ["nowhere://x", "tcp://x", "tcp://x:0", "tcp://x:65536", "tcp://x:y", "x", "", "inproc://127.0.0.1/1/1",
     "tcp://a b:1", "http://x:80", "tcp://user@x:1", "tcp://x:1/", "tcp://:8786", "tcp://::1:8786"],
)  # fmt: skip
def test_a_malformed_address(capsys: CaptureFixture[str], tmp_path: Path, address: str) -> None:
    message = refusal(capsys, *command(tmp_path / "run", f"--cluster={address}"))
    assert message == f"--cluster must be the address of a Dask scheduler, as in tcp://host:8786, not {address!r}"
    sweep = ("sweep", "cancer", "--vary", "rows=2,3", "--repeats", "2", f"--cluster={address}", "--out", tmp_path / "s")
    assert refusal(capsys, *sweep) == message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "address", ["x:1", "tcp://10.0.0.1:8786", "tls://a.b-c:65535", "tcp://[::1]:8786", "[fe80::1%eth0]:1"]
)
def test_a_good_address(address: str) -> None:
    cluster.check_address(address)


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server


class Silent(http.server.BaseHTTPRequestHandler):
    """A web server whose log does not go to the command's standard error."""

    def log_message(self, *words: object) -> None:
        pass


def test_a_port_that_says_nothing(
    listening: socket.socket, capsys: CaptureFixture[str], tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    """Open and silent, closed, and another program's."""
    monkeypatch.setattr(cluster, "ANSWER_S", 2.0)
    address = f"tcp://127.0.0.1:{listening.getsockname()[1]}"
    rule = "--cluster must be a running Dask scheduler, but "
    message = failure(oxmc(capsys, *command(tmp_path / "run", "--cluster", address)), 1)
    assert message == f"{rule}{address!r} does not answer within 2 s"
    listening.close()
    message = failure(oxmc(capsys, *command(tmp_path / "run", "--cluster", address)), 1)
    assert message == f"{rule}{address!r} does not answer within 2 s"
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Silent)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        message = failure(oxmc(capsys, *command(tmp_path / "run", "--cluster", f"127.0.0.1:{server.server_port}")), 1)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert message.startswith(rule)
    assert list(tmp_path.iterdir()) == []


def test_a_workers_address_is_no_schedulers(dask: Dask, capsys: CaptureFixture[str], tmp_path: Path) -> None:
    dask.add("")
    with cluster.connected(dask.address) as found:
        (worker,) = found._live()
    message = failure(oxmc(capsys, *command(tmp_path / "run", "--cluster", worker)), 1)
    assert message == f"--cluster must be a running Dask scheduler, but {worker!r} is a Worker"


@pytest.mark.parametrize("end", ["scheduler killed", "scheduler stopped", "workers killed"])
def test_a_cluster_that_dies(dask: Dask, tmp_path: Path, end: str, local: Callable[[int], Path]) -> None:
    """One line, exit 1; what is done is kept, and --resume goes on, here without the cluster."""
    dask.add("", "")
    out = tmp_path / "run"
    with started(command(out, "--cluster", dask.address, number=5000), tmp_path) as process:
        wait_for_lines(out, 3, lambda: process.poll() is None)
        for victim in dask.workers if end == "workers killed" else [dask.scheduler]:
            victim.send_signal(signal.SIGSTOP if end == "scheduler stopped" else signal.SIGKILL)
        _, text = process.communicate(timeout=DEADLINE_S)
    if end == "scheduler stopped":
        dask.scheduler.send_signal(signal.SIGCONT)
    last = text.splitlines()[-1]
    lost = f"the workers of --cluster {dask.address!r} are all gone" if end == "workers killed" else (
        f"the scheduler {dask.address!r} of --cluster does not answer any more"
    )  # fmt: skip
    assert process.returncode == 1 and last.startswith(f"oxmc: error: {lost}; "), text
    assert last.endswith(" repeats are done and kept, the same command with --resume goes on")
    assert all(line.startswith("repeats ") for line in text.splitlines()[:-1]), text
    done = lines_of(out)
    assert done >= 3
    assert run(command(out, "--resume", number=3)) == 0
    check_equal(out, local(3))


def test_one_of_two_workers_dies(dask: Dask, tmp_path: Path, local: Callable[[int], Path]) -> None:
    """Its repeat goes to the other; a worker that comes later helps."""
    dask.add("", "")
    out = tmp_path / "run"
    with started(command(out, "--cluster", dask.address, number=60), tmp_path) as process:
        wait_for_lines(out, 2, lambda: process.poll() is None)
        dask.workers.pop().kill()
        _, text = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0, text
    check_equal(out, local(60))


def test_a_late_worker_of_another_version_gets_nothing(
    dask: Dask, tmp_path: Path, local: Callable[[int], Path]
) -> None:
    """And when the others are gone it is named."""
    dask.add("")
    out = tmp_path / "run"
    with started(command(out, "--cluster", dask.address, number=5000), tmp_path) as process:
        wait_for_lines(out, 1, lambda: process.poll() is None)
        dask.add(WITHOUT)
        wait_for_lines(out, lines_of(out) + 30, lambda: process.poll() is None)
        dask.workers[0].kill()
        _, text = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 1 and "are all gone; tcp://127.0.0.1:" in text and "has no oxmc or another one" in text
    assert run(command(out, "--resume", number=3)) == 0
    check_equal(out, local(3))


def test_ctrl_c_on_a_cluster(dask: Dask, tmp_path: Path) -> None:
    dask.add("")
    out = tmp_path / "run"
    with started(command(out, "--cluster", dask.address, number=5000), tmp_path) as process:
        wait_for_lines(out, 2, lambda: process.poll() is None)
        process.send_signal(signal.SIGINT)
        _, text = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 130 and text.splitlines()[-1].startswith("oxmc: error: interrupted; "), text


def test_data_that_a_worker_does_not_have(
    dask: Dask, capsys: CaptureFixture[str], tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    """A relative name means another file in the worker's folder, or none."""
    text = "a,y\n" + "".join(f"{k * k % 7},{'xz'[k % 2]}\n" for k in range(30))
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text(text)
    dask.add("")
    table = ("train", "table", "--data", "t.csv", "--label", "y", "--engine", "twin", "--rows", "3", "--repeats", "2")
    for content, why in (
        (None, "--data must be readable, not 't.csv'"),
        ("a,y\n1,2\n", "--data must be the same file on each worker, which 't.csv' is not"),
    ):
        if content:
            (dask.folder / "t.csv").write_text(content)
        message = failure(oxmc(capsys, *table, "--cluster", dask.address, "--out", f"run-{bool(content)}"), 1)
        assert message.startswith("2 of 2 repeats failed: repeat 0 (seed 0): " + why)
    assert oxmc(capsys, *table, "--cluster", dask.address, "--data", Path("t.csv").absolute(), "--out", "run").code == 0
    assert len(records(Path("run"))) == 2


def test_a_change_of_the_sources_changes_their_digest(tmp_path: Path) -> None:
    """Any file that results follow from, its name, and no other."""
    for name in ("tb/a.py", "hdl/b.v", "pymodels/presets/c.toml", "energy/d.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    seen = {sources.digest_of(tmp_path)}
    for name in ("tb/a.py", "hdl/b.v", "pymodels/presets/c.toml"):
        (tmp_path / name).write_text("x")
        seen.add(sources.digest_of(tmp_path))
    (tmp_path / "tb/a.py").rename(tmp_path / "tb/e.py")
    seen.add(sources.digest_of(tmp_path))
    assert len(seen) == 5
    (tmp_path / "energy/d.md").write_text("x")
    assert sources.digest_of(tmp_path) in seen
    assert workers.differences(workers.identity()) == ""


def test_a_worker_that_changed_meanwhile_is_found(monkeypatch: MonkeyPatch) -> None:
    assert workers.work("zlib:compress", workers.identity(), b"") == __import__("zlib").compress(b"")
    with pytest.raises(RuntimeError, match="another oxmc"):
        workers.work("zlib:compress", workers.identity() | {"numpy": "0"}, b"")
    assert "numpy 0, not " in workers.differences(workers.identity() | {"numpy": "0"})


def test_a_cluster_needs_its_packages(monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match="needs the packages of oxmc"), cluster.connected("x:1"):
        pass
