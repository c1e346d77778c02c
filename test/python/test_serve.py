"""The launcher of servers: keys that nobody else sees, an end without a lease, and nothing left behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import BOX

SCRIPT = BOX / "serve.py"
#: Tells what it was started with, begins a process of its own, and stays.
SERVER = """
import json, os, subprocess, sys, time
helper = subprocess.Popen(["sleep", "600"])
told = {"argv": sys.argv[1:], "key": os.environ["AUTOACT_API_KEY"], "vllm": os.environ["VLLM_API_KEY"], "helper": helper.pid}
open("told.part", "w").write(json.dumps(told))
os.replace("told.part", "told")
time.sleep(600)
"""


def make(folder: Path, **spec) -> Path:
    folder.mkdir()
    (folder / "program.py").write_text(SERVER)
    command = [sys.executable, "program.py", "--port", "{port}"]
    (folder / "spec.json").write_text(json.dumps({"server": "command", "base": "", "adapters": {}, "command": command, **spec}))
    (folder / "key").write_text("secret-key\n")
    (folder / "lease").write_text("1")
    return folder


def wait_for(check, seconds: float = 90):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if value := check():
            return value
        time.sleep(0.02)
    raise AssertionError("it did not happen")


def told(job: Path) -> dict:
    return json.loads(wait_for(lambda: (job / "told").exists() and (job / "told").read_text()))


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def supervise(verb: str, job: Path, *command: str) -> dict:
    arguments = [sys.executable, str(BOX / "supervisor.py"), verb, str(job), *(["--", *command] if command else [])]
    environment = {**os.environ, "AUTOACT_GRACE_SECONDS": "5"}
    return json.loads(subprocess.run(arguments, capture_output=True, text=True, check=True, env=environment).stdout)


linux = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")


@linux
def test_the_key_is_in_no_command_line_and_the_port_is(tmp_path):
    job = make(tmp_path / "job")
    server = subprocess.Popen([sys.executable, str(SCRIPT), "run", str(job)])
    try:
        seen = told(job)
        port = json.loads((job / "endpoint.json").read_text())["port"]
        assert seen["argv"] == ["--port", str(port)]
        assert seen["key"] == seen["vllm"] == "secret-key"
        lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
        assert any(b"program.py" in line for line in lines)
        assert not any(b"secret-key" in line for line in lines)
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 75
        os.kill(seen["helper"], signal.SIGKILL)


@linux
def test_stopping_leaves_no_process(tmp_path):
    job = make(tmp_path / "job")
    supervise("again", job, sys.executable, str(SCRIPT), "run", str(job))
    helper = told(job)["helper"]
    assert alive(helper)
    supervise("cancel", job)
    wait_for(lambda: (job / "exit").exists())
    assert not alive(helper)
    # One that was stopped can be started again.
    (job / "told").unlink()
    assert supervise("again", job, sys.executable, str(SCRIPT), "run", str(job))["started"]
    helper = told(job)["helper"]
    supervise("cancel", job)
    wait_for(lambda: (job / "exit").exists())
    assert not alive(helper)


@linux
def test_a_server_that_nobody_uses_ends_by_itself(tmp_path):
    job = make(tmp_path / "job", leaseSeconds=2)
    supervise("again", job, sys.executable, str(SCRIPT), "run", str(job))
    helper = told(job)["helper"]
    for number in range(8):  # while it is renewed, it stays
        (job / "lease").write_text(f"renewed {number}")
        time.sleep(0.5)
    assert not (job / "exit").exists() and alive(helper)
    wait_for(lambda: (job / "exit").exists())
    assert (job / "exit").read_text().startswith("75 ")
    assert "Nobody has used" in (job / "log").read_text()
    assert not alive(helper)


def listens_at(reach: str | None, login: str) -> str:
    code = f"import serve; print(serve.address({{'reach': {reach!r}}}))"
    environment = {**os.environ, "SLURM_SUBMIT_HOST": login}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=BOX, env=environment, check=True).stdout.strip()


def test_only_a_node_away_from_its_login_node_is_reached_from_outside():
    elsewhere = "192.0.2.1"  # an address for documentation (RFC 5737): nobody's
    assert listens_at(None, elsewhere) == "127.0.0.1"
    assert listens_at("login", socket.gethostname()) == listens_at("login", f"{socket.gethostname()}.cluster") == "127.0.0.1"
    assert listens_at("login", "127.0.0.1") == "127.0.0.1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((elsewhere, 9))
        except OSError:
            pytest.skip("this machine has no way to any other")
        mine = probe.getsockname()[0]
    assert listens_at("login", elsewhere) == mine
    assert listens_at("login", mine) == "127.0.0.1"  # the login node itself, by another name


@linux
def test_a_server_on_a_node_is_told_where_to_listen(tmp_path):
    job = make(tmp_path / "job", reach="login", command=[sys.executable, "program.py", "{host}", "{port}"])
    environment = {**os.environ, "SLURM_SUBMIT_HOST": socket.gethostname()}
    server = subprocess.Popen([sys.executable, str(SCRIPT), "run", str(job)], env=environment)
    seen = told(job)
    server.send_signal(signal.SIGTERM)
    assert server.wait(30) == 75
    os.kill(seen["helper"], signal.SIGKILL)
    endpoint = json.loads((job / "endpoint.json").read_text())
    assert seen["argv"] == [endpoint["host"], str(endpoint["port"])] and endpoint["host"] == "127.0.0.1"


def test_what_is_wrong_is_said(tmp_path):
    def run(job: Path) -> subprocess.CompletedProcess:
        return subprocess.run([sys.executable, str(SCRIPT), "run", str(job)], capture_output=True, text=True)

    missing = make(tmp_path / "missing", command=["/nowhere/vllm"])
    assert (run(missing).returncode, "/nowhere/vllm cannot be started" in run(missing).stderr) == (127, True)
    keyless = make(tmp_path / "keyless")
    (keyless / "key").unlink()
    assert (run(keyless).returncode, "no key" in run(keyless).stderr) == (64, True)
    lost = make(tmp_path / "lost", reach="login")
    environment = {**os.environ, "SLURM_SUBMIT_HOST": "no-such-login.invalid"}
    done = subprocess.run([sys.executable, str(SCRIPT), "run", str(lost)], capture_output=True, text=True, env=environment)
    assert (done.returncode, "no way to the login node" in done.stderr) == (64, True)
    ending = make(tmp_path / "ending", command=[sys.executable, "-c", "pass"])
    assert run(ending).returncode == 75  # with 0 the supervisor would never start it again


def test_finds_servers_with_their_flags(tmp_path):
    program = tmp_path / "vllm"
    program.write_text(f"#!{sys.executable}\nimport sys\nif '--help=all' in sys.argv: sys.exit(2)\nprint('usage: --port PORT')\n")
    program.chmod(0o755)
    (tmp_path / "python").symlink_to(sys.executable)
    done = subprocess.run([sys.executable, str(SCRIPT), "find", str(tmp_path / "python")], capture_output=True, text=True)
    assert json.loads(done.stdout) == {"vllm": {"program": str(program), "help": "usage: --port PORT\n"}, "sglang": None}
    bare = {**os.environ, "PATH": str(tmp_path / "none")}
    done = subprocess.run([sys.executable, str(SCRIPT), "find"], capture_output=True, text=True, env=bare)
    assert json.loads(done.stdout)["vllm"] is None or Path(sys.executable).with_name("vllm").exists()


def test_a_key_that_only_an_argument_can_carry_is_added_inside(tmp_path):
    (tmp_path / "someserver.py").write_text("import sys\nprint(sys.argv[1:], __name__)\n")
    environment = {**os.environ, "AUTOACT_API_KEY": "secret-key", "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "within", "-m", "someserver", "--x", "1"],
        capture_output=True, text=True, env=environment,
    )  # fmt: skip
    assert done.stdout == "['--x', '1', '--api-key', 'secret-key'] __main__\n"
