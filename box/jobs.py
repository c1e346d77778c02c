"""The jobs of a box and what the machine has left for more, as one JSON line: `jobs.py FOLDER`, with FOLDER/jobs in it, or
`jobs.py --runs FOLDER…` for this machine, where FOLDER/RUN/jobs has those of each run. Needs nothing but Python 3.10; reads,
and changes nothing."""

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
        state = "cancelled" if stopped else "finished" if rc == "0" else "failed"
        return {"state": state, "rc": int(rc) if rc.lstrip("-").isdigit() else None, "gpu": get(job, "gpu")}
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


def describe(job: str, slurm: dict[str, tuple[str, str, int | None]]) -> dict[str, object]:
    spec = read_json(os.path.join(job, "spec.json"))
    changed = os.stat(os.path.join(job, "spec.json")).st_mtime
    found: dict[str, object] = {"id": os.path.basename(job), "made": changed, **state_of(job, slurm)}
    if spec.get("kind") == "serve":
        found.update(kind="serve", server=str(spec.get("server")), adapters={model: {} for model in spec.get("adapters") or {}})
    else:
        adapters, error = progress(newest_events(os.path.join(job, "events.jsonl")))
        found.update(kind="train", adapters={**{model: {} for model in spec.get("adapters") or {}}, **adapters}, error=error)
    return found


def entries(folder: str) -> list[str]:
    return [os.path.join(folder, name) for name in os.listdir(folder)] if os.path.isdir(folder) else []


def main(arguments: list[str]) -> int:
    runs = arguments[:1] == ["--runs"]
    roots = [os.path.expanduser(root) for root in arguments[runs:]]
    if not roots or (len(roots) > 1 and not runs):
        print(__doc__, file=sys.stderr)
        return 64
    owners = [run for root in roots for run in entries(root)] if runs else roots
    folders = [os.path.join(owner, "jobs") for owner in owners]
    found = [job for folder in folders for job in entries(folder) if os.path.isfile(os.path.join(job, "spec.json"))]
    found.sort(key=lambda job: os.stat(os.path.join(job, "spec.json")).st_mtime, reverse=True)
    found = found[:MOST]
    slurm = queue() if any(os.path.exists(os.path.join(job, "slurm")) for job in found) else {}
    jobs = []
    for job in found:
        # Two runs with the same data and settings have jobs of the same name.
        where = {"run": os.path.basename(os.path.dirname(os.path.dirname(job)))} if runs else {}
        try:
            jobs.append({**describe(job, slurm), **where})
        except (OSError, ValueError, AttributeError, TypeError):
            jobs.append({"id": os.path.basename(job), "made": 0, "kind": "train", "state": "unreadable", "adapters": {}, **where})
    disk = shutil.disk_usage(next(filter(os.path.isdir, roots), "/"))
    print(json.dumps({"now": time.time(), "gpus": gpus(), "disk": {"free": disk.free, "total": disk.total}, "jobs": jobs}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
