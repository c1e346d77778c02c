"""How much memory a job takes and how long it runs, from the base's shape and the job's own batches; and what follows:
whether activations are kept or computed again, whether the base is quantised, how many GPUs hold it. No torch here.

Bytes, derived for a decoder of L layers of width d and inner width i:
- weights: 2 a parameter in half precision, 4 in float32; NF4 with double quantisation 0.516 a parameter of the linear
  layers, the embeddings in half precision;
- adapters: 16 a parameter (float32 weight, gradient and Adam's two moments);
- activations: L * (2 * (6 d + 3 i) + 18 d) a token, since LoRA's input is float32; computed again, 2 d L for what is
  kept at the layers' borders and one layer's worth besides;
- logits: at supervised positions only, three float32 copies of the vocabulary."""

import json
import math
import struct
from dataclasses import dataclass
from pathlib import Path

#: Share of a GPU's free memory that a plan may fill: the allocator's pieces never fit without gaps.
USABLE = 0.92
OVERHEAD = 1.2e9  # kernels and workspaces of CUDA
NF4 = 0.516
#: Dense half-precision FLOP/s of one GPU by a part of its name, and the share of it that training reaches.
RATES = {"H200": 989e12, "H100": 989e12, "GH200": 989e12, "B200": 2250e12, "A100": 312e12, "A800": 312e12, "L40S": 362e12,
         "L40": 181e12, "L4": 121e12, "A40": 150e12, "A10": 125e12, "A6000": 155e12, "4090": 165e12, "3090": 71e12,
         "V100": 125e12, "T4": 65e12}  # fmt: skip
REACHED = 0.4


@dataclass(frozen=True)
class BaseShape:
    #: Parameters in all, and those of embedding and head, which do no matrix product for most tokens.
    parameters: int
    embedding: int
    layers: int
    width: int
    inner: int
    vocabulary: int
    #: Tokens that fit; None where the base does not say.
    context: int | None = None


@dataclass(frozen=True)
class Load:
    """What the job computes on: the tokens of its largest forward pass and of all passes together."""

    largest: int
    supervised: int
    total: int
    adapter_parameters: int


@dataclass(frozen=True)
class Plan:
    quantization: str
    checkpointing: bool
    #: GPUs that hold one copy of the base.
    gpus: int
    bytes: float
    fits: bool


def read_shape(base: Path) -> BaseShape:
    """From config.json and the headers of the weights: nothing is loaded."""
    config = json.loads((base / "config.json").read_text())
    config = config.get("text_config", config)
    parameters = embedding = 0
    for path in sorted(base.glob("*.safetensors")):
        for name, entry in _header(path).items():
            if name != "__metadata__":
                size = math.prod(entry["shape"])
                parameters += size
                embedding += size if "embed" in name or "lm_head" in name else 0
    width = config.get("hidden_size") or 0
    return BaseShape(parameters, embedding, config.get("num_hidden_layers") or 0, width,
                     config.get("intermediate_size") or 4 * width, config.get("vocab_size") or 0,
                     config.get("max_position_embeddings"))  # fmt: skip


def _header(path: Path) -> dict:
    """Nothing for a broken file: loading it tells better."""
    try:
        with open(path, "rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            return json.loads(file.read(min(length, 1 << 27)))
    except (OSError, struct.error, ValueError):
        return {}


def bytes_needed(shape: BaseShape, load: Load, quantization: str, checkpointing: bool, item: int = 2) -> float:
    """`item`: bytes of a number of the base's precision."""
    linear = shape.parameters - shape.embedding
    weights = NF4 * linear + 2 * shape.embedding if quantization == "nf4" else item * shape.parameters
    layer = item * (6 * shape.width + 3 * shape.inner) + 18 * shape.width
    token = item * shape.width * shape.layers + layer if checkpointing else shape.layers * layer
    # Quantised weights are unpacked one matrix at a time.
    unpacked = item * shape.width * shape.inner if quantization == "nf4" else 0
    logits = 3 * 4 * shape.vocabulary * load.supervised
    return weights + unpacked + 16 * load.adapter_parameters + token * load.largest + logits


def plan(shape: BaseShape, load: Load, gpus: list[float], quantization: str = "auto", checkpointing: bool | str = "auto",
         item: int = 2) -> Plan:  # fmt: skip
    """`gpus`: free bytes of each. The first that fits of: as it is; activations computed again; the base over all GPUs;
    the base quantised. The leanest when nothing fits: the formula may be wrong, and a dry run tells in seconds."""
    kinds = ["none", "nf4"] if quantization == "auto" else [quantization]
    ways = [False, True] if checkpointing == "auto" else [checkpointing is True]
    last = None
    for kind in kinds:
        for count in dict.fromkeys((1, max(1, len(gpus)))):
            for way in ways:
                if kind == "nf4" and checkpointing == "auto" and not way:
                    continue  # whoever has too little memory for half precision has none to keep activations in
                need = bytes_needed(shape, load, kind, way, item)
                room = min(gpus) * count if gpus else math.inf
                last = Plan(kind, way, count, need, need + OVERHEAD * count <= USABLE * room)
                if last.fits:
                    return last
    assert last is not None
    return last


def seconds_needed(shape: BaseShape, tokens: int, checkpointing: bool, gpu: str | None, workers: int = 1) -> float | None:
    """4 FLOP a parameter and token (a frozen base needs no gradient of its weights), 6 when activations are computed
    again. None for a GPU that is not in the table, and for processors: the dry run tells."""
    known = [rate for name, rate in RATES.items() if gpu is not None and name in gpu]
    if not known:
        return None
    return (6 if checkpointing else 4) * (shape.parameters - shape.embedding) * tokens / (max(known) * REACHED * workers)
