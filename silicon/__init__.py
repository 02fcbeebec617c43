"""The chip as gates: cells, synthesis, timing, activity, power."""
