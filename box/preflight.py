"""What a machine has for training, as one JSON line. Needs nothing but Python 3.8, writes nothing that stays.

    python3 preflight.py '{"folder": "~/.autoact", "pythons": ["/opt/python"], "packages": ["torch"], "urls": []}'

Nothing is judged here: `null` and an `error` say that something could not be found out."""

import glob
import json
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time

SECONDS = 20
PACKAGES = """
import json, sys
from importlib.metadata import version, PackageNotFoundError
found = {"python": "%d.%d.%d" % sys.version_info[:3]}
for name in sys.argv[1:]:
    try:
        found[name] = version(name)
    except PackageNotFoundError:
        found[name] = None
print(json.dumps(found))
"""
GPU_FIELDS = ("index", "uuid", "name", "memory.total", "memory.used", "driver_version", "compute_cap")


def output(*command, seconds=SECONDS):
    """Text that a program prints; None when it is missing, fails or takes too long."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              timeout=seconds, env=dict(os.environ, LC_ALL="C"))  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None


def pythons(named, packages, folder):
    paths = [os.path.expanduser(path) for path in named]
    paths += sorted(glob.glob(os.path.join(folder, "python*", "bin", "python")))
    # What this product made itself, and only what is whole.
    made = sorted(glob.glob(os.path.join(folder, "environments", "*", ".ok")))
    paths += [os.path.join(os.path.dirname(mark), "venv", "bin", "python") for mark in made]
    paths += [os.path.join(base, "bin", "python") for base in (os.environ.get("VIRTUAL_ENV"), os.environ.get("CONDA_PREFIX")) if base]
    paths += [path for path in map(shutil.which, ["python3"] + ["python3.%d" % minor for minor in range(15, 7, -1)]) if path]
    paths.append(sys.executable)
    found, seen = [], set()
    for path in paths:
        if not path or path in seen:
            continue
        seen.add(path)
        text = output(path, "-c", PACKAGES, *packages)
        try:
            versions = json.loads((text or "").strip().splitlines()[-1])
            found.append({"path": path, "versions": versions})
        except (ValueError, IndexError):
            if path in map(os.path.expanduser, named):
                found.append({"path": path, "versions": None})
    return found


def number(text):
    try:
        return int(float(text))
    except ValueError:
        return None


def gpus():
    """Memory in MiB. `processes`: how many programs compute there, whoever's they are."""
    if not shutil.which("nvidia-smi"):
        return {"tool": False, "driver": None, "cuda": None, "gpus": []}
    table = output("nvidia-smi", "--query-gpu=" + ",".join(GPU_FIELDS), "--format=csv,noheader,nounits")
    apps = output("nvidia-smi", "--query-compute-apps=gpu_uuid", "--format=csv,noheader") or ""
    found = []
    for line in (table or "").splitlines():
        fields = [field.strip() for field in line.split(",")]
        if len(fields) != len(GPU_FIELDS):
            continue
        total, used = number(fields[3]), number(fields[4])
        found.append({
            "index": number(fields[0]), "name": fields[2], "memoryTotal": total,
            "memoryFree": None if total is None or used is None else total - used,
            "capability": fields[6], "processes": apps.split().count(fields[1]), "driver": fields[5],
        })  # fmt: skip
    head = re.search(r"CUDA Version:\s*([\d.]+)", output("nvidia-smi") or "")
    return {"tool": True, "driver": found[0]["driver"] if found else None, "cuda": head and head.group(1), "gpus": found}


def existing(path):
    while not os.path.isdir(path) and os.path.dirname(path) != path:
        path = os.path.dirname(path)
    return path


def next_below(folder, path):
    """What comes behind `folder` on the way to `path`."""
    return os.path.join(folder, os.path.relpath(path, folder).split(os.sep)[0])


def can_run(folder):
    handle, path = tempfile.mkstemp(dir=folder, prefix="autoact-", suffix=".sh")
    try:
        os.write(handle, b"#!/bin/sh\nexit 0\n")
        os.close(handle)
        os.chmod(path, stat.S_IRWXU)
        return subprocess.run([path], timeout=SECONDS).returncode == 0
    finally:
        os.remove(path)


def place(path):
    """A folder, or the nearest one above it: room, whether it can be written, whether programs may run from it."""
    at = existing(path)
    room = os.statvfs(at)
    # A file of that name leaves no room for a folder, whoever asks.
    writable = os.access(at, os.W_OK | os.X_OK) and (at == path or not os.path.lexists(next_below(at, path)))
    runs = attempt(can_run, at) is True if writable else None
    return {"path": path, "exists": at == path, "free": room.f_bavail * room.f_frsize, "freeFiles": room.f_favail,
            "total": room.f_blocks * room.f_frsize, "writable": writable, "runs": runs}  # fmt: skip


