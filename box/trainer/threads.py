"""How many threads a CPU job computes with. For a small base on a busy machine one can be several times faster than
two, because threads wait for each other at every matrix product; so it is measured, on a step of the job itself."""

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from .files import atomic_write

if TYPE_CHECKING:
    from .adapter_run import AdapterRun

#: All threads must be this much faster to be worth the processor time that they take.
GAIN = 1.15


def usable_cpus() -> int:
    """Of those that this process may use, its share when several train at once."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, count // int(os.environ.get("AUTOACT_WORKERS", "1")))


def choose_threads(job: Path, run: "AdapterRun") -> int:
    """The choice is kept in the job's folder: rounding depends on it, and a resumed job must round the same."""
    kept = job / "checkpoints" / "threads"
    if kept.exists():
        return int(kept.read_text())
    import torch

    most = usable_cpus()
    seconds: dict[int, float] = {}
    for count in (most, 1) if most > 1 else ():
        torch.set_num_threads(count)
        tries = []
        for _ in range(3):
            begun = time.perf_counter()
            run.rehearse()
            tries.append(time.perf_counter() - begun)
        # The middle one: the first warms memory up, and a machine that is sometimes busy should not look idle.
        seconds[count] = sorted(tries)[1]
    chosen = most if most > 1 and seconds[most] * GAIN < seconds[1] else 1
    atomic_write(kept, f"{chosen}\n")
    return chosen
