"""What a run has learned: its posterior, as a file and by row."""
