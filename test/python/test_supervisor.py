"""The supervisor with small child programs: starting once, ending, cancelling, orphans, and its own death."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

SUPERVISOR = Path(__file__).resolve().parents[2] / "box" / "supervisor.py"
ENVIRONMENT = {**os.environ, "AUTOACT_GRACE_SECONDS": "1", "AUTOACT_HEARTBEAT_SECONDS": "0.2", "AUTOACT_GPU_SECONDS": "1"}

#: Forks twice into a session of its own, so that no process group reaches it, and writes its pid.
ORPHAN = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open('orphan', 'w').write(str(os.getpid()))
        time.sleep(60)
    os._exit(0)
while not os.path.exists('orphan') or not open('orphan').read(): time.sleep(0.01)
"""


def supervisor(verb: str, job: Path, *command: str, env: dict[str, str] | None = None) -> dict:
    arguments = [sys.executable, str(SUPERVISOR), verb, str(job), *(["--", *command] if command else [])]
    done = subprocess.run(arguments, capture_output=True, text=True, env={**ENVIRONMENT, **(env or {})}, timeout=90)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def program(text: str) -> tuple[str, ...]:
    return (sys.executable, "-c", text)


def wait_for(job: Path, name: str, seconds: float = 90) -> str:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if text := (job / name).read_text():
                return text.strip()
        except FileNotFoundError:
            pass
        time.sleep(0.02)
    raise AssertionError(f"{name} did not appear; log: {(job / 'log').read_text() if (job / 'log').exists() else ''}")


def alive(pid: int) -> bool:
    try:
        return open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_job_runs_detached_and_leaves_log_pid_heartbeat_and_exit(tmp_path):
    reply = supervisor("start", tmp_path, *program("import time; print('hello', flush=True); time.sleep(0.7)"))
    assert reply["started"] and reply["running"]
    pid, started, boot = (tmp_path / "pid").read_text().split()
    assert Path("/proc/sys/kernel/random/boot_id").read_text().strip() == boot
    assert open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[19] == started
    assert abs(float(wait_for(tmp_path, "heartbeat").split()[0]) - time.time()) < 5
    assert wait_for(tmp_path, "exit") == "0 0 0"
    assert (tmp_path / "log").read_text() == "hello\n"
    assert supervisor("status", tmp_path)["running"] is False


@pytest.mark.parametrize(("text", "line"), [
    ("raise SystemExit(7)", "7 0 0"),
    ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "-11 11 0"),
    ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "-9 9 0"),
])  # fmt: skip
def test_exit_tells_code_and_signal(tmp_path, text, line):
    supervisor("start", tmp_path, *program(text))
    assert wait_for(tmp_path, "exit") == line


def test_a_command_that_does_not_exist_ends_with_127(tmp_path):
    supervisor("start", tmp_path, "/nonexistent/python")
    assert wait_for(tmp_path, "exit") == "127 0 0"
    assert "cannot be started" in (tmp_path / "log").read_text()


