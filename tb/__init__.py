"""Testbenches: the co-simulation of chip and array, and a bench for each block."""
