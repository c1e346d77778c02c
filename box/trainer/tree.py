"""Examples packed into rows of a forward pass. Examples that begin alike share their beginning: a row is the trie of
their token ids, laid out depth first, each token attending to its ancestors only, its position being its depth. The
result is that of one example a row, with a third to a quarter of the tokens."""

from dataclasses import dataclass

import numpy as np

from .examples import Example


@dataclass(eq=False)
class PackedRow:
    """tokens, positions: int64 (n,). mask: bool (n, n), None for a plain causal row. sources: which token's output
    predicts; targets: the id to predict; owners: the example (index in the step) that each target belongs to."""

    tokens: np.ndarray
    positions: np.ndarray
    mask: np.ndarray | None
    sources: np.ndarray
    targets: np.ndarray
    owners: np.ndarray


def pack_single(examples: list[Example]) -> list[PackedRow]:
    """One row an example: the paper's way, and the oracle of the other."""
    rows = []
    for owner, example in enumerate(examples):
        end, start = len(example.ids), example.prompt_length
        rows.append(PackedRow(example.ids[:-1], np.arange(end - 1), None, np.arange(start - 1, end - 1),
                              example.ids[start:], np.full(end - start, owner)))  # fmt: skip
    return rows


def pack_trees(examples: list[Example], max_tokens: int) -> list[PackedRow]:
    """Tries of at most `max_tokens` (an example longer than that has a row of its own). Sorted ids put examples with a
    common beginning side by side, so that each needs only what it does not share with the one before."""
    order = sorted(range(len(examples)), key=lambda index: examples[index].key)
    rows: list[PackedRow] = []
    group: list[tuple[int, int]] = []
    size = 0
    previous: Example | None = None
    for index in order:
        example = examples[index]
        # Nothing is predicted from an example's last token, so it is left out.
        shared = 0 if previous is None else common_prefix(previous.ids[:-1], example.ids[:-1])
        fresh = len(example.ids) - 1 - shared
        if group and size + fresh > max_tokens:
            rows.append(_lay_out(examples, group))
            group, size, shared, fresh = [], 0, 0, len(example.ids) - 1
        group.append((index, shared))
        size += fresh
        previous = example
    rows.append(_lay_out(examples, group))
    return rows


def common_prefix(left: np.ndarray, right: np.ndarray) -> int:
    length = min(len(left), len(right))
    differs = left[:length] != right[:length]
    return int(differs.argmax()) if differs.any() else length


def _lay_out(examples: list[Example], group: list[tuple[int, int]]) -> PackedRow:
    """`group`: (index, how many tokens it shares with the example before)."""
    size = sum(len(examples[index].ids) - 1 - shared for index, shared in group)
    tokens = np.empty(size, np.int64)
    positions = np.empty(size, np.int64)
    mask = np.zeros((size, size), bool)
    path = np.empty(max(len(examples[index].ids) for index, _ in group), np.int64)  # token at each depth
    sources, targets, owners = [], [], []
    used = 0
    for index, shared in group:
        example = examples[index]
        length = len(example.ids) - 1
        fresh = length - shared
        end = used + fresh
        tokens[used:end] = example.ids[shared:length]
        positions[used:end] = np.arange(shared, length)
        path[shared:length] = np.arange(used, end)
        mask[used:end, path[:shared]] = True
        mask[used:end, used:end] = np.tri(fresh, dtype=bool)
        sources.append(path[example.prompt_length - 1 : length].copy())
        targets.append(example.ids[example.prompt_length :])
        owners.append(np.full(example.completion_length, index))
        used = end
    return PackedRow(tokens, positions, mask, np.concatenate(sources), np.concatenate(targets), np.concatenate(owners))


@dataclass(eq=False)
class Batch:
    """Rows padded to one length. tokens, positions (b, t); mask bool (b, 1, t, t) or None; sources index the flattened
    (b*t) tokens; targets, owners (s,)."""

    tokens: np.ndarray
    positions: np.ndarray
    mask: np.ndarray | None
    sources: np.ndarray
    targets: np.ndarray
    owners: np.ndarray
    real_tokens: int


def pad(rows: list[PackedRow], max_tokens: int) -> list[Batch]:
    """Rows of similar length together, at most `max_tokens` padded tokens a batch (one row at least)."""
    batches: list[Batch] = []
    pending: list[PackedRow] = []
    for row in sorted(rows, key=lambda row: len(row.tokens), reverse=True):
        if pending and (len(pending) + 1) * len(pending[0].tokens) > max_tokens:
            batches.append(_stack(pending))
            pending = []
        pending.append(row)
    batches.append(_stack(pending))
    return batches


def _stack(rows: list[PackedRow]) -> Batch:
    width = len(rows[0].tokens)
    tokens = np.zeros((len(rows), width), np.int64)
    positions = np.zeros((len(rows), width), np.int64)
    mask = None
    if any(row.mask is not None for row in rows):
        # Padding attends to itself: a row of the mask with nothing in it would turn into NaN.
        mask = np.broadcast_to(np.eye(width, dtype=bool), (len(rows), width, width)).copy()
    sources = []
    for number, row in enumerate(rows):
        size = len(row.tokens)
        tokens[number, :size] = row.tokens
        positions[number, :size] = row.positions
        if mask is not None:
            mask[number, :size, :size] = row.mask
        sources.append(row.sources + number * width)
    return Batch(
        tokens, positions, None if mask is None else mask[:, None],
        np.concatenate(sources), np.concatenate([row.targets for row in rows]),
        np.concatenate([row.owners for row in rows]), sum(len(row.tokens) for row in rows),
    )  # fmt: skip
