"""The driver in C as a shared library, on a master of the simulated bus: its calls run in a thread beside."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from cocotb.task import bridge, resume

OK, REFUSED, NO_CHIP, TOO_LONG, MISSING, BAD = range(6)
U32 = ctypes.c_uint32
READ = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, U32, ctypes.POINTER(U32))
SLEEP = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
WRITE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, U32, U32)


class Chip(ctypes.Structure):
    """`struct oxmc_chip`."""

    _fields_ = [("read", READ), ("write", WRITE), ("sleep", SLEEP), ("context", ctypes.c_void_p)] + [
        (name, U32)
        for name in (
            "patience", "training", "version", "commands", "rows", "samples", "outputs", "hidden", "features",
            "input_bits", "lfsr_bits",
        )
    ]  # fmt: skip


class World(ctypes.Structure):
    """`struct oxmc_world`."""

    RESTART = ctypes.CFUNCTYPE(None, ctypes.c_void_p, U32, ctypes.POINTER(ctypes.c_int16))
    ACT = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, U32, ctypes.POINTER(ctypes.c_int16))
    _fields_ = [("restart", RESTART), ("act", ACT), ("context", ctypes.c_void_p)]


class Word(ctypes.Structure):
    """`struct oxmc_word`."""

    _fields_ = [("address", U32), ("word", U32)]


class Answer(ctypes.Structure):
    """`struct oxmc_answer`."""

    _fields_ = [("sum", ctypes.c_int64), ("winner", U32), ("last", ctypes.c_int)]


class Driver:
    """Calls of the library; each must return `code`."""

    def __init__(self, library: Path, master: Any) -> None:
        self.built, self.master = ctypes.CDLL(str(library)), master
        read, write = resume(master.tried_read), resume(master.tried_write)

        def reader(_: object, address: int, word: Any) -> int:
            error, word[0] = read(address)
            return int(error)

        def writer(_: object, address: int, word: int) -> int:
            return int(write(address, word))

        self.kept = READ(reader), WRITE(writer)  # the structure holds their addresses alone
        self.chip = Chip(*self.kept)

    async def call(self, name: str, *arguments: Any, code: int = OK) -> None:
        function = getattr(self.built, f"oxmc_{name}")

        @bridge
        def called() -> int:
            return int(function(ctypes.byref(self.chip), *arguments))

        found = await called()
        assert found == code, (name, found)

    async def load(self, words: Iterable[tuple[int, int]], code: int = OK) -> None:
        """Words at word addresses."""
        found = [Word(4 * address, word) for address, word in words]
        await self.call("load", (Word * len(found))(*found), ctypes.c_size_t(len(found)), code=code)

    async def sample(self, index: int, codes: Sequence[int], label: int, code: int = OK) -> None:
        await self.call("sample", U32(index), (ctypes.c_int16 * len(codes))(*map(int, codes)), U32(label), code=code)

    async def classify(self, first: int, last: int, count: int) -> list[Any]:
        answers = (Answer * count)()
        await self.call("classify", U32(first), U32(last), answers)
        return list(answers)

    async def errors(self) -> int:
        bits = U32()
        await self.call("errors", ctypes.byref(bits))
        return bits.value
