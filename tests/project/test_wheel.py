"""The wheel in an environment of its own, in the folder of a user who has packages of the rooms' names."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import amaranth
import pytest
from commands import ROOT, copy_project, share_kernels

pytestmark = [
    pytest.mark.cosim,
    pytest.mark.slow,
    pytest.mark.testpoint(
        "wheel",
        "built and installed into an environment of its own, beside a user's packages called tb, hdl, energy, "
        "pymodels: one import name, trainings on twin and Icarus, a block bench, all benches and oxmc.cocotb imported, "
        "the user's own tests",
    ),
]
FOREIGN = ("tb", "hdl", "energy", "pymodels", "silicon", "studies", "formal")
BENCHES = [path for room in ("blocks", "system") for path in (ROOT / "tb" / room).glob("*.py") if path.stem[0] != "_"]
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "docs/reference/cocotb.md").read_text(), re.S)
(BENCH,) = [block for block in BLOCKS if "run_bench(" in block]
"""What the docs tell a user to run."""
ALL_BENCHES = """
import importlib, pkgutil
import oxmc.cocotb, oxmc.tb.blocks, oxmc.tb.system

for room in (oxmc.tb.blocks, oxmc.tb.system):
    for module in pkgutil.iter_modules(room.__path__, room.__name__ + "."):
        importlib.import_module(module.name)
        print(module.name)
"""
THEIR_TEST = """
import tb.own
from oxmc.pymodels.config import resolve

def test_ours_beside_theirs():
    assert tb.own.VALUE == 7 and resolve("cancer", "paper").features == 16
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has the wheel, and the packages of others from here."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    copy = folder / "source"
    copy_project(copy)
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, copy], check=True, cwd=folder
    )
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    installed = folder / "venv/bin/python"
    (wheel,) = folder.glob("oxmc-*.whl")
    assert {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()} == {
        "oxmc", "hwcomponents_oxmc.py", wheel.name.removesuffix("-py3-none-any.whl") + ".dist-info",
    }, "the wheel claims one name, and the one under which hwcomponents looks"  # fmt: skip
    subprocess.run([*pip, "--python", installed, "install", "--no-deps", "--no-index", wheel], check=True, cwd=folder)
    (place,) = (folder / "venv/lib").glob("python*/site-packages")
    share_kernels(place / "oxmc/pymodels")
    (place / "others.pth").write_text(f"{Path(amaranth.__file__).parents[1]}\n")  # whose own .pth files are not read
    return installed


@pytest.fixture
def users(tmp_path: Path) -> Path:
    """A folder with packages of our rooms' names, which cannot be imported but for one."""
    for name in FOREIGN:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("" if name == "tb" else f"raise ImportError('{name} of a user')")
    (tmp_path / "tb/own.py").write_text("VALUE = 7\n")
    (tmp_path / "bench.py").write_text(BENCH)
    (tmp_path / "test_own.py").write_text(THEIR_TEST)
    return tmp_path


def run(python: Path, users: Path, *arguments: str) -> str:
    variables = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    variables |= {"PYTHONPATH": str(users), "OXMC_BUILD": str(users / "build/sim")}
    done = subprocess.run([python, *arguments], cwd=users, env=variables, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_user_installs_the_wheel_beside_own_packages(python: Path, users: Path) -> None:
    place = run(python, users, "-c", "import oxmc.hdl.chip, oxmc.silicon, oxmc; print(oxmc.__file__)").strip()
    assert Path(place).is_relative_to(python.parents[1])
    small = "cancer --preset paper --rows 3 --set train_samples=12 --set test_samples=4 --set burn_in=0".split()
    program = str(python.with_name("oxmc"))
    twin = run(python, users, program, "train", *small, "--engine", "twin", "--out", "twin")
    icarus = run(python, users, program, "train", *small, "--engine", "icarus", "--out", "icarus")
    state = [line for line in twin.splitlines() if "state" in line]
    assert state and all(line in icarus for line in state)


def test_a_users_bench_and_tests_run_beside_ours(python: Path, users: Path) -> None:
    assert "PASS=" in run(python, users, "bench.py")
    benches = run(python, users, "-c", ALL_BENCHES).split()
    assert benches.count("oxmc.tb.blocks.trainer") == 1 and len(benches) == len(BENCHES)
    assert "1 passed" in run(python, users, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_own.py")
