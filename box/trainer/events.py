"""events.jsonl: what the job tells whoever follows it, one JSON object a line, appended and never rewritten."""

import json
import math
import os
import time
from collections.abc import Callable
from pathlib import Path

#: Kept aside on the disk and given back when it is full, so that the last event still fits.
RESERVE_BYTES = 64 * 1024


class Events:
    """Every line: {"t": seconds since 1970, "type": ..., ...}. After a resume, steps that had not been checkpointed
    appear a second time; for one adapter and step the later line counts."""

    def __init__(self, job: Path) -> None:
        #: Told of every line too.
        self.sink: Callable[[dict], None] | None = None
        self._path = job / "events.jsonl"
        self._reserve = job / "reserve"
        if not self._reserve.exists():
            self._reserve.write_bytes(b"\0" * RESERVE_BYTES)
        # A killed job can leave half a line; a newline keeps it from swallowing the next one.
        torn = self._path.exists() and self._path.stat().st_size > 0 and not self._ends_in_newline()
        self._file = open(self._path, "ab", buffering=0)
        if torn:
            self._file.write(b"\n")

    def _ends_in_newline(self) -> bool:
        with open(self._path, "rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"

    def emit(self, type: str, **fields: object) -> None:
        line = {"t": round(time.time(), 3), "type": type}
        line.update({key: _finite(value) for key, value in fields.items() if value is not None})
        self._file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        if self.sink is not None:
            self.sink(line)

    def release_reserve(self) -> None:
        self._reserve.unlink(missing_ok=True)

    def close(self) -> None:
        self._file.close()
        self.release_reserve()


def _finite(value: object) -> object:
    """JSON has no NaN; a number that is none is told as a string."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
