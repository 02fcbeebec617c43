"""What `oxmc bench` measures: the speed of the co-simulation, the twin and the repeats, as ratios on one machine.

Speeds wobble from run to run and from machine to machine; a ratio of two that were measured in turns wobbles less.
`asked.py` says what is asked, `plan.py` measures it, `report.py` shows it; the other modules are one measurement each.
"""
