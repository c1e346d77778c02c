"""Is a forward pass over a tree the same as over its examples one by one, on the base that is loaded? Some model
classes ignore a mask of four dimensions (sliding windows, state spaces, custom code); for those the tree is not used."""

import numpy as np
import torch

from .examples import Example
from .model import AdaptedModel
from .tree import Batch, pack_single, pack_trees

#: Largest difference of a token's log-probability in nats that rounding explains.
TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 0.15, torch.float16: 0.05}


def tree_difference(model: AdaptedModel, examples: list[Example]) -> tuple[float, float]:
    """Returns (largest difference, tolerance) over the trajectory with the longest example, which shows a window."""
    longest = max(examples, key=lambda example: len(example.ids)).row.trajectory
    chosen = [example for example in examples if example.row.trajectory == longest][:8]
    if len(chosen) == 1:
        # Without a second branch nothing would be tested: one more example, sharing what it may.
        chosen += [example for example in examples if example is not chosen[0]][:1]
    size = sum(len(example.ids) for example in chosen)
    with model.evaluating():
        tree = _in_order(model, pack_trees(chosen, size))
        single = _in_order(model, pack_single(chosen, 1))
    exact = model.device.type == "cpu" or model.dtype == torch.float32
    return float(np.abs(tree - single).max()), TOLERANCE[torch.float32 if exact else model.dtype]


def _in_order(model: AdaptedModel, batches: list[Batch]) -> np.ndarray:
    losses = np.concatenate([model.token_losses(batch, exact=True).cpu().numpy() for batch in batches])
    owners = np.concatenate([batch.owners for batch in batches])
    return losses[np.argsort(owners, kind="stable")]
