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
    except FileNotFoundError:
        return None


def boot_id() -> str:
    if LINUX:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip()
    return subprocess.run(["sysctl", "-n", "kern.boottime"], capture_output=True, text=True).stdout.split(",")[0].split()[-1]


def processes() -> dict[int, tuple[int, str, str]]:
    """pid -> (parent, state, start time)."""
    found = {}
    if LINUX:
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{entry}/stat", errors="replace") as file:
                    fields = file.read().rpartition(")")[2].split()  # the name before it may hold anything
                found[int(entry)] = (int(fields[1]), fields[0], fields[19])
            except (OSError, IndexError):
                pass  # it ended meanwhile
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
    """How many processes of this machine (of this cgroup, where it can be read) the kernel killed for memory."""
    try:
        with open("/proc/self/cgroup") as file:
            group = next(line.split(":", 2)[2].strip() for line in file if line.startswith("0::"))
        with open(f"/sys/fs/cgroup{group}/memory.events") as file:
            return int(next(line.split()[1] for line in file if line.startswith("oom_kill ")))
    except (OSError, StopIteration):
        try:
            with open("/proc/vmstat") as file:
                return int(next(line.split()[1] for line in file if line.startswith("oom_kill ")))
        except (OSError, StopIteration):
            return 0


def beat(job: str) -> None:
    memory = 0
    for pid in descendants() if LINUX else []:
        try:
            with open(f"/proc/{pid}/statm") as file:
                memory += int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, IndexError):
            pass
    try:
        put(job, "heartbeat", f"{time.time():.0f} {memory}")
    except OSError:
        pass  # a full disk stops the trainer, not the one who has to report it


def sweep() -> None:
    """KILL everything that is left, whatever session it moved to: as subreaper its orphans are our children."""
    until = time.monotonic() + 10
    while (left := descendants()) and time.monotonic() < until:
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.05)
        reap()


def reap() -> dict[int, int]:
    ended = {}
    try:
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            ended[found[0]] = found[1]
    except ChildProcessError:
        pass
    return ended


def supervise(job: str, command: list[str]) -> int:
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    with open(os.path.join(job, "exit.part"), "w") as file:
        file.write(" " * 64)  # its block is taken now: the end can be told on a full disk
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write)
    asked = []
    signal.signal(signal.SIGTERM, lambda *_: asked.append(time.monotonic()))
    signal.signal(signal.SIGINT, lambda *_: asked.append(time.monotonic()))
    signal.signal(signal.SIGCHLD, lambda *_: None)
    put(job, "pid", f"{os.getpid()} {processes()[os.getpid()][2]} {boot_id()}")
    kills, status, killed, beaten, told = oom_kills(), None, False, 0.0, False
    if get(job, "cancel") is None:  # cancelled before it began: it must not come to life
        child = subprocess.Popen(command, cwd=job, stdin=subprocess.DEVNULL, start_new_session=True,
                                 preexec_fn=lambda: prctl(PR_SET_PDEATHSIG, signal.SIGTERM))  # fmt: skip
        while status is None:
            if asked and not told:
                told = True
                os.killpg(child.pid, signal.SIGTERM)
            if told and not killed and time.monotonic() - asked[0] > GRACE:
                killed = True
                sweep()
            if time.monotonic() - beaten >= HEARTBEAT:
                beaten = time.monotonic()
                beat(job)
            status = reap().get(child.pid)
            if status is None and select.select([wake_read], [], [], min(HEARTBEAT, 0.5 if told else HEARTBEAT))[0]:
                os.read(wake_read, 512)
        child.returncode = 0  # reaped above; Popen need not look for it
    sweep()
    number = os.WTERMSIG(status) if status is not None and os.WIFSIGNALED(status) else 0
    rc = -number if number else os.WEXITSTATUS(status) if status is not None else 75
    oom = number == signal.SIGKILL and not killed and oom_kills() > kills
    with open(os.path.join(job, "exit.part"), "r+") as file:
        file.write(f"{rc} {number} {int(oom)}\n")
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
