"""Pictures of studies that draw more than a plot of `oxmc plot`."""
