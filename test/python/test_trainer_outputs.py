"""What a job leaves behind, its schedule and weights, and what it says about input it cannot use."""

import json
import math
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from conftest import BOX, make_base, read_events, train
from trainer.examples import tokenize
from trainer.guard import run_guarded
from trainer.rows import Row, held_out_questions
from trainer.schedule import all_epochs, epoch_steps, learning_rate_at
from trainer.spec import Hyper
from trainer.weighting import example_weights
from transformers import AutoTokenizer


def examples_of(rows, base, adapter="plan"):
    tokenizer = AutoTokenizer.from_pretrained(base)
    return tokenize([Row(**row) for row in rows[adapter]], tokenizer, adapter, 512, "error")[0]


def test_outputs_load_in_peft_and_the_probes_hold(make_job, base):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    job = make_job("outputs")
    events = train(job)
    assert [event["type"] for event in events][-1] == "done"
    assert not (job / "reserve").exists()
    tokenizer = AutoTokenizer.from_pretrained(base)
    for adapter in ("plan", "tool", "reflect"):
        folder = job / "out" / adapter
        assert set(json.loads((folder / "adapter_config.json").read_text())) == {
            "peft_type", "task_type", "r", "lora_alpha", "lora_dropout", "target_modules", "bias", "base_model_name_or_path",
        }  # fmt: skip
        content = json.loads((folder / "probes.json").read_text())
        assert 1 <= len(content["probes"]) <= 5 and content["heldOut"] is True
        bare = AutoModelForCausalLM.from_pretrained(base).eval()
        for key in ("baseLogprob", "logprob"):
            model = bare if key == "baseLogprob" else PeftModel.from_pretrained(bare, folder).eval()
            for probe in content["probes"]:
                prompt = tokenizer(probe["prompt"])["input_ids"]
                completion = tokenizer(probe["completion"], add_special_tokens=False)["input_ids"]
                assert len(completion) == probe["tokens"]
                with torch.no_grad():
                    logits = model(torch.tensor([prompt + completion])).logits[0]
                expected = logits.log_softmax(-1)[range(len(prompt) - 1, len(prompt) + len(completion) - 1), completion].sum()
                assert probe[key] == pytest.approx(expected.item(), abs=1e-3)
        assert max(abs(probe["logprob"] - probe["baseLogprob"]) for probe in content["probes"]) > 0.2


def test_manifest_names_everything_by_hash(make_job, base):
    from trainer.files import sha256_file

    job = make_job("manifest", adapters=("tool",))
    train(job)
    manifest = json.loads((job / "out" / "manifest.json").read_text())
    assert manifest["base"]["files"]["model.safetensors"] == sha256_file(base / "model.safetensors")
    entry = manifest["adapters"]["tool"]
    assert entry["data"]["sha256"] == sha256_file(job / "data" / "tool.jsonl")
    for name, digest in entry["files"].items():
        assert digest == sha256_file(job / "out" / "tool" / name)
    assert entry["hyper"]["rank"] == 8 and manifest["complete"] is True and manifest["versions"]["torch"]


def test_the_number_of_threads_is_measured_once_and_kept_for_a_resume(make_job):
    job = make_job("threads", adapters=("reflect",), threads=None)
    first = next(event["threads"] for event in train(job) if event["type"] == "start")
    assert first == int((job / "checkpoints" / "threads").read_text())
    (job / "checkpoints" / "threads").write_text("1")
    assert [event for event in train(job) if event["type"] == "start"][-1]["threads"] == 1


def test_only_the_last_two_checkpoints_and_the_best_are_kept(make_job):
    job = make_job("kept", adapters=("plan",), epochs=4)
    events = train(job)
    names = sorted(path.name for path in (job / "checkpoints" / "plan").iterdir())
    assert len(names) == 3 and names[0] == "best.safetensors"
    evals = [event for event in events if event["type"] == "eval"]
    assert len(evals) == 4
    best = min(evals, key=lambda event: event["loss"])
    done = next(event for event in events if event["type"] == "adapter-done")
    assert done["selectedStep"] == best["step"] and done["bestLoss"] == best["loss"]


def test_time_limit_ends_with_adapters_and_says_so(make_job):
    job = make_job("limited", epochs=500, maxSeconds=0.5)
    events = train(job)
    assert events[-1]["type"] == "done" and events[-1]["complete"] is False
    assert (job / "out" / "reflect" / "adapter_model.safetensors").exists()


