"""The kept Verilog is what would be generated, and any change of what it follows from generates it anew."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest import CaptureFixture, MonkeyPatch

from oxmc.hdl.verilog import netlist, netlist_cache
from oxmc.hdl.verilog.netlist_cache import kept_verilog
from oxmc.pymodels.config import Config

pytestmark = pytest.mark.testpoint(
    "kept Verilog",
    "what is kept is what Amaranth makes; a changed or new source, another Amaranth, Yosys or configuration "
    "makes it anew; an unwritable cache is done without",
)


class Generator:
    """Stands in for Amaranth: says how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> str:
        self.asked += 1
        return f"module number {self.asked}"


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: MonkeyPatch) -> Path:
    """A copy of the sources that count, and an empty cache."""
    root = tmp_path / "project"
    for path in netlist_cache.source_files():
        copy = root / path.relative_to(netlist_cache.PACKAGE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    monkeypatch.setattr(netlist_cache, "PACKAGE", root)
    monkeypatch.setenv("OXMC_BUILD", str(tmp_path / "sim"))
    return root


def test_the_same_is_kept(sources: Path) -> None:
    make = Generator()
    assert [kept_verilog(Config(), make) for _ in range(3)] == ["module number 1"] * 3 and make.asked == 1


def _mutate(name: str) -> Callable[[Path, MonkeyPatch], None]:
    def change(root: Path, monkeypatch: MonkeyPatch) -> None:
        path = root / name
        path.write_text(path.read_text().replace("1", "2", 1))

    return change


def _add_source(root: Path, monkeypatch: MonkeyPatch) -> None:
    (root / "hdl" / "new.py").write_text("")


def _add_deep_source(root: Path, monkeypatch: MonkeyPatch) -> None:
    """In a folder of its own, under a name that is there already."""
    (root / "hdl" / "more").mkdir()
    (root / "hdl" / "more" / "chip.py").write_text("")


def _other_amaranth(root: Path, monkeypatch: MonkeyPatch) -> None:
    """As another process would find it: this one asks once."""
    monkeypatch.setattr(netlist_cache, "_tools", netlist_cache._tools.__wrapped__)
    original = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: original(name) + ".1" * (name == "amaranth"))


@pytest.mark.parametrize(
    "change",
    [
        *map(_mutate, ("hdl/trainer.py", "hdl/memory.py", "pymodels/formats.py", "hdl/verilog/netlist.py")),
        *map(_mutate, ("pymodels/tasks/table.py", "pymodels/oxram/cards/16k.toml")),
        _add_source,
        _add_deep_source,
        _other_amaranth,
    ],
)
def test_a_change_generates_anew(
    change: Callable[[Path, MonkeyPatch], None], sources: Path, monkeypatch: MonkeyPatch
) -> None:
    make = Generator()
    kept_verilog(Config(), make)
    change(sources, monkeypatch)
    assert kept_verilog(Config(), make) == "module number 2"


def test_every_key_of_the_configuration_counts(sources: Path) -> None:
    make = Generator()
    for config in (Config(), Config(input_bits=6), Config(rows=512), Config(verify="cell")):
        kept_verilog(config, make)
    assert make.asked == 4


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("OXMC_BUILD", str(tmp_path / "file"))
    make = Generator()
    assert [kept_verilog(Config(), make) for _ in range(2)] == ["module number 1", "module number 2"]


def test_what_is_kept_is_the_chip(tmp_path: Path, monkeypatch: MonkeyPatch) -> None:
    """One file, whole, under its final name; read again it is the text that was made."""
    monkeypatch.setenv("OXMC_BUILD", str(tmp_path))
    config = netlist.build_config(Config(input_bits=7))
    text = netlist.chip_verilog.__wrapped__(config)
    (name,) = os.listdir(tmp_path)
    head, _, body = (tmp_path / name).read_text().partition("\n")
    assert name.startswith("netlist-") and head.startswith("// SHA-256 ")
    assert body == text == netlist.elaborated(config, "oxmc_chip", False)
    assert netlist.chip_verilog.__wrapped__(config) == text


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace(b"number", b"NUMBER"), lambda text: text[:-1], lambda text: text + b"\n",
        lambda text: text.partition(b"\n")[2], lambda text: b"", lambda text: b"\xff" * len(text),
    ],
    ids=["changed", "torn", "longer", "headless", "empty", "no text"],
)  # fmt: skip
def test_a_netlist_that_someone_has_changed_is_made_anew(
    spoil: Callable[[bytes], bytes], sources: Path, capsys: CaptureFixture[str]
) -> None:
    """And one line says so."""
    make = Generator()
    kept_verilog(Config(), make)
    (path,) = netlist_cache.cache_folder().glob("netlist-*.v")
    path.write_bytes(spoil(path.read_bytes()))
    assert kept_verilog(Config(), make) == "module number 2"
    assert capsys.readouterr().err == f"oxmc: {str(path)!r} is not what was stored: made anew\n"
    assert kept_verilog(Config(), make) == "module number 2" and capsys.readouterr().err == ""


def test_netlists_last_used_are_kept(sources: Path, monkeypatch: MonkeyPatch) -> None:
    """Of three, the one not used since goes; what else lies in the folder stays."""
    monkeypatch.setattr(netlist_cache, "KEPT", 2)
    make, (first, second, third) = Generator(), (Config(adc_bits=bits, table_bits=2) for bits in (5, 6, 7))
    folder = netlist_cache.cache_folder()
    folder.mkdir()
    (folder / "build.v").write_text("")
    for number, config in enumerate((first, second)):
        kept_verilog(config, make)
        for path in folder.glob("netlist-*.v"):  # a filesystem's clock may tick too slowly to tell
            os.utime(path, (path.stat().st_atime - 10, path.stat().st_mtime - 10 + number))
    for config in (first, third):
        kept_verilog(config, make)
    assert len(list(folder.glob("netlist-*"))) == 2 and (folder / "build.v").exists()
    assert [kept_verilog(config, make) for config in (first, third, second)] == [
        f"module number {n}" for n in (1, 3, 4)
    ]
