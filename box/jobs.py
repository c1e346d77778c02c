"""The jobs of a box and what the machine has left for more, as one JSON line: `jobs.py FOLDER`, with FOLDER/jobs in it.
Needs nothing but Python 3.10; reads, and changes nothing."""

import json
import os
import shutil
import subprocess
import sys
import time

from processes import get
from supervisor import owner

#: How much of a job's events is looked at: the newest.
TAIL = 1 << 18
MOST = 200


def gpus() -> list[dict[str, object]]:
    fields = ("index", "name", "memory.total", "memory.used", "utilization.gpu")
    command = ["nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits"]
    try:
        lines = subprocess.run(command, capture_output=True, text=True, timeout=20).stdout.splitlines()
    except (OSError, subprocess.TimeoutExpired):
        return []
    found = []
    for line in lines:
        index, name, total, used, busy = ([part.strip() for part in line.split(",")] + [""] * 5)[:5]
        number = [int(value) if value.isdigit() else None for value in (index, total, used, busy)]
        found.append({"index": number[0], "name": name, "memoryTotal": number[1], "memoryUsed": number[2], "busy": number[3]})
    return found


def queue() -> dict[str, tuple[str, str, int | None]]:
    """Slurm's number of a job -> state, reason, place among those that wait (1 is next)."""
    try:
        command = ["squeue", "-h", "-r", "--sort=-p,i", "-o", "%A|%T|%r"]
        lines = subprocess.run(command, capture_output=True, text=True, timeout=30).stdout.splitlines()
    except (OSError, subprocess.TimeoutExpired):
        return {}
    found: dict[str, tuple[str, str, int | None]] = {}
    waiting = 0
    for line in lines:
        number, state, reason = (line.strip().split("|") + ["", ""])[:3]
        waiting += state == "PENDING"
        found[number] = (state, reason, waiting if state == "PENDING" else None)
    return found


def read_json(path: str) -> dict:
    try:
        with open(path, errors="replace") as file:
            value = json.load(file)
        return value if isinstance(value, dict) else {}
    except (OSError, ValueError):
        return {}


def newest_events(path: str) -> list[dict]:
    try:
        with open(path, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - TAIL))
            lines = file.read().decode(errors="replace").split("\n")
    except OSError:
        return []
    found = []
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            found.append(event)
    return found


def state_of(job: str, slurm: dict[str, tuple[str, str, int | None]]) -> dict[str, object]:
    ended = get(job, "exit")
    if ended is not None:
        rc = ended.split(" ")[0]
        stopped = os.path.exists(os.path.join(job, "cancel")) and rc != "0"
        return {"state": "cancelled" if stopped else "finished" if rc == "0" else "failed", "rc": int(rc) if rc.lstrip("-").isdigit() else None}
    number = get(job, "slurm")
    if number is not None:
        if number not in slurm:
            return {"state": "vanished"}
        state, reason, place = slurm[number]
        return {"state": "running" if place is None else "waiting", "queue": {"state": state, "reason": reason, "place": place}}
    if owner(job) is not None:
        return {"state": "running"}
    if not os.path.isdir(os.path.join(job, "claim")):
        return {"state": "waiting"}
    begun = os.stat(os.path.join(job, "claim")).st_mtime
    return {"state": "running" if get(job, "pid") is None and time.time() - begun < 10 else "vanished"}


def progress(events: list[dict]) -> tuple[dict[str, dict], str | None]:
    """The newest of each adapter, and the last error."""
    adapters: dict[str, dict] = {}
    error = None
    for event in events:
        kind, name = event.get("type"), event.get("adapter")
        if kind == "start":
            error = None
            for started, plan in (event.get("adapters") or {}).items():
                adapters.setdefault(started, {}).update(step=plan.get("resumedAt", 0), steps=plan.get("steps", 0))
        elif kind == "error":
            error = str(event.get("message", ""))[:1000]
        elif isinstance(name, str) and kind in ("step", "eval", "checkpoint", "adapter-done"):
            entry = adapters.setdefault(name, {})
            entry.update(step=event.get("step", 0), steps=event.get("steps", 0))
            if kind == "step":
                entry.update(loss=event.get("loss"), secondsLeft=event.get("secondsLeft"))
            elif kind == "eval":
                entry.update(heldOut=event.get("loss"))
    return adapters, error


def describe(folder: str, name: str, slurm: dict[str, tuple[str, str, int | None]]) -> dict[str, object]:
    job = os.path.join(folder, name)
    spec = read_json(os.path.join(job, "spec.json"))
    changed = os.stat(os.path.join(job, "spec.json")).st_mtime
    found: dict[str, object] = {"id": name, "made": changed, **state_of(job, slurm)}
    if spec.get("kind") == "serve":
        found.update(kind="serve", server=str(spec.get("server")), adapters={model: {} for model in spec.get("adapters") or {}})
    else:
        adapters, error = progress(newest_events(os.path.join(job, "events.jsonl")))
        found.update(kind="train", adapters={**{model: {} for model in spec.get("adapters") or {}}, **adapters}, error=error)
    return found


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 64
    root = os.path.expanduser(arguments[0])
    folder = os.path.join(root, "jobs")
    names = os.listdir(folder) if os.path.isdir(folder) else []
    names = [name for name in names if os.path.isfile(os.path.join(folder, name, "spec.json"))]
    names.sort(key=lambda name: os.stat(os.path.join(folder, name, "spec.json")).st_mtime, reverse=True)
    names = names[:MOST]
    slurm = queue() if any(os.path.exists(os.path.join(folder, name, "slurm")) for name in names) else {}
    jobs = []
    for name in names:
        try:
            jobs.append(describe(folder, name, slurm))
        except (OSError, ValueError, AttributeError, TypeError):
            jobs.append({"id": name, "made": 0, "kind": "train", "state": "unreadable", "adapters": {}})
    disk = shutil.disk_usage(root if os.path.isdir(root) else "/")
    print(json.dumps({"now": time.time(), "gpus": gpus(), "disk": {"free": disk.free, "total": disk.total}, "jobs": jobs}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
