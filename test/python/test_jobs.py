"""The list of a box's jobs: states, progress, and folders that make no sense."""

import json
import os
import subprocess
import sys
from pathlib import Path

from conftest import BOX


def make(root: Path, name: str, spec: object = None, **files: str) -> Path:
    job = root / "jobs" / name
    job.mkdir(parents=True)
    (job / "spec.json").write_text(json.dumps(spec or {"base": "b", "adapters": {"plan": {}, "tool": {}}}))
    for file, text in files.items():
        (job / file.replace("_", ".")).write_text(text)
    return job


def listed(root: Path, **environment: str) -> dict:
    done = subprocess.run(
        [sys.executable, str(BOX / "jobs.py"), str(root)],
        capture_output=True, text=True, check=True, env={**os.environ, **environment},
    )  # fmt: skip
    return json.loads(done.stdout)


def test_states_and_progress(tmp_path):
    events = [
        {"type": "start", "adapters": {"plan": {"resumedAt": 0, "steps": 60}, "tool": {"resumedAt": 0, "steps": 40}}},
        {"type": "step", "adapter": "plan", "step": 30, "steps": 60, "loss": 0.5, "secondsLeft": 9},
        {"type": "eval", "adapter": "plan", "step": 30, "steps": 60, "loss": 0.7},
        "half a li",
    ]
    lines = "".join((event if isinstance(event, str) else json.dumps(event)) + "\n" for event in events)
    make(tmp_path, "done", exit="0 0 0\n", events_jsonl=lines)
    make(tmp_path, "failed", exit="71 0 0\n", events_jsonl=json.dumps({"type": "error", "message": "no memory"}) + "\n")
    make(tmp_path, "stopped", exit="75 0 0\n", cancel="1\n")
    make(tmp_path, "fresh")
    (make(tmp_path, "gone", pid="999999 1 other-boot\n") / "claim").mkdir()
    make(tmp_path, "serve-1", {"kind": "serve", "server": "vllm", "adapters": {"plan-00": "/x"}}, exit="75 0 0\n")
    (tmp_path / "jobs" / "no-spec").mkdir()
    make(tmp_path, "odd", ["not", "a", "spec"], exit="? ? ?", events_jsonl='[1]\n{"type": "step"}\n')
    found = {job["id"]: job for job in listed(tmp_path)["jobs"]}
    states = {name: job["state"] for name, job in found.items()}
    assert states == {
        "done": "finished", "failed": "failed", "stopped": "cancelled", "fresh": "waiting", "gone": "vanished",
        "serve-1": "failed", "odd": "failed",
    }  # fmt: skip
    plan = {"step": 30, "steps": 60, "loss": 0.5, "secondsLeft": 9, "heldOut": 0.7}
    assert found["done"]["adapters"] == {"plan": plan, "tool": {"step": 0, "steps": 40}}
    assert (found["failed"]["rc"], found["failed"]["error"]) == (71, "no memory")
    assert (found["serve-1"]["kind"], found["serve-1"]["server"]) == ("serve", "vllm")


def test_a_queue_says_which_place_a_job_has(tmp_path):
    programs = tmp_path / "bin"
    programs.mkdir()
    squeue = programs / "squeue"
    squeue.write_text("#!/bin/sh\nprintf '7|RUNNING|None\\n8|PENDING|Priority\\n9|PENDING|Resources\\n'\n")
    squeue.chmod(0o755)
    for number in (7, 9, 11):
        make(tmp_path, f"job-{number}", slurm=f"{number}\n")
    jobs = listed(tmp_path, PATH=f"{programs}:{os.environ['PATH']}")["jobs"]
    found = {job["id"]: (job["state"], (job.get("queue") or {}).get("place")) for job in jobs}
    assert found == {"job-7": ("running", None), "job-9": ("waiting", 2), "job-11": ("vanished", None)}


def test_jobs_of_the_runs_of_this_machine(tmp_path):
    make(tmp_path / "run-1", "same", exit="0 0 0\n")
    make(tmp_path / "run-2", "same", exit="75 0 0\n", cancel="1\n", gpu="held 12\n")
    (tmp_path / "run-3").mkdir()
    other = tmp_path / "other"
    make(other / "run-4", "else", exit="0 0 0\n")
    done = subprocess.run([sys.executable, str(BOX / "jobs.py"), "--runs", str(tmp_path), str(other)], capture_output=True, text=True, check=True)
    found = sorted((job["run"], job["id"], job["state"], job["gpu"]) for job in json.loads(done.stdout)["jobs"])
    assert found == [("run-1", "same", "finished", None), ("run-2", "same", "cancelled", "held 12"), ("run-4", "else", "finished", None)]


def test_a_box_without_jobs(tmp_path):
    status = listed(tmp_path / "not-yet")
    assert status["jobs"] == [] and status["disk"]["total"] > 0
