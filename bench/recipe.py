"""The published recipe's form of training against ours, one after the other on the same device in one process:

(a) one example a forward pass, activations computed twice (gradient checkpointing), the three adapters one after the
    other; (b) prefix trees, activations kept where they fit, the three adapters in turns on one resident base.

The base is a Llama of 7B shape with random weights: its speed does not depend on them. The trajectories have the lengths
of the reference outputs (../shared/data/reference-13b-*.jsonl), at about CHARACTERS a token, and random tokens.

    python bench/recipe.py [--toy] [--trajectories 200] [--epochs 5] [--seconds 120] [--results FOLDER]

`--seconds` bounds what each of three measurements runs (the second form is run with another seed too, to know what a
seed does); the time of all epochs is then its steps' mean times their number, and `measuredSteps` says how many were
run. At its default all of it, with the bases it makes, ends within ten minutes on an H200. What a form has taken is
printed as it ends. `--toy` is a small base on whatever device there is."""

import argparse
import dataclasses
import gc
import glob
import json
import os
import platform
import random
import re
import resource
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "box"))
os.environ.setdefault("GOMP_SPINCOUNT", "3000")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np  # noqa: E402
import torch  # noqa: E402
from trainer.adapter_run import AdapterRun  # noqa: E402
from trainer.examples import Example  # noqa: E402
from trainer.load import load_of, together  # noqa: E402
from trainer.memory import BaseShape, Plan, plan  # noqa: E402
from trainer.model import AdaptedModel, choose_precision  # noqa: E402
from trainer.rows import Row  # noqa: E402
from trainer.spec import parse_spec  # noqa: E402
from transformers import LlamaConfig, LlamaForCausalLM  # noqa: E402

ADAPTERS = ("plan", "tool", "reflect")
CHARACTERS = 3.8
SEVEN = {"hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32,
         "num_key_value_heads": 32, "vocab_size": 32000, "max_position_embeddings": 16384}  # fmt: skip
TOY = {"hidden_size": 64, "intermediate_size": 176, "num_hidden_layers": 2, "num_attention_heads": 4,
       "num_key_value_heads": 4, "vocab_size": 512, "max_position_embeddings": 16384}  # fmt: skip
PART = re.compile(r"\n(Thought|Action|Observation): ?")


def read_lengths(pattern: str, count: int, scale: float) -> list[tuple[int, list[tuple[str, int]]]]:
    """Of each trajectory: tokens before its first thought, and its parts in order with theirs."""
    texts = [json.loads(line)["prompt"] for path in sorted(glob.glob(pattern)) for line in open(path)]
    if not texts:
        raise SystemExit(f"There are no reference outputs at {pattern}.")
    random.Random(0).shuffle(texts)

    def tokens(text: str) -> int:
        return max(1, round(len(text) / CHARACTERS * scale))

    found = []
    for number in range(count):
        head, *rest = PART.split(texts[number % len(texts)])
        found.append((tokens(head), [(kind, tokens(text)) for kind, text in zip(rest[::2], rest[1::2])]))
    return found


def make_examples(lengths: list, vocabulary: int, seed: int) -> dict[str, list[Example]]:
    rng = np.random.default_rng(seed)

    def ids(count: int) -> list[int]:
        # Few tokens are frequent, so that there is something to learn.
        return np.minimum(rng.zipf(1.3, count) + 2, vocabulary - 1).tolist()

    instructions = ids(max(head for head, _ in lengths))
    examples: dict[str, list[Example]] = {name: [] for name in ADAPTERS}
    for number, (head, parts) in enumerate(lengths):
        shared = round(head * 0.9)  # instructions; the rest is the question
        history = instructions[:shared] + ids(head - shared)

        def add(adapter: str, kind: str, completion: list[int], cue: int) -> None:
            key = tuple([*history, cue, *completion])
            row = Row(f"{number}.{len(key)}", f"t{number}", f"q{number}", 1, kind, "", "")
            examples[adapter].append(Example(np.array(key, dtype=np.int64), len(history) + 1, key, row))

        for place, (kind, size) in enumerate(parts):
            text, last = ids(size), place >= len(parts) - 3
            if kind == "Thought":
                add("reflect" if last else "plan", "thought", text, 0)
            elif kind == "Action":
                if not last:
                    add("plan", "tool", text[:3], 1)
                add("reflect" if last else "tool", "argument", text, 1)
            history = [*history, 2, *text]
    return examples