def test_the_schedule_is_that_of_transformers():
    from transformers import get_cosine_schedule_with_warmup

    hyper = Hyper(learningRate=0.01, warmupRatio=0.03)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.01)
    schedule = get_cosine_schedule_with_warmup(optimizer, math.ceil(0.03 * 90), 90)
    for step in range(90):
        assert learning_rate_at(step, 90, hyper) == pytest.approx(schedule.get_last_lr()[0], abs=1e-12)
        optimizer.step()
        schedule.step()


def test_an_epoch_has_every_example_once_and_whole_trajectories_in_a_step(base, rows):
    examples = examples_of(rows, base)
    hyper = Hyper(batchSize=4)
    epochs = [epoch_steps(examples, hyper, "plan", epoch) for epoch in range(2)]
    assert epochs[0] != epochs[1]
    for steps in epochs:
        assert sorted(index for step in steps for index in step) == list(range(len(examples)))
        assert all(len(step) >= 4 for step in steps[:-1])
        owners = [{examples[index].row.trajectory for index in step} for step in steps]
        assert sum(map(len, owners)) == len(set().union(*owners))


def test_a_fraction_of_an_epoch_ends_within_it(base, rows):
    examples = examples_of(rows, base)
    whole = all_epochs(examples, Hyper(epochs=2), "plan")
    part = all_epochs(examples, Hyper(epochs=1.5), "plan")
    assert part[0] == whole[0] and part[1] == whole[1][: round(len(whole[1]) / 2)]


def test_weightings(base, rows):
    examples = examples_of(rows, base)[:5]
    lengths = np.array([example.completion_length for example in examples])
    assert len(set(lengths.tolist())) > 1
    np.testing.assert_allclose(example_weights(examples, "token", 0), 1 / lengths.sum())
    np.testing.assert_allclose(example_weights(examples, "example", 0) * lengths, 0.2)
    pairs = example_weights(examples, "paper-pair", 0)
    assert (pairs * lengths).sum() == pytest.approx(1)
    # Two pairs and one left over: three different weights, each 1 / (3 groups * tokens of the group).
    groups = {}
    for weight, length in zip(pairs, lengths):
        groups.setdefault(round(weight, 12), []).append(length)
    assert sorted(map(len, groups.values())) == [1, 2, 2]
    for weight, group in groups.items():
        assert weight == pytest.approx(1 / (3 * sum(group)))


def test_held_out_questions_are_whole_and_the_same_for_every_adapter(rows):
    plan, tool = ([Row(**row) for row in rows[name]] for name in ("plan", "tool"))
    chosen = held_out_questions(plan, 0.3, 7)
    assert len(chosen) == 4 and chosen == held_out_questions(tool, 0.3, 7)
    assert chosen != held_out_questions(plan, 0.3, 8)
    assert held_out_questions(plan, 0, 7) == set()


def test_a_completion_ends_where_its_text_ends(base, rows):
    tokenizer = AutoTokenizer.from_pretrained(base)
    example = examples_of(rows, base)[0]
    assert example.ids[0] == tokenizer.bos_token_id and tokenizer.eos_token_id not in example.ids
    assert tokenizer.decode(example.ids[example.prompt_length :]) == rows["plan"][0]["completion"]


def error_of(job) -> dict:
    events = [event for event in read_events(job) if event["type"] == "error"]
    assert len(events) == 1
    return events[0]


BAD_LINES = [
    ("{broken", "not JSON"),
    ("[1, 2]", "not an object"),
    ('{"id": "a"}', "trajectory is missing"),
    (json.dumps({"id": "a", "trajectory": "t", "question": "q", "step": 1, "kind": "thought", "prompt": "p"}), "completion"),
    (json.dumps({"id": "a", "trajectory": "t", "question": "q", "step": 1, "kind": "thought", "prompt": "p",
                 "completion": ""}), "completion is empty"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "message"), BAD_LINES)
def test_a_bad_row_is_named_by_file_and_line(make_job, line, message):
    job = make_job("bad", adapters=("plan",))
    path = job / "data" / "plan.jsonl"
    path.write_text(path.read_text() + line + "\n")
    assert run_guarded(job) == 65
    error = error_of(job)
    assert message in error["message"] and f"line {len(path.read_text().splitlines())}" in error["message"]


