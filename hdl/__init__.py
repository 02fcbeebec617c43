"""The trainer chip in Amaranth: one component a file, wired together in `chip.py`."""
