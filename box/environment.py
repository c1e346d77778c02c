"""Makes the Python environment that jobs on this machine run in. Run by supervisor.py as a job of its own, so that it
is made once, whoever asks, and goes on when the connection breaks. Needs nothing but Python 3.10.

    environment.py FOLDER     FOLDER holds spec.json; FOLDER/venv is what is made, FOLDER/.ok is written last

spec.json: `lock` and `extra` (requirements files in FOLDER/data; the first with hashes), `wheelhouse` (a folder of
wheels, for a machine without internet), `index` (the index for `extra`), `imports` (what must load in the end)."""

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

from processes import PR_SET_PDEATHSIG, prctl

NO_INPUT, FAILED, NO_SPACE = 66, 70, 73


class Failure(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def emit(folder: str, type: str, **fields: object) -> None:
    with open(os.path.join(folder, "events.jsonl"), "a") as file:
        file.write(json.dumps({"t": round(time.time(), 3), "type": type, **fields}) + "\n")


def find_uv() -> str | None:
    home = os.path.expanduser("~")
    places = [shutil.which("uv"), f"{home}/.local/bin/uv", f"{home}/.cargo/bin/uv"]
    return next((path for path in places if path and os.access(path, os.X_OK)), None)


def run(folder: str, *command: str) -> None:
    """Output goes to the job's log as it comes; its end stands in the error."""
    print("+", *command, flush=True)
    # Wheels are unpacked where the environment goes: /tmp is often small, and often nothing may be run from it.
    env = {**os.environ, "TMPDIR": os.path.join(folder, "tmp"), "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1",
           "PYTHONDONTWRITEBYTECODE": "1"}  # fmt: skip
    # It ends with this program: the next attempt must not find it still writing.
    process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, errors="replace",
                               preexec_fn=lambda: prctl(PR_SET_PDEATHSIG, signal.SIGKILL))  # fmt: skip
    tail: list[str] = []
    for line in process.stdout or ():
        print(line, end="", flush=True)
        tail = [*tail, line.strip()][-30:]
        if match := re.match(r"\s*Downloading (\S+) \((\d+(?:\.\d+)? [MG]B)\)", line):
            emit(folder, "progress", message=f"downloading {match[1].rsplit('/', 1)[-1]}, {match[2]}")
    code = process.wait()
    if code == 0:
        return
    text = " | ".join(line for line in tail if line and not line.startswith("WARNING"))[-900:]
    if re.search(r"No space left|Errno 28|quota exceeded", text, re.IGNORECASE):
        raise Failure(NO_SPACE, f"The disk of {folder} became full while packages were installed. Free some space (PyTorch "
                      "with CUDA takes about 5 GB) and try again.")  # fmt: skip
    if "ensurepip" in text:
        raise Failure(NO_INPUT, "This Python cannot make environments. Have the system's venv package installed (Debian and "
                      "Ubuntu: python3-venv), or put uv on the PATH.")  # fmt: skip
    if "THESE PACKAGES DO NOT MATCH THE HASHES" in text or "Hash mismatch" in text:
        raise Failure(FAILED, f"A package is not the one that the lock names, and was not installed: {text}")
    if re.search(r"Could not find a version|No matching distribution|Max retries|Failed to (fetch|establish)", text):
        raise Failure(FAILED, f"A package could not be had: {text} Without internet on this machine, send the packages "
                      "along: autoact box prepare NAME --wheelhouse FOLDER")  # fmt: skip
    raise Failure(FAILED, f"{os.path.basename(command[0])} failed (exit code {code}): {text}")


def build(folder: str, spec: dict) -> None:
    venv = os.path.join(folder, "venv")
    for old in (venv, os.path.join(folder, "tmp")):  # what an attempt that was killed has left
        shutil.rmtree(old, ignore_errors=True)
    os.makedirs(os.path.join(folder, "tmp"))
    own, uv = os.path.join(venv, "bin", "python"), find_uv()
    emit(folder, "progress", message=f"making the environment with {'uv' if uv else 'venv and pip'}")
    house = spec.get("wheelhouse")
    if uv:
        run(folder, uv, "venv", "--python", sys.executable, venv, *(["--offline"] if house else []))
        install = [uv, "pip", "install", "--python", own]
        source = ["--offline", "--no-index", "--find-links", house] if house else []
        # uv chooses torch's build by the driver itself.
        index = [] if house else ["--index", spec["index"]] if spec.get("index") else ["--torch-backend=auto"]
    else:
        run(folder, sys.executable, "-m", "venv", venv)
        install = [own, "-m", "pip", "install", "--progress-bar", "off"]
        source = ["--no-index", "--find-links", house] if house else []
        index = ["--extra-index-url", spec["index"]] if spec.get("index") and not house else []
    emit(folder, "progress", message="installing packages, each compared with the lock")
    run(folder, *install, "--require-hashes", *source, "-r", os.path.join(folder, "data", spec["lock"]))
    if spec.get("extra"):
        emit(folder, "progress", message="installing PyTorch")
        run(folder, *install, *source, *index, "-r", os.path.join(folder, "data", spec["extra"]))
    emit(folder, "progress", message="checking that the packages load")
    run(folder, own, "-c", "; ".join(f"import {name}" for name in spec["imports"]))
    shutil.rmtree(os.path.join(folder, "tmp"), ignore_errors=True)
    part = os.path.join(folder, ".ok.part")
    with open(part, "w") as file:
        json.dump({"python": sys.version.split()[0], "with": "uv" if uv else "pip"}, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, os.path.join(folder, ".ok"))


def main(arguments: list[str]) -> int:
    folder = os.path.abspath(arguments[0])
    if os.path.exists(os.path.join(folder, ".ok")):
        return 0
    try:
        with open(os.path.join(folder, "spec.json")) as file:
            build(folder, json.load(file))
        return 0
    except Failure as failure:
        emit(folder, "error", reason="environment", message=str(failure))
        print(failure, file=sys.stderr)
        return failure.code
    except OSError as failure:
        code = NO_SPACE if failure.errno in (errno.ENOSPC, errno.EDQUOT) else FAILED
        print(failure, file=sys.stderr)
        return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
