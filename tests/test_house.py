"""Rules of the house, read from the sources: which room imports which, and no path of one machine in any file."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("pymodels", "hdl", "energy", "tb")
LEAVES = (
    "oxmc.pymodels.config",
    "oxmc.pymodels.digests",
    "oxmc.pymodels.errors",
    "oxmc.pymodels.events",
    "oxmc.pymodels.files",
    "oxmc.pymodels.formats",
    "oxmc.pymodels.kernels",
    "oxmc.pymodels.machine",
    "oxmc.pymodels.strict",
    "oxmc.pymodels.whole",
)
SIMULATORS = ("amaranth", "cocotb")

MACHINE_PATH = re.compile(r"(?<![\w.~/$}-])/(?:" + "|".join(("work", "root")) + r")(?![\w-])")
"""An absolute path that starts in a home or workplace of one machine; written so that this file holds none."""


def module_name(path: Path) -> str:
    """Dotted name of a source file of the project; a package's is that of its folder."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(source: str, package: str) -> Iterator[str]:
    """Absolute dotted names that `source`, a module of `package`, imports, wherever in the file."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            base = ".".join([*parents, *filter(None, [node.module])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def is_leaf(name: str) -> bool:
    return any(name == leaf or name.startswith(f"{leaf}.") for leaf in LEAVES)


def breach(module: str, target: str) -> str | None:
    """The rule that `module` breaks when it imports `target`, if any."""
    room, other = module.split(".")[0], target.split(".")[0]
    if room == "pymodels" and other.startswith(SIMULATORS):
        return "pymodels imports neither amaranth nor cocotb"
    if other not in ROOMS or is_leaf(target):
        return None
    if is_leaf(module) or module == "pymodels":  # importing a leaf runs its package's __init__, too
        return "a leaf imports leaves only"
    if room in ("tb", other):
        return None
    return "nothing imports tb" if other == "tb" else f"{room} imports of other rooms leaves only"


def breaches(source: str, module: str, *, is_package: bool = False) -> list[str]:
    """One line for each import in `source` that breaks a rule."""
    package = module if is_package else module.rpartition(".")[0]
    found = ((target, breach(module, target)) for target in imports(source, package))
    return [f"{module} imports {target}: {rule}" for target, rule in found if rule]


@pytest.mark.parametrize("room", ROOMS)
def test_import_arrows(room: str) -> None:
    paths = sorted((ROOT / room).rglob("*.py"))
    assert paths, f"{room} holds no source"
    lines = [
        line
        for path in paths
        for line in breaches(path.read_text(), module_name(path), is_package=path.name == "__init__.py")
    ]
    assert lines == []


def test_leaves_exist() -> None:
    assert [leaf for leaf in LEAVES if not (ROOT / leaf.replace(".", "/")).with_suffix(".py").is_file()] == []


@pytest.mark.parametrize(
    ("module", "source", "rule"),
    [
        ("oxmc.pymodels.oxram.array", "import amaranth.hdl", "pymodels imports neither amaranth nor cocotb"),
        (
            "oxmc.pymodels.oxram.array",
            "def f():\n    from cocotb_tools import runner",
            "pymodels imports neither amaranth nor cocotb",
        ),
        ("oxmc.pymodels.config", "from pymodels import array", "a leaf imports leaves only"),
        ("oxmc.pymodels.config", "from . import array", "a leaf imports leaves only"),
        ("oxmc.pymodels.tasks.cancer", "from ...tb import cli", "nothing imports tb"),
        ("oxmc.hdl.chip", "from oxmc.pymodels.oxram.array import Array", "hdl imports of other rooms leaves only"),
        ("oxmc.hdl.chip", "import pymodels", "hdl imports of other rooms leaves only"),
        ("oxmc.energy.ledger", "import oxmc.hdl.chip as chip", "energy imports of other rooms leaves only"),
        ("oxmc.energy.ledger", "import tb", "nothing imports tb"),
        (
            "oxmc.pymodels.oxram.array",
            "from oxmc.energy.ledger import total",
            "pymodels imports of other rooms leaves only",
        ),
    ],
)
def test_a_forbidden_import_is_found(module: str, source: str, rule: str) -> None:
    lines = breaches(source, module)
    assert len(lines) == 1 and lines[0].endswith(f": {rule}")


def test_a_package_is_held_to_the_rules_of_its_leaves() -> None:
    assert breaches("from .array import Array", "pymodels", is_package=True) == [
        "pymodels imports oxmc.pymodels.oxram.array.Array: a leaf imports leaves only"
    ]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        (
            "oxmc.hdl.chip",
            "from amaranth import Module\nfrom pymodels import config, events\nfrom oxmc.hdl.lfsr import Lfsr",
        ),
        ("oxmc.pymodels.tasks.cancer", "import numpy\nfrom ..config import Config\nfrom ..array import Array"),
        ("oxmc.cli.app", "import oxmc.hdl.chip, oxmc.energy.ledger\nfrom pymodels import array\nfrom . import bench"),
    ],
)
def test_an_allowed_import_passes(module: str, source: str) -> None:
    assert breaches(source, module) == []


def project_files() -> list[Path]:
    """Files that git tracks or would add."""
    if not (ROOT / ".git").exists():
        pytest.skip("no git repository: the project's files can't be told from others")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def machine_paths(text: str) -> list[str]:
    """Lines that hold a path of one machine."""
    return [line for line in text.splitlines() if MACHINE_PATH.search(line)]


def test_no_file_holds_a_path_of_one_machine() -> None:
    paths = project_files()
    assert ROOT / "pyproject.toml" in paths
    lines = [
        f"{path.relative_to(ROOT)}: {line}"
        for path in paths
        if b"\0" not in path.read_bytes()  # text files only
        for line in machine_paths(path.read_text(errors="replace"))
    ]
    assert lines == []


def test_a_path_of_one_machine_is_found() -> None:
    for top in ("work", "root"):
        assert machine_paths(f'good\nopen("/{top}/data.npz")\n/{top}') == [f'open("/{top}/data.npz")', f"/{top}"]
    assert machine_paths("https://example.org/work/page ./work/ build/root /workshop") == []
