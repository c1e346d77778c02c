"""Writes statistics.json, the figures that our statistics are tested against. Needs scipy, statsmodels and numpy; only
run again when a case is added: python statistics_peer.py > statistics.json, then prettier --write statistics.json."""

import json
import sys

import numpy as np
import scipy
import statsmodels
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

rng = np.random.default_rng(20)
out = {"made with": {"scipy": scipy.__version__, "statsmodels": statsmodels.__version__, "numpy": np.__version__}}

out["mcnemar"] = [
    {"first": b, "second": c, "p": float(stats.binomtest(b, b + c, 0.5).pvalue)}
    for b, c in [(1, 0), (5, 0), (10, 2), (15, 30), (33, 26), (60, 61), (100, 40), (700, 600), (3000, 3200)]
]

out["wilson"] = []
for k, n, confidence in [(0, 10, 0.95), (1, 10, 0.95), (5, 10, 0.9), (33, 100, 0.95), (100, 100, 0.95), (299, 300, 0.99)]:
    low, high = proportion_confint(k, n, alpha=1 - confidence, method="wilson")
    out["wilson"].append({"k": k, "n": n, "confidence": confidence, "low": float(low), "high": float(high)})

out["normal"] = [{"p": p, "z": float(stats.norm.ppf(p))} for p in [0.0005, 0.025, 0.5, 0.9, 0.975, 0.995, 0.9999]]

out["holm"] = []
for p in [[0.01, 0.04, 0.03, 0.005], [0.5, 0.6], [0.02, 0.02, 0.02], [0.9, 0.0001, 0.3, 0.04, 0.012]]:
    out["holm"].append({"p": p, "adjusted": [float(x) for x in multipletests(p, method="holm")[1]]})

out["signFlip"] = []
for n, shift in [(5, 0.2), (8, 0.0), (12, 0.3), (13, 0.1), (60, 0.08), (300, 0.05)]:
    d = np.round(rng.normal(shift, 0.4, n), 3)
    exact = n <= 13
    result = stats.permutation_test(
        (d,), np.sum, permutation_type="samples", n_resamples=np.inf if exact else 400_000, alternative="two-sided", rng=1
    )
    out["signFlip"].append({"differences": d.tolist(), "exact": exact, "p": float(result.pvalue)})

out["bootstrap"] = []
for n, kind in [(100, "binary"), (300, "f1")]:
    x = (rng.random(n) < 0.3).astype(float) if kind == "binary" else np.round(np.where(rng.random(n) < 0.6, 0, rng.random(n)), 3)
    interval = stats.bootstrap((x,), np.mean, n_resamples=400_000, method="percentile", batch=20_000, rng=2).confidence_interval
    out["bootstrap"].append({"values": x.tolist(), "low": float(interval.low), "high": float(interval.high)})

x = np.round(rng.random(37), 4)
out["quantile"] = {"values": x.tolist(), "at": [{"p": p, "value": float(np.quantile(x, p))} for p in [0, 0.025, 0.1, 0.5, 0.975, 1]]}

json.dump(out, sys.stdout, indent=1)
print()
