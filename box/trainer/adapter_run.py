"""The training of one adapter: its own examples, optimizer, schedule, clipping and randomness, so that a joint run is
bit for bit the single runs."""

import math
import time
from collections import defaultdict
from pathlib import Path

import torch

from .checkpoint import Progress, checkpoints, load_checkpoint, save_checkpoint
from .distributed import World
from .examples import Example
from .failures import TrainerError
from .files import atomic_write
from .model import AdaptedModel, adapter_tensors, load_adapter_tensors
from .schedule import all_epochs, learning_rate_at
from .spec import Hyper, derive_seed
from .tree import Batch, pack_single, pack_trees
from .weighting import example_weights


class AdapterRun:
    def __init__(self, name: str, hyper: Hyper, model: AdaptedModel, training: list[Example], held_out: list[Example],
                 folder: Path, identity: str, batch_tokens: int, tree: bool, world: World | None = None) -> None:  # fmt: skip
        self.world = world or World()
        self.name, self.hyper, self.model = name, hyper, model
        self.training, self.held_out = training, held_out
        self.folder, self.identity = folder, identity
        self.batch_tokens, self.tree = batch_tokens, tree
        self.progress = Progress()
        epochs = all_epochs(training, hyper, name)
        self.steps = [step for epoch in epochs for step in epoch]
        #: Steps done at the end of each epoch.
        self.epoch_ends = [sum(map(len, epochs[: count + 1])) for count in range(len(epochs))]
        self.finished = False
        self._parameters = [value for _, value in model.parameters[name]]
        self._optimizer = torch.optim.AdamW(self._parameters, lr=hyper.learningRate, weight_decay=hyper.weightDecay)
        # Small gradients are nothing in float16: losses are scaled up, and a step that overflows is left out.
        self._scaler = torch.amp.GradScaler(model.device.type, enabled=model.dtype == torch.float16)
        self._held_out_batches = self.batches(held_out) if held_out else []

    @property
    def total(self) -> int:
        return len(self.steps)

    @property
    def epoch(self) -> float:
        """Epochs done, as a fraction."""
        done = [end for end in self.epoch_ends if end <= self.progress.step]
        start, count = (done[-1], len(done)) if done else (0, 0)
        if count == len(self.epoch_ends):
            return float(count)
        return count + (self.progress.step - start) / (self.epoch_ends[count] - start)

    def batches(self, examples: list[Example]) -> list[Batch]:
        return (pack_trees if self.tree else pack_single)(examples, self.batch_tokens)

    def step(self) -> dict[str, object]:
        """One optimizer step. Returns the fields of its event."""
        number, hyper = self.progress.step, self.hyper
        self.model.use(self.name)
        examples = [self.training[index] for index in self.steps[number]]
        # A seed of its own for every step: dropout needs no state to be resumed, and no other adapter can disturb it.
        torch.manual_seed(derive_seed(hyper.seed, self.name, "dropout", number))
        weights = example_weights(examples, hyper.weighting, derive_seed(hyper.seed, self.name, "pairs", number))
        loss, tokens = 0.0, 0.0
        for batch, counts in self.world.share(self.batches(examples)):
            losses = self.model.token_losses(batch)
            weight = torch.from_numpy(weights[batch.owners]).to(losses.device, torch.float32)
            part = (losses * weight).sum() * float(counts)
            self._scaler.scale(part).backward()
            loss += part.item()
            tokens += batch.real_tokens if counts else 0
        loss, tokens = self.world.sum([loss, tokens], self.model.device)
        self.world.sum_gradients(self._parameters)
        if not math.isfinite(loss):
            raise TrainerError(
                "diverged",
                f"The loss of adapter {self.name} became {loss} at step {number + 1}. Lower learningRate (now "
                f"{hyper.learningRate}) or look for broken rows in its data.",
                adapter=self.name, step=number + 1,
            )  # fmt: skip
        rate = learning_rate_at(number, self.total, hyper)
        self._scaler.unscale_(self._optimizer)
        norm = torch.nn.utils.clip_grad_norm_(self._parameters, hyper.maxGradientNorm or math.inf).item()
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._optimizer.zero_grad(set_to_none=True)
        self.progress.step += 1
        self.progress.tokens += int(tokens)
        return {"step": self.progress.step, "steps": self.total, "epoch": round(self.epoch, 4), "loss": loss, "lr": rate,
                "gradientNorm": norm, "examples": len(examples), "tokens": int(tokens)}  # fmt: skip

    def rehearse(self) -> None:
        """Does the work of the first step and forgets it."""
        self.model.use(self.name)
        for batch in self.batches([self.training[index] for index in self.steps[0]]):
            self.model.token_losses(batch).mean().backward()
        self._optimizer.zero_grad(set_to_none=True)

    def dry_run(self, batch: Batch) -> float:
        """Two passes, forward and backward, over the largest batch; nothing is learned. Returns the second's seconds."""
        self.model.use(self.name)
        seconds = 0.0
        try:
            for _ in range(2):
                begun = time.perf_counter()
                self.model.token_losses(batch).mean().backward()
                if self.model.device.type == "cuda":
                    torch.cuda.synchronize()
                seconds = time.perf_counter() - begun
        finally:
            self._optimizer.zero_grad(set_to_none=True)
        return seconds

    def at_epoch_end(self) -> bool:
        return self.progress.step in self.epoch_ends

    def evaluate(self) -> dict[str, object] | None:
        """Held-out loss (nats a completion token), and of how many completions every token is the likeliest."""
        if not self.held_out:
            return None
        self.model.use(self.name)
        total, tokens = 0.0, 0
        missed: set[int] = set()
        sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        with self.model.evaluating():
            for batch in self._held_out_batches:
                logits = self.model.logits(batch).cpu()
                targets = torch.from_numpy(batch.targets)
                losses = torch.nn.functional.cross_entropy(logits, targets, reduction="none").double()
                missed.update(batch.owners[(logits.argmax(-1) != targets).numpy()].tolist())
                total += losses.sum().item()
                tokens += len(losses)
                for owner, value in zip(batch.owners.tolist(), losses.tolist()):
                    entry = sums[self.held_out[owner].row.kind]
                    entry[0] += value
                    entry[1] += 1
        loss = total / tokens
        best = math.isfinite(loss) and (self.progress.best_loss is None or loss < self.progress.best_loss)
        if best:
            self.progress.best_loss, self.progress.best_step = loss, self.progress.step
            if self.world.first:
                self._write_best()
        return {
            "step": self.progress.step, "steps": self.total, "epoch": round(self.epoch, 4), "loss": loss, "best": best,
            "exactMatch": 1 - len(missed) / len(self.held_out), "examples": len(self.held_out),
            "lossByKind": {kind: value / count for kind, (value, count) in sorted(sums.items())},
        }  # fmt: skip

    def _write_best(self) -> None:
        from safetensors.torch import save

        atomic_write(self.folder / "best.safetensors", save(adapter_tensors(self.model, self.name)))

    def load_selected(self) -> int:
        """Puts the weights that become the adapter into the model. Returns the step they are from."""
        if self.hyper.select == "last" or self.progress.best_loss is None:
            return self.progress.step
        from safetensors.torch import load_file

        load_adapter_tensors(self.model, self.name, load_file(self.folder / "best.safetensors"))
        return self.progress.best_step

    def save(self) -> None:
        tensors = {f"adapter/{key}": value for key, value in adapter_tensors(self.model, self.name).items()}
        for (key, _), (index, state) in zip(self.model.parameters[self.name], self._optimizer.state_dict()["state"].items()):
            for field, value in state.items():
                tensors[f"optimizer/{index}/{field}"] = value.detach().to("cpu", copy=True)
        if self._scaler.is_enabled():
            state = self._scaler.state_dict()
            tensors["scaler"] = torch.tensor([state["scale"], state["_growth_tracker"]], dtype=torch.float64)
        save_checkpoint(self.folder, self.progress, self.identity, tensors)

    def resume(self) -> tuple[int, list[str]]:
        """Goes on from the newest whole checkpoint. Returns the step and the names of damaged files passed over."""
        damaged = []
        for path in checkpoints(self.folder):
            loaded = load_checkpoint(path)
            if loaded is None:
                damaged.append(path.name)
                continue
            progress, identity, tensors = loaded
            if identity != self.identity:
                raise TrainerError(
                    "checkpoint-mismatch",
                    f"The checkpoint {path.name} of adapter {self.name} was made with other settings, data or base. Start "
                    "a new job folder, or delete the checkpoints folder to train from the beginning.",
                    adapter=self.name,
                )  # fmt: skip
            self.progress = progress
            load_adapter_tensors(self.model, self.name,
                                 {key[8:]: value for key, value in tensors.items() if key.startswith("adapter/")})  # fmt: skip
            state: dict[int, dict[str, torch.Tensor]] = defaultdict(dict)
            for key, value in tensors.items():
                if key.startswith("optimizer/"):
                    _, index, field = key.split("/")
                    state[int(index)][field] = value
            if "scaler" in tensors:
                scale, tracker = tensors["scaler"].tolist()
                self._scaler.load_state_dict({**self._scaler.state_dict(), "scale": scale, "_growth_tracker": int(tracker)})
            groups = self._optimizer.state_dict()["param_groups"]
            self._optimizer.load_state_dict({"state": dict(state), "param_groups": groups})
            return progress.step, damaged
        return 0, damaged
