"""Keeps a model server running for as long as somebody uses it. Needs nothing but Python 3.10; the supervisor runs it.

    serve.py run JOB_DIR     start the server that JOB_DIR/spec.json describes and stay with it
    serve.py find [PYTHON [VLLM]]   what can serve here, as one JSON line, with the flags that each of them has

spec.json: server ("transformers", or anything else with a command), base, adapters {name: folder}, command (a list;
`{host}` and `{port}` in it are replaced), leaseSeconds, gpu (the index of the one to use), reach ("login": see address). Besides it in JOB_DIR: `key` (the API key; only its owner may read it) and
`lease`, which clients write anew while they use the server. When its text has not changed for leaseSeconds, the server
ends: a laptop that never comes back must not hold a GPU for ever. `endpoint.json` = {"host", "port"} tells where it
listens.

The key reaches a server in its environment (VLLM_API_KEY, AUTOACT_API_KEY) and never on a command line, which every
user of a machine can read. Exit codes: 75 ended on request or without a lease; 64 wrong spec; else the server's own."""

import json
import os
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import time

from processes import PR_SET_PDEATHSIG, get, prctl

BOX = os.path.dirname(os.path.abspath(__file__))
STOPPED = 75
HELP_SECONDS = 180
LOOPBACK = "127.0.0.1"


def free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def address(spec: dict) -> str:
    """Where to listen: loopback; for a job of a cluster's queue on another machine than its login node, this machine's
    address on the way there, which is the one that the login node reaches, and no other of its addresses."""
    if spec.get("reach") != "login":
        return LOOPBACK
    login = os.environ.get("SLURM_SUBMIT_HOST", "")
    if login.split(".")[0] == socket.gethostname().split(".")[0]:
        return LOOPBACK
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((login, 9))  # nothing is sent: this only asks which way it would go
            here, there = probe.getsockname()[0], probe.getpeername()[0]
    except OSError as failure:
        raise ValueError(f'this node knows no way to the login node "{login}" (SLURM_SUBMIT_HOST): {failure}') from failure
    return LOOPBACK if here == there or here.startswith("127.") else here


def command_of(job: str, spec: dict, key: str) -> tuple[list[str], dict[str, str]]:
    """What to run, and its environment."""
    host = address(spec)
    environment = {**os.environ, "VLLM_API_KEY": key, "AUTOACT_API_KEY": key, "AUTOACT_HOST": host}
    if isinstance(spec.get("gpu"), int):
        environment.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # counted as nvidia-smi does
        environment.setdefault("CUDA_VISIBLE_DEVICES", str(spec["gpu"]))
    if spec["server"] == "transformers":
        return [sys.executable, "-u", "-m", "server", job], {**environment, "PYTHONPATH": BOX}
    port = free_port(host)
    command = [part.replace("{host}", host).replace("{port}", str(port)) for part in spec["command"]]
    if spec["server"] == "sglang":  # it takes its key as an argument only: added inside its own process, see below
        command = [command[0], os.path.abspath(__file__), "within", *command[1:]]
    part = os.path.join(job, "endpoint.json.part")
    with open(part, "w") as file:
        json.dump({"host": host, "port": port}, file)
    os.replace(part, os.path.join(job, "endpoint.json"))
    return command, {**environment, "AUTOACT_PORT": str(port)}


def run(job: str) -> int:
    try:
        with open(os.path.join(job, "spec.json")) as file:
            spec = json.load(file)
        lease_seconds = float(spec.get("leaseSeconds", 0))
        key = get(job, "key")
        if not key:
            raise ValueError("there is no key")
        command, environment = command_of(job, spec, key)
    except (OSError, ValueError, KeyError, TypeError) as failure:
        print(f"{job} holds no server to start: {failure}", file=sys.stderr)
        return 64
    stopping = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.append(True))
    try:
        child = subprocess.Popen(command, env=environment, cwd=job, stdin=subprocess.DEVNULL,
                                 preexec_fn=lambda: prctl(PR_SET_PDEATHSIG, signal.SIGTERM))  # fmt: skip
    except OSError as failure:
        print(f"{command[0]} cannot be started: {failure.strerror}", file=sys.stderr)
        return 127
    lease, renewed = get(job, "lease"), time.monotonic()
    while child.poll() is None and not stopping:
        try:
            child.wait(0.5)
        except subprocess.TimeoutExpired:
            pass
        if (now := get(job, "lease")) != lease:
            lease, renewed = now, time.monotonic()
        if lease_seconds > 0 and time.monotonic() - renewed > lease_seconds:
            print(f"Nobody has used this server for {lease_seconds:.0f} s; it ends.", file=sys.stderr)
            stopping.append(True)
    if not stopping:
        code = child.returncode
        # 0 would mean to the supervisor that there is nothing to start again.
        return 128 - code if code < 0 else code or STOPPED
    child.terminate()
    try:
        child.wait(15)
    except subprocess.TimeoutExpired:
        child.kill()
    return STOPPED


def within(arguments: list[str]) -> int:
    """Runs `-m MODULE ARGUMENTS…` in this process with the key added: what is in sys.argv alone, nobody else sees."""
    module, rest = arguments[1], arguments[2:]
    sys.path.pop(0)  # box/ has modules of its own
    sys.argv = [module, *rest, "--api-key", os.environ["AUTOACT_API_KEY"]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    return 0


def help_of(*command: str) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=HELP_SECONDS, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 and "--" in done.stdout else None


def find(python: str, vllm: str | None = None) -> dict[str, object]:
    beside = os.path.join(os.path.dirname(python), "vllm") if os.sep in python else ""
    vllm = vllm or (beside if os.access(beside, os.X_OK) else shutil.which("vllm"))
    found: dict[str, object] = {"vllm": None, "sglang": None}
    # Newer ones show their flags in groups, and all of them only when asked for.
    if vllm and (text := help_of(vllm, "serve", "--help=all") or help_of(vllm, "serve", "--help")):
        found["vllm"] = {"program": vllm, "help": text}
    there = "import importlib.util, sys; sys.exit(importlib.util.find_spec('sglang') is None)"
    try:
        has_sglang = subprocess.run([python, "-c", there], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        has_sglang = False
    if has_sglang:
        if text := help_of(python, "-m", "sglang.launch_server", "--help"):
            found["sglang"] = {"program": python, "help": text}
    return found


def main(arguments: list[str]) -> int:
    verb, *rest = arguments or [""]
    if verb == "run" and len(rest) == 1:
        return run(os.path.abspath(rest[0]))
    if verb == "within" and len(rest) >= 2 and rest[0] == "-m":
        return within(rest)
    if verb == "find" and len(rest) <= 2:
        print(json.dumps(find(*(rest or [sys.executable]))))
        return 0
    print(__doc__, file=sys.stderr)
    return 64


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
