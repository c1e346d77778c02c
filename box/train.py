"""Entry point: `python box/train.py JOB_DIR`. Same as `python -m trainer JOB_DIR` with box/ on the path."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from trainer.__main__ import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
