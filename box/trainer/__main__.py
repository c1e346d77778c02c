"""Command line of the trainer. Nothing heavy is imported before the job's settings and data have been checked."""

import os
import sys
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
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: python train.py JOB_DIR\nJOB_DIR holds spec.json and the data files it names.", file=sys.stderr)
        return USAGE
    from .guard import run_guarded

    return run_guarded(Path(arguments[0]).resolve())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
