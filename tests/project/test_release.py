"""`make release`: the same bytes each time, checksums that coreutils checks, folders that are those of `oxmc ip`."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from commands import ROOT

from oxmc.ip.package import ip_files
from oxmc.pymodels.errors import InputError
from tools import release as tool

pytest.importorskip("systemrdl")
pytestmark = pytest.mark.testpoint(
    "release",
    "the tarball has the bytes of another process with other sets' order and time, its folders are those of `oxmc ip`; "
    "checksums as sha256sum reads them, one changed byte seen; files that are not committed are refused; the whole "
    "release twice",
)
TINY = {"tiny": tool.configurations()["tiny"]}
AGAIN = """
import hashlib, sys
sys.path.insert(0, sys.argv[1])
from tools.release import archive, configurations, verilog_files
print(hashlib.sha256(archive(verilog_files({"tiny": configurations()["tiny"]}, ["apb"]), "x", 1000)).hexdigest())
"""


def test_the_tarball_has_the_same_bytes(tmp_path: Path) -> None:
    files = tool.verilog_files(TINY, ["apb"])
    data = tool.archive(files, "x", 1000)
    environment = os.environ | {"PYTHONHASHSEED": "3", "TZ": "Asia/Tokyo", "HOME": str(tmp_path)}
    command = [sys.executable, "-c", AGAIN, str(ROOT)]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == hashlib.sha256(data).hexdigest()
    assert tool.archive(files, "x", 1001) != data
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        names = tar.getnames()
        assert names == sorted(names) and {entry.mtime for entry in tar.getmembers()} == {1000}
        tar.extraction_filter = getattr(tarfile, "data_filter", lambda member, path: member)
        tar.extractall(tmp_path)
    for name, text in ip_files(TINY["tiny"], "apb", "oxmc_tiny_apb").items():
        assert (tmp_path / "x/tiny/apb" / name).read_text() == text


def test_checksums(tmp_path: Path) -> None:
    files = {"b": b"two", "a": b"one"}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / tool.SUMS).write_text(tool.checksums(files))
    check = ["sha256sum", "--check", "--quiet", tool.SUMS]
    assert subprocess.run(check, cwd=tmp_path, capture_output=True, text=True).stdout == ""
    (tmp_path / "a").write_bytes(b"onE")
    assert "a: FAILED" in subprocess.run(check, cwd=tmp_path, capture_output=True, text=True).stdout


def test_what_is_not_committed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tool, "_git", lambda *arguments: b" M hdl/chip.py\n")
    with pytest.raises(InputError) as error:
        tool.release(tmp_path, TINY)
    assert str(error.value) == "a release must be made of a commit, not of files that differ from it: git status"
    monkeypatch.undo()
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    with pytest.raises(InputError, match="must be made of a git repository"):
        tool.release(tmp_path, TINY)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.campaign
def test_the_whole_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With another umask, of the commit, whatever the work tree has."""
    git = tool._git
    monkeypatch.setattr(tool, "_git", lambda *arguments: b"" if arguments[0] == "status" else git(*arguments))
    found = []
    for umask in (0o022, 0o077):
        before = os.umask(umask)
        try:
            found.append([path.read_bytes() for path in tool.release(tmp_path / oct(umask), TINY)])
        finally:
            os.umask(before)
    assert found[0] == found[1] and len(found[0]) == 3
