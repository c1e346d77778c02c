"""Writes box/requirements.lock: every package that box/requirements.txt brings, at the version that is installed here,
with the SHA-256 of each of its files on the package index. `npm run python-lock` runs it in the project's environment.

torch is not in it: which of its builds fits depends on a box's driver, and each index has its own files. Its version is
pinned by requirements.txt, and its pure Python dependencies are in the lock."""

import json
import os
import re
import subprocess
import sys
import urllib.request
from importlib.metadata import distribution
from pathlib import Path

from pip._internal.models.index import PyPI
from pip._vendor.packaging.markers import default_environment
from pip._vendor.packaging.requirements import Requirement

BOX = Path(__file__).resolve().parents[2] / "box"
LEFT_OUT = re.compile(r"torch|triton|nvidia-.*|cuda-.*")
#: Installed everywhere a lock may be used: markers of packages are looked at for each.
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted(requirement: Requirement, extras: set[str]) -> bool:
    if requirement.marker is None:
        return True
    for python in PYTHONS:
        environment = {**default_environment(), "python_version": python, "python_full_version": f"{python}.0",
                       "sys_platform": "linux", "platform_system": "Linux"}  # fmt: skip
        if any(requirement.marker.evaluate({**environment, "extra": extra}) for extra in extras | {""}):
            return True
    return False


def closure(roots: list[Requirement]) -> dict[str, str]:
    """Name -> version of everything that is reached from the roots."""
    found: dict[str, str] = {}
    pending, seen = [(root, set(root.extras)) for root in roots], set()
    while pending:
        requirement, extras = pending.pop()
        name = normal(requirement.name)
        if (name, frozenset(extras)) in seen or LEFT_OUT.fullmatch(name) and name != "torch":
            continue
        seen.add((name, frozenset(extras)))
        try:
            installed = distribution(name)
        except ModuleNotFoundError:
            raise SystemExit(f"{name} is needed and not installed here: run node scripts/setup.mjs --python first.") from None
        if name != "torch":
            found[name] = installed.version
        for text in installed.requires or []:
            further = Requirement(text)
            if wanted(further, extras):
                pending.append((further, set(further.extras)))
    return found


def package_index() -> str:
    """Address of the index that pip is set to use here."""
    get = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    configured = subprocess.run(get, capture_output=True, text=True).stdout.strip()
    return (os.environ.get("PIP_INDEX_URL") or configured or PyPI.simple_url).rstrip("/")


def hashes(index: str, name: str, version: str) -> list[str]:
    request = urllib.request.Request(f"{index}/{name}/", headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        files = json.load(answer)["files"]
    stem = re.compile(rf"(?P<name>.+?)-{re.escape(version)}(?:-.*\.whl|\.tar\.gz|\.zip)")
    right = [file for file in files if (match := stem.fullmatch(file["filename"])) and normal(match["name"]) == name]
    wheels = [file for file in right if file["filename"].endswith(".whl")]
    chosen = sorted({file["hashes"]["sha256"] for file in wheels or right})
    if not chosen:
        raise SystemExit(f"The package index has no file of {name} {version}.")
    return chosen


def main() -> None:
    lines = [line.strip() for line in (BOX / "requirements.txt").read_text().splitlines()]
    packages = closure([Requirement(line) for line in lines if line and not line.startswith("#")])
    index = package_index()
    text = ["# Made by `npm run python-lock` from requirements.txt; not to be edited. torch is installed beside it."]
    for name, version in sorted(packages.items()):
        text.append(" \\\n    ".join([f"{name}=={version}", *(f"--hash=sha256:{value}" for value in hashes(index, name, version))]))
    (BOX / "requirements.lock").write_text("\n".join(text) + "\n")
    print(f"{len(packages)} packages", file=sys.stderr)


if __name__ == "__main__":
    main()
