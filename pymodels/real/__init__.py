"""The chain in real numbers, as the paper's own simulation has it."""
