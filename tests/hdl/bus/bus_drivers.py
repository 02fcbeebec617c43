"""Masters of APB, AXI4-Lite and Wishbone that others wrote, under one face: words, and whether they are refused."""

from __future__ import annotations

import itertools
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge


class Apb:
    """By cocotbext-apb, which checks PSLVERR itself."""

    def __init__(self, dut: Any) -> None:
        from cocotbext.apb import ApbBus, ApbMaster

        self.dut = dut
        self.master = ApbMaster(ApbBus.from_prefix(dut, "apb"), dut.clk)
        self.master.log.setLevel("ERROR")

    async def write(self, address: int, word: int, refused: bool = False) -> None:
        await self.master.write(address, word, error_expected=refused)

    async def read(self, address: int, refused: bool = False) -> int:
        found = await self.master.read(address, error_expected=refused)
        return int.from_bytes(found, "little")

    async def partial(self, address: int, word: int) -> None:
        for strobes in (0b0001, 0b0111, 0b1110):
            await self.master.write(address, word, strb=strobes, error_expected=True)
        for offset in (1, 2, 3):
            await self.master.read(address + offset, error_expected=True)

    async def _refusal(self) -> bool:
        """PSLVERR at the end of the running transfer."""
        while True:
            await FallingEdge(self.dut.clk)
            if int(self.dut.apb_penable.value) and int(self.dut.apb_pready.value):
                return bool(int(self.dut.apb_pslverr.value))

    async def tried_write(self, address: int, word: int) -> bool:
        """Whether a write is refused."""
        self.master.pslverr_present = False  # it is looked at here
        refusal = cocotb.start_soon(self._refusal())
        await self.master.write(address, word)
        return bool(await refusal)

    async def tried_read(self, address: int) -> tuple[bool, int]:
        """Whether a read is refused, and its word."""
        self.master.pslverr_present = False
        refusal = cocotb.start_soon(self._refusal())
        found = await self.master.read(address)
        return bool(await refusal), int.from_bytes(found, "little")

    def pause(self) -> None:
        self.master.intra_delay = 1


class Axi4Lite:
    """By cocotbext-axi."""

    def __init__(self, dut: Any) -> None:
        from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp

        self.okay, self.slverr = AxiResp.OKAY, AxiResp.SLVERR
        self.master = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "axil"), dut.clk, dut.rst_n, reset_active_level=False)

    def check(self, response: Any, refused: bool) -> None:
        assert response == (self.slverr if refused else self.okay), response

    async def write(self, address: int, word: int, refused: bool = False) -> None:
        self.check((await self.master.write(address, word.to_bytes(4, "little"))).resp, refused)

    async def read(self, address: int, refused: bool = False) -> int:
        found = await self.master.read(address, 4)
        self.check(found.resp, refused)
        return int.from_bytes(found.data, "little")

    async def partial(self, address: int, word: int) -> None:
        self.check((await self.master.write(address, bytes([word]))).resp, True)
        self.check((await self.master.write(address + 1, bytes(3))).resp, True)

    def pause(self) -> None:
        """Both sides wait now and then, each channel in a rhythm of its own."""
        write, read = self.master.write_if, self.master.read_if
        channels = write.aw_channel, write.w_channel, write.b_channel, read.ar_channel, read.r_channel
        for number, channel in enumerate(channels):
            channel.set_pause_generator(itertools.cycle([1] * (number % 3 + 1) + [0] * (number + 1)))


class Wishbone:
    """By cocotbext-wishbone."""

    def __init__(self, dut: Any) -> None:
        from cocotbext.wishbone.driver import WBOp, WishboneMaster

        names = {"cyc": "cyc", "stb": "stb", "we": "we", "adr": "adr", "datwr": "dat_w", "datrd": "dat_r",
                 "ack": "ack", "err": "err", "sel": "sel"}  # fmt: skip
        self.dut, self.operation = dut, WBOp
        self.master = WishboneMaster(dut, "wb", dut.clk, timeout=20, width=32, signals_dict=names)

    async def send(self, refused: bool, *operations: Any) -> list[Any]:
        found = await self.master.send_cycle(list(operations))
        assert [each.ack for each in found] == [2 if refused else 1] * len(operations)
        return found

    async def write(self, address: int, word: int, refused: bool = False) -> None:
        await self.send(refused, self.operation(address >> 2, word))

    async def read(self, address: int, refused: bool = False) -> int:
        (found,) = await self.send(refused, self.operation(address >> 2))
        return int(found.datrd)

    async def partial(self, address: int, word: int) -> None:
        await self.send(True, *(self.operation(address >> 2, word, sel=sel) for sel in (0b0001, 0b0111, 0b1110)))
        await self.send(True, self.operation(address >> 2, sel=0b0011))

    def pause(self) -> None:
        """Its cycles have idle ones between as they are."""


DRIVERS = {"apb": Apb, "axi4lite": Axi4Lite, "wishbone": Wishbone}
