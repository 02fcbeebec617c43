"""Rules of the house, read from the sources: which room imports which, and no path of one machine in any file."""

from __future__ import annotations

import ast
import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from commands import ROOT

pytestmark = pytest.mark.testpoint(
    "house rules",
    "import arrows between the rooms, in one order; one import name; sizes of rooms, folders and functions; no "
    "path of one machine; the rules can fail",
)

LEAVES = frozenset(
    f"oxmc.pymodels.{name}"
    for name in (
        "ahead", "blocks", "config", "digests", "errors", "events", "files", "formats", "interface", "job",
        "kernel_cache", "kernel_parts", "kernels", "machine", "outcome", "oxram.card", "oxram.card_file",
        "oxram.card_range", "oxram.devices", "private", "rule", "streams", "strict", "surroundings", "tools", "whole",
    )
)  # fmt: skip
"""Modules that every room may import; of ours they import each other alone."""

BELOW: dict[str, frozenset[str]] = {
    room: frozenset(below.split())
    for room, below in {
        "leaves": "",
        "pymodels": "leaves",
        "hdl": "leaves",
        "hdl.top": "leaves hdl",
        "hdl.chip": "leaves hdl hdl.top",
        "hdl.verilog": "leaves hdl hdl.chip",
        "hdl.bus": "leaves hdl",
        "ip": "leaves pymodels hdl hdl.verilog hdl.bus energy tb.cosim silicon",
        "energy": "leaves",
        "tb.cosim": "leaves pymodels hdl hdl.top hdl.verilog",
        "tb.blocks": "leaves pymodels hdl hdl.verilog tb.cosim",
        "cocotb": "leaves pymodels hdl tb.cosim",
        "tb.system": "leaves pymodels hdl hdl.top tb.cosim tb.blocks",
        "tb.upsets": "leaves pymodels hdl hdl.verilog tb.cosim",
        "silicon": "leaves pymodels hdl hdl.verilog energy tb.cosim",
        "formal": "leaves hdl hdl.top hdl.chip hdl.verilog studies",
        "posterior": "leaves pymodels",
        "run": "leaves pymodels hdl.verilog energy tb.cosim silicon posterior",
        "cards": "leaves pymodels",
        "quality": "leaves pymodels energy silicon posterior run",
        "plots": "leaves pymodels posterior run cards",
        "campaign": "leaves pymodels posterior run plots",
        "reports": "leaves pymodels energy silicon posterior run campaign",
        "speed": "leaves pymodels hdl.verilog energy tb.cosim run campaign",
        "api": "leaves pymodels hdl.verilog energy posterior run plots campaign reports",
        "cli": "leaves pymodels hdl.verilog energy silicon posterior run plots campaign reports speed api cards "
        "quality ip paper",
        "studies": "leaves pymodels energy tb.cosim posterior run plots campaign cards quality",
        "paper": "leaves pymodels energy posterior run plots campaign speed studies",
        "pages": "leaves hdl hdl.chip hdl.verilog energy silicon api cli ip reports",
        "signoff": "leaves reports",
        "start": "cli",
    }.items()
}
"""What each room may import of the others. `start` is oxmc/start.py and oxmc/__main__.py; `hdl` are the chip's blocks,
`hdl.top` what brings them together, `hdl.chip` the chip; `cocotb` is what we offer for benches of others."""
NOT_THERE: dict[str, tuple[str, ...]] = {
    "leaves": ("amaranth", "cocotb", "typer", "rich"),
    "pymodels": ("amaranth", "cocotb", "typer", "rich"),
    "energy": ("amaranth", "cocotb", "typer"),
}
"""Packages of others that a room must do without."""

LARGEST = 0.25
"""Share of the lines that one room may have."""
MOST_FILES = 30
"""Python files that one folder may have."""
MOST_LINES = 60
"""Lines that one function may have."""

MACHINE_PATH = re.compile(r"(?<![\w.~/$}-])/(?:" + "|".join(("work", "root")) + r")(?![\w-])")
"""An absolute path that starts in a home or workplace of one machine; written so that this file holds none."""


