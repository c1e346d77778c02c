"""A job from spec.json to out/: check, load, self-test, train the adapters in turns, write."""

import dataclasses
import hashlib
import json
import platform
import resource
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .events import Events
from .failures import TrainerError
from .files import base_identity, sha256_file
from .rows import Row, held_out_questions, read_rows
from .spec import Spec, read_spec
from .threads import choose_threads, usable_cpus
from .workers import count_workers, part_name, run_workers

#: ru_maxrss is in KiB on Linux, in bytes on macOS.
RSS_UNIT = 1 if sys.platform == "darwin" else 1024


def run_job(job: Path, events: Events, stop: threading.Event, only: list[str] | None = None) -> None:
    """Raises TrainerError. Light checks come first, so that a mistake is told in a tenth of a second."""
    begun = time.monotonic()
    spec = read_spec(job)
    base = (job / spec.base).resolve()
    if not (base / "config.json").is_file():
        raise TrainerError("missing-base", f"There is no base model in {base} (no config.json). Give a folder in the "
                           "Hugging Face layout: config.json, weights as safetensors, tokenizer.json.")  # fmt: skip
    if only is None and (count := count_workers(job, spec)) > 1:
        run_workers(job, spec, count, events, stop)
        return
    if only is not None:
        spec = dataclasses.replace(spec, adapters={name: spec.adapters[name] for name in spec.adapters if name in only},
                                   hypers={name: spec.hypers[name] for name in spec.hypers if name in only})  # fmt: skip
    data = {name: job / file for name, file in spec.adapters.items()}
    rows = {name: read_rows(path, name) for name, path in data.items()}
    with ThreadPoolExecutor(1) as pool:
        hashes = pool.submit(_hashes, base, data)
        session = Session(job, base, spec, rows, events, stop, begun, only is not None)
        session.prepare(hashes.result)
    try:
        session.train()
        session.finish()
    finally:
        session.world.leave()


def _hashes(base: Path, data: dict[str, Path]) -> dict[str, dict[str, str]]:
    return {"base": base_identity(base), "data": {name: sha256_file(path) for name, path in data.items()}}


