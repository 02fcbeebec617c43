"""Two acceptance rules on the same splits and devices: the chip's own, and Barker's."""

import oxmc


def barker(p):
    return p.rng.random() < 1 / (1 + 2.0 ** (p.likelihood + p.prior - p.current))


for name, rule in (("chip's", None), ("Barker's", barker)):
    runs = oxmc.train_many("cancer", repeats=3, seed=1, accept=rule)
    share = sum(line["chain"]["acceptance"] for line in runs) / len(runs)
    print(f"{name:8}  accuracy {runs.values.mean():.4f}  acceptance {share:.3f}")