def sources() -> Iterator[tuple[str, Path]]:
    """Dotted name and file of each module; rooms that are links are followed."""
    for folder, names, files in os.walk(ROOT / "oxmc", followlinks=True):
        names[:] = sorted(name for name in names if name != "__pycache__")
        for file in sorted(files):
            path = Path(folder, file)
            if path.suffix == ".py":
                yield ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"), path


def room_of(module: str) -> str | None:
    """The room that a dotted name lies in; None for what is not ours, and for packages that hold nothing but rooms."""
    parts = module.split(".")
    if parts[0] != "oxmc" or module in ("oxmc", "oxmc.tb"):
        return None
    if any(module == leaf or module.startswith(f"{leaf}.") for leaf in LEAVES):
        return "leaves"
    if parts[1] in ("start", "__main__"):
        return "start"
    inner = ".".join(parts[1:3])
    return inner if inner in BELOW else parts[1]


def imports(source: str, package: str) -> Iterator[str]:
    """Absolute dotted names that `source`, a module of `package`, imports, wherever in the file."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            base = ".".join([*parents, *filter(None, [node.module])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def breaches(source: str, module: str, *, is_package: bool = False) -> list[str]:
    """One line for each import in `source` that breaks a rule."""
    room, found = room_of(module), []
    if room is None:
        return []
    for target in imports(source, module if is_package else module.rpartition(".")[0]):
        other = room_of(target)
        if target.split(".")[0] in NOT_THERE.get(room, ()):
            found.append(f"{module}: {room} must do without {target.split('.')[0]}")
        elif other not in (None, room) and other not in BELOW[room]:
            found.append(f"{module}: {room} must not import {other} ({target})")
    return found


def test_import_arrows() -> None:
    assert {room_of(name) for name, _ in sources()} - {None} == set(BELOW)
    lines = [
        line
        for name, path in sources()
        for line in breaches(path.read_text(), name, is_package=path.name == "__init__.py")
    ]
    assert lines == []


def test_no_room_is_above_itself() -> None:
    """The table is an order: whatever a room may import may import less."""
    for room, below in BELOW.items():
        assert all(room not in BELOW[other] for other in below), room


def test_leaves_exist() -> None:
    assert LEAVES - {name for name, _ in sources()} == set()


EXAMPLES = {
    "formal": "from oxmc.tb.cosim import simulator",
    "leaves": "from oxmc.pymodels import oxram",
    "pymodels": "from ..energy.ledger import total",
    "hdl": "import oxmc.hdl.chip",
    "hdl.top": "import oxmc.pymodels.oxram.array as array",
    "hdl.chip": "from oxmc.hdl.verilog.netlist import chip_verilog",
    "hdl.verilog": "from oxmc.hdl.top import core",
    "hdl.bus": "from oxmc.hdl.top import core",
    "ip": "from oxmc.run.train import train",
    "energy": "def late():\n    from oxmc.hdl.chip import Chip",
    "tb.cosim": "from oxmc.tb.blocks.scoreboard import Scoreboard",
    "tb.blocks": "from oxmc.run.train import train",
    "cocotb": "from oxmc.api.run import Run",
    "tb.system": "from oxmc.silicon.gates import run_gates",
    "tb.upsets": "from oxmc.tb.system.desk import look",
    "silicon": "from oxmc.run import result",
    "posterior": "import oxmc.run.train",
    "run": "from oxmc.plots.style import save",
    "cards": "import oxmc.run.train",
    "quality": "from oxmc.reports.accounts import Account",
    "plots": "from oxmc.campaign.repeats import Plan",
    "campaign": "from oxmc.reports.accounts import Account",
    "reports": "from oxmc.cli.console import wide",
    "speed": "from oxmc.reports.plain import PlainConsole",
    "api": "from oxmc.cli.console import wide",
    "cli": "from oxmc.tb.blocks.run_bench import run_bench",
    "studies": "from oxmc.cli.console import wide",
    "paper": "from oxmc.cli.console import wide",
    "pages": "from oxmc.run.train import train",
    "signoff": "from oxmc.formal.proofs import PROOFS",
    "start": "from oxmc.run.train import train",
}


@pytest.mark.parametrize("room", BELOW)
def test_a_forbidden_import_is_found(room: str) -> None:
    module = {"leaves": "oxmc.pymodels.config", "start": "oxmc.start"}.get(room, f"oxmc.{room}.module")
    (line,) = breaches(EXAMPLES[room], module)
    assert f"{room} must not import" in line


@pytest.mark.parametrize("room", NOT_THERE)
def test_a_foreign_package_is_found(room: str) -> None:
    module = "oxmc.pymodels.config" if room == "leaves" else f"oxmc.{room}.module"
    (line,) = breaches("from cocotb_tools import runner\nimport cocotb.triggers", module)
    assert line == f"{module}: {room} must do without cocotb"


def test_an_allowed_import_passes() -> None:
    assert breaches("from amaranth import Module\nfrom oxmc.pymodels import config", "oxmc.hdl.chip") == []
    assert breaches("import oxmc.hdl.verilog.netlist\nfrom . import console", "oxmc.cli.app") == []


def test_cocotb_is_cocotb_in_a_room_of_its_name() -> None:
    import oxmc.cocotb.array

    assert oxmc.cocotb.array.cocotb.__name__ == "cocotb" and not hasattr(oxmc.cocotb.array.cocotb, "OxramArray")


def test_nothing_imports_a_room_by_its_folder() -> None:
    """`import hdl` would find ours in a clone and a user's own anywhere else."""
    rooms = {"hdl", "tb", "energy", "pymodels", "silicon", "studies", "formal"}
    files = [path for _, path in sources()] + sorted((ROOT / "tests").rglob("*.py"))
    found = {
        f"{path}: {name}" for path in files for name in imports(path.read_text(), "") if name.split(".")[0] in rooms
    }
    assert found == set()