class Session:
    def __init__(self, job: Path, base: Path, spec: Spec, rows: dict[str, list[Row]], events: Events,
                 stop: threading.Event, begun: float, part: bool = False) -> None:  # fmt: skip
        #: Whether another process puts the whole together.
        self.part = part
        self.job, self.base, self.spec, self.rows, self.events, self.stop = job, base, spec, rows, events, stop
        self.begun = begun
        self.out = job / "out"

    def prepare(self, hashes: object) -> None:
        import torch
        from transformers import AutoTokenizer

        from .adapter_run import AdapterRun
        from .distributed import World, own_folder
        from .examples import tokenize
        from .load import load_of, together
        from .memory import OVERHEAD, plan, read_shape, seconds_needed
        from .model import AdaptedModel, choose_device, choose_precision
        from .selftest import tree_difference
        from .sinks import guarded, open_sinks

        spec = self.spec
        imported = time.monotonic()
        torch.set_num_threads(spec.threads or usable_cpus())
        torch.use_deterministic_algorithms(spec.deterministic)
        self.world = world = World()
        device = choose_device(spec, world)
        world.join(device)
        dtype = choose_precision(spec, device)
        shape = read_shape(self.base)
        tokenizer = AutoTokenizer.from_pretrained(self.base)
        self.batch_tokens = spec.maxBatchTokens
        self.hashes = hashes()
        self.runs: list[AdapterRun] = []
        warnings, splits = [], {}
        for name, hyper in spec.hypers.items():
            limit = min(hyper.maxLength, shape.context or hyper.maxLength)
            examples, dropped = tokenize(self.rows[name], tokenizer, name, limit, hyper.tooLong)
            if dropped:
                warnings.append((name, f"{dropped} rows of adapter {name} are longer than {limit} tokens and were left out."))
            questions = held_out_questions([example.row for example in examples], hyper.heldOutFraction, hyper.seed)
            splits[name] = ([example for example in examples if example.row.question not in questions],
                            [example for example in examples if example.row.question in questions])  # fmt: skip
        load = together([load_of(name, hyper, splits[name][0], shape, self.batch_tokens) for name, hyper in spec.hypers.items()])
        item = dtype.itemsize if device.type == "cuda" else 4
        gpus = [float(torch.cuda.mem_get_info(at)[0]) for at in range(torch.cuda.device_count())] if device.type == "cuda" else []
        # Sharded, a process has a part of the base on its own GPU, and the formula would count it whole.
        self.plan = plan(shape, load, gpus if world.size == 1 else [], spec.quantization, spec.gradientCheckpointing, item)
        model = AdaptedModel(self.base, spec, device, dtype, self.plan, world)
        self.tree = {name: self._decide_tree(name, hyper.mode, splits[name][0], model, tree_difference, warnings)
                     for name, hyper in spec.hypers.items()}  # fmt: skip
        for name, hyper in spec.hypers.items():
            identity = self._identity(name, torch.__version__, str(dtype))
            self.runs.append(AdapterRun(name, hyper, model, *splits[name], self.job / "checkpoints" / name, identity,
                                        self.batch_tokens, self.tree[name], world))  # fmt: skip
        self.out = own_folder(self.job, world) / "out"
        if spec.threads is None and device.type == "cpu" and world.size == 1:
            torch.set_num_threads(choose_threads(self.job, self.runs[0]))
        resumed = {}
        for run in self.runs:
            step, damaged = run.resume()
            resumed[run.name] = step
            warnings += [(run.name, f"The checkpoint {name} is damaged and was passed over.") for name in damaged]
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else None
        self.events.emit("estimate", bytes=round(self.plan.bytes + (OVERHEAD if gpus else 0)), fits=self.plan.fits,
                         quantization=self.plan.quantization, gradientCheckpointing=self.plan.checkpointing,
                         baseGpus=self.plan.gpus, tokens=load.total,
                         seconds=seconds_needed(shape, load.total, self.plan.checkpointing, name, world.size))  # fmt: skip
        self._dry_run(load.total)

        def warn(message: str) -> None:
            self.events.emit("warning", message=message)

        if spec.sinks and world.first:
            settings = {**dataclasses.asdict(spec), "run": "+".join(spec.adapters) if self.part else ""}
            self.events.sink = guarded(open_sinks(spec.sinks, self.job, settings, warn), warn)
        self.versions = _versions()
        self.device, self.dtype = str(device), str(dtype).removeprefix("torch.")
        self.events.emit(
            "start",
            adapters={run.name: {"steps": run.total, "examples": len(run.training), "heldOut": len(run.held_out),
                                 "mode": "tree" if run.tree else "per-example", "resumedAt": resumed[run.name]}
                      for run in self.runs},
            device=self.device, precision=self.dtype, threads=torch.get_num_threads(), versions=self.versions,
            importSeconds=round(imported - self.begun, 2), prepareSeconds=round(time.monotonic() - imported, 2),
        )  # fmt: skip
        for name, message in warnings:
            self.events.emit("warning", adapter=name, message=message)

    def _dry_run(self, tokens: int) -> None:
        """What the formula said, measured: in seconds, and not in the third epoch."""
        import torch

        from .load import longest_batch

        run, batch = max(((run, longest_batch(run.hyper, run.training, self.batch_tokens, run.name, run.tree))
                          for run in self.runs), key=lambda pair: pair[1].tokens.size)  # fmt: skip
        cuda = run.model.device.type == "cuda"
        if cuda:
            torch.cuda.reset_peak_memory_stats()
        try:
            seconds = run.dry_run(batch)
        except torch.OutOfMemoryError:
            if self.spec.gradientCheckpointing != "auto" or run.model.checkpointing:
                raise
            torch.cuda.empty_cache()
            run.model.checkpoint_activations()
            self.events.emit("warning", message="The largest batch does not fit as the formula said: activations are computed "
                             "again in the backward pass.")  # fmt: skip
            seconds = run.dry_run(batch)
        rate = batch.tokens.size / max(seconds, 1e-9)
        peak = torch.cuda.max_memory_allocated() if cuda else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT
        self.events.emit("measured", peakBytes=peak, batchTokens=int(batch.tokens.size), tokensPerSecond=round(rate, 1),
                         seconds=round(tokens / rate / self.world.size, 1),
                         gradientCheckpointing=run.model.checkpointing)  # fmt: skip

    def _decide_tree(self, name: str, mode: str, examples: list, model: object, test: object, warnings: list) -> bool:
        if mode != "tree" or not model.takes_trees or len(examples) < 2:
            return False
        model.use(name)
        difference, tolerance = test(model, examples)
        if difference <= tolerance:
            return True
        warnings.append((name, f"This base computes something else over a prefix tree (log-probabilities differ by "
                               f"{difference:.3g}, {tolerance:g} allowed): training one example a row instead."))  # fmt: skip
        return False

    def _identity(self, name: str, torch_version: str, dtype: str) -> str:
        """Of what decides an adapter's weights. Not of the other adapters, nor of names of folders."""
        parts = [dataclasses.asdict(self.spec.hypers[name]), self.hashes["base"], self.hashes["data"][name], torch_version,
                 dtype, self.batch_tokens, self.tree[name]]  # fmt: skip
        if self.plan.quantization != "none":
            parts.append(self.plan.quantization)
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def train(self) -> None:
        """Adapters take turns by optimizer step, the one that is furthest behind first, so that all curves grow."""
        self.started = time.monotonic()
        self.done_before = sum(run.progress.step for run in self.runs)
        self.tokens = 0
        self.complete = True
        while pending := [run for run in self.runs if not run.finished]:
            run = min(pending, key=lambda run: run.progress.step / run.total)
            if self.world.any(self.stop.is_set(), run.model.device):
                self._stop()
            late = self.spec.maxSeconds is not None and time.monotonic() - self.begun > self.spec.maxSeconds
            if self.spec.maxSeconds is not None and self.world.any(late, run.model.device):
                self._out_of_time(pending)
                return
            if run.progress.step < run.total:
                fields = run.step()
                self.tokens += fields["tokens"]
                self.events.emit("step", adapter=run.name, **fields, **self._pace())
                at_end = run.at_epoch_end()
                if at_end:
                    self._evaluate(run)
                if at_end or run.progress.step % self.spec.checkpointEverySteps == 0:
                    self._checkpoint(run)
            if run.progress.step == run.total:
                self._complete(run)

    def _pace(self) -> dict[str, float]:
        elapsed = max(time.monotonic() - self.started, 1e-6)
        done = sum(run.progress.step for run in self.runs) - self.done_before
        left = sum(run.total - run.progress.step for run in self.runs)
        return {"tokensPerSecond": round(self.tokens / elapsed, 1), "secondsLeft": round(elapsed / max(done, 1) * left, 1)}

    def _evaluate(self, run: object) -> None:
        fields = run.evaluate()
        if fields is not None:
            self.events.emit("eval", adapter=run.name, **fields)

    def _checkpoint(self, run: object) -> None:
        if not self.world.first:
            return
        run.save()
        self.events.emit("checkpoint", adapter=run.name, step=run.progress.step, steps=run.total)

    def _stop(self) -> None:
        for run in self.runs:
            if 0 < run.progress.step < run.total:
                self._checkpoint(run)
        raise TrainerError("stopped", "Stopped on request after a checkpoint. Start the job again to go on.")

    def _out_of_time(self, pending: list) -> None:
        self.complete = False
        self.events.emit("warning", message=f"The time limit of {self.spec.maxSeconds:g} s was reached; the adapters are "
                         "what was learned until then.")  # fmt: skip
        for run in pending:
            self._evaluate(run)
            self._checkpoint(run)
            self._complete(run)

    def _complete(self, run: object) -> None:
        from .output import write_adapter, write_probes

        # The first process writes the best weights; none reads them before.
        self.world.any(False, run.model.device)
        selected = run.load_selected()
        write_adapter(run, self.spec.base, self.out)
        write_probes(run, self.out)
        run.finished = True
        run.selected_step = selected
        self.events.emit("adapter-done", adapter=run.name, step=run.progress.step, steps=run.total, selectedStep=selected,
                         bestLoss=run.progress.best_loss, folder=f"out/{run.name}")  # fmt: skip

    def finish(self) -> None:
        from .output import write_manifest

        seconds = round(time.monotonic() - self.begun, 2)
        code = Path(__file__).resolve().parents[1]
        content = {
            "spec": sha256_file(self.job / "spec.json"),
            "code": {str(file.relative_to(code)): sha256_file(file) for file in sorted(code.rglob("*.py"))},
            "base": {"path": self.spec.base, "files": self.hashes["base"]},
            "adapters": {
                run.name: {
                    "data": {"file": self.spec.adapters[run.name], "sha256": self.hashes["data"][run.name]},
                    "files": {file.name: sha256_file(file) for file in sorted((self.out / run.name).iterdir())},
                    "hyper": dataclasses.asdict(run.hyper), "mode": "tree" if run.tree else "per-example",
                    "steps": run.progress.step, "plannedSteps": run.total, "selectedStep": run.selected_step,
                    "tokens": run.progress.tokens, "examples": len(run.training), "heldOut": len(run.held_out),
                    "heldOutLoss": run.progress.best_loss,
                } for run in self.runs
            },
            "complete": self.complete, "device": self.device, "precision": self.dtype, "versions": self.versions,
            "quantization": self.plan.quantization, "gradientCheckpointing": self.runs[0].model.checkpointing,
            "processes": self.world.size, "seconds": seconds,
        }  # fmt: skip
        write_manifest(self.out, content, part_name(list(self.spec.adapters)) if self.part else "manifest.json")
        if self.part:
            return
        self.events.emit("done", seconds=seconds, complete=self.complete, tokens=self.tokens)


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {"python": platform.python_version(),
            **{name: version(name) for name in ("torch", "transformers", "peft", "safetensors", "tokenizers")}}  # fmt: skip
