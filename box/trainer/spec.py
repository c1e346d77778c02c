"""spec.json: the settings of a job, checked before anything heavy is loaded."""

import dataclasses
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from .failures import TrainerError

#: Adapter names become folder names and model names on a server.
ADAPTER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True)
class Hyper:
    """Defaults are the paper's (LoRA rank 8 on q and v, learning rate 1e-4, cosine, 5 epochs)."""

    rank: int = 8
    alpha: float = 16
    dropout: float = 0.05
    targetModules: tuple[str, ...] = ("q_proj", "v_proj")
    learningRate: float = 1e-4
    warmupRatio: float = 0.03
    weightDecay: float = 0.0
    #: Gradient norm an adapter is clipped to; 0 switches clipping off.
    maxGradientNorm: float = 1.0
    #: A fraction ends within an epoch.
    epochs: float = 5
    #: Examples in an optimizer step (at least: whole trajectories are packed).
    batchSize: int = 4
    #: Tokens of prompt and completion together.
    maxLength: int = 4096
    tooLong: str = "error"
    mode: str = "tree"
    weighting: str = "paper-pair"
    #: `trajectory`: all examples of a trajectory share a step; `example`: examples are drawn singly, as in the paper.
    shuffle: str = "trajectory"
    #: Which weights become the adapter when there are held-out rows.
    select: str = "best"
    heldOutFraction: float = 0.1
    seed: int = 0


@dataclass(frozen=True)
class Spec:
    base: str
    adapters: dict[str, str]
    hyper: Hyper
    #: Per adapter, the settings with its own overrides applied.
    hypers: dict[str, Hyper]
    precision: str = "auto"
    device: str = "auto"
    #: CPU threads; None: all that the process may use.
    threads: int | None = None
    deterministic: bool = False
    #: auto: when the memory formula says that activations do not fit.
    gradientCheckpointing: bool | str = "auto"
    #: auto: the base in NF4 (QLoRA) when the memory formula says that it fits in no other way.
    quantization: str = "auto"
    #: Processes with a copy of the base and some of the adapters each; None: as many as GPUs that hold it.
    workers: int | None = None
    #: tensorboard, wandb: told of every step besides events.jsonl.
    sinks: tuple[str, ...] = ()
    #: Tokens of one forward pass; an optimizer step takes as many passes as it needs.
    maxBatchTokens: int = 8192
    checkpointEverySteps: int = 50
    maxSeconds: float | None = None


CHOICES = {
    "mode": ("tree", "per-example"),
    "weighting": ("paper-pair", "example", "token"),
    "shuffle": ("trajectory", "example"),
    "select": ("best", "last"),
    "tooLong": ("error", "drop"),
    "precision": ("auto", "float32", "bfloat16", "float16"),
    "quantization": ("auto", "none", "nf4"),
    "gradientCheckpointing": ("auto", True, False),
    "device": ("auto", "cpu", "cuda"),
}
SINKS = ("tensorboard", "wandb")
#: Smallest and largest value that makes sense.
RANGES = {
    "rank": (1, 1024), "alpha": (1e-6, 1e6), "dropout": (0, 0.99), "learningRate": (1e-12, 10), "warmupRatio": (0, 1),
    "weightDecay": (0, 10), "maxGradientNorm": (0, 1e9), "epochs": (0.001, 10_000), "batchSize": (1, 65_536),
    "maxLength": (2, 10_000_000), "heldOutFraction": (0, 0.9), "seed": (0, 2**53), "threads": (1, 4096),
    "workers": (1, 64), "maxBatchTokens": (16, 10_000_000), "checkpointEverySteps": (1, 10**9), "maxSeconds": (0.001, 10**9),
}  # fmt: skip
JOB_FIELDS = {field.name: field for field in dataclasses.fields(Spec) if field.name not in
              ("base", "adapters", "hyper", "hypers")}  # fmt: skip
HYPER_FIELDS = {field.name: field for field in dataclasses.fields(Hyper)}


