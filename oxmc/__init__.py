"""oxmc: a chip that trains Bayesian models in its own OxRAM array, and the bench to prove it."""
