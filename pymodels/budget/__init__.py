"""What a run must have counted, from its configuration and its decisions alone."""
