"""A random Llama of 40 thousand parameters, and training rows over a made-up vocabulary."""

import json
import os
import random
import sys
import threading
from pathlib import Path

import pytest

BOX = Path(__file__).resolve().parents[2] / "box"
sys.path.insert(0, str(BOX))
os.environ.setdefault("HF_HUB_OFFLINE", "1")

#: Settings that make a job small and exactly repeatable.
QUICK = {"epochs": 2, "learningRate": 5e-3, "threads": 1, "precision": "float32", "checkpointEverySteps": 3}


def make_rows(trajectories: int, seed: int = 1) -> dict[str, list[dict]]:
    rng = random.Random(seed)
    words = ["".join(rng.choice(["ka", "ro", "mi", "tes", "ul", "ven", "o"]) for _ in range(rng.randint(1, 3))) for _ in range(80)]

    def text(count: int) -> str:
        return " ".join(rng.choice(words) for _ in range(count))

    head = f"Answer. {text(8)}\n"
    rows: dict[str, list[dict]] = {"plan": [], "tool": [], "reflect": []}
    for number in range(trajectories):
        question = text(4) + "?"
        history = f"{head}Question: {question}\n"

        def add(adapter: str, step: int, kind: str, prompt: str, completion: str) -> None:
            rows[adapter].append({
                "id": f"t{number}.{step}.{kind}", "trajectory": f"t{number}", "question": question, "step": step,
                "kind": kind, "prompt": prompt, "completion": completion,
            })  # fmt: skip

        for step in range(1, rng.randint(2, 4)):
            thought, tool, argument = text(3), rng.choice(["Retrieve", "Lookup", "Finish"]), text(1)
            add("plan", step, "thought", history + f"Thought {step}:", f" {thought}\n")
            history += f"Thought {step}: {thought}\n"
            add("plan", step, "tool", history + f"Action {step}:", f" {tool}[")
            history += f"Action {step}: {tool}["
            add("tool", step, "argument", history, f"{argument}]\n")
            history += f"{argument}]\nObservation {step}: {text(5)}\n"
        add("reflect", 1, "verdict", history + "Reflection:", " " + rng.choice(["right", "wrong"]) + "\n")
    return rows


def write_rows(path: Path, rows: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture(scope="session")
def rows() -> dict[str, list[dict]]:
    return make_rows(14)


@pytest.fixture(scope="session")
def base(tmp_path_factory, rows) -> Path:
    from transformers import LlamaConfig, LlamaForCausalLM

    return make_base(tmp_path_factory.mktemp("base"), rows, LlamaForCausalLM, LlamaConfig)


def make_base(folder: Path, rows: dict[str, list[dict]], model_class: type, config_class: type, **config: object) -> Path:
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=["<s>", "</s>"], show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())  # fmt: skip
    tokenizer.train_from_iterator([row["prompt"] + row["completion"] for row in rows["reflect"]], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 0)])
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>").save_pretrained(folder)
    torch.manual_seed(0)
    model_class(config_class(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=512, initializer_range=0.2, **config,
    )).save_pretrained(folder)  # fmt: skip
    return folder


@pytest.fixture
def make_job(tmp_path, base, rows):
    """make_job('name', **settings) -> the job's folder."""

    def make(name: str, adapters: tuple[str, ...] = ("plan", "tool", "reflect"), data: dict | None = None,
             spec: dict | None = None, **settings) -> Path:  # fmt: skip
        job = tmp_path / name
        for adapter in adapters:
            write_rows(job / "data" / f"{adapter}.jsonl", (data or rows)[adapter])
        content = {"base": str(base), "adapters": {adapter: {"data": f"data/{adapter}.jsonl"} for adapter in adapters},
                   **QUICK, **settings, **(spec or {})}  # fmt: skip
        (job / "spec.json").write_text(json.dumps(content))
        return job

    return make


def train(job: Path, stop: threading.Event | None = None) -> list[dict]:
    """Runs a job in this process and returns its events."""
    from trainer.events import Events
    from trainer.job import run_job

    events = Events(job)
    try:
        run_job(job, events, stop or threading.Event())
    finally:
        events.close()
    return read_events(job)


def read_events(job: Path) -> list[dict]:
    return [json.loads(line) for line in (job / "events.jsonl").read_text().splitlines()]


def weights(job: Path, adapter: str) -> bytes:
    return (job / "out" / adapter / "adapter_model.safetensors").read_bytes()
