"""Compiles Verilator's own library once for all builds: three quarters of a small build's time goes there.

Verilator's makefile puts $(OBJCACHE) before each command of the compiler, and calls this as a script, by itself:

    python objcache.py CACHE VERSION COMPILER ARGUMENT... -c -o OBJECT SOURCE

A SOURCE of the library follows from nothing of a design, so its object follows from the command, the compiler and
VERSION, Verilator's. It is kept in CACHE beside its digest, which is checked. Everything else is compiled as it is.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile

LIBRARY = "verilator/include/"


def main(cache: str, version: str, command: list[str]) -> int:
    """Exit code of the compiler, 0 where it was not needed."""
    if not command[-1].startswith(LIBRARY):
        return subprocess.call(command)
    target = command[command.index("-o") + 1]
    compiler = os.stat(shutil.which(command[0]) or "")
    key = repr((command, version, compiler.st_size, compiler.st_mtime_ns))
    kept = os.path.join(cache, hashlib.sha256(key.encode()).hexdigest()[:16])
    with open(f"{kept}.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # builds side by side begin with the same objects: one compiles, others wait
        if content := whole(kept):
            put(target, content)
            return 0
        code = subprocess.call(command)
        if code == 0:
            with open(target, "rb") as file:
                content = file.read()
            put(f"{kept}.o", content)
            put(f"{kept}.sha256", hashlib.sha256(content).hexdigest().encode())
        return code


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
