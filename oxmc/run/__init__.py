"""One run: training, result, run directory, and the checks of both."""