def ceiling(device: torch.device, dtype: torch.dtype, size: int) -> float:
    """FLOP/s of a large matrix product on this device, the best of several tries."""
    left, right = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    best = 0.0
    for _ in range(8):
        begun = clock(device)
        for _ in range(10):
            left @ right
        best = max(best, 10 * 2 * size**3 / (clock(device) - begun))
    return best


def clock(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def base_model(config: LlamaConfig, device: torch.device, dtype: torch.dtype) -> LlamaForCausalLM:
    torch.manual_seed(0)
    torch.set_default_dtype(dtype)
    try:
        with device:
            return LlamaForCausalLM._from_config(config, attn_implementation="sdpa")
    finally:
        torch.set_default_dtype(torch.float32)


def measure(form: str, spec: object, config: LlamaConfig, device: torch.device, dtype: torch.dtype,
            examples: dict[str, list[Example]], chosen: Plan, seconds: float, peak: float) -> dict[str, object]:  # fmt: skip
    trees = form != "published"
    weights = dtype if device.type == "cuda" else torch.float32
    model = AdaptedModel(base_model(config, device, weights), spec, device, dtype, chosen)
    runs = [AdapterRun(name, spec.hypers[name], model, examples[name], [], Path("."), "", spec.maxBatchTokens if trees else 1, trees)
            for name in ADAPTERS]  # fmt: skip
    for run in runs:
        run.rehearse()  # kernels are chosen and memory is laid out
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    spent = computed = real = steps = 0.0
    whole = 0.0
    losses: dict[str, list[float]] = {name: [] for name in ADAPTERS}
    for run in runs:
        own = own_steps = 0.0
        # Trained in turns or one after the other, an adapter's steps are the same work.
        while run.progress.step < run.total and own < seconds / len(runs):
            batches = run.batches([run.training[index] for index in run.steps[run.progress.step]])
            begun = clock(device)
            fields = run.step()
            own += clock(device) - begun
            own_steps += 1
            computed += sum(batch.tokens.size for batch in batches)
            real += fields["tokens"]
            if run.progress.step <= run.epoch_ends[0]:
                losses[run.name].append(fields["loss"])
        spent, steps = spent + own, steps + own_steps
        whole += own / own_steps * run.total
    total = sum(run.total for run in runs)
    linear = sum(value.numel() for name, value in model.causal.named_parameters() if "lora" not in name and value.dim() == 2
                 and "embed" not in name and "lm_head" not in name)  # fmt: skip
    flop = (6 if chosen.checkpointing else 4) * linear * computed
    return {
        "seconds": round(whole, 1), "measuredSeconds": round(spent, 1), "measuredSteps": int(steps), "steps": total,
        "tokens": int(real), "tokensPerSecond": round(real / spent, 1),
        "shareOfCeiling": round(flop / spent / peak, 4), "gradientCheckpointing": chosen.checkpointing,
        "peakBytes": torch.cuda.max_memory_allocated() if device.type == "cuda"
        else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "losses": losses,
    }  # fmt: skip


def difference(left: dict[str, list[float]], right: dict[str, list[float]]) -> float:
    """Mean over the steps of an epoch that both have taken."""
    pairs = [pair for name in ADAPTERS for pair in zip(left[name], right[name])]
    return sum(abs(a - b) for a, b in pairs) / max(1, len(pairs))


def main(options: argparse.Namespace) -> dict[str, object]:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if not options.toy and device.type == "cpu":
        raise SystemExit("A 7B shape needs a GPU. On a processor: --toy")
    config = LlamaConfig(**(TOY if options.toy else SEVEN))
    examples = make_examples(read_lengths(options.reference, options.trajectories, options.scale), config.vocab_size, 1)
    settings = {"base": ".", "adapters": {name: {"data": ""} for name in ADAPTERS}, "epochs": options.epochs, "dropout": 0,
                "heldOutFraction": 0, "batchSize": 4, "seed": 1, "maxLength": 16384}  # fmt: skip
    spec = parse_spec(settings, Path("."))
    other = parse_spec({**settings, "seed": 2, "epochs": 1}, Path("."))
    dtype = choose_precision(spec, device)
    peak = ceiling(device, dtype, 8192 if device.type == "cuda" else 512)
    shape = shape_of(config)
    load = together([load_of(name, spec.hypers[name], examples[name], shape, spec.maxBatchTokens) for name in ADAPTERS])
    free = [float(torch.cuda.mem_get_info()[0])] if device.type == "cuda" else []
    ours = plan(shape, load, free, item=dtype.itemsize)
    published = Plan("none", True, 1, 0, True)
    results = {}
    for form, way, chosen in (("published", spec, published), ("ours", spec, ours), ("otherSeed", other, ours)):
        results[form] = measure(form, way, config, device, dtype, examples, chosen, options.seconds, peak)
        if device.type == "cuda":
            gc.collect()  # a model and what trains it hold each other: the next form reckons with all of the memory
            torch.cuda.empty_cache()
        print(form, json.dumps({key: value for key, value in results[form].items() if key != "losses"}), file=sys.stderr, flush=True)
    curves = {form: result.pop("losses") for form, result in results.items()}
    results.pop("otherSeed")
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": {"device": torch.cuda.get_device_name() if device.type == "cuda" else f"CPU, {platform.machine()}, {os.cpu_count()} cores",
                    "torch": torch.__version__, "precision": str(dtype).removeprefix("torch.")},
        "toy": options.toy, "note": options.note, "shape": dataclasses.asdict(shape), "trajectories": options.trajectories, "epochs": options.epochs,
        "examples": {name: len(rows) for name, rows in examples.items()}, "ceiling": peak,
        **results,
        "speedup": round(results["published"]["seconds"] / results["ours"]["seconds"], 2), "goal": 5,
        # Step by step in the first epoch: the two forms from one seed; our form from two seeds.
        "lossDifference": difference(curves["published"], curves["ours"]),
        "seedDifference": difference(curves["ours"], curves["otherSeed"]),
    }  # fmt: skip


