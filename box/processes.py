"""What the system knows about processes: who is whose child, since when, and whom the kernel killed."""

import ctypes
import os
import subprocess
import sys
import time

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
LINUX = sys.platform == "linux"


def prctl(option: int, value: int) -> None:
    if LINUX:
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def get(folder: str, name: str) -> str | None:
    """Text of a small file without the space around it; None when it cannot be read."""
    try:
        with open(os.path.join(folder, name), errors="replace") as file:
            return file.read().strip()
    except OSError:
        return None


def output_of(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True).stdout


def boot_id() -> str:
    text = get("/proc/sys/kernel/random", "boot_id") if LINUX else output_of("sysctl", "-n", "kern.boottime")
    return (text or "unknown").split(",")[0].replace(" ", "")


def processes() -> dict[int, tuple[int, str, str]]:
    """pid -> (parent, state, start time)."""
    found = {}
    if not LINUX:
        for pid, parent, state, *start in map(str.split, output_of("ps", "-axo", "pid=,ppid=,state=,lstart=").splitlines()):
            found[int(pid)] = (int(parent), state[0], "_".join(start))
        return found
    for entry in filter(str.isdigit, os.listdir("/proc")):
        if text := get(f"/proc/{entry}", "stat"):  # None: it ended meanwhile
            fields = text.rpartition(")")[2].split()  # the name before it may hold anything
            found[int(entry)] = (int(fields[1]), fields[0], fields[19])
    return found


def descendants() -> list[int]:
    table, found = processes(), [os.getpid()]
    for pid in found:  # grows while it is walked
        found += [child for child, (parent, state, _) in table.items() if parent == pid and state != "Z"]
    return found[1:]


def resident_bytes(pids: list[int]) -> int:
    pages = sum(int((get(f"/proc/{pid}", "statm") or "0 0").split()[1]) for pid in pids) if LINUX else 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def oom_kills() -> int:
    """How many processes the kernel killed for memory: in this cgroup where it can be read, else on the machine."""
    group = (get("/proc/self", "cgroup") or "").rpartition("0::")[2].split("\n")[0]
    for folder, name in ((f"/sys/fs/cgroup{group}", "memory.events"), ("/proc", "vmstat")):
        for line in (get(folder, name) or "").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


def gpu_processes() -> set[int] | str:
    """Processes that hold memory of a GPU, or why that cannot be told."""
    command = ["nvidia-smi", "--query-compute-apps=pid", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        return "there is no nvidia-smi"
    except (OSError, subprocess.TimeoutExpired):
        return "nvidia-smi does not answer"
    if done.returncode != 0:
        return "nvidia-smi failed: " + " ".join((done.stdout + done.stderr).split())[:200]
    return {int(line) for line in done.stdout.split() if line.isdigit()}


def gpu_after(mine: set[int], used: bool, seconds: float) -> str:
    """What is told of the GPU when a job's processes have ended: `free`, `held PID…`, or `unknown REASON`. A driver
    needs a moment to clear up. `used`: nvidia-smi had listed some of them while they ran."""
    until = time.monotonic() + seconds
    while True:
        now = gpu_processes()
        if isinstance(now, str):
            return f"unknown {now}"
        if not now & mine:
            # In a container it may list nobody, or by the numbers that the host has for them.
            return "free" if used else "unknown nvidia-smi never listed a process of this job"
        if time.monotonic() >= until:
            return "held " + " ".join(map(str, sorted(now & mine)))
        time.sleep(0.5)
