"""Keeps a job alive after whoever started it has gone, and tells its end. Needs nothing but Python 3.10.

    supervisor.py start  JOB_DIR -- COMMAND...   detach and run; a second start attaches instead (exit code 0)
    supervisor.py run    JOB_DIR -- COMMAND...   the same in the foreground (for a queue such as Slurm)
    supervisor.py status JOB_DIR                 one JSON line
    supervisor.py cancel JOB_DIR                 ask the job to stop; it may still be stopping when this returns

Files in JOB_DIR: `claim/` (mkdir: one start wins), `pid` = "pid starttime boot_id", `heartbeat` = "time rss_bytes"
every 5 s, `log`, `cancel`, and last `exit` = "rc signal oom". Each is renamed into place, so it is whole or absent."""

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time

GRACE = float(os.environ.get("AUTOACT_GRACE_SECONDS", "20"))  # from TERM to KILL: time for a checkpoint
HEARTBEAT = float(os.environ.get("AUTOACT_HEARTBEAT_SECONDS", "5"))
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
LINUX = sys.platform == "linux"


def prctl(option: int, value: int) -> None:
    if LINUX:
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def put(job: str, name: str, text: str) -> None:
    part = os.path.join(job, name + ".part")
    with open(part, "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, os.path.join(job, name))


def get(job: str, name: str) -> str | None:
    try:
        with open(os.path.join(job, name), errors="replace") as file:
            return file.read().strip()
    except (OSError, ValueError):
        return None


def boot_id() -> str:
    if LINUX:
        return get("/proc/sys/kernel/random", "boot_id") or "unknown"
    return subprocess.run(["sysctl", "-n", "kern.boottime"], capture_output=True, text=True).stdout.split(",")[0].split()[-1]


def processes() -> dict[int, tuple[int, str, str]]:
    """pid -> (parent, state, start time)."""
    found = {}
    if LINUX:
        for entry in filter(str.isdigit, os.listdir("/proc")):
            text = get(f"/proc/{entry}", "stat")  # None: it ended meanwhile
            fields = text.rpartition(")")[2].split() if text else []  # the name before it may hold anything
            if fields:
                found[int(entry)] = (int(fields[1]), fields[0], fields[19])
        return found
    for line in subprocess.run(["ps", "-axo", "pid=,ppid=,state=,lstart="], capture_output=True, text=True).stdout.splitlines():
        pid, parent, state, *start = line.split()
        found[int(pid)] = (int(parent), state[0], "_".join(start))
    return found


def descendants() -> list[int]:
    table, found = processes(), [os.getpid()]
    for pid in found:  # grows while it is walked
        found += [child for child, (parent, state, _) in table.items() if parent == pid and state != "Z"]
    return found[1:]


def owner(job: str) -> int | None:
    """The supervisor's pid if it runs: the same process of the same boot, not a later one with its number."""
    text = (get(job, "pid") or "").split(" ")
    if len(text) != 3 or text[2] != boot_id():
        return None
    entry = processes().get(int(text[0]))
    return int(text[0]) if entry and entry[1] != "Z" and entry[2] == text[1] else None


def oom_kills() -> int:
    """How many processes the kernel killed for memory: in this cgroup where it can be read, else on the machine."""
    group = (get("/proc/self", "cgroup") or "").rpartition("0::")[2].split("\n")[0]
    for folder, name in ((f"/sys/fs/cgroup{group}", "memory.events"), ("/proc", "vmstat")):
        for line in (get(folder, name) or "").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


def beat(job: str) -> None:
    pages = 0
    for pid in descendants() if LINUX else []:
        pages += int((get(f"/proc/{pid}", "statm") or "0 0").split()[1])
    try:
        put(job, "heartbeat", f"{time.time():.0f} {pages * os.sysconf('SC_PAGE_SIZE')}")
    except OSError:
        pass  # a full disk stops the trainer, not the one who has to report it


def reap(ended: dict[int, int]) -> None:
    try:
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            ended[found[0]] = found[1]
    except ChildProcessError:
        pass


def sweep(ended: dict[int, int]) -> None:
    """KILL everything that is left, whatever session it moved to: as subreaper its orphans are our children."""
    until = time.monotonic() + 10
    while (left := descendants()) and time.monotonic() < until:
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.05)
        reap(ended)


