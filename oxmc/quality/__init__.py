"""How good a sampler is: convergence, effective draws a joule, and how far its draws are from the exact posterior."""
