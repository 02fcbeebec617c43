"""Benches of the whole chip: trainings, resets, commands in every state, registers at their ends."""
