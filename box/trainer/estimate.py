"""`train.py --estimate JOB`: memory and time of a job as one JSON line, before anything is loaded or queued."""

import json
import subprocess
from pathlib import Path

from .examples import tokenize
from .load import base_of, load_of, together
from .memory import OVERHEAD, plan, read_shape, seconds_needed
from .rows import held_out_questions, read_rows
from .spec import read_spec


def free_gpus() -> list[tuple[str, float]]:
    """Name and free bytes of each GPU, without loading torch."""
    command = ["nvidia-smi", "--query-gpu=name,memory.free", "--format=csv,noheader,nounits"]
    try:
        text = subprocess.run(command, capture_output=True, text=True, timeout=20).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    found = [line.rsplit(",", 1) for line in text.splitlines() if "," in line]
    return [(name.strip(), float(free) * 2**20) for name, free in found if free.strip().isdigit()]


def estimate(job: Path) -> dict[str, object]:
    from transformers import AutoTokenizer

    spec = read_spec(job)
    base = base_of(job, spec)
    shape = read_shape(base)
    tokenizer = AutoTokenizer.from_pretrained(base)
    loads = []
    for name, hyper in spec.hypers.items():
        examples, _ = tokenize(read_rows(job / spec.adapters[name], name), tokenizer, name, hyper.maxLength, "drop")
        held_out = held_out_questions([example.row for example in examples], hyper.heldOutFraction, hyper.seed)
        training = [example for example in examples if example.row.question not in held_out]
        loads.append(load_of(name, hyper, training, shape, spec.maxBatchTokens))
    load, gpus = together(loads), free_gpus() if spec.device != "cpu" else []
    half = gpus or spec.precision in ("bfloat16", "float16")
    chosen = plan(shape, load, [free for _, free in gpus], spec.quantization, spec.gradientCheckpointing, 2 if half else 4)
    return {
        "bytes": round(chosen.bytes + (OVERHEAD * chosen.gpus if gpus else 0)), "freeBytes": round(min((free for _, free in gpus), default=0)) or None,
        "gpus": len(gpus), "gpu": gpus[0][0] if gpus else None, "baseGpus": chosen.gpus, "fits": chosen.fits,
        "quantization": chosen.quantization, "gradientCheckpointing": chosen.checkpointing, "tokens": load.total,
        "seconds": seconds_needed(shape, load.total, chosen.checkpointing, gpus[0][0] if gpus else None),
    }  # fmt: skip


def print_estimate(job: Path) -> None:
    print(json.dumps(estimate(job)))
