"""Compiled kernels of changed sources, and those that were changed themselves, are not used again."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from oxmc.pymodels import kernel_cache, kernel_parts, kernels
from oxmc.pymodels.kernel_cache import SealedFile, closure_digest, one_at_a_time
from oxmc.pymodels.oxram.philox import philox4x32

pytestmark = pytest.mark.testpoint(
    "compiled kernels follow their sources",
    "a change in whatever a cached kernel imports counts; unchanged kernels are not compiled again; a damaged "
    "or exchanged one is not run; numba alone would; what kernels alone call is compiled as a part of them only",
)

CONSTANT = "VALUE = {}\n"
CALLEE = (
    "from {source} import njit\nfrom inner.constant import VALUE\n\n@njit(cache=True)\ndef value():\n    return VALUE\n"
)
CALLER = (
    "from {source} import njit\nfrom callee import value\n\n"
    "@njit(cache=True)\ndef twice():\n    return 2 * value()\n\n@njit(cache=True)\ndef other():\n    return -1\n"
)
SEALED, PLAIN = "oxmc.pymodels.kernels", "numba"


def write(folder: Path, source: str, value: int = 1) -> None:
    (folder / "inner").mkdir(exist_ok=True)
    (folder / "caller.py").write_text(CALLER.format(source=source))
    (folder / "callee.py").write_text(CALLEE.format(source=source))
    (folder / "inner" / "constant.py").write_text(CONSTANT.format(value))


def twice(folder: Path) -> tuple[str, str, str]:
    """What a process of its own gets from the caller, what it says, and how often it found the caller in the cache."""
    program = "from caller import twice; print(twice()); print(sum(twice.stats.cache_hits.values()))"
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, check=True, capture_output=True, text=True)
    value, hits = done.stdout.split()
    return value, done.stderr, hits


def test_a_user_edits_what_a_kernel_imports(tmp_path: Path) -> None:
    """A constant two files away and in a folder of its own."""
    write(tmp_path, SEALED)
    assert twice(tmp_path) == ("2", "", "0")
    assert twice(tmp_path) == ("2", "", "1")
    (tmp_path / "inner" / "constant.py").write_text(CONSTANT.format(21))
    assert twice(tmp_path) == ("42", "", "0")


def test_numba_itself_does_not_see_it(tmp_path: Path) -> None:
    write(tmp_path, PLAIN)
    assert twice(tmp_path)[0] == "2"
    (tmp_path / "inner" / "constant.py").write_text(CONSTANT.format(21))
    assert twice(tmp_path)[0] == "2", "numba looks at what kernels import by now: this module can go"


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 0xFF
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
@pytest.mark.parametrize("spoil", [flip, lambda path: path.write_bytes(b"")], ids=["flipped", "empty"])
def test_a_damaged_kernel_is_compiled_anew(tmp_path: Path, kind: str, spoil: object) -> None:
    """Said in one line, and as good as new afterwards."""
    write(tmp_path, SEALED)
    twice(tmp_path)
    (path,) = (tmp_path / "__pycache__").glob(f"caller.twice*.{kind}")
    assert callable(spoil)
    spoil(path)
    value, said, hits = twice(tmp_path)
    assert (value, hits) == ("2", "0")
    assert said == f"oxmc: {str(path)!r} is not what was stored: made anew\n"
    assert twice(tmp_path) == ("2", "", "1")


@pytest.mark.parametrize("seals", ["kept", "lost"])
def test_a_kernel_of_another_function_in_its_place_is_not_run(tmp_path: Path, seals: str) -> None:
    """Whole by itself, and numba would run it: `other` gives -1."""
    for source, expected in ((PLAIN, "-1"), (SEALED, "2")):
        folder = tmp_path / source
        folder.mkdir()
        write(folder, source)
        twice(folder)
        subprocess.run([sys.executable, "-c", "from caller import other; other()"], cwd=folder, check=True)
        cache = folder / "__pycache__"
        (own,), (other,) = (list(cache.glob(f"caller.{name}*.nbc")) for name in ("twice", "other"))
        own.write_bytes(other.read_bytes())
        if seals == "lost":
            for path in cache.glob("*.seal"):
                path.write_bytes(b"\xff")
        assert twice(folder)[0] == expected


def test_sources_of_a_kernel_are_found_however_they_are_imported(tmp_path: Path) -> None:
    package = tmp_path / "room"
    package.mkdir()
    texts = {
        "__init__": "",
        "kernel": "from room import (\n    first,\n)\nfrom .second import x\nimport numpy, room.third\n",
        "first": "def late():\n    from . import fourth\n",
        "second": "x = 1", "third": "", "fourth": "from room import kernel", "apart": "",
    }  # fmt: skip
    for name, text in texts.items():
        (package / f"{name}.py").write_text(text)

    def digest() -> str:
        closure_digest.cache_clear()
        kernel_cache._imported.cache_clear()
        return closure_digest(package / "kernel.py", "room.kernel")

    before = digest()
    for name, text in texts.items():
        (package / f"{name}.py").write_text(f"{text}\n# changed")
        assert (digest() == before) == (name == "apart"), name
        (package / f"{name}.py").write_text(text)
    assert digest() == before


def test_every_kernel_of_the_models_is_sealed() -> None:
    """None takes numba's own `njit`, and numba's cache has the parts that the seal holds on to."""
    sources = [path for path in Path(kernels.__file__).parent.rglob("*.py") if path.name != "kernel_cache.py"]
    assert [path.name for path in sources if "numba import" in path.read_text()] == []
    assert isinstance(philox4x32._cache._cache_file, SealedFile)
    for name in ("_load_index", "_save_index", "_load_data", "_save_data", "_open_for_write"):
        assert hasattr(SealedFile.__bases__[0], name)


BORROWING = (
    "import numpy as np\nfrom oxmc.pymodels.kernels import njit\n\n@njit(cache=False, borrows=True)\ndef fill(a):\n"
    "    for i in range(len(a)):\n        a[i] = {}\n"
)


def test_a_kernel_that_borrows_makes_no_array(tmp_path: Path) -> None:
    for value, makes in (("2", False), ("np.empty(3)[0]", True)):
        (tmp_path / "kernel.py").write_text(BORROWING.format(value))
        program = "import numpy as np; from kernel import fill; a = np.zeros(2); fill(a); print(a)"
        done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
        assert ("Failed in nopython mode" in done.stderr) == (done.stdout != "[2. 2.]\n") == makes


def test_numba_knows_kernels_without_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The option is there, so that kernels are as fast as they can be; without it they count, and work all the same."""
    assert hasattr(kernel_cache.DefaultOptions, kernel_cache.UNCOUNTED)
    monkeypatch.setattr(kernel_cache, "UNCOUNTED", "no option of numba")
    assert kernels.njit(cache=False, borrows=True)(lambda value: 2 * value)(21) == 42


