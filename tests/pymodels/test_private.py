"""Programs are run from build/: it must be a folder that nobody else can write."""

from __future__ import annotations

import os
import shutil
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import SMALL, oxmc, refusal
from pytest import CaptureFixture, MonkeyPatch

from oxmc.hdl.verilog import netlist_cache
from oxmc.pymodels import private
from oxmc.pymodels.config import Config
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.private import check_private, exposed, make_private
from oxmc.tb.cosim import simulator

pytestmark = pytest.mark.testpoint(
    "build folder of one's own",
    "modes, groups, owners, sticky bits, links, containers, umask, a build planted meanwhile; netlists of such folders",
)

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
TRAIN = ("train", "cancer", "--engine", "icarus", *SMALL)


@pytest.fixture
def build(tmp_path: Path, monkeypatch: MonkeyPatch) -> Path:
    """A build folder two levels below one that is the user's own."""
    folder = tmp_path / "a" / "build"
    folder.mkdir(parents=True)
    monkeypatch.setenv("OXMC_BUILD", str(folder))
    return folder


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.parametrize(
    ("mode", "by"), [(0o777, "everyone"), (0o757, "everyone"), (0o775, "its group"), (0o1777, "everyone")]
)
def test_a_build_folder_that_others_can_write(
    capsys: CaptureFixture[str], build: Path, tmp_path: Path, mode: int, by: str, monkeypatch: MonkeyPatch
) -> None:
    """Refused with what to do about it, before anything is built."""
    monkeypatch.setattr(private, "_own_group", lambda gid: False)
    monkeypatch.setattr(simulator.Simulation, "_compile", lambda self, folder: pytest.fail("it builds"))
    folder = build if mode == 0o1777 else build.parent
    taken = simulator.Simulation(Config(), "icarus").folder
    if mode == 0o1777:
        taken.mkdir()
        folder = taken
    folder.chmod(mode)
    message = refusal(capsys, *TRAIN, "--preset", "paper", "--out", tmp_path / "run")
    assert message == (
        "OXMC_BUILD must be a folder that nobody else can write, since programs in it are run, but "
        f"{str(folder)!r} can be written by {by} (mode {mode:04o}): "
        f"chmod go-w {str(folder)!r}, or set it to a folder of your own"
    )


def test_a_good_build_folder(capsys: CaptureFixture[str], build: Path, tmp_path: Path, open_umask: None) -> None:
    """Whatever the umask: what is made in it is the user's alone."""
    below = build / "new" / "sim"
    os.environ["OXMC_BUILD"] = str(below)  # which the fixture puts back
    build.chmod(0o755)
    build.parent.chmod(0o755)
    assert oxmc(capsys, *TRAIN, "--out", tmp_path / "run").code == 0
    made = [below, below.parent, *(path for path in below.iterdir() if path.is_dir())]
    assert len(made) > 2 and all(not path.stat().st_mode & 0o022 for path in made)
    assert exposed(below) is None


@as_root
def test_a_build_that_another_was_first_to_make(build: Path, monkeypatch: MonkeyPatch) -> None:
    """In a folder for everyone another may put one under its name while ours is made: ours is taken, or none."""
    build.chmod(0o1777)
    simulation = simulator.Simulation(Config(), "icarus")

    def planted(folder: Path) -> None:
        simulation.folder.mkdir()
        (simulation.folder / "sim.vvp").touch()
        os.chown(simulation.folder, 12345, -1)

    monkeypatch.setattr(simulation, "_compile", planted)
    simulation.build()
    assert simulation.folder.stat().st_uid == os.geteuid() and not (simulation.folder / "sim.vvp").exists()
    shutil.rmtree(simulation.folder)

    def refused(self: Path, target: Path) -> None:  # as the sticky bit does for a user who is not root
        raise PermissionError("not the owner")

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(InputError, match="belongs to user 12345"):
        simulation.build()


def test_a_folder_for_everyone_with_the_sticky_bit(build: Path) -> None:
    """As /tmp: what is mine in it cannot be replaced, but I must not take what another has put there."""
    build.chmod(0o1777)
    make_private(build / "mine")
    assert exposed(build / "mine") is None
    build.chmod(0o777)
    assert exposed(build / "mine") == (build, "can be written by everyone (mode 0777)")


@as_root
@pytest.mark.parametrize("which", ["itself", "above", "link"])
def test_a_folder_of_somebody_else(build: Path, tmp_path: Path, which: str) -> None:
    """Planted beforehand, or with an owner above who can replace it; a link that another can turn round."""
    folder = build / "sim"
    make_private(folder)
    if which == "link":
        folder = tmp_path / "link"
        folder.symlink_to(build)
    place = {"itself": folder, "above": build, "link": folder}[which]
    os.chown(place, 12345, -1, follow_symlinks=False)
    assert exposed(folder) == (place, "belongs to user 12345")
    with pytest.raises(ValueError, match="belongs to user 12345: set it to a folder of your own"):
        check_private(folder)


@as_root
def test_a_container_does_not_know_all_owners(build: Path) -> None:
    """Of the folder itself it must."""
    os.chown(build.parent, private.UNMAPPED, -1)
    assert exposed(build) is None
    os.chown(build, private.UNMAPPED, -1)
    assert exposed(build) == (build, f"belongs to user {private.UNMAPPED}")


@as_root
def test_the_owner_of_the_program_is_trusted(build: Path, monkeypatch: MonkeyPatch, tmp_path: Path) -> None:
    """Root in a user's own clone, as in a container: whoever owns the sources decides what runs anyway."""
    program = tmp_path / "program"
    program.mkdir()
    for path in (program, build):
        os.chown(path, 12345, -1)
    assert exposed(build) is not None
    monkeypatch.setattr(private, "ROOT", program)
    assert exposed(build) is None
    program.chmod(0o777)
    make_private(program / "build")
    assert exposed(program / "build") is None


def test_a_users_private_group(build: Path, monkeypatch: MonkeyPatch) -> None:
    """Where each user has a group of his own, umask 002 is common and harmless; one more member, and it is not."""
    user, group = namedtuple("user", "pw_name pw_gid"), namedtuple("group", "gr_mem")
    users, members = [user("me", build.stat().st_gid), user("else", 77)], list[str]()
    monkeypatch.setattr(private.pwd, "getpwuid", lambda uid: users[0])
    monkeypatch.setattr(private.pwd, "getpwall", lambda: users)
    monkeypatch.setattr(private.grp, "getgrgid", lambda gid: group(members))
    build.chmod(0o775)
    assert exposed(build) is None
    shared = (build, "can be written by its group (mode 0775)")
    members.append("else")
    assert exposed(build) == shared
    members.clear()
    users[1] = user("else", build.stat().st_gid)
    assert exposed(build) == shared


def test_a_netlist_that_others_can_write_is_not_taken(build: Path) -> None:
    """It is made anew and not kept."""
    config = Config()
    assert netlist_cache.kept_verilog(config, lambda: "mine") == "mine"
    assert netlist_cache.kept_verilog(config, lambda: "again") == "mine"
    (kept,) = build.glob("netlist-*.v")
    kept.write_text("theirs")
    build.chmod(0o777)
    assert netlist_cache.kept_verilog(config, lambda: "anew") == "anew"
    assert kept.read_text() == "theirs"
