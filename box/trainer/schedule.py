"""Which examples a step sees, and its learning rate: functions of the settings alone, so that a resumed job knows them."""

import math
import random
from itertools import groupby

from .examples import Example
from .spec import Hyper, derive_seed


def all_epochs(examples: list[Example], hyper: Hyper, adapter: str) -> list[list[list[int]]]:
    """The steps of each epoch; the last is cut short when the number of epochs has a fraction."""
    epochs = [epoch_steps(examples, hyper, adapter, epoch) for epoch in range(math.ceil(hyper.epochs))]
    share = hyper.epochs - (len(epochs) - 1)
    epochs[-1] = epochs[-1][: max(1, round(share * len(epochs[-1])))]
    return epochs


def epoch_steps(examples: list[Example], hyper: Hyper, adapter: str, epoch: int) -> list[list[int]]:
    """Indices of the examples of each step of an epoch."""
    if hyper.shuffle == "example":
        units = [[index] for index in range(len(examples))]
    else:
        order = sorted(range(len(examples)), key=lambda index: examples[index].row.trajectory)
        units = [list(group) for _, group in groupby(order, key=lambda index: examples[index].row.trajectory)]
    random.Random(derive_seed(hyper.seed, adapter, "order", epoch)).shuffle(units)
    steps: list[list[int]] = [[]]
    for unit in units:
        if len(steps[-1]) >= hyper.batchSize:
            steps.append([])
        steps[-1].extend(unit)
    return steps


def learning_rate_at(step: int, steps: int, hyper: Hyper) -> float:
    """Linear warm-up, then half a cosine to zero. `step` counts from 0."""
    warmup = math.ceil(steps * hyper.warmupRatio)
    if step < warmup:
        return hyper.learningRate * step / max(1, warmup)
    progress = (step - warmup) / max(1, steps - warmup)
    return hyper.learningRate * max(0.0, 0.5 * (1 + math.cos(math.pi * progress)))