def read_spec(job: Path) -> Spec:
    path = job / "spec.json"
    try:
        raw = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise TrainerError("bad-spec", f"{path} is missing. Write the job's settings there.") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as failure:
        raise TrainerError("bad-spec", f"{path} is not JSON: {failure}.") from None
    return parse_spec(raw, job)


def parse_spec(raw: object, job: Path) -> Spec:
    if not isinstance(raw, dict):
        raise TrainerError("bad-spec", "spec.json must hold an object with base and adapters.")
    base = raw.get("base")
    if not isinstance(base, str) or base == "":
        raise TrainerError("bad-spec", "spec.json: base must be the folder of the base model.")
    known = {"version", "base", "adapters", *JOB_FIELDS, *HYPER_FIELDS}
    unknown = sorted(set(raw) - known)
    if unknown:
        raise TrainerError("bad-spec", f"spec.json: unknown setting {', '.join(unknown)}. Known: {', '.join(sorted(known))}.")
    hyper = _hyper(Hyper(), {key: raw[key] for key in raw if key in HYPER_FIELDS}, "spec.json")
    adapters, hypers = {}, {}
    entries = raw.get("adapters")
    if not isinstance(entries, dict) or not entries:
        raise TrainerError("bad-spec", 'spec.json: adapters must name at least one adapter: {"plan": {"data": FILE}}.')
    for name, entry in entries.items():
        where = f"spec.json: adapters.{name}"
        if not ADAPTER_NAME.fullmatch(name):
            raise TrainerError("bad-spec", f"{where}: a name has letters, digits, - and _ only.")
        if not isinstance(entry, dict) or not isinstance(entry.get("data"), str):
            raise TrainerError("bad-spec", f"{where}: data must name a JSON Lines file.")
        adapters[name] = entry["data"]
        overrides = {key: value for key, value in entry.items() if key != "data"}
        unknown = sorted(set(overrides) - set(HYPER_FIELDS))
        if unknown:
            raise TrainerError("bad-spec", f"{where}: unknown setting {', '.join(unknown)}.")
        hypers[name] = _hyper(hyper, overrides, where)
    fields = {key: _checked(key, raw[key], "spec.json", JOB_FIELDS[key].default) for key in raw if key in JOB_FIELDS}
    return Spec(base=base, adapters=adapters, hyper=hyper, hypers=hypers, **fields)


def _hyper(start: Hyper, values: dict[str, object], where: str) -> Hyper:
    checked = {key: _checked(key, value, where, HYPER_FIELDS[key].default) for key, value in values.items()}
    return dataclasses.replace(start, **checked)


def _checked(key: str, value: object, where: str, default: object) -> object:
    def bad(expected: str) -> TrainerError:
        return TrainerError("bad-spec", f"{where}: {key} must be {expected}, not {json.dumps(value)}.")

    if value is None and default is None:
        return None
    if key in CHOICES:
        if value not in CHOICES[key] or isinstance(value, (int, float)) and not isinstance(value, bool):
            raise bad("one of " + ", ".join(choice if isinstance(choice, str) else json.dumps(choice) for choice in CHOICES[key]))
        return value
    if key == "targetModules":
        if not isinstance(value, list) or not value or not all(isinstance(name, str) and name for name in value):
            raise bad("a list of module names")
        return tuple(value)
    if key == "sinks":
        if not isinstance(value, list) or not all(name in SINKS for name in value):
            raise bad("a list of " + ", ".join(SINKS))
        return tuple(value)
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise bad("true or false")
        return value
    low, high = RANGES[key]
    whole = key in ("rank", "batchSize", "maxLength", "seed", "threads", "workers", "maxBatchTokens", "checkpointEverySteps")
    if isinstance(value, bool) or not isinstance(value, (int, float)) or (whole and value != int(value)):
        raise bad("a whole number" if whole else "a number")
    if not low <= value <= high:
        raise bad(f"between {low} and {high}")
    return int(value) if whole else value


def derive_seed(*parts: object) -> int:
    """An independent 63-bit seed for each purpose, so that no stream depends on what else ran before it. It is what
    makes a joint run equal single runs, and a resumed run equal an uninterrupted one."""
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
