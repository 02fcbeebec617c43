"""`oxmc data`: what is fetched, kept, checked and refused, with a stub for the network."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest
from commands import failure, oxmc, refusal
from pytest import CaptureFixture, MonkeyPatch

from oxmc.pymodels.machine import not_installed
from oxmc.run import recordings

pytestmark = pytest.mark.testpoint(
    "recordings fetched",
    "all files once, going on, torn files and lists, checksums, no network, no package, bad folder; with a stub "
    "for the network, and through wfdb from a server on this machine",
)

RECORDS = ("100", "101")
FILES = {f"{record}{suffix}": f"{record}{suffix}".encode() for record in RECORDS for suffix in recordings.SUFFIXES}


@pytest.fixture
def fetched(monkeypatch: MonkeyPatch) -> list[str]:
    """Names in the order in which they are asked for; the stub serves FILES and their lists."""
    names: list[str] = []
    sums = "".join(f"{hashlib.sha256(content).hexdigest()} {name}\n" for name, content in FILES.items())
    lists = {"SHA256SUMS.txt": sums.encode(), "RECORDS": "\n".join(RECORDS).encode()}

    def download(database: str, out: Path, name: str) -> None:
        names.append(name)
        (out / name).write_bytes((FILES | lists)[name])

    monkeypatch.setattr(recordings, "_download", download)
    return names


def sums_of(files: dict[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


@pytest.fixture(autouse=True)
def known(monkeypatch: MonkeyPatch) -> None:
    """The program vouches for FILES."""
    monkeypatch.setitem(recordings.DATABASES, "mitdb", recordings.digest_of(sums_of(FILES)))


def test_a_server_cannot_change_a_recording(
    capsys: CaptureFixture[str], tmp_path: Path, fetched: list[str], monkeypatch: MonkeyPatch
) -> None:
    """Nor with a list to match: the program holds the digest of the right one. Nothing of it is fetched."""
    changed = FILES | {"101.dat": b"changed"}
    sums = "".join(f"{sha256} {name}\n" for name, sha256 in sums_of(changed).items())
    served = changed | {"SHA256SUMS.txt": sums.encode(), "RECORDS": b"100\n101"}

    def download(database: str, out: Path, name: str) -> None:
        fetched.append(name)
        (out / name).write_bytes(served[name])

    monkeypatch.setattr(recordings, "_download", download)
    message = failure(oxmc(capsys, "data", "mitdb", "--out", tmp_path), 1)
    assert message == "SHA256SUMS.txt of mitdb must have the checksums that this program knows, but has others"
    assert set(fetched) == set(recordings.LISTS)
    served["RECORDS"] = b"100"  # nor hide one
    assert failure(oxmc(capsys, "data", "mitdb", "--out", tmp_path), 1) == message


def test_the_digest_is_of_names_and_checksums() -> None:
    """In order of the names."""
    lines = {"b": "2", "a": "1"}
    assert recordings.digest_of(lines) == hashlib.sha256(b"1 a\n2 b\n").hexdigest()
    assert recordings.digest_of(lines | {"b": "3"}) != recordings.digest_of(lines)
    assert recordings.digest_of({"a": "1"}) != recordings.digest_of(lines)


def test_all_files_come_once(capsys: CaptureFixture[str], tmp_path: Path, fetched: list[str]) -> None:
    answer = oxmc(capsys, "data", "mitdb", "--out", tmp_path / "new")
    assert (answer.code, answer.out) == (0, f"{tmp_path / 'new'} is complete, 6 files fetched\n")
    assert fetched == [*recordings.LISTS, *FILES]
    assert all((tmp_path / "new" / name).read_bytes() == content for name, content in FILES.items())


def test_it_goes_on_where_it_was(capsys: CaptureFixture[str], tmp_path: Path, fetched: list[str]) -> None:
    """What is missing or torn is fetched, nothing else."""
    oxmc(capsys, "data", "mitdb", "--out", tmp_path)
    (tmp_path / "100.dat").write_bytes(b"100")
    (tmp_path / "101.atr").unlink()
    fetched.clear()
    assert oxmc(capsys, "data", "mitdb", "--out", tmp_path).out.endswith(" is complete, 2 files fetched\n")
    assert fetched == ["100.dat", "101.atr"]


def test_torn_lists_are_fetched_again(capsys: CaptureFixture[str], tmp_path: Path, fetched: list[str]) -> None:
    """Whichever is cut, wherever; the recordings stay."""
    oxmc(capsys, "data", "mitdb", "--out", tmp_path)
    for name in recordings.LISTS:
        whole = (tmp_path / name).read_bytes()
        for content in (b"", whole[: len(whole) // 2 + 2] if name == "SHA256SUMS.txt" else b"10"):
            (tmp_path / name).write_bytes(content)
            fetched.clear()
            assert oxmc(capsys, "data", "mitdb", "--out", tmp_path).out.endswith(" is complete, 0 files fetched\n")
            assert fetched == list(recordings.LISTS) and (tmp_path / name).read_bytes() == whole


class Server(http.server.BaseHTTPRequestHandler):
    """What wfdb asks of PhysioNet: the page that names a version, and files; `torn` are cut short once."""

    torn: ClassVar[set[str]] = set()
    lists = {
        "SHA256SUMS.txt": "".join(f"{hashlib.sha256(c).hexdigest()} {n}\n" for n, c in FILES.items()).encode(),
        "RECORDS": "\n".join(RECORDS).encode(),
    }

    def do_GET(self) -> None:
        name = self.path.rsplit("/", 1)[1]
        content = (FILES | self.lists).get(name, b"<p>Version: 1.0.0</p>")
        if name in self.torn:
            self.torn.remove(name)
            content = content[:-1]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, *words: object) -> None:
        """Standard error is the command's."""


