"""Prefix trees against one example a row: the same steps of the same model in one process, taking turns, so that both
see the same machine. Prints one JSON object; trainer.bench.ts holds it against its limits.

The data has the shape of the starter's: 4 steps a trajectory, prompts of about 400 tokens of which 300 are the same for
all, thoughts of 12 tokens, tool names of 3, arguments of 4, observations of 25."""

import json
import os
import random
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "box"))
os.environ.setdefault("GOMP_SPINCOUNT", "3000")

os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
begun = time.monotonic()
import numpy as np  # noqa: E402
import torch  # noqa: E402
from trainer.adapter_run import AdapterRun  # noqa: E402
from trainer.examples import Example  # noqa: E402
from trainer.model import AdaptedModel  # noqa: E402
from trainer.rows import Row  # noqa: E402
from trainer.spec import parse_spec  # noqa: E402
from transformers import LlamaConfig, LlamaForCausalLM  # noqa: E402
from transformers.utils.logging import disable_progress_bar  # noqa: E402

IMPORT_SECONDS = time.monotonic() - begun
ADAPTERS = ("plan", "tool", "reflect")


def make_examples(trajectories: int, vocabulary: int, seed: int) -> dict[str, list[Example]]:
    rng = random.Random(seed)

    def ids(count: int) -> list[int]:
        return [rng.randrange(3, vocabulary) for _ in range(count)]

    head = ids(300)
    examples: dict[str, list[Example]] = {name: [] for name in ADAPTERS}
    for number in range(trajectories):
        history = head + ids(20)

        def add(adapter: str, kind: str, completion: list[int], cue: list[int]) -> None:
            key = tuple(history + cue + completion)
            row = Row(f"{number}", f"t{number}", f"q{number}", 1, kind, "", "")
            examples[adapter].append(Example(np.array(key), len(history) + len(cue), key, row))

        for _ in range(4):
            thought, tool, argument = ids(12), ids(3), ids(4)
            add("plan", "thought", thought, [0])
            history = history + [0] + thought
            add("plan", "tool", tool, [1])
            history = history + [1] + tool
            add("tool", "argument", argument, [])
            history = history + argument + ids(25)
        add("reflect", "thought", ids(12), [0])
        add("reflect", "verdict", ids(2), [2])
    return examples


def main(steps: int, trajectories: int, batch_size: int) -> dict[str, object]:
    disable_progress_bar()
    shape = json.loads((ROOT / "starter" / "recipe.json").read_text())
    settings = {"base": ".", "adapters": {name: {"data": ""} for name in ADAPTERS}, "batchSize": batch_size, "epochs": 1,
                "dropout": 0, "heldOutFraction": 0}  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        torch.manual_seed(0)
        config = LlamaConfig(vocab_size=shape["tokenizer"]["vocab_size"], tie_word_embeddings=True, **shape["shape"])
        LlamaForCausalLM(config).save_pretrained(folder)
        spec = parse_spec(settings, Path(folder))
        model = AdaptedModel(Path(folder), spec, torch.device("cpu"), torch.float32)
    examples = make_examples(trajectories, config.vocab_size, 1)
    measured = {mode: dict.fromkeys(("wall", "cpu", "tokens", "epochWall", "epochCpu"), 0.0) for mode in ("tree", "single")}
    worst = 0.0
    for name in ADAPTERS:
        # Both runs step the same weights from the same point: the second undoes what the first did.
        runs = {mode: AdapterRun(name, spec.hypers[name], model, examples[name], [], Path("."), "", spec.maxBatchTokens, mode == "tree")
                for mode in measured}  # fmt: skip
        start = {key: value.detach().clone() for key, value in model.parameters[name]}
        for mode, run in runs.items():
            run.step()  # warms allocator and threads up; the rate of this step is 0
        times: dict[str, list[tuple[float, float]]] = {mode: [] for mode in runs}
        for _ in range(steps):
            losses = {}
            for mode, run in runs.items():
                with torch.no_grad():
                    for key, value in model.parameters[name]:
                        value.copy_(start[key])
                wall, cpu = time.perf_counter(), cpu_seconds()
                fields = run.step()
                times[mode].append((time.perf_counter() - wall, cpu_seconds() - cpu))
                losses[mode] = fields["loss"]
                measured[mode]["tokens"] += fields["tokens"]
            worst = max(worst, abs(losses["tree"] - losses["single"]) / losses["single"])
        # Medians: another process on the machine makes some steps many times slower.
        for mode, run in runs.items():
            for number, key in enumerate(("wall", "cpu")):
                median = statistics.median(pair[number] for pair in times[mode])
                measured[mode][key] += median * steps
                measured[mode]["epochWall" if key == "wall" else "epochCpu"] += median * run.total
    return {"threads": torch.get_num_threads(), "importSeconds": IMPORT_SECONDS, "trajectories": trajectories,
            "batchSize": batch_size, "modes": measured, "lossDifference": worst}  # fmt: skip


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    print(json.dumps(main(*map(int, sys.argv[1:4]))))
