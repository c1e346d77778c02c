"""Rows as token ids."""

from dataclasses import dataclass

import numpy as np

from .failures import TrainerError
from .rows import Row


@dataclass(frozen=True, eq=False)
class Example:
    """`ids`: prompt and completion, int64 (length,). The loss counts at ids[prompt_length:] only."""

    ids: np.ndarray
    prompt_length: int
    key: tuple[int, ...]
    row: Row

    @property
    def completion_length(self) -> int:
        return len(self.ids) - self.prompt_length


def tokenize(rows: list[Row], tokenizer: object, adapter: str, max_length: int, too_long: str) -> tuple[list[Example], int]:
    """Returns the examples and how many rows were dropped for their length. The prompt is encoded with the base's
    special tokens in front (as a server does with a completion request), the completion without; nothing is appended:
    the completion's text carries its own terminator."""
    lean = {"return_attention_mask": False, "return_token_type_ids": False}
    prompts = tokenizer([row.prompt for row in rows], add_special_tokens=True, **lean)["input_ids"]
    completions = tokenizer([row.completion for row in rows], add_special_tokens=False, **lean)["input_ids"]
    trailing = _appended(tokenizer)
    examples, dropped = [], 0
    for row, prompt, completion in zip(rows, prompts, completions):
        prompt = prompt[: len(prompt) - trailing]
        if not prompt or not completion:
            part = "prompt" if not prompt else "completion"
            raise TrainerError("bad-data", f"Row {row.id} of adapter {adapter}: its {part} has no tokens. Remove the row.",
                               adapter=adapter, row=row.id)  # fmt: skip
        if len(prompt) + len(completion) > max_length:
            if too_long == "error":
                raise TrainerError(
                    "bad-data",
                    f"Row {row.id} of adapter {adapter} has {len(prompt) + len(completion)} tokens; {max_length} fit. "
                    'Shorten it, raise maxLength if the base allows it, or set tooLong to "drop".',
                    adapter=adapter, row=row.id,
                )  # fmt: skip
            dropped += 1
            continue
        key = tuple(prompt + completion)
        examples.append(Example(np.asarray(key, dtype=np.int64), len(prompt), key, row))
    if not examples:
        raise TrainerError("bad-data", f"Every row of adapter {adapter} is longer than {max_length} tokens.", adapter=adapter)
    return examples, dropped


def _appended(tokenizer: object) -> int:
    """How many special tokens the tokenizer puts after a text: they would teach the model to go on after its end."""
    plain = tokenizer("a", add_special_tokens=False)["input_ids"]
    marked = tokenizer("a", add_special_tokens=True)["input_ids"]
    for start in range(len(marked) - len(plain) + 1):
        if marked[start : start + len(plain)] == plain:
            return len(marked) - start - len(plain)
    return 0
