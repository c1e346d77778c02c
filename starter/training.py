"""The pretraining loop: schedule, checkpoints, loss curve. Everything random comes from the recipe's seed."""

from __future__ import annotations

import json
import math
import random
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import torch

from decoder import Decoder
from documents import Batch, Document, collate, make_batches, stream_batches

#: Points of a loss curve.
POINTS = 40


@dataclass(frozen=True)
class Training:
    """Fields of `training` in recipe.json."""

    #: Body tokens to see in all (shared heads are not counted). The learning rate follows this budget.
    tokens: int
    #: Body tokens of one batch, and batches of one step.
    batch_tokens: int
    accumulate: int
    #: Peak learning rates: of the layers' matrices (Muon), and of embeddings and norms (AdamW).
    matrix_rate: float
    rate: float
    #: Shares of the budget, and of the peak rate.
    warmup: float
    final_rate: float
    weight_decay: float
    clip: float
    #: Loss weight of observations.
    masked_weight: float
    #: Documents of each kind held out for the loss curve.
    held_out: int
    #: Batches of copying drills before everything else.
    drill_batches: int = 0
    #: Body tokens after which the learning rate rises again, to this share of its peak, for another cosine to the end.
    restart: int = 0
    restart_peak: float = 0.6


@dataclass
class Progress:
    step: int = 0
    batches: int = 0
    tokens: int = 0
    seconds: float = 0.0
    curve: list[dict] = field(default_factory=list)
    #: Training loss and its weight since the last point of the curve.
    loss_sum: float = 0.0
    loss_weight: float = 0.0


def optimizers(model: Decoder, t: Training) -> list[torch.optim.Optimizer]:
    """Muon for the layers' matrices, AdamW for embeddings and norms."""
    matrices = [p for n, p in model.named_parameters() if p.dim() == 2 and 'embed_tokens' not in n]
    others = [p for n, p in model.named_parameters() if p.dim() != 2 or 'embed_tokens' in n]
    # Two Muons with half of the matrices each: their steps run side by side.
    return [
        *(
            torch.optim.Muon(matrices[i::2], lr=t.matrix_rate, weight_decay=t.weight_decay, adjust_lr_fn='match_rms_adamw')
            for i in range(2)
        ),
        torch.optim.AdamW(others, lr=t.rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True),
    ]


def schedule(t: Training, done: float) -> float:
    """Share of the peak rate after `done` of the budget: linear warm-up, then a cosine, and both again after a restart."""
    first = t.restart / t.tokens if t.restart else 1.0
    if done < first:
        return _cosine(t, done / first)
    return t.restart_peak * _cosine(t, (done - first) / (1 - first)) if t.restart else _cosine(t, 1.0)


def _cosine(t: Training, done: float) -> float:
    if done < t.warmup:
        return max(done, 1e-3) / t.warmup
    x = min(1.0, (done - t.warmup) / (1 - t.warmup))
    return t.final_rate + (1 - t.final_rate) * 0.5 * (1 + math.cos(math.pi * x))


def held_out_losses(
    model: Decoder, documents: list[Document], heads: list[list[int]], t: Training, device: torch.device
) -> dict[str, float]:
    """Mean loss a token by kind."""
    total: dict[str, float] = defaultdict(float)
    count: dict[str, float] = defaultdict(float)
    with torch.no_grad():
        for rows in make_batches(documents, t.batch_tokens, random.Random(0)):
            for kind in {d.kind for d in rows}:
                batch = collate([d for d in rows if d.kind == kind], heads).to(device)
                total[kind] += float(model.loss(batch.shared, batch.body, batch.where, batch.target, batch.weight))
                count[kind] += float(batch.weight.sum())
    return {kind: round(total[kind] / max(count[kind], 1.0), 4) for kind in sorted(total)}


