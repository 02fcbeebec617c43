"""Co-simulation: the chip's RTL and the array behind its port, clock by clock, in Verilator or Icarus."""
