"""Behavioural models: configuration, OxRAM devices and array, tasks, and the arithmetic the chip is held to."""
