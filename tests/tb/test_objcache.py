"""Verilator's own objects: compiled once, and again for anything that they follow from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from oxmc.tb.cosim import objcache, runners

pytestmark = pytest.mark.testpoint(
    "Verilator's own objects",
    "compiled once for all builds, and anew for other flags, macros that it asks for, another compiler or version, or "
    "a damaged object; a design is always compiled; nothing is kept of an error or where others can write",
)

COMPILER = """#!/bin/sh
for word; do last=$word; done
case " $* " in
    *" -E "*) case " $* " in *" -DASKED "*) echo asked ;; esac; cat "$last"; exit ;;
esac
echo called >> calls
grep -q error "$last" && exit 3
cat "$last" > object.o
"""
LIBRARY = "verilator/include/verilated.cpp"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "verilator/include").mkdir(parents=True)
    (tmp_path / "kept").mkdir()
    (tmp_path / "g++").write_text(COMPILER)
    (tmp_path / "g++").chmod(0o755)
    (tmp_path / LIBRARY).write_text("library")
    (tmp_path / "design.cpp").write_text("design")
    return tmp_path


def compiled(folder: Path, source: str = LIBRARY, version: str = "5", flag: str = "-O2") -> tuple[int, str, int]:
    """Exit code, the object, and how often the compiler has compiled so far."""
    (folder / "object.o").unlink(missing_ok=True)
    command = [str(folder / "g++"), flag, "-c", "-o", "object.o", source]
    script = [sys.executable, "-I", "-S", objcache.__file__, str(folder / "kept"), version]
    done = subprocess.run([*script, *command], cwd=folder, check=False)
    found = (folder / "object.o").read_text() if (folder / "object.o").exists() else ""
    calls = (folder / "calls").read_text().count("called") if (folder / "calls").exists() else 0
    return done.returncode, found, calls


def test_the_library_is_compiled_once(folder: Path) -> None:
    assert compiled(folder) == compiled(folder) == (0, "library", 1)


def test_what_it_follows_from_compiles_it_anew(folder: Path) -> None:
    compiled(folder)
    assert compiled(folder, flag="-O3")[2] == 2
    assert compiled(folder, version="6")[2] == 3
    (folder / "g++").write_text(COMPILER + "# another\n")
    assert compiled(folder) == (0, "library", 4)


def test_macros_that_a_source_asks_for_compile_it_anew(folder: Path) -> None:
    """And no others; what a source includes counts, too."""
    compiled(folder)
    assert compiled(folder, flag="-DOTHER") == (0, "library", 2), "without the first command's -O2"
    assert compiled(folder, flag="-DNOBODY") == compiled(folder, flag="-Iwhere") == (0, "library", 2)
    assert compiled(folder, flag="-DASKED")[2] == 3
    (folder / LIBRARY).write_text("changed")
    assert compiled(folder, flag="-DASKS") == (0, "changed", 4)


def test_sources_without_a_text_are_told_apart(folder: Path) -> None:
    """Where the compiler makes none: each command has an object of its own."""
    (folder / "g++").write_text(COMPILER.replace('cat "$last"; exit', "exit 1"))
    other = "verilator/include/other.cpp"
    (folder / other).write_text("other")
    assert compiled(folder) == (0, "library", 1) and compiled(folder, source=other) == (0, "other", 2)


def test_a_design_is_always_compiled(folder: Path) -> None:
    assert compiled(folder, "design.cpp")[2] == 1
    assert compiled(folder, "design.cpp") == (0, "design", 2)


def test_a_command_that_names_no_object_is_run(folder: Path) -> None:
    """As Verilator compiles a design's headers."""
    script = [sys.executable, "-I", "-S", objcache.__file__, str(folder / "kept"), "5"]
    assert subprocess.run([*script, str(folder / "g++"), "-c", "design.cpp"], cwd=folder, check=False).returncode == 0


def test_builds_side_by_side_compile_the_library_once(folder: Path) -> None:
    """The second waits for the first, which holds a lock."""
    slow = COMPILER.replace("cat ", "sleep 0.3; cat ")
    (folder / "g++").write_text(slow)
    script = [sys.executable, "-I", "-S", objcache.__file__, str(folder / "kept"), "5", str(folder / "g++")]
    command = [*script, "-O2", "-c", "-o", "object.o", LIBRARY]
    both = [subprocess.Popen(command, cwd=folder) for _ in range(2)]
    assert [one.wait() for one in both] == [0, 0]
    assert (folder / "calls").read_text().count("called") == 1


@pytest.mark.parametrize("kind", ["o", "sha256"])
def test_a_damaged_object_is_compiled_anew(folder: Path, kind: str) -> None:
    """One by its command and the other by its text."""
    compiled(folder)
    paths = list((folder / "kept").glob(f"*.{kind}"))
    assert len(paths) == 2
    for path in paths:
        path.write_text("x")
    assert compiled(folder) == (0, "library", 2)
    assert compiled(folder) == (0, "library", 2)


def test_nothing_is_kept_of_an_error(folder: Path) -> None:
    (folder / LIBRARY).write_text("error")
    assert compiled(folder)[0] == 3 and {path.suffix for path in (folder / "kept").iterdir()} == {".lock"}


def test_a_cache_that_others_can_write_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OXMC_BUILD", str(tmp_path))
    assert str(tmp_path) in " ".join(runners._objcache())
    (tmp_path / "verilated").chmod(0o777)
    assert runners._objcache() == []
