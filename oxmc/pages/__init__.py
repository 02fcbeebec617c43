"""The printed pages of docs/: `make docs` writes them, and a test holds them to the sources."""
