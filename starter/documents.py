"""From corpus lines to token documents, and from those to batches whose rows share a head."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from bpe import EOS

#: Rows of a batch: short texts of one kind must meet the optimiser in many steps, not in a few large ones.
MOST_ROWS = 24
#: A prefix is shared when at least this many documents begin with it.
SHARED_BY = 48


@dataclass(frozen=True)
class CorpusLine:
    """`loss_from` and `mask` are offsets in characters: no loss before the one, none within the spans of the other."""

    text: str
    kind: str
    loss_from: int
    mask: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Document:
    kind: str
    #: Index into the heads; 0 is the empty head.
    head: int
    #: Tokens after the head, EOS last.
    ids: np.ndarray
    #: Loss weight of each of `ids` as a target.
    weight: np.ndarray


@dataclass(frozen=True)
class Batch:
    """Arguments of `Decoder.loss`, and how many loss tokens and body tokens they hold."""

    kind: str
    shared: Tensor
    body: Tensor
    where: Tensor
    target: Tensor
    weight: Tensor
    tokens: int

    def to(self, device: torch.device) -> Batch:
        parts = (self.shared, self.body, self.where, self.target, self.weight)
        return Batch(self.kind, *(t.to(device, non_blocking=True) for t in parts), self.tokens)


def read_corpus(folder: Path) -> list[CorpusLine]:
    """All *.jsonl files of the folder, in order of name."""
    lines = []
    for file in sorted(folder.glob('*.jsonl')):
        with file.open(encoding='utf-8') as stream:
            for row in map(json.loads, stream):
                text = row['text']
                if not text.isascii() and max(map(ord, text)) > 0xFFFF:
                    raise ValueError(f'{file}: offsets are UTF-16 units; characters beyond U+FFFF are not supported.')
                lines.append(CorpusLine(text, row['kind'], row.get('lossFrom', 0), tuple(map(tuple, row.get('mask', [])))))
    if not lines:
        raise FileNotFoundError(f'No corpus lines in {folder}. Write them with: node starter/corpus.ts --out {folder}')
    return lines


def find_heads(lines: list[CorpusLine]) -> list[int]:
    """For each line the length in characters of its longest shared prefix that ends with a line's end; 0 for none."""
    counts: Counter[str] = Counter()
    cuts: list[list[int]] = []
    for line in lines:
        ends = [i + 1 for i, c in enumerate(line.text[: line.loss_from]) if c == '\n']
        cuts.append(ends)
        counts.update(line.text[:end] for end in ends)
    return [
        next((end for end in reversed(ends) if counts[line.text[:end]] >= SHARED_BY), 0)
        for line, ends in zip(lines, cuts, strict=True)
    ]


def tokenize(
    lines: list[CorpusLine], tokenizer: Tokenizer, masked_weight: float, seed: int
) -> tuple[list[list[int]], list[Document]]:
    """Returns the heads (token ids, BOS first; the first head is [BOS]) and one document a line."""
    eos = tokenizer.token_to_id(EOS)
    heads: list[list[int]] = [tokenizer.encode('').ids]
    known: dict[str, int] = {'': 0}
    documents = []
    rng = random.Random(seed)
    cuts = find_heads(lines)
    for begin in range(0, len(lines), 4096):
        chunk, chunk_cuts = lines[begin : begin + 4096], cuts[begin : begin + 4096]
        bodies = tokenizer.encode_batch([ln.text[cut:] for ln, cut in zip(chunk, chunk_cuts, strict=True)], add_special_tokens=False)
        for line, cut, body in zip(chunk, chunk_cuts, bodies, strict=True):
            prefix = line.text[:cut]
            if prefix not in known:
                known[prefix] = len(heads)
                heads.append(tokenizer.encode(prefix).ids)
            # The prompt itself is learned from a few documents, so that the model is not lost within one.
            loss_from = 0 if rng.random() < 0.05 else line.loss_from
            starts = np.array([s for s, _ in body.offsets], dtype=np.int64) + cut
            weight = np.where(starts < loss_from, 0.0, 1.0).astype(np.float32)
            for a, b in line.mask:
                weight[(starts >= a) & (starts < b)] *= masked_weight
            documents.append(
                Document(
                    line.kind,
                    known[prefix],
                    np.array([*body.ids, eos], dtype=np.int32),
                    np.append(weight, np.float32(1.0)),
                )
            )
    return heads, documents


def make_batches(documents: list[Document], tokens: int, rng: random.Random) -> list[list[Document]]:
    """One pass over the documents: rows of a batch share a head and have nearly equal lengths; order is random."""
    groups: dict[int, list[Document]] = defaultdict(list)
    for document in documents:
        groups[document.head].append(document)
    batches = []
    for group in groups.values():
        # Jitter: otherwise a length always meets the same lengths.
        group.sort(key=lambda d: len(d.ids) * (1 + 0.1 * rng.random()))
        rows: list[Document] = []
        for document in group:
            longest = max(len(d.ids) for d in [document, *rows])
            if len(rows) == MOST_ROWS or (rows and longest * (len(rows) + 1) > tokens):
                batches.append(rows)
                rows = []
            rows.append(document)
        batches.append(rows)
    rng.shuffle(batches)
    return batches


def collate(rows: list[Document], heads: list[list[int]]) -> Batch:
    """Pads to the longest row. The last head token predicts each row's first token, so `where` may point into the head."""
    head = heads[rows[0].head]
    # A body is one token shorter than its targets: the head's last token stands before the first target.
    length = max(len(d.ids) for d in rows) - 1
    body = np.zeros((len(rows), length), dtype=np.int64)
    where, target, weight = [], [], []
    for r, document in enumerate(rows):
        n = len(document.ids)
        body[r, : n - 1] = document.ids[:-1]
        keep = np.flatnonzero(document.weight)
        position = len(head) + r * length + keep - 1
        where.append(np.where(keep == 0, len(head) - 1, position))
        target.append(document.ids[keep])
        weight.append(document.weight[keep])
    return Batch(
        rows[0].kind,
        torch.tensor(head),
        torch.from_numpy(body),
        torch.from_numpy(np.concatenate(where)),
        torch.from_numpy(np.concatenate(target).astype(np.int64)),
        torch.from_numpy(np.concatenate(weight)),
        len(rows) * length,
    )


def stream_batches(
    documents: list[Document], heads: list[list[int]], tokens: int, seed: int, drill_batches: int = 0
) -> Iterator[Batch]:
    """Endless; pass p is shuffled by (seed, p), so that step n is the same batch in every run.

    It opens with `drill_batches` of copying drills alone: copying is learned within a few hundred such steps, and
    everything else builds on it. Later passes keep them in: left out, copying is forgotten again.
    """
    drills = [d for d in documents if d.kind == 'drill']
    for rows in make_batches(drills, tokens, random.Random(f'{seed} drills'))[:drill_batches]:
        yield collate(rows, heads)
    epoch = 0
    while True:
        for rows in make_batches(documents, tokens, random.Random(f'{seed} {epoch}')):
            yield collate(rows, heads)
        epoch += 1
