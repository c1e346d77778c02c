"""The resident base model with its adapters: loading, switching, and the log-probability of supervised tokens."""

import sys
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM
from transformers.utils.logging import disable_progress_bar

from .attention import NAME, TreeLayout, register
from .distributed import World, shard
from .failures import TrainerError
from .memory import Plan
from .spec import Spec, derive_seed
from .tree import Batch


def choose_device(spec: Spec, world: World | None = None) -> torch.device:
    if spec.device == "cuda" and not torch.cuda.is_available():
        raise TrainerError("bad-spec", "spec.json asks for the device cuda, but torch finds no usable GPU here.")
    if spec.device == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    if world is None or world.size == 1:
        return torch.device("cuda")
    torch.cuda.set_device(world.local)
    return torch.device("cuda", world.local)


def choose_precision(spec: Spec, device: torch.device) -> torch.dtype:
    """auto is bfloat16 on a GPU with hardware for it, float16 (with scaled losses) on an older one, else float32: on CPUs, float32 was faster for small bases, and
    its results do not depend on how a batch is laid out."""
    if spec.precision != "auto":
        return getattr(torch, spec.precision)
    if device.type != "cuda":
        return torch.float32
    return torch.bfloat16 if torch.cuda.get_device_capability(device)[0] >= 8 else torch.float16


class AdaptedModel:
    """One base in memory, one LoRA adapter active at a time."""

    def __init__(self, base: Path | torch.nn.Module, spec: Spec, device: torch.device, dtype: torch.dtype, plan: Plan | None = None,
                 world: World | None = None) -> None:  # fmt: skip
        """`base`: its folder, or the model where it is loaded already."""
        plan = plan or Plan("none", spec.gradientCheckpointing is True, 1, 0, True)
        self.device = device
        self.dtype = dtype
        # On a GPU the base is held in half precision as it is served; on a CPU bfloat16 is an autocast over float32 weights.
        weights = dtype if device.type == "cuda" else torch.float32
        model = base if isinstance(base, torch.nn.Module) else _load_base(base, weights, device, plan)
        if plan.gpus > 1:
            self.device = model.get_input_embeddings().weight.device
        #: A base that cannot use transformers' scaled-dot-product attention is trained one example a row.
        self.takes_trees = model.config._attn_implementation == "sdpa"
        if self.takes_trees:
            register()
            model.set_attn_implementation(NAME)
        self.checkpointing = False
        self.peft = _with_adapters(model, spec)
        self.causal = self.peft.get_base_model()
        if plan.checkpointing:
            self.checkpoint_activations()
        self.parameters = {
            name: [
                (key.replace(f".{name}.weight", ".weight"), value)
                for key, value in self.peft.named_parameters()
                if key.endswith((f".lora_A.{name}.weight", f".lora_B.{name}.weight"))
            ]
            for name in spec.hypers
        }
        self.active = next(iter(spec.hypers))
        if world is not None and world.size > 1:
            shard(self.causal, {value for values in self.parameters.values() for _, value in values}, world, device)
        self._select: torch.Tensor | None = None
        # Logits are made at supervised positions only: a vocabulary's worth for each prompt token is most of the
        # memory. A hook on the head keeps whatever the model does after it (scaling, soft caps).
        self.causal.get_output_embeddings().register_forward_pre_hook(self._keep_supervised)

    def checkpoint_activations(self) -> None:
        """From now on they are computed again in the backward pass: half as much again to compute, a fraction to keep."""
        if not self.checkpointing:
            self.checkpointing = True
            self.causal.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
            self.causal.enable_input_require_grads()

    def _keep_supervised(self, _module: object, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        hidden = inputs[0]
        return (hidden.reshape(-1, hidden.shape[-1])[self._select.to(hidden.device)][None], *inputs[1:])

    def use(self, adapter: str) -> None:
        if adapter != self.active:
            self.peft.set_adapter(adapter)
            self.active = adapter

    @contextmanager
    def evaluating(self):
        self.peft.eval()
        try:
            with torch.no_grad():
                yield
        finally:
            self.peft.train()

    def without_adapter(self) -> AbstractContextManager[None]:
        return self.peft.disable_adapter()

    def logits(self, batch: Batch, exact: bool = False) -> torch.Tensor:
        """Float32 (s, vocabulary) at the batch's supervised tokens. `exact` switches autocast off."""
        def move(array: object) -> torch.Tensor:
            return torch.from_numpy(array).to(self.device, non_blocking=True)

        self._select = move(batch.sources)
        autocast = (
            torch.autocast(self.device.type, self.dtype)
            if self.dtype != torch.float32 and not (exact and self.device.type == "cpu")
            else nullcontext()
        )
        tree = {}
        if batch.layout is not None:
            layout, mask = batch.layout, move(batch.layout.mask)
            # transformers hands a mask of four dimensions on as it is and makes none of its own.
            tree = {"tree": TreeLayout(layout.head, layout.branches, layout.width, mask), "attention_mask": mask}
        with autocast:
            output = self.causal(
                input_ids=move(batch.tokens), position_ids=move(batch.positions), use_cache=False, **tree
            )
        return output.logits[0].float()

    def token_losses(self, batch: Batch, exact: bool = False) -> torch.Tensor:
        """Negative log-probability of every supervised token, float32 (s,), in the batch's order."""
        logits = self.logits(batch, exact)
        targets = torch.from_numpy(batch.targets).to(logits.device)
        return torch.nn.functional.cross_entropy(logits, targets, reduction="none")


def _load_base(base: Path, weights: torch.dtype, device: torch.device, plan: Plan) -> torch.nn.Module:
    disable_progress_bar()  # the log is read by programs
    options: dict[str, object] = {"dtype": weights, "attn_implementation": "sdpa"}
    if plan.quantization == "nf4":
        options["quantization_config"] = _quantization(weights, device)
    if plan.gpus > 1:
        options["device_map"] = "balanced"
    elif plan.quantization == "nf4":
        options["device_map"] = {"": device}
    try:
        model = AutoModelForCausalLM.from_pretrained(base, **options)
        return model if "device_map" in options else model.to(device)
    except torch.OutOfMemoryError:
        raise
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as failure:
        raise TrainerError("missing-base", f"The base model in {base} cannot be loaded: {failure}") from None


def _quantization(compute: torch.dtype, device: torch.device) -> object:
    if device.type != "cuda":
        raise TrainerError("bad-spec", "quantization nf4 (QLoRA) needs an NVIDIA GPU. Set it to none.")
    try:
        import bitsandbytes  # noqa: F401
        from transformers import BitsAndBytesConfig
    except ImportError:
        raise TrainerError(
            "missing-library",
            f"This base fits into the GPU's memory only when it is quantised, and {sys.executable} has no bitsandbytes. "
            "Install it there (pip install bitsandbytes), choose a smaller base, or a GPU with more memory.",
        ) from None  # fmt: skip
    # Stored as the compute type, so that it can be sharded like other weights.
    return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True,
                              bnb_4bit_compute_dtype=compute, bnb_4bit_quant_storage=compute)  # fmt: skip


