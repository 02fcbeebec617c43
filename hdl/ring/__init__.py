"""Rows as a ring: a training that goes on from a stored row."""