def test_only_one_of_many_starts_runs_the_command(tmp_path):
    text = "import os, time; open('ran', 'a').write('x'); time.sleep(0.5)"
    replies = []
    threads = [threading.Thread(target=lambda: replies.append(supervisor("start", tmp_path, *program(text)))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(reply["started"] for reply in replies) == 1
    wait_for(tmp_path, "exit")
    assert (tmp_path / "ran").read_text() == "x"
    assert supervisor("start", tmp_path, *program(text))["started"] is False
    assert (tmp_path / "ran").read_text() == "x"


def test_cancel_lets_the_program_finish_its_checkpoint(tmp_path):
    text = """
import signal, sys, time
def stop(*_):
    time.sleep(0.3); open('saved', 'w').write('yes'); sys.exit(75)
signal.signal(signal.SIGTERM, stop)
open('ready', 'w').write('1')
time.sleep(60)
"""
    supervisor("start", tmp_path, *program(text))
    wait_for(tmp_path, "ready")
    supervisor("cancel", tmp_path)
    assert wait_for(tmp_path, "exit") == "75 0 0"
    assert (tmp_path / "saved").read_text() == "yes"


def test_cancel_kills_what_ignores_it_and_orphans_in_other_sessions(tmp_path):
    text = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + ORPHAN + "\ntime.sleep(60)"
    supervisor("start", tmp_path, *program(text))
    orphan = int(wait_for(tmp_path, "orphan"))
    assert os.getsid(orphan) != int((tmp_path / "pid").read_text().split()[0])
    begun = time.monotonic()
    supervisor("cancel", tmp_path)
    assert wait_for(tmp_path, "exit") == "-9 9 0"
    assert 1 <= time.monotonic() - begun < 8
    assert not alive(orphan)


#: Says whom nvidia-smi would name: of the processes in the file `uses`, those that are alive, or all.
NVIDIA_SMI = """#!{python}
import os, sys
if "--query-compute-apps=pid" not in sys.argv: sys.exit(0)
if {fails}: print("Failed to initialize NVML: Driver/library version mismatch"); sys.exit(18)
for pid in open({uses!r}).read().split() if os.path.exists({uses!r}) else ():
    if {lingers} or os.path.exists(f"/proc/{{pid}}"): print(pid)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
@pytest.mark.parametrize(
    ("fake", "told"),
    [
        ({}, r"free"),
        ({"lingers": True}, r"held \d+"),
        ({"fails": True}, r"unknown nvidia-smi failed: Failed to initialize NVML.*"),
        ({"uses": "/nonexistent"}, r"unknown nvidia-smi never listed a process of this job"),
        (None, r"unknown there is no nvidia-smi"),
    ],
)
def test_cancel_looks_whether_the_gpu_is_free(tmp_path, fake, told):
    job, programs = tmp_path / "job", tmp_path / "bin"
    job.mkdir()
    programs.mkdir()
    uses = str(job / "uses")
    if fake is not None:
        found = {"python": sys.executable, "fails": False, "lingers": False, "uses": uses, **fake}
        (programs / "nvidia-smi").write_text(NVIDIA_SMI.format(**found))
        (programs / "nvidia-smi").chmod(0o755)
    text = f"import os, time\nopen({uses!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)"
    # The machine's own nvidia-smi, where there is one, has no say.
    supervisor("start", job, *program(text), env={"PATH": str(programs)})
    wait_for(job, "uses")
    supervisor("cancel", job)
    assert wait_for(job, "exit") == "-15 15 0"
    said = (job / "gpu").read_text().strip()
    assert re.fullmatch(told, said), said
    supervisor("again", job, *program("pass"))
    wait_for(job, "exit")
    assert not (job / "gpu").exists()


def test_orphans_do_not_outlive_a_program_that_ended_by_itself(tmp_path):
    supervisor("start", tmp_path, *program(ORPHAN))
    orphan = int(wait_for(tmp_path, "orphan"))
    assert wait_for(tmp_path, "exit") == "0 0 0"
    assert not alive(orphan)


def test_a_job_cancelled_before_its_start_never_runs(tmp_path):
    supervisor("cancel", tmp_path)
    supervisor("start", tmp_path, *program("open('ran', 'w')"))
    assert wait_for(tmp_path, "exit") == "75 0 0"
    assert not (tmp_path / "ran").exists()


def test_a_job_that_was_cancelled_in_its_queue_runs_when_it_is_queued_again(tmp_path):
    supervisor("cancel", tmp_path)
    supervisor("aside", tmp_path)
    supervisor("start", tmp_path, *program("open('ran', 'w').write('yes')"))
    assert wait_for(tmp_path, "exit") == "0 0 0"
    assert (tmp_path / "ran").exists()


def test_the_program_is_told_to_stop_when_the_supervisor_is_killed(tmp_path):
    supervisor("start", tmp_path, *program("import os, time; open('child', 'w').write(str(os.getpid())); time.sleep(60)"))
    child = int(wait_for(tmp_path, "child"))
    os.kill(int((tmp_path / "pid").read_text().split()[0]), signal.SIGKILL)
    until = time.monotonic() + 10
    while alive(child) and time.monotonic() < until:
        time.sleep(0.02)
    assert not alive(child)
    status = supervisor("status", tmp_path)
    assert status["running"] is False and status["exit"] is None and status["claimed"] is True


def test_a_pid_of_another_process_or_another_boot_is_not_taken_for_the_job(tmp_path):
    (tmp_path / "claim").mkdir()
    sleeper = subprocess.Popen(["sleep", "30"])
    try:
        for line in (f"{sleeper.pid} 1 {Path('/proc/sys/kernel/random/boot_id').read_text().strip()}", f"{sleeper.pid} 1 x"):
            (tmp_path / "pid").write_text(line + "\n")
            assert supervisor("cancel", tmp_path)["running"] is False
        assert sleeper.poll() is None
    finally:
        sleeper.kill()
        sleeper.wait()


def test_the_caller_of_start_is_not_kept_waiting_by_open_channels(tmp_path):
    """An ssh channel closes only when nobody holds its pipes."""
    begun = time.monotonic()
    supervisor("start", tmp_path, *program("import time; time.sleep(5)"))
    assert time.monotonic() - begun < 4
    supervisor("cancel", tmp_path)
    wait_for(tmp_path, "exit")


def test_a_full_disk_cannot_hide_the_end(tmp_path):
    size = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tmp_path)], capture_output=True)
    if size.returncode != 0:
        pytest.skip("a small file system can be mounted by root only")
    try:
        text = "import os\ntry:\n open('filler', 'wb').write(b'x' * 2**20)\nfinally:\n os._exit(73)"
        supervisor("start", tmp_path, *program(text))
        assert wait_for(tmp_path, "exit") == "73 0 0"
    finally:
        subprocess.run(["umount", "-l", str(tmp_path)], check=True)


def test_wrong_arguments_show_the_usage():
    done = subprocess.run([sys.executable, str(SUPERVISOR), "start", "/nonexistent"], capture_output=True, text=True)
    assert done.returncode == 64 and "There is no job folder" in done.stderr


def test_again_goes_on_after_a_failure_but_not_after_success_or_while_running(tmp_path):
    text = "import os, sys, time; n = os.path.exists('once'); open('once', 'a').write('x'); sys.exit(0 if n else 3)"
    supervisor("start", tmp_path, *program(text))
    assert wait_for(tmp_path, "exit") == "3 0 0"
    assert supervisor("start", tmp_path, *program(text))["started"] is False
    assert supervisor("again", tmp_path, *program(text))["started"] is True
    assert wait_for(tmp_path, "exit") == "0 0 0"
    assert (tmp_path / "attempts" / "0" / "exit").read_text() == "3 0 0\n"
    assert supervisor("again", tmp_path, *program(text))["started"] is False
    assert (tmp_path / "once").read_text() == "xx"


def test_again_revives_a_vanished_job_once(tmp_path):
    supervisor("start", tmp_path, *program("import time; time.sleep(60)"))
    os.kill(int((tmp_path / "pid").read_text().split()[0]), signal.SIGKILL)
    until = time.monotonic() + 10
    while supervisor("status", tmp_path)["running"] and time.monotonic() < until:
        time.sleep(0.05)
    text = "import time; open('ran', 'a').write('x'); time.sleep(0.5)"
    replies = []
    threads = [threading.Thread(target=lambda: replies.append(supervisor("again", tmp_path, *program(text)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(reply["started"] for reply in replies) == 1
    assert wait_for(tmp_path, "exit") == "0 0 0"
    assert (tmp_path / "ran").read_text() == "x"
