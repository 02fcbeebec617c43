"""Verilog of the chip: how it comes out of Amaranth, what its names and memories are, and where it is kept."""
