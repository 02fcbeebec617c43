"""requirements.lock: what `make setup` installs is pinned, hashed, enough, and from nobody's own index."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from commands import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.licences import licence_of, locked, page

pytestmark = pytest.mark.testpoint(
    "locked dependencies",
    "versions and hashes only, enough for the project on each Python and machine and for each package; a bad "
    "lock is found; set-up takes it alone; page of licences",
)

LOCK = (ROOT / "requirements.lock").read_text()
SITE_LOCK = (ROOT / "requirements-site.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PYTHONS = ("3.11", "3.12", "3.13")
MACHINES = ("x86_64", "aarch64")
ENTRY = re.compile(r"([\w.-]+)==([\w.+!-]+)(?: ; (.*?))?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)\n")


def faults(lock: str) -> list[str]:
    """What a lock may not hold: an entry without version or hash, an option, an address, a path."""
    rest = ENTRY.sub("", re.sub(r"^#.*\n", "", lock, flags=re.M))
    return [line for line in rest.splitlines() if line.strip()]


def environment(python: str, machine: str) -> dict[str, str]:
    return {
        "python_version": python, "python_full_version": f"{python}.1", "sys_platform": "linux",
        "platform_machine": machine, "platform_system": "Linux", "os_name": "posix", "implementation_name": "cpython",
        "extra": "",
        "platform_python_implementation": "CPython",
    }  # fmt: skip


def pinned(lock: str, where: dict[str, str]) -> dict[str, str]:
    """Version by name of what is installed in an environment."""
    found: dict[str, str] = {}
    for name, version, marker, _ in ENTRY.findall(lock):
        if not marker or Requirement(f"{name}; {marker}").marker.evaluate(where):  # type: ignore[union-attr]
            assert name not in found, f"{name} is pinned twice for {where}"
            found[name] = version
    return found


def asked(extra: str | None = None) -> Iterator[Requirement]:
    """What the project asks for, with an extra and those that it names."""
    project = PROJECT["project"]
    for text in project["dependencies"] if extra is None else project["optional-dependencies"][extra]:
        requirement = Requirement(text)
        if requirement.name == project["name"]:
            for name in sorted(requirement.extras):
                yield from asked(name)
        else:
            yield requirement


def unmet(lock: str, where: dict[str, str]) -> list[str]:
    """Requirements of project and build that a lock does not meet."""
    have = pinned(lock, where)
    build = map(Requirement, PROJECT["build-system"]["requires"])
    due = [r for r in (*asked(), *asked("all"), *build) if r.marker is None or r.marker.evaluate(where)]
    return [
        str(r) for r in due if not r.specifier.contains(have.get(canonicalize_name(r.name), "0.dev0"), prereleases=True)
    ]


def test_every_entry_has_a_version_and_hashes() -> None:
    """And nothing else is in the file: no index, no address, no folder of one machine, no constraint."""
    assert faults(LOCK) == []
    assert len(ENTRY.findall(LOCK)) > 100
    assert not re.search(r"https?:|file:|/opt|--(extra-)?index|--find-links|^torch|^jax", LOCK, re.M)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_meets_what_the_project_asks(python: str, machine: str) -> None:
    assert unmet(LOCK, environment(python, machine)) == []


@pytest.mark.parametrize("python", PYTHONS)
def test_the_site_has_a_lock_at_the_same_versions(python: str) -> None:
    where = environment(python, "x86_64")
    site, rest = pinned(SITE_LOCK, where), pinned(LOCK, where)
    assert faults(SITE_LOCK) == []
    assert all(each.specifier.contains(site[canonicalize_name(each.name)]) for each in asked("site"))
    assert {name: version for name, version in site.items() if rest.get(name, version) != version} == {}


def test_what_packages_ask_for_is_locked() -> None:
    """By the metadata of what is installed here; else pip would refuse the file."""
    import sys

    have = pinned(LOCK, environment(f"{sys.version_info[0]}.{sys.version_info[1]}", "x86_64"))
    lacking = []
    for name, version in have.items():
        try:
            found = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        for text in (found.requires or []) if found.version == version else []:
            requirement: Any = Requirement(text)
            if (requirement.marker is None or requirement.marker.evaluate({"extra": ""})) and canonicalize_name(
                requirement.name
            ) not in have:
                lacking.append(f"{name} asks for {text}")
    assert lacking == []


def test_a_bad_lock_is_found() -> None:
    where = environment("3.11", "x86_64")
    entry = next(found[0] for found in re.finditer(ENTRY, LOCK) if found[1] == "numba")
    assert unmet(LOCK.replace(entry, ""), where) == ["numba>=0.60"]
    assert unmet(LOCK.replace(entry, entry.replace("==", "==0.")), where) == ["numba>=0.60"]
    assert faults(re.sub(r" \\\n.*", "", entry)) and faults("numba>=1 \\\n    --hash=sha256:" + "0" * 64 + "\n")
    assert faults(entry + "--extra-index-url https://example.org/simple\n") and faults("torch\n")
    assert faults(entry.replace("sha256", "md5"))


def test_set_up_installs_from_the_lock_alone() -> None:
    """With hashes; the project itself brings nothing and builds with what is locked."""
    script = re.sub(r" \\\n\s*", " ", (ROOT / "tools/setup.sh").read_text())
    lines = [line for line in script.splitlines() if "-m pip install" in line]
    assert len(lines) == 2 and "--require-hashes --requirement requirements.lock" in lines[0]
    assert "--no-deps --no-build-isolation --editable ." in lines[1]


def test_the_page_of_licences_is_current() -> None:
    """Each package of the lock once, none without a licence; by the metadata where versions are the locked ones."""
    text = (ROOT / "docs/reference/licences.md").read_text()
    rows = dict(re.findall(r"^\| ([\w.-]+) \| (.*) \|$", text, re.M))
    rows.pop("package")
    assert list(rows) == locked(LOCK) and all(rows.values()), "run: make lock"
    for name, version in pinned(LOCK, environment("3.11", "x86_64")).items():
        try:
            same = importlib.metadata.version(name) == version
        except importlib.metadata.PackageNotFoundError:  # of another Python
            same = False
        assert not same or rows[name] == licence_of(name), "run: make lock"


def test_a_package_without_a_licence_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    import email.message

    monkeypatch.setattr(importlib.metadata, "metadata", lambda name: email.message.Message())
    with pytest.raises(LookupError, match="numba names no licence"):
        page("numba==1 \\\n")
