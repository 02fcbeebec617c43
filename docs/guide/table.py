"""A table goes in, predictions on new raw values come out, with their joules."""

import numpy as np

import oxmc

rng = np.random.default_rng(1)
X = rng.normal([20.0, 1000.0, 0.5], [2.0, 100.0, 0.1], (300, 3))  # degrees, hPa, a share
y = np.where(X[:, 0] - 20 > (X[:, 1] - 1000) / 50, "dry", "wet")

run = oxmc.train(X, y, seed=1)
print(run)
print(run.predict([[24.0, 950.0, 0.5], [16.0, 1050.0, 0.5]]))
print(run.energy("28nm"))
