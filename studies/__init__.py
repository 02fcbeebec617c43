"""Studies of the chain's statistics on the twin, each run by `python -m oxmc.studies.NAME`.

Their figures are in docs/measurements: statistics.md, devices.md and heartbeats.md.
"""
