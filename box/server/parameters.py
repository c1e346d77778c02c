"""Bodies of requests, checked: OpenAI's fields, and vLLM's top_k, add_special_tokens and ignore_eos."""

import secrets
from dataclasses import dataclass

from .failures import RequestError


@dataclass(frozen=True)
class Sampling:
    temperature: float
    top_p: float
    #: 0 for all tokens.
    top_k: int
    seed: int


@dataclass(frozen=True)
class Completion:
    model: str
    #: Text, or token ids as they are.
    prompt: str | list[int]
    max_tokens: int
    stop: tuple[str, ...]
    sampling: Sampling
    #: How many of the likeliest tokens are told beside the one that was taken; None tells nothing.
    logprobs: int | None
    echo: bool
    add_special_tokens: bool
    ignore_eos: bool


def parse_completion(body: object) -> Completion:
    fields = _fields(body)
    if fields.get("stream"):
        raise _wrong("stream", "this server sends whole answers only: leave it out")
    if fields.get("n") not in (None, 1):
        raise _wrong("n", "this server makes one completion a request: leave it out")
    stop = fields.get("stop")
    stop = [] if stop is None else [stop] if isinstance(stop, str) else stop
    if not isinstance(stop, list) or len(stop) > 64 or not all(isinstance(one, str) and one for one in stop):
        raise _wrong("stop", "it is a text or a list of at most 64 texts")
    seed = fields.get("seed")
    if seed is not None and type(seed) is not int:
        raise _wrong("seed", "it is a whole number")
    return Completion(
        model=_model(fields),
        prompt=_prompt(fields),
        max_tokens=int(_number(fields, "max_tokens", 16, 0, 1 << 20, whole=True)),
        stop=tuple(stop),
        sampling=Sampling(
            temperature=_number(fields, "temperature", 1.0, 0, 100),
            top_p=_number(fields, "top_p", 1.0, 1e-6, 1),
            top_k=max(0, int(_number(fields, "top_k", 0, -1, 1 << 30, whole=True))),
            seed=secrets.randbits(63) if seed is None else seed % (1 << 63),
        ),
        logprobs=None if fields.get("logprobs") is None else int(_number(fields, "logprobs", 0, 0, 20, whole=True)),
        echo=_flag(fields, "echo", False),
        add_special_tokens=_flag(fields, "add_special_tokens", True),
        ignore_eos=_flag(fields, "ignore_eos", False),
    )


def parse_tokenize(body: object) -> tuple[str, bool]:
    """Text, and whether special tokens go in front."""
    fields = _fields(body)
    if not isinstance(fields.get("prompt"), str):
        raise _wrong("prompt", "it is a text")
    return fields["prompt"], _flag(fields, "add_special_tokens", True)


def _fields(body: object) -> dict:
    if not isinstance(body, dict):
        raise RequestError(400, "The request body is not a JSON object.")
    return body


def _model(fields: dict) -> str:
    if not isinstance(fields.get("model"), str):
        raise _wrong("model", "it is the name of a model that /v1/models lists")
    return fields["model"]


def _prompt(fields: dict) -> str | list[int]:
    prompt = fields.get("prompt")
    if isinstance(prompt, list) and len(prompt) == 1 and isinstance(prompt[0], (str, list)):
        prompt = prompt[0]
    if isinstance(prompt, str):
        return prompt
    if isinstance(prompt, list) and prompt and all(type(token) is int and token >= 0 for token in prompt):
        return prompt
    raise _wrong("prompt", "it is one text, or one list of token ids")


def _number(fields: dict, name: str, default: float, least: float, most: float, whole: bool = False) -> float:
    value = fields.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)) or not least <= value <= most:
        raise _wrong(name, f"it is a {'whole ' if whole else ''}number from {least:g} to {most:g}")
    return value


def _flag(fields: dict, name: str, default: bool) -> bool:
    value = fields.get(name)
    if value is not None and not isinstance(value, bool):
        raise _wrong(name, "it is true or false")
    return default if value is None else value


def _wrong(name: str, problem: str) -> RequestError:
    return RequestError(400, f"'{name}' is wrong: {problem}.", param=name)