def _with_adapters(model: torch.nn.Module, spec: Spec) -> torch.nn.Module:
    peft = None
    for name, hyper in spec.hypers.items():
        torch.manual_seed(derive_seed(hyper.seed, name, "init"))
        config = LoraConfig(
            r=hyper.rank, lora_alpha=hyper.alpha, lora_dropout=hyper.dropout, bias="none", task_type="CAUSAL_LM",
            target_modules=list(hyper.targetModules),
        )  # fmt: skip
        try:
            if peft is None:
                peft = get_peft_model(model, config, adapter_name=name)
            else:
                peft.add_adapter(name, config)
        except ValueError as failure:
            raise TrainerError("bad-spec", f"No LoRA can be put on {', '.join(hyper.targetModules)} of this base: {failure}",
                               adapter=name) from None  # fmt: skip
    peft.train()
    return peft


def adapter_tensors(model: AdaptedModel, adapter: str) -> dict[str, torch.Tensor]:
    """Float32 copies on the CPU, under the names of peft's files (without the adapter's name)."""
    return {
        key: value.detach().to("cpu", torch.float32, copy=True).contiguous() for key, value in model.parameters[adapter]
    }


def load_adapter_tensors(model: AdaptedModel, adapter: str, tensors: dict[str, torch.Tensor]) -> None:
    with torch.no_grad():
        for key, value in model.parameters[adapter]:
            value.copy_(tensors[key])
