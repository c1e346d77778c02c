"""A job from spec.json to out/: check, load, self-test, train the adapters in turns, write."""

import dataclasses
import hashlib
import json
import platform
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


def run_job(job: Path, events: Events, stop: threading.Event) -> None:
    """Raises TrainerError. Light checks come first, so that a mistake is told in a tenth of a second."""
    begun = time.monotonic()
    spec = read_spec(job)
    base = (job / spec.base).resolve()
    if not (base / "config.json").is_file():
        raise TrainerError("missing-base", f"There is no base model in {base} (no config.json). Give a folder in the "
                           "Hugging Face layout: config.json, weights as safetensors, tokenizer.json.")  # fmt: skip
    data = {name: job / file for name, file in spec.adapters.items()}
    rows = {name: read_rows(path, name) for name, path in data.items()}
    with ThreadPoolExecutor(1) as pool:
        hashes = pool.submit(_hashes, base, data)
        session = Session(job, base, spec, rows, events, stop, begun)
        session.prepare(hashes.result)
    session.train()
    session.finish()


def _hashes(base: Path, data: dict[str, Path]) -> dict[str, dict[str, str]]:
    return {"base": base_identity(base), "data": {name: sha256_file(path) for name, path in data.items()}}


class Session:
    def __init__(self, job: Path, base: Path, spec: Spec, rows: dict[str, list[Row]], events: Events,
                 stop: threading.Event, begun: float) -> None:  # fmt: skip
        self.job, self.base, self.spec, self.rows, self.events, self.stop = job, base, spec, rows, events, stop
        self.begun = begun
        self.out = job / "out"

    def prepare(self, hashes: object) -> None:
        import torch
        from transformers import AutoTokenizer

        from .adapter_run import AdapterRun
        from .examples import tokenize
        from .model import AdaptedModel, choose_device, choose_precision
        from .selftest import tree_difference

        spec = self.spec
        imported = time.monotonic()
        torch.set_num_threads(spec.threads or usable_cpus())
        torch.use_deterministic_algorithms(spec.deterministic)
        device = choose_device(spec)
        dtype = choose_precision(spec, device)
        model = AdaptedModel(self.base, spec, device, dtype)
        tokenizer = AutoTokenizer.from_pretrained(self.base)
        self.batch_tokens = spec.maxBatchTokens
        self.hashes = hashes()
        self.runs: list[AdapterRun] = []
        warnings, splits = [], {}
        for name, hyper in spec.hypers.items():
            limit = min(hyper.maxLength, model.context_length or hyper.maxLength)
            examples, dropped = tokenize(self.rows[name], tokenizer, name, limit, hyper.tooLong)
            if dropped:
                warnings.append((name, f"{dropped} rows of adapter {name} are longer than {limit} tokens and were left out."))
            questions = held_out_questions([example.row for example in examples], hyper.heldOutFraction, hyper.seed)
            splits[name] = ([example for example in examples if example.row.question not in questions],
                            [example for example in examples if example.row.question in questions])  # fmt: skip
        self.tree = {name: self._decide_tree(name, hyper.mode, splits[name][0], model, tree_difference, warnings)
                     for name, hyper in spec.hypers.items()}  # fmt: skip
        for name, hyper in spec.hypers.items():
            identity = self._identity(name, torch.__version__, str(dtype))
            self.runs.append(AdapterRun(name, hyper, model, *splits[name], self.job / "checkpoints" / name, identity,
                                        self.batch_tokens, self.tree[name]))  # fmt: skip
        if spec.threads is None and device.type == "cpu":
            torch.set_num_threads(choose_threads(self.job, self.runs[0]))
        resumed = {}
        for run in self.runs:
            step, damaged = run.resume()
            resumed[run.name] = step
            warnings += [(run.name, f"The checkpoint {name} is damaged and was passed over.") for name in damaged]
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
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def train(self) -> None:
        """Adapters take turns by optimizer step, the one that is furthest behind first, so that all curves grow."""
        self.started = time.monotonic()
        self.done_before = sum(run.progress.step for run in self.runs)
        self.tokens = 0
        self.complete = True
        while pending := [run for run in self.runs if not run.finished]:
            run = min(pending, key=lambda run: run.progress.step / run.total)
            if self.stop.is_set():
                self._stop()
            if self.spec.maxSeconds is not None and time.monotonic() - self.begun > self.spec.maxSeconds:
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
        write_manifest(self.out, {
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
            "seconds": seconds,
        })  # fmt: skip
        self.events.emit("done", seconds=seconds, complete=self.complete, tokens=self.tokens)


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {"python": platform.python_version(),
            **{name: version(name) for name in ("torch", "transformers", "peft", "safetensors", "tokenizers")}}  # fmt: skip
