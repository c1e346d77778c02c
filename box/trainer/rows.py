"""Training rows: JSON Lines with a prompt and the completion that is learned."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from .failures import TrainerError

FIELDS = {"id": str, "trajectory": str, "question": str, "step": int, "kind": str, "prompt": str, "completion": str}


@dataclass(frozen=True)
class Row:
    id: str
    trajectory: str
    question: str
    step: int
    kind: str
    prompt: str
    completion: str


def read_rows(path: Path, adapter: str) -> list[Row]:
    """Raises TrainerError naming the file and line of the first row that cannot be learned from."""
    def bad(line: int, what: str) -> TrainerError:
        return TrainerError("bad-data", f"{path.name}, line {line}: {what}. Correct or remove the row.",
                            adapter=adapter, line=line)  # fmt: skip

    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise TrainerError("missing-data", f"The data file {path} of adapter {adapter} does not exist.",
                           adapter=adapter) from None  # fmt: skip
    rows = []
    for number, line in enumerate(content.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            raw = json.loads(line)
        except (json.JSONDecodeError, UnicodeDecodeError) as failure:
            raise bad(number, f"not JSON ({failure})") from None
        if not isinstance(raw, dict):
            raise bad(number, "not an object")
        for field, kind in FIELDS.items():
            value = raw.get(field)
            if not isinstance(value, kind) or isinstance(value, bool):
                raise bad(number, f"{field} is missing or not a {'whole number' if kind is int else 'string'}")
        if raw["completion"] == "":
            raise bad(number, "the completion is empty, so there is nothing to learn")
        rows.append(Row(**{field: raw[field] for field in FIELDS}))
    if not rows:
        raise TrainerError("bad-data", f"{path.name} has no rows: adapter {adapter} has nothing to learn from. Synthesise "
                           "more trajectories or loosen the filter.", adapter=adapter)  # fmt: skip
    return rows


def held_out_questions(rows: list[Row], fraction: float, seed: int) -> set[str]:
    """Whole questions, so that no held-out row shares its question with a training row. Questions are ranked by a
    hash, so that adapters that saw the same questions hold out the same ones. At least one of each part stays."""
    questions = {row.question for row in rows}
    if fraction == 0 or len(questions) < 2:
        return set()
    count = min(max(1, round(fraction * len(questions))), len(questions) - 1)
    return set(sorted(questions, key=lambda text: hashlib.sha256(f"{seed}\n{text}".encode()).digest())[:count])
