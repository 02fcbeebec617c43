"""numba's cache of kernels, held against what they were made from.

numba looks at the source of the outermost function alone, so a kernel would go on with what its callees were; and what
lies in the cache is unpickled and run, whatever it is by now. Here each file of the cache has a seal: the digest of its
content and that of all sources which the kernel's module imports, however deep. A file without its seal is not opened,
and the kernel is compiled anew. Seals keep off what is stale or damaged, not a person who can write into the folder.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from functools import cache as cached
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import IndexDataCacheFile
from numba.core.options import DefaultOptions

from oxmc.pymodels.digests import content_digest, files_digest, say_damaged
from oxmc.pymodels.kernel_parts import can_part, offer_part
from oxmc.pymodels.machine import cache_root, can_write

UNCOUNTED = "_nrt"
"""numba's option for reference counts; a numba without it counts, and is slower."""
NO_VALUE: dict[str, Any] = {"no_cfunc_wrapper": True}
"""numba's option for kernels that no kernel is handed as a value."""
IMPORT = re.compile(r"^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n]*)|import[ \t]+([^\n]*))", re.M)


def compiled(function: Callable[..., Any], *, cache: bool, borrows: bool, options: dict[str, Any]) -> Any:
    """What `oxmc.pymodels.kernels.njit` makes of a function."""
    if borrows:
        options = options | {"forceinline": True} | ({UNCOUNTED: False} if hasattr(DefaultOptions, UNCOUNTED) else {})
    dispatcher = numba.njit(cache=cache, **NO_VALUE, **options)(function)
    if can_part():
        offer_part(dispatcher, function, options)
    if cache:
        file = dispatcher._cache._cache_file
        file.__class__ = SealedFile
        file.sources = closure_digest(Path(function.__code__.co_filename), function.__module__)
        dispatcher.compile = one_at_a_time(dispatcher.compile, Path(file._index_path).with_suffix(".lock"))
    return dispatcher


def one_at_a_time(compile_for: Callable[[Any], Any], lock: Path) -> Callable[[Any], Any]:
    """A compilation that waits while another process is at the same kernel, and then finds it in the cache.

    Kernels call each other without circles, so that processes cannot wait for each other. Without a lock to be had
    each compiles for itself.
    """

    def compiled(signature: Any) -> Any:
        with ExitStack() as held:
            with suppress(OSError):
                lock.parent.mkdir(parents=True, exist_ok=True)
                file = held.enter_context(lock.open("a"))
                fcntl.flock(file, fcntl.LOCK_EX)
            return compile_for(signature)

    return compiled


def place_cache(folder: Path) -> None:
    """Where the folder of the kernels' sources cannot be written their cache lies elsewhere, for this process and those
    that it starts."""
    beside = folder / "__pycache__"
    if "NUMBA_CACHE_DIR" not in os.environ and not can_write(beside if beside.exists() else folder):
        os.environ["NUMBA_CACHE_DIR"] = str(cache_root() / "oxmc" / "kernels")
        numba.config.reload_config()


place_cache(Path(__file__).parent)


class SealedFile(IndexDataCacheFile):
    """A kernel's index and data files, and beside them its seals: a line `sources content name` a file."""

    sources: str
    """Digest of the sources that the kernel is made from."""

    def _load_index(self) -> Any:
        return super()._load_index() if self._is_sealed(self._index_name) else {}

    def _save_index(self, overloads: Any) -> None:
        super()._save_index(overloads)
        self._seal(self._index_name)

    def _load_data(self, name: str) -> Any:
        if not self._is_sealed(name):
            raise OSError(f"{name} is not sealed")  # numba takes it for gone
        return super()._load_data(name)

    def _save_data(self, name: str, data: Any) -> None:
        super()._save_data(name, data)
        self._seal(name)

    @property
    def _seals(self) -> Path:
        return Path(self._index_path).with_suffix(".seal")

    def _known(self) -> list[list[str]]:
        """The seals that are of the sources as they are now."""
        try:
            lines = [line.split(" ") for line in self._seals.read_text().splitlines()]
        except (OSError, ValueError):
            return []
        return [line for line in lines if len(line) == 3 and line[0] == self.sources]

    def _is_sealed(self, name: str) -> bool:
        """Whether a file is there and as it was stored; one that has changed since is said, and dropped."""
        contents = [content for _, content, known in self._known() if known == name]
        try:
            found = content_digest(Path(self._cache_path) / name)
        except OSError:
            return False
        if contents and found not in contents:
            say_damaged(Path(self._cache_path) / name)
            with suppress(OSError):
                (Path(self._cache_path) / name).unlink()
        return found in contents

    def _seal(self, name: str) -> None:
        """Add a file's seal. Where two processes do so at once one may be lost; that file is then compiled again."""
        line = [self.sources, content_digest(Path(self._cache_path) / name), name]
        lines = [known for known in self._known() if known != line] + [line]
        with self._open_for_write(str(self._seals)) as file:
            file.write("".join(" ".join(words) + "\n" for words in lines).encode())


@cached
def closure_digest(path: Path, module: str) -> str:
    """SHA-256 of a module's source and of all that it imports from below the same top folder, directly or not."""
    path = Path(os.path.abspath(path))  # links to rooms are not followed: modules are found by their names
    top = path.parents[module.count(".")]
    found: set[Path] = set()
    missing = {path}
    while missing:
        found |= missing
        missing = {target for source in missing for target in _imported(source, top)} - found
    return files_digest(top, sorted(found))


@cached
def _imported(path: Path, top: Path) -> frozenset[Path]:
    """Files below `top` that a source imports, packages' own included; a text that only looks so does no harm."""
    package = path.relative_to(top).parent.parts
    names: set[tuple[str, ...]] = set()
    for base, targets, plain in IMPORT.findall(path.read_text(encoding="utf-8")):
        if plain:
            names |= {tuple(word.split(".")) for word in re.findall(r"[.\w]+", plain)}
            continue
        level = len(base) - len(base.lstrip("."))
        parts = (*(package[: len(package) + 1 - level] if level else ()), *filter(None, base.lstrip(".").split(".")))
        names |= {parts} | {(*parts, word) for word in re.findall(r"\w+", targets)}
    return frozenset(file for name in names for file in _files_of(name, top))


def _files_of(name: tuple[str, ...], top: Path) -> Iterator[Path]:
    """The file of a module and those of the packages that it lies in, as far as they lie below `top`."""
    for end in range(1, len(name) + 1):
        place = top.joinpath(*name[:end])
        yield from (file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file())
