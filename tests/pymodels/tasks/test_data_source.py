"""What a run was trained on is part of what it is: options, checksums, and going on with repeats."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from commands import oxmc, refusal
from pytest import CaptureFixture

from oxmc.pymodels.config import Config, preset
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.tasks import DataSource, fit_config, load_task, sha256_of

pytestmark = pytest.mark.testpoint(
    "data sources",
    "options that a task takes, checksums, files that changed, repeats that go on with the same data only",
)

CSV = "a,kind\n" + "".join(f"{k},{'yes' if k % 2 else 'no'}\n" for k in range(20))


def test_sha256(tmp_path: Path) -> None:
    """Of a file its digest; of a folder one that follows names and contents."""
    (tmp_path / "b").write_bytes(b"bee")
    assert sha256_of(tmp_path / "b") == hashlib.sha256(b"bee").hexdigest()
    before = sha256_of(tmp_path)
    assert before == hashlib.sha256(f"b {hashlib.sha256(b'bee').hexdigest()}\n".encode()).hexdigest()
    (tmp_path / "a").write_bytes(b"")
    assert sha256_of(tmp_path) != before
    with pytest.raises(InputError) as error:
        sha256_of(tmp_path / "c")
    assert str(error.value) == f"--data must be readable, not {str(tmp_path / 'c')!r} (No such file or directory)"


def test_a_file_that_changed_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text(CSV)
    source = DataSource(data=file, label="kind")
    assert fit_config("table", preset("table", "wide"), (), source).train_samples == 13
    file.write_text(CSV + "20,no\n21,yes\n" * 10)
    assert fit_config("table", preset("table", "wide"), (), source).train_samples == 26


def test_tasks_without_data_keep_their_geometry() -> None:
    config = Config()
    assert fit_config("cancer", config, ()) is config
    with pytest.raises(InputError) as error:
        load_task("cancer", config, 0, DataSource(subject=3))
    assert str(error.value) == "--subject must be left out for task cancer, which does not take it, not '3'"


def test_repeats_go_on_with_the_same_data_only(
    capsys: CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that changed or another label is refused; a file of another name with the same contents is not."""
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text(CSV)
    Path("same.csv").write_text(CSV)
    Path("other.csv").write_text(CSV.replace("kind", "sort"))

    def command(file: str, label: str = "kind") -> tuple[str, ...]:
        small = ("--rows", "4", "--set", "train_samples=12", "--set", "test_samples=5", "--set", "features=2")
        return ("train", "table", "--engine", "twin", "--data", file, "--label", label, "--out", "r", *small)

    assert oxmc(capsys, *command("t.csv"), "--repeats", "2").code == 0
    run = json.loads(Path("r/run.json").read_text())
    sha256 = hashlib.sha256(CSV.encode()).hexdigest()
    assert run["data"]["sha256"] == sha256 and run["repeats"]["n"] == 2
    assert oxmc(capsys, *command("same.csv"), "--repeats", "2", "--resume").code == 0
    other = hashlib.sha256(CSV.replace("kind", "sort").encode()).hexdigest()
    assert refusal(capsys, *command("other.csv", "sort"), "--repeats", "2", "--resume") == (
        f"the SHA-256 of --data must be {sha256!r} as in 'r' to go on with it, not {other!r}"
    )
    assert refusal(capsys, *command("t.csv", "a"), "--repeats", "2", "--resume").startswith("--label must ")