def model(path):
    """Files that a model in Hugging Face form lacks here, or that this user may not read; bytes of its weights."""
    def there(name):
        return os.access(os.path.join(path, name), os.R_OK)

    shards = ["model.safetensors"]
    if there("model.safetensors.index.json"):
        with open(os.path.join(path, "model.safetensors.index.json"), encoding="utf-8") as file:
            shards = sorted({os.path.basename(name) for name in json.load(file)["weight_map"].values()})
    missing = [name for name in ("config.json", *shards) if not there(name)]
    if not any(there(name) for name in ("tokenizer.json", "tokenizer.model", "vocab.json")):
        missing.append("tokenizer.json")
    size = sum(os.path.getsize(os.path.join(path, name)) for name in shards if name not in missing)
    return {"path": path, "missing": missing[:50], "bytes": size}


def quota():
    """KiB of the tightest quota, as quota(1) tells it: file system, used, soft limit, hard limit."""
    tightest = None
    for line in (output("quota", "-w") or output("quota") or "").splitlines():
        match = re.match(r"\s*(\S+)\s+(\d+)\*?\s+(\d+)\s+(\d+)", line)
        if match:
            used, soft, hard = (int(match.group(i)) for i in (2, 3, 4))
            limit = hard or soft
            if limit and (tightest is None or limit - used < tightest["limit"] - tightest["used"]):
                tightest = {"filesystem": match.group(1), "used": used, "limit": limit}
    return tightest


def session():
    """Whether the system ends a user's processes when the last session is closed."""
    if not os.path.isdir("/run/systemd/system"):
        return {"systemd": False, "linger": None, "killUserProcesses": None}
    user = os.environ.get("USER") or str(os.getuid())
    linger = re.search(r"Linger=(\w+)", output("loginctl", "show-user", user, "-p", "Linger") or "")
    kill = output("busctl", "get-property", "org.freedesktop.login1", "/org/freedesktop/login1",
                  "org.freedesktop.login1.Manager", "KillUserProcesses")  # fmt: skip
    return {"systemd": True, "linger": linger and linger.group(1) == "yes",
            "killUserProcesses": None if kill is None else kill.strip().endswith("true")}  # fmt: skip


def egress(urls):
    """Proxies of the environment are used, as pip and huggingface_hub use them."""
    import urllib.error
    import urllib.request

    index = (output(sys.executable, "-m", "pip", "config", "get", "global.index-url") or "").strip()
    found = []
    for url in dict.fromkeys([*urls, *([index] if index.startswith("http") else [])]):
        begun, error = time.monotonic(), None
        try:
            urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=8).close()
        except urllib.error.HTTPError:
            pass  # an answer is an answer
        except (OSError, ValueError) as failure:
            error = str(failure)[:200]
        # A name and password that stand in an index's address are nobody's business.
        found.append({"url": re.sub(r"//[^/@]*@", "//", url), "ms": round((time.monotonic() - begun) * 1000), "error": error})
    return found


def memory():
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        return None


def cores():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def attempt(work, *arguments):
    try:
        return work(*arguments)
    except Exception as failure:  # one question that cannot be answered leaves the others
        return {"error": "%s: %s" % (type(failure).__name__, failure)}


def main(arguments):
    asked = json.loads(arguments[0]) if arguments else {}
    folder = os.path.abspath(os.path.expanduser(asked.get("folder", "~/.autoact")))
    slurm = output("sbatch", "--version") if shutil.which("sbatch") else None
    print(json.dumps({
        "now": time.time(),
        "system": {"platform": sys.platform, "machine": os.uname().machine, "host": socket.gethostname(),
                   "cores": attempt(cores), "memory": memory()},
        "pythons": attempt(pythons, asked.get("pythons", []), asked.get("packages", []), folder),
        "gpu": attempt(gpus),
        "folder": attempt(place, folder),
        "temporary": attempt(place, tempfile.gettempdir()),
        "base": attempt(model, asked["base"]) if asked.get("base") else None,
        "quota": attempt(quota),
        "session": attempt(session),
        "egress": attempt(egress, asked.get("urls", [])),
        "slurm": slurm and slurm.strip(),
    }))  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
