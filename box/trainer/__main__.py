"""Command line of the trainer. Nothing heavy is imported before the job's settings and data have been checked."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

# Read by libgomp and the tokenizers when they load, so they must be set before torch is imported. Without the spin
# limit, a second busy process on the machine makes every parallel region wait for its whole time slice (measured on
# two cores: 20 times slower); the base is a local folder, so nothing may ask the network for it.
os.environ.setdefault("GOMP_SPINCOUNT", "3000")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

from .failures import USAGE  # noqa: E402


def main(arguments: list[str]) -> int:
    *options, last = arguments or [""]
    only = options[1].split(",") if len(options) == 2 and options[0] == "--adapters" else None
    if last == "" or last.startswith("-") or options not in ([], ["--estimate"]) and only is None:
        print("usage: python train.py [--estimate | --adapters NAME,…] JOB_DIR\n"
              "JOB_DIR holds spec.json and the data files it names.", file=sys.stderr)  # fmt: skip
        return USAGE
    job = Path(last).resolve()
    if options == ["--estimate"]:
        from .estimate import print_estimate

        return explained(lambda: print_estimate(job), job)
    from .guard import run_guarded

    return run_guarded(job, only)


def explained(work: Callable[[], None], job: Path) -> int:
    """For what is asked and answered at once: an error is one line."""
    from .guard import explain

    try:
        work()
        return 0
    except Exception as failure:  # noqa: BLE001
        error = explain(failure, job)
        print(error, file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