def test_through_wfdb_from_a_server(capsys: CaptureFixture[str], tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    """The real way, from this machine: a file that came torn is refused, the next call fetches it and what is left."""
    download = pytest.importorskip("wfdb.io.download")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        base = f"http://127.0.0.1:{server.server_port}/"
        monkeypatch.setattr(download, "PN_CONTENT_URL", base + "content/")
        monkeypatch.setattr(download.config, "db_index_url", base + "files/")
        Server.torn.add("100.atr")
        answer = oxmc(capsys, "data", "mitdb", "--out", tmp_path)
        assert answer.code == 1 and answer.out == ""
        assert answer.err.splitlines()[-1].startswith("oxmc: error: 100.atr of mitdb must have SHA-256 ")
        answer = oxmc(capsys, "data", "mitdb", "--out", tmp_path)
        assert (answer.code, answer.out) == (0, f"{tmp_path} is complete, 4 files fetched\n"), answer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert all((tmp_path / name).read_bytes() == content for name, content in FILES.items())


def broken(error: Exception | None, content: bytes = b"?") -> Callable[[str, Path, str], None]:
    def download(database: str, out: Path, name: str) -> None:
        if error is not None:
            raise error
        (out / name).write_bytes(content)

    return download


def test_what_can_go_wrong(
    capsys: CaptureFixture[str], tmp_path: Path, fetched: list[str], monkeypatch: MonkeyPatch
) -> None:
    assert refusal(capsys, "data", "edb", "--out", tmp_path) == "NAME must be one of iris, mitdb, not 'edb'"
    oxmc(capsys, "data", "mitdb", "--out", tmp_path)
    (tmp_path / "101.hea").unlink()

    def fails(download: Callable[[str, Path, str], None], code: int) -> str:
        monkeypatch.setattr(recordings, "_download", download)
        answer = oxmc(capsys, "data", "mitdb", "--out", tmp_path)
        progress, _, rest = answer.err.partition("\n")
        assert progress == "101.hea (4 of 6)"
        return failure(answer._replace(err=rest), code)

    assert fails(broken(OSError("no route")), 1) == (
        "101.hea of mitdb could not be fetched: is there a network? (no route)"
    )
    assert fails(broken(ImportError("wfdb")), 2) == (f"oxmc data needs {not_installed('ecg')}")
    sha256 = hashlib.sha256(FILES["101.hea"]).hexdigest()
    assert fails(broken(None), 1) == (
        f"101.hea of mitdb must have SHA-256 {sha256}, which {str(tmp_path / '101.hea')!r} has not"
    )
    (tmp_path / "RECORDS").write_text("999")
    monkeypatch.setattr(recordings, "_download", lambda database, out, name: None)
    assert failure(oxmc(capsys, "data", "mitdb", "--out", tmp_path), 1) == (
        "SHA256SUMS.txt of mitdb must have a checksum of 999.hea, but has none"
    )


def test_a_folder_that_cannot_be_written(capsys: CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    out = tmp_path / "file" / "x"
    rule = "--out must be a folder that can be written, not "
    assert refusal(capsys, "data", "mitdb", "--out", out) == f"{rule}{str(out)!r} (Not a directory)"
