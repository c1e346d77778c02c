"""Completions of several prompts at once, and log-probabilities of given text."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from .model import ServedModel
from .parameters import Completion
from .sampling import Sampler


@dataclass
class TokenScore:
    token: int
    #: Of the model itself, before temperature and cuts; None for the first token of a prompt.
    logprob: float | None
    top: dict[int, float] = field(default_factory=dict)


@dataclass
class Row:
    """A prompt on its way to a completion."""

    request: Completion
    prompt: list[int]
    tokens: list[int] = field(default_factory=list)
    scores: list[TokenScore] = field(default_factory=list)
    prompt_scores: list[TokenScore] = field(default_factory=list)
    text: str = ""
    finish: str | None = None
    #: The client waits no longer.
    given_up: Callable[[], bool] = lambda: False


def run(model: ServedModel, name: str, rows: list[Row]) -> None:
    """Fills in the rows, which are answered by the same model."""
    with torch.inference_mode(), model.as_model(name):
        for row in rows:
            if row.request.echo and row.request.logprobs is not None:
                row.prompt_scores = _score_prompt(model, row)
            if row.request.max_tokens == 0:
                row.finish = "length"
        _generate(model, [row for row in rows if row.finish is None])


def _generate(model: ServedModel, rows: list[Row]) -> None:
    if not rows:
        return
    width = max(len(row.prompt) for row in rows)
    # Padded on the left, so that all rows go on at the same place; what is padded is masked and counts no position.
    padded = [[0] * (width - len(row.prompt)) + row.prompt for row in rows]
    mask = torch.tensor([[0] * (width - len(row.prompt)) + [1] * len(row.prompt) for row in rows], device=model.device)
    tokens = torch.tensor(padded, device=model.device)
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    samplers = [Sampler(row.request.sampling) for row in rows]
    cache = None
    while True:
        output = model.model(
            input_ids=tokens, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True,
            logits_to_keep=1,
        )  # fmt: skip
        cache = output.past_key_values
        logits = output.logits[:, -1].float().cpu()
        drawn = [0 if row.finish else _step(model, row, sampler, one) for row, sampler, one in zip(rows, samplers, logits)]
        if all(row.finish for row in rows):
            return
        tokens = torch.tensor(drawn, device=model.device)[:, None]
        mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=1)
        positions = positions[:, -1:] + 1


def _step(model: ServedModel, row: Row, sampler: Sampler, logits: torch.Tensor) -> int:
    request = row.request
    token = sampler.draw(logits)
    row.tokens.append(token)
    if request.logprobs is not None:
        row.scores.append(_scored(token, logits.log_softmax(-1), request.logprobs))
    if token in model.end_tokens and not request.ignore_eos:
        row.finish = "stop"
        return token
    # Decoded as a whole: a character may take several tokens, and a blank depends on what stands before.
    before = row.prompt[-4:]
    row.text = model.text_of([*before, *row.tokens])[len(model.text_of(before)) :]
    found = [at for at in (row.text.find(stop) for stop in request.stop) if at >= 0]
    if found:
        row.text, row.finish = row.text[: min(found)], "stop"
    elif len(row.tokens) >= request.max_tokens or row.given_up():
        row.finish = "length"
    return token


def _score_prompt(model: ServedModel, row: Row) -> list[TokenScore]:
    ids = torch.tensor([row.prompt], device=model.device)
    logprobs = model.model(input_ids=ids, use_cache=False).logits[0].float().log_softmax(-1).cpu()
    rest = [_scored(token, logprobs[at], row.request.logprobs or 0) for at, token in enumerate(row.prompt[1:])]
    return [TokenScore(row.prompt[0], None), *rest]


def _scored(token: int, logprobs: torch.Tensor, count: int) -> TokenScore:
    values, tokens = logprobs.topk(min(count, len(logprobs)))
    return TokenScore(token, float(logprobs[token]), dict(zip(tokens.tolist(), values.tolist())))
