"""Estimates, precision, several processes, sinks: all that scales a job and can be run on a CPU at toy size."""

import json
import os
import subprocess
import sys
import types

import pytest
from conftest import BOX, read_events, train, weights

GB = 1e9


def shapes():
    from trainer.memory import BaseShape, Load

    seven = BaseShape(6_738_415_616, 262_144_000, 32, 4096, 11008, 32000)
    seventy = BaseShape(68_976_648_192, 524_288_000, 80, 8192, 28672, 32000)
    return seven, seventy, Load(8192, 600, 3_300_000, 3 * 4_194_304)


def test_memory_formula_and_what_follows_from_it():
    from trainer.memory import bytes_needed, plan, seconds_needed

    seven, seventy, load = shapes()
    # 13.5 GB of weights, 6.1 MB of activations a token, 0.2 GB of adapters, logits.
    assert bytes_needed(seven, load, "none", False) == pytest.approx((13.5 + 8192 * 6.05e-3 + 0.2 + 0.23) * GB, rel=0.02)
    assert bytes_needed(seven, load, "none", True) < 19 * GB
    assert bytes_needed(seven, load, "nf4", True) == pytest.approx(9 * GB, rel=0.25)
    h200 = plan(seven, load, [139 * GB])
    assert (h200.quantization, h200.checkpointing, h200.gpus, h200.fits) == ("none", False, 1, True)
    card = plan(seven, load, [24 * GB])
    assert (card.quantization, card.checkpointing, card.fits) == ("none", True, True)
    small = plan(seven, load, [11 * GB])
    assert (small.quantization, small.checkpointing) == ("nf4", True)
    # Two cards hold what one does not: better than to quantise.
    two = plan(seven, load, [11 * GB, 11 * GB])
    assert (two.quantization, two.checkpointing, two.gpus, two.fits) == ("none", True, 2, True)
    assert plan(seventy, load, [139 * GB]).quantization == "nf4"
    assert not plan(seventy, load, [24 * GB], quantization="none").fits
    assert plan(seven, load, [139 * GB], checkpointing=True).checkpointing
    assert seconds_needed(seven, 3_300_000, False, "NVIDIA H200") == pytest.approx(216, rel=0.1)
    assert seconds_needed(seven, 1, False, None) is None