@pytest.mark.parametrize(("settings", "message", "code"), [
    ({"epochs": 0}, "epochs must be between", 64),
    ({"batchSize": 1.5}, "batchSize must be a whole number", 64),
    ({"mode": "forest"}, "one of tree, per-example", 64),
    ({"learningrate": 1}, "unknown setting learningrate", 64),
    ({"spec": {"adapters": {"../up": {"data": "x"}}}}, "letters, digits", 64),
    ({"spec": {"adapters": {"plan": {"data": "data/none.jsonl"}}}}, "does not exist", 66),
    ({"base": "/nonexistent"}, "no base model", 66),
    ({"targetModules": ["nothing"]}, "No LoRA can be put", 64),
    ({"maxLength": 20}, "tokens; 20 fit", 65),
])  # fmt: skip
def test_bad_settings_are_one_clear_error(make_job, settings, message, code):
    job = make_job("settings", **settings)
    assert run_guarded(job) == code
    assert message in error_of(job)["message"]


def test_rows_that_are_too_long_can_be_dropped(make_job, rows):
    long = {**rows, "plan": [*rows["plan"], {**rows["plan"][0], "id": "long", "prompt": "ka ro " * 900}]}
    job = make_job("drop", adapters=("plan",), data=long, tooLong="drop", epochs=1)
    assert run_guarded(job) == 0
    warning = next(event for event in read_events(job) if event["type"] == "warning")
    assert warning["message"].startswith("1 rows")


def test_a_base_with_broken_weights_is_told_not_traced(make_job, base, rows, tmp_path):
    from transformers import LlamaConfig, LlamaForCausalLM

    broken = make_base(tmp_path / "broken", rows, LlamaForCausalLM, LlamaConfig)
    content = (broken / "model.safetensors").read_bytes()
    (broken / "model.safetensors").write_bytes(content[: len(content) // 2])
    job = make_job("broken-job", base=str(broken))
    assert run_guarded(job) == 66
    assert error_of(job)["reason"] == "missing-base"


def test_a_loss_that_is_no_number_stops_the_job(make_job, rows, tmp_path):
    from safetensors.torch import load_file, save_file
    from transformers import LlamaConfig, LlamaForCausalLM

    base = make_base(tmp_path / "nan", rows, LlamaForCausalLM, LlamaConfig)
    tensors = load_file(base / "model.safetensors")
    tensors["model.norm.weight"][0] = math.nan
    save_file(tensors, base / "model.safetensors", {"format": "pt"})
    job = make_job("nan-job", base=str(base), mode="per-example")
    assert run_guarded(job) == 65
    assert error_of(job)["reason"] == "diverged" and error_of(job)["step"] == 1


def test_a_full_disk_is_one_clear_error(make_job, tmp_path):
    job = make_job("small")
    content = (job / "spec.json").read_text(), (job / "data" / "plan.jsonl").read_text()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=150k", "tmpfs", str(job)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("a small file system can be mounted by root only")
    try:
        spec = {**json.loads(content[0]), "adapters": {"plan": {"data": "data/plan.jsonl"}}}
        (job / "data").mkdir()
        (job / "spec.json").write_text(json.dumps(spec))
        (job / "data" / "plan.jsonl").write_text(content[1])
        assert run_guarded(job) == 73
        assert error_of(job)["reason"] == "disk-full"
        assert not list(job.rglob("*.part"))
    finally:
        subprocess.run(["umount", "-l", str(job)], check=True)


def test_missing_libraries_are_named(make_job):
    job = make_job("library")
    code = "import sys; sys.modules['torch'] = None; sys.argv = ['t', sys.argv[1]]; from trainer.__main__ import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run([sys.executable, "-c", code, str(job)], cwd=BOX, capture_output=True, text=True)
    assert done.returncode == 66
    assert "torch" in error_of(job)["message"] and "requirements" in error_of(job)["message"]


def test_usage(tmp_path):
    done = subprocess.run([sys.executable, str(BOX / "train.py")], capture_output=True, text=True)
    assert done.returncode == 64 and "usage" in done.stderr
    done = subprocess.run([sys.executable, str(BOX / "train.py"), str(tmp_path / "none")], capture_output=True, text=True)
    assert done.returncode == 66 and "does not exist" in done.stderr
