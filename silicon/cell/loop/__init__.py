"""The array in the loop: the chip's RTL trains on a row whose answers a circuit simulator computes."""