def supervise(job: str, command: list[str]) -> int:
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    with open(os.path.join(job, "exit.part"), "w") as file:
        file.write(" " * 64)  # its block is taken now: the end can be told on a full disk
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write)
    asked: list[float] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.append(time.monotonic()))
    signal.signal(signal.SIGCHLD, lambda *_: None)
    put(job, "pid", f"{os.getpid()} {processes()[os.getpid()][2]} {boot_id()}")
    kills, killed, told, beaten, child = oom_kills(), False, False, 0.0, 0
    ended: dict[int, int] = {0: 75 << 8}  # what is told when nothing was started
    if get(job, "cancel") is None:  # cancelled before it began: it must not come to life
        try:
            child = subprocess.Popen(command, cwd=job, stdin=subprocess.DEVNULL, start_new_session=True,
                                     preexec_fn=lambda: prctl(PR_SET_PDEATHSIG, signal.SIGTERM)).pid  # fmt: skip
        except OSError as failure:
            print(f"{command[0]} cannot be started: {failure.strerror}", file=sys.stderr)
            ended[0] = 127 << 8
    while child not in ended:
        if asked and not told:
            told = True
            os.killpg(child, signal.SIGTERM)
        if told and not killed and time.monotonic() - asked[0] > GRACE:
            killed = True
            sweep(ended)
        if time.monotonic() - beaten >= HEARTBEAT:
            beaten = time.monotonic()
            beat(job)
        reap(ended)
        if child not in ended and select.select([wake_read], [], [], min(HEARTBEAT, 0.5) if told else HEARTBEAT)[0]:
            os.read(wake_read, 512)
    sweep(ended)
    rc = os.waitstatus_to_exitcode(ended[child])
    oom = rc == -signal.SIGKILL and not killed and oom_kills() > kills
    with open(os.path.join(job, "exit.part"), "r+") as file:
        file.write(f"{rc} {max(0, -rc)} {int(oom)}\n")
        file.truncate()
        os.fsync(file.fileno())
    os.replace(os.path.join(job, "exit.part"), os.path.join(job, "exit"))
    return rc


def start(job: str, command: list[str], detach: bool) -> int:
    try:
        os.mkdir(os.path.join(job, "claim"))
    except FileExistsError:
        print(json.dumps({"started": False, **status_of(job)}))
        return 0
    if not detach:
        return supervise(job, command)
    if os.fork():
        until = time.monotonic() + 10
        while get(job, "pid") is None and time.monotonic() < until:
            time.sleep(0.01)
        print(json.dumps({"started": True, **status_of(job)}))
        return 0
    os.setsid()
    log = os.open(os.path.join(job, "log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (log, 1), (log, 2)):  # a channel that stays open would never close
        os.dup2(source, target)
    os.closerange(3, 256)
    os._exit(0 if supervise(job, command) == 0 else 1)


def status_of(job: str) -> dict[str, object]:
    pid, ended = owner(job), get(job, "exit")
    return {"running": pid is not None and ended is None, "pid": pid, "exit": ended, "heartbeat": get(job, "heartbeat"),
            "claimed": os.path.isdir(os.path.join(job, "claim")), "now": time.time()}  # fmt: skip


def main(arguments: list[str]) -> int:
    verb, job, *rest = arguments if len(arguments) >= 2 else ("", "")
    if not os.path.isdir(job) or (verb in ("start", "run") and (len(rest) < 2 or rest[0] != "--")):
        print(__doc__ if os.path.isdir(job) or not job else f"There is no job folder {job}.", file=sys.stderr)
        return 64
    job = os.path.abspath(job)
    if verb in ("start", "run"):
        return start(job, rest[1:], verb == "start")
    if verb == "cancel":
        put(job, "cancel", f"{time.time():.0f}")
        if (pid := owner(job)) is not None:
            os.kill(pid, signal.SIGTERM)
    elif verb != "status":
        return main([])
    print(json.dumps(status_of(job)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
