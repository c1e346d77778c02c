"""The base model in memory with its adapters, one of which answers at a time."""

import json
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import torch
from peft import PeftModel
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils.logging import disable_progress_bar

from .failures import ServeError

#: Name that the model without an adapter is served under.
BASE = "base"


class ServedModel:
    def __init__(self, base: str, adapters: dict[str, Path]) -> None:
        disable_progress_bar()  # the log is read by programs
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        dtype = torch.float32
        if self.device.type == "cuda":
            dtype = torch.bfloat16 if torch.cuda.get_device_capability()[0] >= 8 else torch.float16
        try:
            self.tokenizer = AutoTokenizer.from_pretrained(base)
            model = AutoModelForCausalLM.from_pretrained(base, dtype=dtype).to(self.device)
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as failure:
            raise ServeError(f"The base model {base} cannot be loaded: {failure}") from None
        config = model.config
        self.context_length: int = getattr(config, "max_position_embeddings", None) or 1 << 20
        ends = model.generation_config.eos_token_id
        ends = ends if isinstance(ends, list) else [ends]
        self.end_tokens = {token for token in (*ends, self.tokenizer.eos_token_id) if token is not None}
        self.peft: PeftModel | None = None
        for name, folder in adapters.items():
            self._load(model, name, folder)
        self.model = (self.peft or model).eval()
        self.names = [BASE, *adapters]

    def _load(self, model: torch.nn.Module, name: str, folder: Path) -> None:
        """An adapter that names no layer of this base is refused: peft alone would serve the bare base in its name."""
        try:
            if self.peft is None:
                self.peft = PeftModel.from_pretrained(model, folder, adapter_name=name)
            else:
                self.peft.load_adapter(folder, adapter_name=name)
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError, json.JSONDecodeError) as failure:
            raise ServeError(f"The adapter in {folder} cannot be loaded on this base: {failure}") from None

    def as_model(self, name: str) -> AbstractContextManager[None]:
        """While it lasts, the model answers as `name`. Not for two threads at once."""
        if self.peft is None:
            return nullcontext()
        if name == BASE:
            return self.peft.disable_adapter()
        self.peft.set_adapter(name)
        return nullcontext()

    def tokenize(self, text: str, special: bool) -> list[int]:
        return self.tokenizer(text, add_special_tokens=special)["input_ids"]

    def text_of(self, tokens: list[int]) -> str:
        return self.tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)

    def piece_of(self, before: list[int], token: int) -> str:
        """What `token` adds to the text. A tokenizer may drop a blank at the beginning, so a few tokens go before."""
        window = before[-4:]
        return self.text_of([*window, token])[len(self.text_of(window)) :]
