"""Writes ranking.json, the strengths that our ranking is tested against. Needs choix and numpy; only run again when a case
is added: python ranking_peer.py > ranking.json, then prettier --write ranking.json."""

import json
import sys
from importlib.metadata import version

import choix
import numpy as np

rng = np.random.default_rng(11)
out = {"made with": {name: version(name) for name in ["choix", "numpy"]}, "cases": []}


def strengths(params):
    weights = np.exp(params)
    return (weights / weights.sum()).tolist()


for count, size, choices, alpha in [(2, 2, 40, 0.0), (4, 2, 300, 0.0), (5, 5, 200, 0.0), (6, 3, 400, 0.1), (4, 4, 12, 0.1)]:
    truth = np.exp(rng.normal(size=count))
    data = []
    for _ in range(choices):
        members = rng.choice(count, size=size, replace=False)
        winner = int(rng.choice(members, p=truth[members] / truth[members].sum()))
        data.append((winner, [int(m) for m in members if m != winner]))
    params = choix.mm_top1(count, data, alpha=alpha, tol=1e-12, max_iter=100_000)
    out["cases"].append({"count": count, "prior": alpha, "choices": [[w, *l] for w, l in data], "strengths": strengths(params)})

json.dump(out, sys.stdout)
print()
