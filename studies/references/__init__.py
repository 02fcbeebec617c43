"""What studies hold the chip against: models of other kinds, and exact joint draws."""
