"""What a job leaves: for each adapter the two files every loader reads and probes that show it is really applied; and
a manifest of where all of it came from."""

import json
from pathlib import Path

from safetensors.torch import save

from .adapter_run import AdapterRun
from .examples import Example
from .files import atomic_write
from .model import AdaptedModel, adapter_tensors
from .tree import pack_single

PROBES = 4
#: Among how many rows the probes are chosen.
CANDIDATES = 24


def write_adapter(run: AdapterRun, base: str, out: Path) -> None:
    """The minimal adapter_config.json: newer keys make older loaders fail."""
    hyper = run.hyper
    config = {
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "r": hyper.rank, "lora_alpha": hyper.alpha,
        "lora_dropout": hyper.dropout, "target_modules": list(hyper.targetModules), "bias": "none",
        "base_model_name_or_path": base,
    }  # fmt: skip
    folder = out / run.name
    atomic_write(folder / "adapter_model.safetensors", save(adapter_tensors(run.model, run.name), {"format": "pt"}))
    atomic_write(folder / "adapter_config.json", json.dumps(config, indent=2) + "\n")


def write_probes(run: AdapterRun, out: Path) -> int:
    """Log-probabilities (nats, summed over the completion) of a few held-out rows with and without the adapter, where
    the two differ most: a server that quietly serves the bare base cannot pass. Returns how many."""
    candidates = (run.held_out or run.training)[:CANDIDATES]
    model = run.model
    model.use(run.name)
    with model.evaluating():
        adapted = [_log_probability(model, example) for example in candidates]
        with model.without_adapter():
            base = [_log_probability(model, example) for example in candidates]
    ranked = sorted(range(len(candidates)), key=lambda index: -abs(adapted[index] - base[index]))[:PROBES]
    probes = [
        {"id": candidates[index].row.id, "prompt": candidates[index].row.prompt,
         "completion": candidates[index].row.completion, "logprob": adapted[index], "baseLogprob": base[index],
         "tokens": candidates[index].completion_length}
        for index in ranked
    ]  # fmt: skip
    content = {"adapter": run.name, "heldOut": bool(run.held_out), "dtype": _precision(model), "probes": probes}
    atomic_write(out / run.name / "probes.json", json.dumps(content, ensure_ascii=False, indent=2) + "\n")
    return len(probes)


def _log_probability(model: AdaptedModel, example: Example) -> float:
    return sum(-model.token_losses(batch, exact=True).double().sum().item() for batch in pack_single([example], 1))


def _precision(model: AdaptedModel) -> str:
    return str(model.dtype if model.device.type == "cuda" else "float32").removeprefix("torch.")


def write_manifest(out: Path, content: dict[str, object]) -> None:
    atomic_write(out / "manifest.json", json.dumps(content, indent=2) + "\n")