def test_no_room_is_most_of_the_house() -> None:
    lines = Counter[str]()
    for name, path in sources():
        lines[(room_of(name) or "oxmc").split(".")[0]] += len(path.read_text().splitlines())
    assert max(lines.values()) < LARGEST * sum(lines.values()), lines.most_common(3)


def unknown_rooms(folders: Iterable[str]) -> set[str]:
    """Folders of tests that are named after no room of the house; what checks the project as a whole has its own."""
    rooms = {str(path.parent.relative_to(ROOT)) for _, path in sources()}
    return set(folders) - {room.removeprefix("oxmc/") for room in rooms} - {"project"}


def test_tests_mirror_the_rooms() -> None:
    folders = {str(path.parent.relative_to(ROOT / "tests")) for path in (ROOT / "tests").rglob("test_*.py")}
    assert unknown_rooms(folders) == set()
    assert unknown_rooms({"hdl", "run", "pymodels/twin", "twin", ".", "misc"}) == {"twin", ".", "misc"}


def test_the_chips_top_is_wiring_alone() -> None:
    assert len((ROOT / "hdl/chip.py").read_text().splitlines()) < 300


def test_no_folder_is_a_heap() -> None:
    folders = Counter(path.parent for _, path in sources())
    assert {str(folder): count for folder, count in folders.items() if count > MOST_FILES} == {}


JUSTIFIED = {
    "oxmc.cli.quality.quality": "an option a line",
    "oxmc.cli.train.train": "an option a line",
    "oxmc.hdl.pair_programmer._elaborate_sequence": "one state machine, read from top to bottom",
}
"""Functions that may be longer, each with its reason."""


def test_no_function_is_a_program() -> None:
    long = {
        f"{name}.{node.name}"
        for name, path in sources()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.end_lineno is not None
        if node.end_lineno - node.lineno >= MOST_LINES
    }
    assert long == set(JUSTIFIED)


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