def test_two_processes_compile_a_kernel_once(tmp_path: Path) -> None:
    """The lock is held while one compiles, and free afterwards, also where the compilation fails."""
    lock = tmp_path / "cache" / "kernel.lock"

    def is_free() -> bool:
        with lock.open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

    assert one_at_a_time(lambda signature: (signature, is_free()), lock)("sig") == ("sig", False)
    assert is_free()
    with pytest.raises(ZeroDivisionError):
        one_at_a_time(lambda signature: signature / 0, lock)(1)
    assert is_free()


def test_a_kernel_has_its_lock(tmp_path: Path) -> None:
    write(tmp_path, SEALED)
    assert twice(tmp_path)[0] == "2"
    assert [path.name.split("-")[0] for path in (tmp_path / "__pycache__").glob("*.lock")] == ["caller.twice"]


def test_a_kernel_that_kernels_alone_call_is_a_part_of_them(tmp_path: Path) -> None:
    """It is whole, and kept, once Python calls it."""
    write(tmp_path, SEALED)
    program = "import callee, caller; print(caller.twice(), len(callee.value.signatures)); print(callee.value())"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["2", "0", "1"]
    kept = [path.name.split("-")[0] for path in (tmp_path / "__pycache__").glob("*.nbc")]
    assert sorted(kept) == ["callee.value", "caller.twice"]


def called_by_a_kernel() -> int:
    """How often a kernel is compiled for Python that a kernel alone calls."""
    double = kernels.njit(cache=False, borrows=True)(lambda value: 2 * value)
    assert kernels.njit(cache=False)(lambda value: 1 + double(value))(4) == 9
    return len(double.signatures)


def test_kernels_without_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """numba has what parts need; without it kernels take longer to compile, and work all the same."""
    assert kernel_parts.can_part()
    assert called_by_a_kernel() == 0
    monkeypatch.setattr(kernel_parts, "NEEDED", ("no method of numba",))
    assert called_by_a_kernel() == 1


def test_without_a_lock_each_compiles_for_itself(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert one_at_a_time(str, tmp_path / "file" / "kernel.lock")(1) == "1"
