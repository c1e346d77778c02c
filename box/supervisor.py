"""Keeps a job alive after whoever started it has gone, and tells its end. Needs nothing but Python 3.10.

    supervisor.py start  JOB_DIR -- COMMAND...   detach and run; a second start attaches instead (exit code 0)
    supervisor.py again  JOB_DIR -- COMMAND...   the same, but an attempt that failed or vanished is put aside first
    supervisor.py run    JOB_DIR -- COMMAND...   as `again`, in the foreground: for a queue, which may run it anew
    supervisor.py aside  JOB_DIR                 only put an ended attempt aside; for a queue, which then has the say
    supervisor.py status JOB_DIR                 one JSON line
    supervisor.py cancel JOB_DIR                 ask the job to stop; it may still be stopping when this returns

Files in JOB_DIR: `claim/` (mkdir: one start wins), `pid` = "pid starttime boot_id", `heartbeat` = "time rss_bytes"
every 5 s, `log`, `cancel`, after a stop `gpu` = whether what it held of a GPU is free, and last `exit` = "rc signal
oom". Each is renamed into place, so it is whole or absent."""

import contextlib
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time

from processes import (
    PR_SET_CHILD_SUBREAPER, PR_SET_PDEATHSIG, boot_id, descendants, get, gpu_after, gpu_processes, oom_kills, prctl, processes,
    resident_bytes,
)  # fmt: skip

GRACE = float(os.environ.get("AUTOACT_GRACE_SECONDS", "20"))  # from TERM to KILL: time for a checkpoint
GPU = float(os.environ.get("AUTOACT_GPU_SECONDS", "10"))  # for the driver to clear up behind what was killed
HEARTBEAT = float(os.environ.get("AUTOACT_HEARTBEAT_SECONDS", "5"))


def put(job: str, name: str, text: str, mode: str = "w") -> None:
    with open(os.path.join(job, name + ".part"), mode) as file:
        file.write(text)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())
    os.replace(file.name, os.path.join(job, name))


def owner(job: str) -> int | None:
    """The supervisor's pid if it runs: the same process of the same boot, not a later one with its number."""
    text = (get(job, "pid") or "").split(" ")
    if len(text) != 3 or not text[0].isdigit() or text[2] != boot_id():
        return None
    entry = processes().get(int(text[0]))
    return int(text[0]) if entry and entry[1] != "Z" and entry[2] == text[1] else None


def beat(job: str) -> None:
    try:
        put(job, "heartbeat", f"{time.time():.1f} {resident_bytes(descendants())}\n")
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
    token = os.path.join(job, "claim", str(os.getpid()))
    os.mkdir(token)  # a claim that was put aside as dead while this process stalled is no longer ours
    put(job, "pid", f"{os.getpid()} {processes()[os.getpid()][2]} {boot_id()}\n")
    kills, killed, told, beaten, child = oom_kills(), False, False, 0.0, 0
    ended: dict[int, int] = {0: 75 << 8}  # what is told when nothing was started
    mine: set[int] = set()
    on_gpu: set[int] | str = ""
    if not os.path.isdir(token):
        return 75
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
            mine, on_gpu = set(descendants()), gpu_processes()
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
        mine.update(descendants() if told else ())
    sweep(ended)
    if told:
        with contextlib.suppress(OSError):
            put(job, "gpu", gpu_after(mine, not isinstance(on_gpu, str) and bool(on_gpu & mine), GPU) + "\n")
    rc = os.waitstatus_to_exitcode(ended[child])
    oom = rc == -signal.SIGKILL and not killed and oom_kills() > kills
    put(job, "exit", f"{rc} {max(0, -rc)} {int(oom)}\n", "r+")
    return rc


def put_aside(job: str) -> bool:
    """Moves what an ended or vanished attempt left to attempts/N. False when there is nothing to move: it runs, it
    succeeded, it is just being started, or another client is faster."""
    claim = os.path.join(job, "claim")
    if not os.path.isdir(claim) or owner(job) is not None:
        return not os.path.isdir(claim)
    ended = get(job, "exit")  # after its owner was seen to be gone, so that it is final
    if (ended or "").startswith("0 "):
        return False
    if ended is None and get(job, "pid") is None and time.time() - os.stat(claim).st_mtime < 10:
        return False
    attempts = os.path.join(job, "attempts")
    folder = os.path.join(attempts, str(len(os.listdir(attempts)) if os.path.isdir(attempts) else 0))
    os.makedirs(folder, exist_ok=True)
    try:
        for name in ("exit", "gpu", "cancel", "pid", "heartbeat", "claim"):  # the claim last: until then nobody can start
            if name == "claim" or os.path.exists(os.path.join(job, name)):
                os.rename(os.path.join(job, name), os.path.join(folder, name))
        return True
    except OSError:
        return False


@contextlib.contextmanager
def locked(job: str):
    with open(os.path.join(job, "lock"), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError:
            pass  # some file systems of clusters have no locks; the claim decides
        yield


def start(job: str, command: list[str], verb: str) -> int:
    with locked(job):
        # A queue that runs a job again must not revive one that was cancelled meanwhile.
        over = verb == "run" and get(job, "cancel") is not None and os.path.isdir(os.path.join(job, "claim"))
        fresh = verb == "start" or not over and put_aside(job)
        if over and owner(job) is None and get(job, "exit") is None:
            put(job, "exit", "75 0 0\n")
        try:
            if fresh:
                os.mkdir(os.path.join(job, "claim"))
        except FileExistsError:
            fresh = False
    if fresh and verb == "run":
        return supervise(job, command)
    if fresh and os.fork() == 0:
        os.setsid()
        log = os.open(os.path.join(job, "log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        for source, target in ((os.open(os.devnull, os.O_RDONLY), 0), (log, 1), (log, 2)):
            os.dup2(source, target)  # a channel that stays open would never close
        os._exit(0 if supervise(job, command) == 0 else 1)
    until = time.monotonic() + 10
    while fresh and get(job, "pid") is None and time.monotonic() < until:
        time.sleep(0.01)
    return tell(job, started=fresh)


def tell(job: str, **fields: object) -> int:
    pid, ended = owner(job), get(job, "exit")
    fields.update(running=pid is not None and ended is None, pid=pid, exit=ended, heartbeat=get(job, "heartbeat"),
                  claimed=os.path.isdir(os.path.join(job, "claim")), now=time.time())  # fmt: skip
    print(json.dumps(fields))
    return 0


def main(arguments: list[str]) -> int:
    verb, job, *rest = arguments if len(arguments) >= 2 else ("", "")
    starts = verb in ("start", "again", "run")
    if not os.path.isdir(job) or verb not in ("status", "cancel", "aside") and (not starts or len(rest) < 2 or rest[0] != "--"):
        print(__doc__ if os.path.isdir(job) or not job else f"There is no job folder {job}.", file=sys.stderr)
        return 64
    job = os.path.abspath(job)
    if starts:
        return start(job, rest[1:], verb)
    if verb == "aside":
        with locked(job):
            put_aside(job)
            if not os.path.isdir(os.path.join(job, "claim")):  # cancelled before it began: that was the attempt before
                with contextlib.suppress(FileNotFoundError):
                    os.remove(os.path.join(job, "cancel"))
    if verb == "cancel":
        put(job, "cancel", f"{time.time():.0f}\n")
        if (pid := owner(job)) is not None:
            os.kill(pid, signal.SIGTERM)
    return tell(job)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
