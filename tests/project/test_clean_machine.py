"""What sets a machine up and checks it there: `.ci/run` and `make bare`, and what they hand on of an environment."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from commands import ROOT

pytestmark = pytest.mark.testpoint(
    "a clean machine",
    "the suite's own environment is bare, registries and recordings are reached; make bare says what it needs",
)

MAKEFILE = "test:\n\t@env\nHIDDEN:\n"


def variables(folder: Path, **more: str) -> dict[str, str]:
    """What `make test` gets from `.ci/run` in a folder that holds nothing but a Makefile which shows it."""
    (folder / ".ci").mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / ".ci" / "run", folder / ".ci")
    (folder / "Makefile").write_text(MAKEFILE)
    user = {"HOME": "/home/me", "PATH": "/home/me/bin:" + os.environ["PATH"]}
    done = subprocess.run([folder / ".ci" / "run"], env=user | more, capture_output=True, text=True, check=True)
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)


def test_the_suite_runs_in_a_bare_environment(tmp_path: Path) -> None:
    shell = dict(
        COCOTB_TEST_FILTER="x", PYTHONPATH="/x", MAKEFLAGS="-k", CXXFLAGS="-x", VERILATOR_ROOT="/x", CDPATH="/"
    )
    got = variables(tmp_path / "clone", **shell)
    assert got["PATH"] == "/usr/bin:/bin:/usr/sbin:/sbin" and got["HOME"] == "/home/me"
    assert set(got) <= {
        "PATH",
        "HOME",
        "PWD",
        "OLDPWD",
        "SHLVL",
        "_",
        "MAKEFLAGS",
        "MAKELEVEL",
        "MFLAGS",
        "MAKE_TERMOUT",
    }
    assert "k" not in got.get("MAKEFLAGS", "")


@pytest.mark.parametrize(
    "name", ["PIP_INDEX_URL", "PIP_CERT", "https_proxy", "HTTP_PROXY", "no_proxy", "SSL_CERT_FILE"]
)
def test_a_registry_behind_a_proxy_is_reached(name: str, tmp_path: Path) -> None:
    assert variables(tmp_path / "clone", **{name: "a b $c"})[name] == "a b $c"


def test_a_user_exports_a_simulator_of_another_project() -> None:
    """cocotb's own makefiles read SIM from the environment, so that it is exported often; here it comes after make."""
    shell = {
        "PATH": os.environ["PATH"],
        "SIM": "questa",
        "T": "theirs",
        "PYTEST_ADDOPTS": "--theirs",
        "PYTHONPATH": "/x",
    }
    show = ["make", "--eval", "show:; @env; echo tests=$(TESTS)", "show"]
    done = subprocess.run(show, cwd=ROOT, env=shell, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert "tests=tests" in lines
    assert not [line for line in lines if line.startswith(("OXMC_SIM=", "PYTEST_ADDOPTS=", "PYTHONPATH="))]
    chosen = subprocess.run([*show, "SIM=icarus", "T=lfsr"], cwd=ROOT, env=shell, capture_output=True, text=True)
    assert {"OXMC_SIM=icarus", "tests=tests/hdl/test_lfsr.py"} <= set(chosen.stdout.splitlines())
    refused = subprocess.run(["make", "help", "SIM=questa"], cwd=ROOT, env=shell, capture_output=True, text=True)
    assert refused.returncode == 2 and "SIM must be icarus or verilator, not 'questa'" in refused.stderr


def test_recordings_beside_the_clone_are_found(tmp_path: Path) -> None:
    assert "OXMC_DATA" not in variables(tmp_path / "clone")
    (tmp_path / "shared" / "data").mkdir(parents=True)
    assert variables(tmp_path / "clone")["OXMC_DATA"] == str(tmp_path / "shared" / "data")


@pytest.mark.parametrize(
    ("stub", "message"), [("id", "must be run by root"), ("debootstrap", "debootstrap is not there")]
)
def test_make_bare_says_what_it_needs(stub: str, message: str, tmp_path: Path) -> None:
    """With an `id` that says 1000, and on a PATH without debootstrap."""
    for name in ("bash", "dirname", "env", "mkdir", "git", *(["id"] if stub != "id" else [])):
        if found := shutil.which(name):  # a minimal Debian has no git
            (tmp_path / name).symlink_to(found)
    if stub == "id":
        (tmp_path / "id").write_text("#!/bin/sh\necho 1000\n")
        (tmp_path / "id").chmod(0o755)
    elif os.getuid() != 0:
        pytest.skip("root alone gets that far")
    done = subprocess.run([ROOT / "tools" / "bare.sh"], env={"PATH": str(tmp_path)}, capture_output=True, text=True)
    assert done.returncode == 1 and re.fullmatch(rf"bare: error: .*{message}.*\n", done.stderr), done


@pytest.mark.parametrize("script", ["tools/bare.sh", "tools/setup.sh", ".ci/run"])
def test_scripts_are_whole(script: str) -> None:
    subprocess.run(["bash", "-n", ROOT / script], check=True)
    assert "unset CDPATH" in (ROOT / script).read_text(), "a `cd` there would say where it went, or go elsewhere"
