"""One process a GPU, each with a copy of the base and its share of the adapters: nothing passes between them, and each
adapter comes out as it would alone. This process starts them, tells them to stop, and puts their manifests together."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from .events import Events
from .failures import STOPPED, TrainerError
from .files import atomic_write
from .spec import Spec


class WorkerFailed(Exception):
    """A worker has told why already."""

    def __init__(self, code: int) -> None:
        super().__init__(f"a worker ended with {code}")
        self.code = code


def count_workers(job: Path, spec: Spec) -> int:
    """1: this process does the work itself."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 or len(spec.adapters) == 1:
        return 1
    if spec.workers is not None:
        return min(spec.workers, len(spec.adapters))
    from .estimate import estimate, free_gpus

    gpus = free_gpus() if spec.device != "cpu" else []
    if len(gpus) < 2 or estimate(job)["baseGpus"] != 1:
        return 1
    return min(len(gpus), len(spec.adapters))


def share_out(names: list[str], sizes: dict[str, int], count: int) -> list[list[str]]:
    """The largest first, each to whoever has the least."""
    groups: list[list[str]] = [[] for _ in range(count)]
    for name in sorted(names, key=lambda name: -sizes[name]):
        min(groups, key=lambda group: sum(sizes[one] for one in group)).append(name)
    return [group for group in groups if group]


def run_workers(job: Path, spec: Spec, count: int, events: Events, stop: threading.Event) -> None:
    sizes = {name: (job / file).stat().st_size for name, file in spec.adapters.items()}
    visible = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    begun, workers = time.monotonic(), []
    groups = share_out(list(spec.adapters), sizes, count)
    for number, group in enumerate(groups):
        env = {**os.environ, "AUTOACT_WORKERS": str(len(groups)),
               "CUDA_VISIBLE_DEVICES": visible[number] if number < len(visible) else str(number)}  # fmt: skip
        command = [sys.executable, "-u", str(Path(__file__).resolve().parents[1] / "train.py"), "--adapters", ",".join(group)]
        workers.append(subprocess.Popen([*command, str(job)], env=env, stdin=subprocess.DEVNULL))
    told = False
    try:
        while any(worker.poll() is None for worker in workers):
            failed = any(worker.returncode not in (None, 0) for worker in workers)
            if (stop.is_set() or failed) and not told:
                told = True
                for worker in workers:
                    worker.terminate()
            time.sleep(0.1)
    except BaseException:
        for worker in workers:
            worker.kill()
        raise
    codes = [worker.returncode for worker in workers if worker.returncode != 0]
    if codes:
        # What failed counts, and not that the others were told to stop for it.
        raise WorkerFailed(next((code for code in codes if code != STOPPED), STOPPED))
    merge(job, groups, round(time.monotonic() - begun, 2), events)


def part_name(names: list[str]) -> str:
    return f"manifest-{'+'.join(sorted(names))}.json"


def merge(job: Path, groups: list[list[str]], seconds: float, events: Events) -> None:
    paths = [job / "out" / part_name(group) for group in groups]
    try:
        parts = [json.loads(path.read_text()) for path in paths]
    except (OSError, ValueError) as failure:
        raise TrainerError("internal", f"A worker left no manifest: {failure}.") from None
    adapters = {name: entry for part in parts for name, entry in part["adapters"].items()}
    complete = all(part["complete"] for part in parts)
    tokens = sum(entry["tokens"] for entry in adapters.values())
    whole = {**parts[0], "adapters": adapters, "complete": complete, "workers": len(groups), "seconds": seconds}
    atomic_write(job / "out" / "manifest.json", json.dumps(whole, indent=2) + "\n")
    for path in paths:
        path.unlink()
    events.emit("done", seconds=seconds, complete=complete, tokens=tokens)
