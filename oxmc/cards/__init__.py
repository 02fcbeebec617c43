"""Device cards from measurements of one's own: what cycles, relaxation and noise of devices say, and how surely."""
