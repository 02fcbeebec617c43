"""Compiles Verilator's own library once for all builds: three quarters of a small build's time goes there.

Verilator's makefile puts $(OBJCACHE) before each command of the compiler, and calls this as a script, by itself:

    python objcache.py CACHE VERSION COMPILER ARGUMENT... -c -o OBJECT SOURCE

A SOURCE of the library follows from nothing of a design, so its object follows from the command, the compiler and
VERSION, Verilator's. It is kept in CACHE beside its digest, which is checked. Most sources ask for none of the macros
by which kinds of builds differ: an object is also kept by the text that the compiler makes of its source before it
compiles. Everything else is compiled as it is.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence

LIBRARY = "verilator/include/"
BEFORE = ("-D", "-I", "-M")
"""Begin the options that say all they have to say before the text is compiled."""


def main(cache: str, version: str, command: list[str]) -> int:
    """Exit code of the compiler, 0 where it was not needed."""
    if not command[-1].startswith(LIBRARY):
        return subprocess.call(command)
    target = command[command.index("-o") + 1]
    compiler = os.stat(shutil.which(command[0]) or "")
    made_by = (version, compiler.st_size, compiler.st_mtime_ns)
    keys = (lambda: repr((command, made_by)), lambda: repr((text_of(command, target), made_by)))
    code, content = obtained(cache, keys, command, target)
    if content is not None:
        put(target, content)
    return code


def text_of(command: list[str], target: str) -> tuple[list[str], bytes]:
    """What the compiler compiles: its options and the text without macros; the command itself where it finds none."""
    options = [word for word in command if word not in ("-c", "-o", target)]
    alone = [word for word in options if not word.startswith("-M")]
    done = subprocess.run([*alone[:-1], "-E", "-P", alone[-1]], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if done.returncode or not done.stdout:
        return command, b""
    return [word for word in options[:-1] if not word.startswith(BEFORE)], done.stdout


def obtained(
    cache: str, keys: Sequence[Callable[[], str]], command: list[str], target: str
) -> tuple[int, bytes | None]:
    """Exit code and object: the one that is kept under the first of the `keys` that has one, or compiled."""
    kept = os.path.join(cache, hashlib.sha256(keys[0]().encode()).hexdigest()[:16])
    with open(f"{kept}.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # builds side by side begin with the same objects: one compiles, others wait
        if content := whole(kept):
            return 0, content
        code, found = obtained(cache, keys[1:], command, target) if keys[1:] else compiled(command, target)
        if found is not None:
            put(f"{kept}.o", found)
            put(f"{kept}.sha256", hashlib.sha256(found).hexdigest().encode())
        return code, found


def compiled(command: list[str], target: str) -> tuple[int, bytes | None]:
    if code := subprocess.call(command):
        return code, None
    with open(target, "rb") as file:
        return 0, file.read()


def whole(kept: str) -> bytes | None:
    """The object, if it is there as it was stored."""
    try:
        with open(f"{kept}.o", "rb") as file, open(f"{kept}.sha256", "rb") as digest:
            content = file.read()
            return content if hashlib.sha256(content).hexdigest().encode() == digest.read() else None
    except OSError:
        return None


def put(path: str, content: bytes) -> None:
    """Write a file that is whole or not there."""
    with tempfile.NamedTemporaryFile(dir=os.path.dirname(path) or ".", delete=False) as file:
        file.write(content)
    os.replace(file.name, path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
