"""Runs the trainer on all GPUs of all nodes of a Slurm job, which hold the base together:

    spread.py PYTHON -u train.py JOB    becomes    srun PYTHON -m torch.distributed.run … train.py JOB

One torchrun a node; they meet at the first. Ends with the trainer's own exit code, which torchrun hides."""

import json
import os
import signal
import subprocess
import sys

STOPPED = 75


def command_line(arguments: list[str], env: dict[str, str], first: str) -> list[str]:
    python, *options, program, job = arguments
    number = int(env["SLURM_JOB_ID"])
    return [
        "srun", "--kill-on-bad-exit=1", f"--nodes={env['SLURM_JOB_NUM_NODES']}", "--ntasks-per-node=1",
        python, *options, "-m", "torch.distributed.run", f"--nnodes={env['SLURM_JOB_NUM_NODES']}",
        # On a node without GPUs, one process.
        f"--nproc-per-node={env.get('SLURM_GPUS_ON_NODE') or 1}", "--rdzv-backend=c10d", f"--rdzv-id={number}",
        f"--rdzv-endpoint={first}:{20000 + number % 20000}", program, job,
    ]  # fmt: skip


def first_node(env: dict[str, str]) -> str:
    """A list of nodes is written as `gpu[01-04,07]`; Slurm itself takes it apart."""
    command = ["scontrol", "show", "hostnames", env["SLURM_JOB_NODELIST"]]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[0]


def last_event(job: str) -> str | None:
    try:
        with open(os.path.join(job, "events.jsonl"), "rb") as file:
            return json.loads(file.read().rstrip().rpartition(b"\n")[2])["type"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def main(arguments: list[str]) -> int:
    child = subprocess.Popen(command_line(arguments, dict(os.environ), first_node(dict(os.environ))))
    # srun hands it on to every process.
    signal.signal(signal.SIGTERM, lambda *_: child.send_signal(signal.SIGTERM))
    code = child.wait()
    return STOPPED if code != 0 and last_event(arguments[-1]) == "stopped" else code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
