"""Properties of the chip's blocks, proven by a solver: `make formal`."""
