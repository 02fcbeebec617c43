"""The command line `oxmc`."""
