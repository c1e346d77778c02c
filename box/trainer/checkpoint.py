"""Checkpoints: one safetensors file each (nothing is unpickled), whole or not there, with the state in its header."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from .files import atomic_write

KEEP = 2


@dataclass
class Progress:
    """Where one adapter stands after `step` optimizer steps."""

    step: int = 0
    tokens: int = 0
    best_loss: float | None = None
    best_step: int = 0


def save_checkpoint(folder: Path, progress: Progress, identity: str, tensors: dict[str, torch.Tensor]) -> Path:
    """`identity` is a hash of everything that must be the same for the job to go on from here."""
    path = folder / f"step-{progress.step:08d}.safetensors"
    atomic_write(path, save(tensors, {"progress": json.dumps(asdict(progress)), "identity": identity}))
    for old in sorted(folder.glob("step-*.safetensors"))[:-KEEP]:
        old.unlink()
    return path


def load_checkpoint(path: Path) -> tuple[Progress, str, dict[str, torch.Tensor]] | None:
    """None when the file is damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}
        return Progress(**json.loads(header["progress"])), header["identity"], tensors
    except (SafetensorError, OSError, KeyError, TypeError, json.JSONDecodeError):
        return None


def checkpoints(folder: Path) -> list[Path]:
    """Newest first."""
    return sorted(folder.glob("step-*.safetensors"), reverse=True)