def train(
    model: Decoder,
    train_set: list[Document],
    held_out: list[Document],
    heads: list[list[int]],
    t: Training,
    *,
    seed: int,
    device: torch.device,
    folder: Path,
    minutes: float | None,
    compiled: bool,
    threads: int,
    say: Callable[[str], None],
    stop_after: int | None = None,
) -> Progress:
    """Trains to the token budget, or for `minutes` when given. Resumes from `folder`/checkpoint.pt when that is there.

    `stop_after` ends the run early at that step, as an interruption right after a checkpoint would.

    Returns the progress, whose curve has the training loss (mean since the last point) and held-out losses by kind.
    """
    model.to(device)
    steppers = optimizers(model, t)
    peaks = [group['lr'] for s in steppers for group in s.param_groups]
    progress = Progress()
    checkpoint, curve_file = folder / 'checkpoint.pt', folder / 'curve.jsonl'
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device, weights_only=False)
        model.load_state_dict(state['model'])
        for s, saved in zip(steppers, state['optimizers'], strict=True):
            s.load_state_dict(saved)
        progress = state['progress']
        say(f'Resumes at step {progress.step}.')
    loss_of = torch.compile(model.loss, dynamic=True) if compiled else model.loss
    parameters = list(model.parameters())
    # On a CPU each batch of a step has a core to itself: cores meet once a step instead of at every matrix product.
    workers = ThreadPoolExecutor(1 if device.type == 'cuda' else threads)
    torch.set_num_threads(1)
    stream = stream_batches(train_set, heads, t.batch_tokens, seed, t.drill_batches)
    for _ in range(progress.batches):
        next(stream)

    started, before = time.monotonic(), progress.seconds
    next_point = (len(progress.curve) + 1) * t.tokens / POINTS
    next_save = time.monotonic() + 180

    def done() -> float:
        return progress.seconds / (minutes * 60) if minutes else progress.tokens / t.tokens

    while done() < 1:
        factor = schedule(t, done())
        for group, peak in zip([g for s in steppers for g in s.param_groups], peaks, strict=True):
            group['lr'] = peak * factor
        batches: list[Batch] = [next(stream).to(device) for _ in range(t.accumulate)]
        weight = sum(float(b.weight.sum()) for b in batches)

        def gradient(batch: Batch) -> tuple[float, tuple[torch.Tensor, ...]]:
            loss = loss_of(batch.shared, batch.body, batch.where, batch.target, batch.weight)
            return float(loss.detach()), torch.autograd.grad(loss / weight, parameters)

        results = list(workers.map(gradient, batches))
        for p, *grads in zip(parameters, *(g for _, g in results), strict=True):
            p.grad = grads[0]
            for grad in grads[1:]:
                p.grad += grad
        progress.loss_sum += sum(loss for loss, _ in results)
        progress.loss_weight += weight
        torch.nn.utils.clip_grad_norm_(model.parameters(), t.clip)
        list(workers.map(lambda s: s.step(), steppers))
        progress.step += 1
        progress.batches += len(batches)
        progress.tokens += sum(b.tokens for b in batches)
        progress.seconds = before + time.monotonic() - started

        last = done() >= 1
        stops = progress.step == stop_after
        if progress.tokens >= next_point or last:
            next_point = (len(progress.curve) + 2) * t.tokens / POINTS
            point = {
                'step': progress.step,
                'tokens': progress.tokens,
                'seconds': round(progress.seconds),
                'rate': round(factor, 4),
                'train': round(progress.loss_sum / progress.loss_weight, 4),
                'heldOut': held_out_losses(model, held_out, heads, t, device),
            }
            progress.loss_sum, progress.loss_weight = 0.0, 0.0
            progress.curve.append(point)
            with curve_file.open('a') as f:
                f.write(json.dumps(point) + '\n')
            say(json.dumps(point))
        if time.monotonic() >= next_save or last or stops:
            next_save = time.monotonic() + 180
            partial = checkpoint.with_suffix('.partial')
            torch.save({'model': model.state_dict(), 'optimizers': [s.state_dict() for s in steppers], 'progress': progress}, partial)
            partial.replace(checkpoint)
        if stops:
            break
    return progress
