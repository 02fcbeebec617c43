"""The bench: co-simulation of chip and array, run directories and the command line `oxmc`."""
