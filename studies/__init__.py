"""Studies of the chain's statistics on the twin, each run by `python -m oxmc.studies.NAME`; see docs/statistics.md."""
