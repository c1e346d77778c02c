"""Examples packed into forward passes. Examples that begin alike share their beginning.

A tree batch is one row: first the head, which all its examples have in common (instructions, often the question), then
one branch for each trajectory. A branch is the trie of the rest of its examples' token ids, laid out depth first, each
token attending to its ancestors only, its position being its depth. The result is that of one example a row, with a
fraction of the tokens; `attention.py` computes it without attending across branches."""

from dataclasses import dataclass
from itertools import groupby

import numpy as np

from .examples import Example


@dataclass(eq=False)
class Layout:
    """The row is `head` tokens, then `branches` x `width` (padded). mask: bool (branches, 1, width, head + width)."""

    head: int
    branches: int
    width: int
    mask: np.ndarray


@dataclass(eq=False)
class Batch:
    """tokens, positions: int64 (b, t); a layout goes with b = 1, without one rows are causal and padded at their end.
    sources: which of the flattened b*t outputs predicts; targets: the id to predict; owners: the example (its index in
    the step) that the target belongs to; all (s,)."""

    tokens: np.ndarray
    positions: np.ndarray
    layout: Layout | None
    sources: np.ndarray
    targets: np.ndarray
    owners: np.ndarray
    real_tokens: int


def pack_single(examples: list[Example], max_tokens: int) -> list[Batch]:
    """One row an example, at most `max_tokens` padded tokens a batch: the paper's way, and the oracle of the other."""
    batches: list[Batch] = []
    pending: list[int] = []
    for index in sorted(range(len(examples)), key=lambda index: -len(examples[index].ids)):
        if pending and (len(pending) + 1) * (len(examples[pending[0]].ids) - 1) > max_tokens:
            batches.append(_rows(examples, pending))
            pending = []
        pending.append(index)
    batches.append(_rows(examples, pending))
    return batches


def _rows(examples: list[Example], indices: list[int]) -> Batch:
    width = len(examples[indices[0]].ids) - 1  # nothing is predicted from an example's last token
    tokens = np.zeros((len(indices), width), np.int64)
    sources = []
    for row, index in enumerate(indices):
        example = examples[index]
        length = len(example.ids) - 1
        tokens[row, :length] = example.ids[:-1]
        sources.append(np.arange(example.prompt_length - 1, length) + row * width)
    # Positions go on through the padding: a restart would be taken for a second text in the row.
    positions = np.broadcast_to(np.arange(width), tokens.shape).copy()
    real = sum(len(examples[index].ids) - 1 for index in indices)
    return Batch(tokens, positions, None, np.concatenate(sources), *_targets(examples, indices), real)


def pack_trees(examples: list[Example], max_tokens: int) -> list[Batch]:
    """Trees of at most `max_tokens` padded tokens (an example longer than that is alone)."""
    groups = _groups(examples, max_tokens)
    everything = [index for group in groups for index, _ in group]
    head = _common(examples, everything)
    groups.sort(key=lambda group: -_size(examples, group))
    batches, pending, width = [], [], 0
    for group in groups:
        if pending and head + (len(pending) + 1) * width > max_tokens:
            batches.append(_tree(examples, pending))
            pending = []
        if not pending:
            width = _size(examples, group) - head
        pending.append(group)
    batches.append(_tree(examples, pending))
    return batches


#: (example, how many tokens it shares with the one before it), in the order of their ids.
Group = list[tuple[int, int]]


def _groups(examples: list[Example], max_tokens: int) -> list[Group]:
    """Examples of a trajectory, sorted: neighbours share the most, so each needs only what the one before lacks."""
    order = sorted(range(len(examples)), key=lambda index: (examples[index].row.trajectory, examples[index].key))
    groups: list[Group] = []
    for _, run in groupby(order, key=lambda index: examples[index].row.trajectory):
        group: Group = []
        size = 0
        for index in run:
            length = len(examples[index].ids) - 1
            shared = common_prefix(examples[group[-1][0]].ids[:-1], examples[index].ids[:-1]) if group else 0
            if group and size + length - shared > max_tokens:
                groups.append(group)
                group, size, shared = [], 0, 0
            group.append((index, shared))
            size += length - shared
        groups.append(group)
    return groups


def _size(examples: list[Example], group: Group) -> int:
    return sum(len(examples[index].ids) - 1 - shared for index, shared in group)


def _common(examples: list[Example], indices: list[int]) -> int:
    """What all have in common is what the first and the last in the order of their ids have in common."""
    first, last = (pick(indices, key=lambda index: examples[index].key) for pick in (min, max))
    return common_prefix(examples[first].ids[:-1], examples[last].ids[:-1])


def common_prefix(left: np.ndarray, right: np.ndarray) -> int:
    length = min(len(left), len(right))
    differs = left[:length] != right[:length]
    return int(differs.argmax()) if differs.any() else length


def _tree(examples: list[Example], groups: list[Group]) -> Batch:
    indices = [index for group in groups for index, _ in group]
    head = _common(examples, indices)
    width = max(_size(examples, group) for group in groups) - head
    total = head + len(groups) * width
    tokens = np.zeros(total, np.int64)
    positions = np.zeros(total, np.int64)
    # Padding attends to itself: a row of the mask with nothing in it would turn into NaN.
    mask = np.zeros((len(groups), width, head + width), bool)
    mask[:, np.arange(width), head + np.arange(width)] = True
    tokens[:head] = examples[indices[0]].ids[:head]
    positions[:head] = np.arange(head)
    path = np.empty(max(len(examples[index].ids) for index in indices), np.int64)  # where the token of each depth is
    path[:head] = np.arange(head)
    sources = []
    for branch, group in enumerate(groups):
        start = used = head + branch * width
        for index, shared in group:
            example = examples[index]
            length, shared = len(example.ids) - 1, max(shared, head)
            end = used + length - shared
            tokens[used:end] = example.ids[shared:length]
            positions[used:end] = np.arange(shared, length)
            path[shared:length] = np.arange(used, end)
            rows = mask[branch, used - start : end - start]
            rows[:, :head] = True
            rows[:, path[head:shared] - start + head] = True
            rows[:, head + used - start : head + end - start] = np.tri(end - used, dtype=bool)
            sources.append(path[example.prompt_length - 1 : length].copy())
            used = end
    layout = Layout(head, len(groups), width, mask[:, None])
    real = head + sum(_size(examples, group) - head for group in groups)
    return Batch(tokens[None], positions[None], layout, np.concatenate(sources), *_targets(examples, indices), real)


def _targets(examples: list[Example], indices: list[int]) -> tuple[np.ndarray, np.ndarray]:
    targets = np.concatenate([examples[index].ids[examples[index].prompt_length :] for index in indices])
    return targets, np.concatenate([np.full(examples[index].completion_length, index) for index in indices])
