"""What a job will compute on, counted before the base is loaded."""

from pathlib import Path

from .examples import Example
from .memory import BaseShape, Load
from .schedule import all_epochs
from .spec import Hyper
from .tree import Batch, pack_single, pack_trees


def packer(hyper: Hyper):
    return pack_trees if hyper.mode == "tree" else pack_single


def load_of(name: str, hyper: Hyper, examples: list[Example], shape: BaseShape, batch_tokens: int) -> Load:
    largest = supervised = total = 0
    # One epoch packed exactly stands for all: epochs differ in their order only.
    steps = all_epochs(examples, hyper, name)[0]
    for step in steps:
        for batch in packer(hyper)([examples[index] for index in step], batch_tokens):
            total += batch.tokens.size
            if batch.tokens.size > largest:
                largest, supervised = batch.tokens.size, len(batch.targets)
    # Rank times (in + out) of each module; what is no square of the width is close enough to it for an estimate.
    adapter = shape.layers * sum(
        hyper.rank * (shape.width + (shape.inner if name.startswith(("gate", "up", "down")) else shape.width))
        for name in hyper.targetModules
    )
    return Load(largest, supervised, round(total * hyper.epochs), adapter)


def together(loads: list[Load]) -> Load:
    """Of adapters that take turns on one base."""
    most = max(loads, key=lambda load: load.largest)
    return Load(most.largest, most.supervised, sum(load.total for load in loads),
                sum(load.adapter_parameters for load in loads))  # fmt: skip


def longest_batch(hyper: Hyper, examples: list[Example], batch_tokens: int, name: str, tree: bool) -> Batch:
    """The largest forward pass of an epoch: what fits with it fits with all."""
    steps = all_epochs(examples, hyper, name)[0]
    return max(
        (batch for step in steps for batch in (pack_trees if tree else pack_single)([examples[index] for index in step], batch_tokens)),
        key=lambda batch: batch.tokens.size,
    )


def base_of(job: Path, spec: object) -> Path:
    return (job / spec.base).resolve()
