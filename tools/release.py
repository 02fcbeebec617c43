"""What a release consists of: the wheel, the Verilog of each configuration, and their checksums. `make release`.

The same commit gives the same bytes: times are the commit's (SOURCE_DATE_EPOCH), names are sorted, owners are nobody's.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from oxmc.ip.package import ip_files
from oxmc.pymodels.config import Config, resolve
from oxmc.pymodels.errors import InputError
from oxmc.pymodels.whole import write_files

ROOT = Path(__file__).resolve().parents[1]
BUSES = ("apb", "axi4lite", "wishbone", "none")
TINY = {"rows": 4, "burn_in": 1, "train_samples": 8, "test_samples": 7, "gate_codes": 8}
SUMS = "SHA256SUMS"


def configurations() -> dict[str, Config]:
    """The chips of a release by their names: a small one, the paper's, and the presets of each size of task."""
    return {
        "tiny": resolve("toy", "paper", settings=TINY).chip,
        "paper": resolve("cancer", "paper").chip,
        "best": resolve("cancer", "best").chip,
        "rewards": resolve("cartpole", "wide").chip,
    }


def verilog_files(chips: Mapping[str, Config], buses: Iterable[str] = BUSES) -> dict[str, str]:
    """A folder a chip and bus, as `oxmc ip` writes it; modules' names begin with both."""
    return {
        f"{name}/{bus}/{file}": text
        for name, config in chips.items()
        for bus in buses
        for file, text in ip_files(config, bus, f"oxmc_{name}_{bus}").items()
    }


def archive(files: Mapping[str, str], folder: str, epoch: int) -> bytes:
    """A gzipped tar of text files below `folder`, all of time `epoch` in s."""
    tar_bytes = io.BytesIO()
    with tarfile.open(fileobj=tar_bytes, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(files):
            data = files[name].encode()
            entry = tarfile.TarInfo(f"{folder}/{name}")
            entry.size, entry.mtime, entry.mode = len(data), epoch, 0o644
            tar.addfile(entry, io.BytesIO(data))
    return gzip.compress(tar_bytes.getvalue(), 9, mtime=epoch)


def wheel(epoch: int) -> tuple[str, bytes]:
    """Name and bytes of the wheel of the commit, from its own files and no others."""
    with tempfile.TemporaryDirectory(prefix="oxmc-") as scratch:
        source, out = Path(scratch, "source"), Path(scratch, "out")
        source.mkdir()
        committed = io.BytesIO(_git("archive", "--format=tar", "HEAD"))
        umask = os.umask(0o022)  # a wheel has the permissions of its files
        try:
            with tarfile.open(fileobj=committed) as tar:
                # Python before 3.11.4 has no filter and does without
                tar.extraction_filter = getattr(tarfile, "tar_filter", lambda member, path: member)
                tar.extractall(source)
            pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "wheel", "--no-deps"]
            environment = os.environ | {"SOURCE_DATE_EPOCH": str(epoch), "PYTHONHASHSEED": "0"}
            command = [*pip, "--no-build-isolation", "--wheel-dir", str(out), str(source)]
            subprocess.run(command, check=True, env=environment, cwd=scratch)
        finally:
            os.umask(umask)
        (found,) = out.glob("*.whl")
        return found.name, found.read_bytes()


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True)
    if done.returncode:
        raise InputError(f"a release must be made of a git repository, not of {str(ROOT)!r}")
    return done.stdout


def checksums(files: Mapping[str, bytes]) -> str:
    """As `sha256sum -c` reads them."""
    return "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))


def release(out: Path, chips: Mapping[str, Config]) -> list[Path]:
    """Write the release of the commit into `out`; its files. Raises `InputError` where something is not committed."""
    if _git("status", "--porcelain"):
        raise InputError("a release must be made of a commit, not of files that differ from it: git status")
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or _git("log", "-1", "--format=%ct"))
    name, data = wheel(epoch)
    folder = f"{'-'.join(name.split('-')[:2])}-verilog"
    files = {name: data, f"{folder}.tar.gz": archive(verilog_files(chips), folder, epoch)}
    return write_files({out / file: data for file, data in {**files, SUMS: checksums(files)}.items()}, out)


if __name__ == "__main__":
    try:
        for path in release(ROOT / "build" / "release", configurations()):
            print(path.relative_to(ROOT))
    except InputError as error:
        sys.exit(f"release: {error}")