def test_a_job_tells_its_estimate_and_then_what_was_measured(make_job):
    job = make_job("estimated")
    done = subprocess.run([sys.executable, str(BOX / "train.py"), "--estimate", str(job)], capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert told["fits"] and told["bytes"] > 40_000 * 4 and told["tokens"] > 1000 and told["seconds"] is None
    assert not (job / "events.jsonl").exists() and not (job / "out").exists()
    events = train(job)
    kinds = [event["type"] for event in events]
    assert kinds[:3] == ["estimate", "measured", "start"]
    assert events[0]["tokens"] == told["tokens"]
    assert events[1]["peakBytes"] > 1e7 and events[1]["tokensPerSecond"] > 0 and events[1]["seconds"] > 0


def test_an_estimate_of_a_broken_job_is_one_line(make_job):
    job = make_job("broken", quantization="int3")
    done = subprocess.run([sys.executable, str(BOX / "train.py"), "--estimate", str(job)], capture_output=True, text=True)
    assert done.returncode == 64
    assert done.stderr == 'spec.json: quantization must be one of auto, none, nf4, not "int3".\n'


def test_float16_with_scaled_losses_learns_and_resumes(make_job):
    import threading

    full = train(make_job("full", adapters=("plan",), precision="float32"))
    half = train(make_job("half", adapters=("plan",), precision="float16"))
    losses = [[event["loss"] for event in events if event["type"] == "step"] for events in (full, half)]
    assert losses[1] == pytest.approx(losses[0], rel=0.05)
    assert losses[1] != losses[0]
    # Stopped and gone on, the scale of the loss is that of an unbroken run.
    job = make_job("resumed", adapters=("plan",), precision="float16")
    stop = threading.Event()
    from trainer.events import Events
    from trainer.failures import TrainerError
    from trainer.job import run_job

    events = Events(job)
    emit = events.emit
    events.emit = lambda type, **fields: (emit(type, **fields), type == "step" and fields["step"] == 4 and stop.set())[0]
    with pytest.raises(TrainerError):
        run_job(job, events, stop)
    events.close()
    train(job)
    assert weights(job, "plan") == weights(job.parent / "half", "plan")


def test_adapters_in_processes_of_their_own_are_those_of_one_process(make_job):
    together = make_job("together")
    train(together)
    apart = make_job("apart", workers=2)
    done = subprocess.run([sys.executable, str(BOX / "train.py"), str(apart)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for adapter in ("plan", "tool", "reflect"):
        assert weights(apart, adapter) == weights(together, adapter)
    manifest = json.loads((apart / "out" / "manifest.json").read_text())
    assert sorted(manifest["adapters"]) == ["plan", "reflect", "tool"] and manifest["workers"] == 2 and manifest["complete"]
    assert sorted(path.name for path in (apart / "out").iterdir()) == ["manifest.json", "plan", "reflect", "tool"]
    events = read_events(apart)
    assert [event["type"] for event in events].count("done") == 1 and events[-1]["type"] == "done"


def test_a_worker_that_fails_ends_the_job_with_its_reason(make_job, rows):
    broken = {**rows, "tool": [{**rows["tool"][0], "completion": ""}]}
    job = make_job("failing", data=broken, workers=3)
    done = subprocess.run([sys.executable, str(BOX / "train.py"), str(job)], capture_output=True, text=True)
    assert done.returncode == 65
    assert [event["message"] for event in read_events(job) if event["type"] == "error"][0].startswith("tool.jsonl, line 1")
    assert not (job / "out" / "manifest.json").exists()


def test_a_base_that_is_sharded_over_two_processes_learns_the_same(make_job):
    """torchrun and FSDP on the CPU (gloo): the base in halves, the adapters whole in both."""
    # Without dropout: which numbers it draws depends on how a step is cut into passes.
    one = make_job("one", adapters=("plan", "reflect"), epochs=1, maxBatchTokens=256, dropout=0)
    train(one)
    two = make_job("two", adapters=("plan", "reflect"), epochs=1, maxBatchTokens=256, dropout=0)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(BOX / "train.py"), str(two)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    losses = [[(event["adapter"], event["step"], event["loss"]) for event in read_events(job) if event["type"] == "step"]
              for job in (one, two)]  # fmt: skip
    assert [place[:2] for place in losses[0]] == [place[:2] for place in losses[1]]
    assert [place[2] for place in losses[1]] == pytest.approx([place[2] for place in losses[0]], rel=1e-4)
    from safetensors.numpy import load_file

    for adapter in ("plan", "reflect"):
        left, right = (load_file(job / "out" / adapter / "adapter_model.safetensors") for job in (one, two))
        for key in left:
            assert right[key] == pytest.approx(left[key], abs=2e-4), key
    assert json.loads((two / "out" / "manifest.json").read_text())["processes"] == 2


def test_quantisation_without_what_it_needs_is_one_clear_error(make_job):
    from trainer.failures import TrainerError
    from trainer.model import _quantization

    events = pytest.raises(TrainerError, train, make_job("nf4", quantization="nf4"))
    assert "needs an NVIDIA GPU" in str(events.value)
    import torch

    with pytest.raises(TrainerError, match="pip install bitsandbytes"):
        sys.modules["bitsandbytes"] = None  # as if it were not installed
        try:
            _quantization(torch.bfloat16, torch.device("cuda"))
        finally:
            del sys.modules["bitsandbytes"]


def test_sinks_see_the_curves_and_never_end_a_training(make_job, monkeypatch):
    seen, asked = [], {}

    class Run:
        def log(self, numbers):
            seen.append(numbers)

        def finish(self, exit_code):
            seen.append(exit_code)

    module = types.ModuleType("wandb")
    module.init = lambda **options: (asked.update(options), Run())[1]
    monkeypatch.setitem(sys.modules, "wandb", module)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)  # not installed
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    events = train(make_job("sinks", adapters=("plan",), sinks=["wandb", "tensorboard"]))
    steps = [event for event in events if event["type"] == "step"]
    assert [entry["plan/train/loss"] for entry in seen if isinstance(entry, dict) and "plan/train/loss" in entry] == [step["loss"] for step in steps]
    assert seen[-1] == 0 and asked["mode"] == "offline" and asked["id"] == "sinks"
    assert any("pip install tensorboard" in event["message"] for event in events if event["type"] == "warning")

    class Broken(Run):
        def log(self, numbers):
            raise OSError("no route")

    module.init = lambda **options: Broken()
    events = train(make_job("broken-sink", adapters=("plan",), sinks=["wandb"]))
    assert events[-1]["type"] == "done"
    assert [event["message"] for event in events if event["type"] == "warning"] == ["Nothing more is sent to one of the sinks: no route"]


def test_the_manifest_names_settings_and_code_by_hash(make_job):
    import hashlib

    job = make_job("hashed", adapters=("plan",))
    train(job)
    manifest = json.loads((job / "out" / "manifest.json").read_text())
    assert manifest["spec"] == hashlib.sha256((job / "spec.json").read_bytes()).hexdigest()
    assert manifest["code"]["trainer/tree.py"] == hashlib.sha256((BOX / "trainer" / "tree.py").read_bytes()).hexdigest()
    assert manifest["quantization"] == "none" and manifest["gradientCheckpointing"] is False
