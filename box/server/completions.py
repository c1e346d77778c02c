"""POST /v1/completions: from a checked request to the answer that OpenAI's clients read."""

import time
import uuid
from collections.abc import Callable

from .failures import RequestError
from .generate import Row, TokenScore
from .model import ServedModel
from .parameters import Completion
from .worker import Worker


def complete(worker: Worker, request: Completion, given_up: Callable[[], bool]) -> dict[str, object]:
    model = worker.model
    if request.model not in model.names:
        served = ", ".join(model.names)
        raise RequestError(404, f"The model '{request.model}' does not exist; served: {served}.", "model_not_found", "model")
    prompt = _prompt_tokens(model, request)
    wanted = len(prompt) + request.max_tokens
    if wanted > model.context_length:
        raise RequestError(
            400,
            f"This model's maximum context length is {model.context_length} tokens, but {wanted} were requested "
            f"({len(prompt)} in the prompt, {request.max_tokens} for the completion): shorten one of them.",
            "context_length_exceeded",
            "prompt",
        )
    row = worker.complete(Row(request, prompt, given_up=given_up))
    return {
        "id": f"cmpl-{uuid.uuid4()}",
        "object": "text_completion",
        "created": int(time.time()),
        "model": request.model,
        "choices": [
            {
                "index": 0,
                "text": (model.text_of(prompt) if request.echo else "") + row.text,
                "finish_reason": row.finish,
                "logprobs": None if request.logprobs is None else _lines(model, row),
            }
        ],
        "usage": {
            "prompt_tokens": len(prompt),
            "completion_tokens": len(row.tokens),
            "total_tokens": len(prompt) + len(row.tokens),
        },
    }


def _prompt_tokens(model: ServedModel, request: Completion) -> list[int]:
    if isinstance(request.prompt, str):
        tokens = model.tokenize(request.prompt, request.add_special_tokens)
    else:
        size = model.model.get_input_embeddings().num_embeddings
        tokens = request.prompt
        if max(tokens) >= size:
            raise RequestError(400, f"'prompt' holds a token id above {size - 1}, the largest of this model.", param="prompt")
    # An empty prompt still needs a position to go on from.
    first = model.tokenizer.bos_token_id
    return tokens or [first if first is not None else next(iter(model.end_tokens), 0)]


def _lines(model: ServedModel, row: Row) -> dict[str, list]:
    """The four parallel lists of the completions API; offsets are characters of the answer's text."""
    lines: dict[str, list] = {"tokens": [], "token_logprobs": [], "top_logprobs": [], "text_offset": []}
    before: list[int] = []
    offset = 0

    def add(score: TokenScore) -> None:
        nonlocal offset
        piece = model.piece_of(before, score.token)
        lines["tokens"].append(piece)
        lines["token_logprobs"].append(score.logprob)
        top: dict[str, float] = {}
        for token, value in score.top.items():  # best first; tokens that are parts of a character look alike as text
            top.setdefault(model.piece_of(before, token), value)
        lines["top_logprobs"].append(None if score.logprob is None else top)
        lines["text_offset"].append(offset)
        offset += len(piece)
        before.append(score.token)

    if row.request.echo:
        for score in row.prompt_scores:
            add(score)
    else:
        before += row.prompt
    for score in row.scores:
        add(score)
    return lines
