"""The command line that spreads a job over nodes, and the exit code that comes back; Slurm's programs are stand-ins."""

import json
import os
import subprocess
import sys

import pytest
from conftest import BOX


@pytest.fixture
def spread(tmp_path):
    def run(code: int, event: str | None) -> tuple[int, str]:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        job = tmp_path / "job"
        job.mkdir(exist_ok=True)
        if event is not None:
            (job / "events.jsonl").write_text(json.dumps({"type": "start"}) + "\n" + json.dumps({"type": event}) + "\n")
        for name, text in (("scontrol", "echo gpu07; echo gpu08"), ("srun", f'echo "$@" > {tmp_path}/said; exit {code}')):
            (folder / name).write_text(f"#!/bin/sh\n{text}\n")
            (folder / name).chmod(0o755)
        env = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "SLURM_JOB_ID": "41234", "SLURM_JOB_NUM_NODES": "2",
               "SLURM_JOB_NODELIST": "gpu[07-08]", "SLURM_GPUS_ON_NODE": "4"}  # fmt: skip
        command = [sys.executable, str(BOX / "spread.py"), "/env/python", "-u", "/code/train.py", str(job)]
        done = subprocess.run(command, env=env, capture_output=True, text=True)
        return done.returncode, (tmp_path / "said").read_text().replace(str(job), "JOB").strip()

    return run


def test_one_torchrun_a_node_meets_at_the_first(spread):
    code, said = spread(0, "done")
    assert code == 0
    assert said == (
        "--kill-on-bad-exit=1 --nodes=2 --ntasks-per-node=1 /env/python -u -m torch.distributed.run --nnodes=2 "
        "--nproc-per-node=4 --rdzv-backend=c10d --rdzv-id=41234 --rdzv-endpoint=gpu07:21234 /code/train.py JOB"
    )


@pytest.mark.parametrize(("code", "event", "expected"), [(1, "stopped", 75), (1, "error", 1), (1, None, 1), (0, "done", 0)])
def test_the_exit_code_is_the_trainers(spread, code, event, expected):
    assert spread(code, event)[0] == expected
