"""The chain as the chip computes it, to the bit."""