def shape_of(config: LlamaConfig) -> BaseShape:
    width, inner, layers, vocabulary = config.hidden_size, config.intermediate_size, config.num_hidden_layers, config.vocab_size
    linear = layers * (4 * width * width + 3 * width * inner)
    return BaseShape(linear + 2 * vocabulary * width, 2 * vocabulary * width, layers, width, inner, vocabulary)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--toy", action="store_true")
    parser.add_argument("--trajectories", type=int)
    parser.add_argument("--epochs", type=float)
    parser.add_argument("--scale", type=float, help="of all lengths")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--reference", default=str(ROOT.parent / "shared" / "data" / "reference-13b-*.jsonl"))
    parser.add_argument("--note", help="kept with the figures: what else the machine was doing")
    parser.add_argument("--results", default=str(ROOT / "bench" / "results"))
    chosen = parser.parse_args()
    if chosen.toy:
        chosen.note = " ".join(["Toy size: that the script runs; its times say nothing about a GPU.", chosen.note or ""]).strip()
    for name, toy, full in (("trajectories", 6, 200), ("epochs", 1, 5), ("scale", 0.25, 1)):
        if getattr(chosen, name) is None:
            setattr(chosen, name, toy if chosen.toy else full)
    result = main(chosen)
    slug = re.sub(r"[^a-z0-9]+", "-", result["machine"]["device"].lower()).strip("-")
    path = Path(chosen.results) / f"trainer-{result['date'][:10]}-{slug}{'-toy' if chosen.toy else ''}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps({**result, "file": str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name}))
