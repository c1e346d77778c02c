"""Files that are either whole or not there."""

import hashlib
import os
from pathlib import Path


def atomic_write(path: Path, content: bytes | str) -> None:
    """Write beside `path`, flush to the disk, rename. A reader or a crash never sees half a file."""
    data = content.encode() if isinstance(content, str) else content
    part = path.with_name(path.name + ".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(part, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def sha256_file(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def base_identity(base: Path) -> dict[str, str]:
    """SHA-256 of each file that decides what the base computes."""
    wanted = [path for path in sorted(base.iterdir()) if path.suffix in (".safetensors", ".json", ".model") and path.is_file()]
    return {path.name: sha256_file(path) for path in wanted}
