"""What a job leaves: for each adapter the two files every loader reads and probes that show it is really applied; and
a manifest of where all of it came from."""

import json
from pathlib import Path

import numpy as np
from safetensors.torch import save

from .adapter_run import AdapterRun
from .files import atomic_write
from .model import AdaptedModel, adapter_tensors
from .tree import Batch, pack_single

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
    gains = np.abs(np.subtract(*_with_and_without(run, run.batches(candidates), len(candidates))))
    chosen = [candidates[index] for index in np.argsort(-gains, kind="stable")[:PROBES]]
    # What is recorded is computed as a server does it: one text at a time, without sharing.
    adapted, base = _with_and_without(run, pack_single(chosen, 1), len(chosen))
    probes = [
        {"id": example.row.id, "prompt": example.row.prompt, "completion": example.row.completion,
         "logprob": adapted[index], "baseLogprob": base[index], "tokens": example.completion_length}
        for index, example in enumerate(chosen)
    ]  # fmt: skip
    content = {"adapter": run.name, "heldOut": bool(run.held_out), "dtype": _precision(run.model), "probes": probes}
    atomic_write(out / run.name / "probes.json", json.dumps(content, ensure_ascii=False, indent=2) + "\n")
    return len(probes)


def _with_and_without(run: AdapterRun, batches: list[Batch], count: int) -> tuple[list[float], list[float]]:
    model = run.model
    model.use(run.name)
    with model.evaluating():
        adapted = _log_probabilities(model, batches, count)
        with model.without_adapter():
            return adapted, _log_probabilities(model, batches, count)


def _log_probabilities(model: AdaptedModel, batches: list[Batch], count: int) -> list[float]:
    sums = np.zeros(count)
    for batch in batches:
        np.subtract.at(sums, batch.owners, model.token_losses(batch, exact=True).double().cpu().numpy())
    return sums.tolist()


def _precision(model: AdaptedModel) -> str:
    return str(model.dtype if model.device.type == "cuda" else "float32").removeprefix("torch.")


def write_manifest(out: Path, content: dict[str, object], name: str = "manifest.json") -> None:
    atomic_write(out / name, json.dumps(content, indent=2) + "\n")
