"""Single-event upsets and losses of power: what a flipped bit anywhere in the chip does to a training."""
