"""Run directories appear whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from pytest import MonkeyPatch

from oxmc.pymodels.errors import InputError
from oxmc.run.rundir import SCHEMA, check_out, free_name, read_run, write_json, writing

pytestmark = pytest.mark.testpoint("run directories", "whole under their final name or not there at all")


def test_free_name(tmp_path: Path) -> None:
    for name in ("run", "run-2", "run-3"):
        path = free_name("run", tmp_path)
        assert path == tmp_path / name
        path.mkdir()


def test_a_folder_appears_when_whole(tmp_path: Path) -> None:
    out = tmp_path / "a" / "b" / "run"
    with writing(out) as scratch:
        assert scratch.parent == out.parent and scratch != out
        (scratch / "file").write_text("text")
        assert not out.exists()
    assert (out / "file").read_text() == "text"
    assert [path.name for path in out.parent.iterdir()] == ["run"]
    assert out.stat().st_mode & 0o777 == 0o755  # readable for others, unlike a temporary folder


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_failure_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), writing(tmp_path / "a" / "b" / "run") as scratch:
        (scratch / "deep").mkdir()
        (scratch / "deep" / "file").write_text("half")
        raise error
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    """An empty folder under the name, and a neighbour that came in the meantime."""
    (tmp_path / "run").mkdir()
    with pytest.raises(ValueError), writing(tmp_path / "run"):
        raise ValueError
    with pytest.raises(ValueError), writing(tmp_path / "new" / "run"):
        (tmp_path / "new" / "neighbour").mkdir()
        raise ValueError
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["neighbour", "new", "run"]


def test_an_empty_folder_is_taken(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    """Also behind a link, and the current one."""
    for name in ("empty", "target", "here"):
        (tmp_path / name).mkdir()
    (tmp_path / "link").symlink_to("target")
    monkeypatch.chdir(tmp_path / "here")
    for out in (tmp_path / "empty", tmp_path / "link", Path(".")):
        with writing(out) as scratch:
            (scratch / "file").write_text("text")
    assert (tmp_path / "link").is_symlink()
    assert all((tmp_path / name / "file").exists() for name in ("empty", "target", "here"))


def test_a_name_taken_in_the_meantime(tmp_path: Path) -> None:
    """Of two runs into one folder the first to end wins, and the second says so."""
    out = tmp_path / "run"
    with pytest.raises(InputError) as caught, writing(out):
        out.mkdir()
        (out / "file").write_text("theirs")
    assert str(caught.value) == f"--out must be a folder that can be written, not {str(out)!r} (Directory not empty)"
    assert [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob("*"))] == ["run", "run/file"]


def test_check_out_only_looks(tmp_path: Path) -> None:
    check_out(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "link").symlink_to("nowhere")
    check_out(tmp_path / "link")


def test_a_folder_without_rights(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    try:
        if os.access(tmp_path, os.W_OK):
            pytest.skip("this user may write everywhere")
        with pytest.raises(
            InputError, match=r"--out must be a folder that can be written, not .* \(Permission denied\)"
        ):
            with writing(tmp_path / "run"):
                pass
    finally:
        tmp_path.chmod(0o755)


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_run(path)
    return str(caught.value)


def test_read_run(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    rule = "RUN must be a run directory with a run.json"
    assert refusal(tmp_path) == f"{rule}, not {str(tmp_path)!r} (No such file or directory)"
    assert refusal(tmp_path / "x") == f"{rule}, not {str(tmp_path / 'x')!r} (No such file or directory)"
    for content, error in (
        (b"", "Expecting value: line 1 column 1 (char 0)"),
        (b'{"schema": ', "Expecting value: line 1 column 12 (char 11)"),
        (b"\xff", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    ):
        file.write_bytes(content)
        for path in (tmp_path, file):
            assert refusal(path) == f"{rule}, not {str(path)!r} ({error})"
    for text, schema in (("[]", None), ("3", None), ("{}", None), ('{"schema": "oxmc.run/2"}', "oxmc.run/2")):
        file.write_text(text)
        assert refusal(tmp_path) == f"RUN must have schema 'oxmc.run/1', not {schema!r} ({str(file)!r})"
    write_json(file, {"schema": SCHEMA, "value": 0.1})
    assert read_run(tmp_path) == read_run(file) == {"schema": SCHEMA, "value": 0.1}
    assert json.loads(file.read_text())["value"] == 0.1 and file.read_text().endswith("}\n")
