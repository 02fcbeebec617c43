"""Many runs: repeats, sweeps, and the workers that share them."""
