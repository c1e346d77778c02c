"""Writes agreement.json, the figures that our statistics of studies are tested against. Needs krippendorff, statsmodels,
nltk, scipy and numpy; only run again when a case is added: python agreement_peer.py > agreement.json, then
prettier --write agreement.json."""

import json
import sys
from collections import Counter
from importlib.metadata import version

import krippendorff
import numpy as np
from nltk.metrics.agreement import AnnotationTask
from scipy import stats
from statsmodels.stats.inter_rater import aggregate_raters, fleiss_kappa

rng = np.random.default_rng(6)
packages = ["krippendorff", "statsmodels", "nltk", "scipy", "numpy"]
out = {"made with": {name: version(name) for name in packages}}


def masi(a, b):
    """nltk's own rounds 2/3 and 1/3 to two digits."""
    shared, union = len(a & b), len(a | b)
    m = 1 if a == b else 2 / 3 if shared == min(len(a), len(b)) else 1 / 3 if shared else 0
    return 1 - shared / union * m


out["fleiss"] = []
for items, raters, kinds, truth in [(30, 5, 4, 0.5), (100, 3, 3, 0.8), (40, 2, 5, 0.0), (25, 5, 2, 0.3)]:
    best = rng.integers(kinds, size=items)
    ratings = np.where(rng.random((items, raters)) < truth, best[:, None], rng.integers(kinds, size=(items, raters)))
    table, _ = aggregate_raters(ratings, n_cat=kinds)
    out["fleiss"].append({"ratings": ratings.tolist(), "kappa": float(fleiss_kappa(table))})

out["nominal"] = []
for items, raters, kinds, missing in [(30, 5, 4, 0.3), (80, 3, 3, 0.1), (20, 4, 2, 0.0)]:
    best = rng.integers(kinds, size=items)
    ratings = np.where(rng.random((items, raters)) < 0.6, best[:, None], rng.integers(kinds, size=(items, raters))).astype(float)
    ratings[rng.random((items, raters)) < missing] = np.nan
    alpha = krippendorff.alpha(reliability_data=ratings.T, level_of_measurement="nominal")
    rows = [[None if np.isnan(x) else int(x) for x in row] for row in ratings]
    out["nominal"].append({"ratings": rows, "alpha": float(alpha)})

out["sets"] = []
for items, raters, kinds, missing in [(30, 5, 4, 0.2), (50, 3, 3, 0.0)]:
    rows, triples = [], []
    for item in range(items):
        base = int(rng.integers(kinds))
        row = []
        for rater in range(raters):
            if rng.random() < missing:
                row.append(None)
                continue
            labels = {base if rng.random() < 0.6 else int(rng.integers(kinds))}
            if rng.random() < 0.3:
                labels.add(int(rng.integers(kinds)))
            row.append(sorted(labels))
        # nltk counts items with one rating in the expected disagreement; Krippendorff leaves them out.
        if sum(labels is not None for labels in row) < 2:
            continue
        rows.append(row)
        triples += [(f"r{r}", f"i{item}", frozenset(labels)) for r, labels in enumerate(row) if labels is not None]
    out["sets"].append({"ratings": rows, "alpha": float(AnnotationTask(data=triples, distance=masi).alpha())})

out["chiSquare"] = [
    {"x": x, "df": df, "p": float(stats.chi2.sf(x, df))}
    for x, df in [(0.1, 1), (3.84, 1), (2.5, 3), (12.0, 3), (40.0, 4), (7.0, 8), (0.0, 2), (150.0, 5)]
]
out["binomial"] = [
    {"k": k, "n": n, "chance": p, "p": float(stats.binomtest(k, n, p, alternative="greater").pvalue)}
    for k, n, p in [(0, 5, 0.25), (3, 10, 0.25), (10, 25, 0.25), (25, 25, 0.5), (60, 100, 0.5), (13, 25, 1 / 3)]
]

# A whole study: the wins by majority and their interval, each counted here in another way.
items, raters, kinds = 80, 5, 4
strength = np.array([0.5, 0.25, 0.15, 0.1])
ratings = np.array([rng.choice(kinds, size=raters, p=strength) for _ in range(items)])
ratings[::3] = np.where(rng.random((len(ratings[::3]), raters)) < 0.7, ratings[::3, :1], ratings[::3])
winners = []
plurality = Counter()
for row in ratings:
    (first, n), *rest = Counter(row.tolist()).most_common()
    winners.append(int(first) if n > raters / 2 else None)
    if not rest or rest[0][1] < n:
        plurality[int(first)] += 1
decided = np.array([w is not None for w in winners])
study = {"ratings": ratings.tolist(), "decided": int(decided.sum()), "wins": [], "rates": [], "low": [], "high": []}
study["plurality"] = [plurality[m] for m in range(kinds)]
for method in range(kinds):
    won = np.array([w == method for w in winners])[decided].astype(float)
    interval = stats.bootstrap((won,), np.mean, n_resamples=200_000, method="percentile", batch=20_000, rng=3).confidence_interval
    study["wins"].append(int(won.sum()))
    study["rates"].append(float(won.mean()))
    study["low"].append(float(interval.low))
    study["high"].append(float(interval.high))
wins = np.array(study["wins"])
n = int(wins.sum())
draws = rng.multinomial(n, [1 / kinds] * kinds, size=400_000)
mean = n / kinds
study["evenP"] = float((((draws - mean) ** 2 / mean).sum(axis=1) >= ((wins - mean) ** 2 / mean).sum() - 1e-9).mean())
study["signTests"] = [
    {"first": a, "second": b, "p": float(stats.binomtest(int(wins[a]), int(wins[a] + wins[b]), 0.5).pvalue)}
    for a in range(kinds) for b in range(a + 1, kinds)
]
# Milder strengths, so that the test of even wins is not at its floor.
mild = np.array([13, 9, 6, 4])
mean = mild.sum() / 4
draws = rng.multinomial(int(mild.sum()), [0.25] * 4, size=400_000)
study["mild"] = {"wins": mild.tolist(), "p": float((((draws - mean) ** 2 / mean).sum(axis=1) >= ((mild - mean) ** 2 / mean).sum() - 1e-9).mean())}
out["study"] = study

json.dump(out, sys.stdout)
print()
