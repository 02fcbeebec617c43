"""Cocotb coroutines of the block benches, one module a block; `tests/test_<block>.py` runs them."""
