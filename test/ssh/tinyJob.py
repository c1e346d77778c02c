"""Writes a base model of 40 thousand parameters and training rows: `tinyJob.py FOLDER` makes base/ and data/ in it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))

from conftest import make_base, make_rows, write_rows  # noqa: E402
from transformers import LlamaConfig, LlamaForCausalLM  # noqa: E402

folder = Path(sys.argv[1])
rows = make_rows(14)
make_base(folder / "base", rows, LlamaForCausalLM, LlamaConfig)
for name in rows:
    write_rows(folder / "data" / f"{name}.jsonl", rows[name])
