"""What the trainer promises about sameness: tree and single examples, joint and single runs, resumed and whole ones."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import torch
from conftest import BOX, QUICK, make_base, read_events, train, weights
from trainer.events import Events
from trainer.examples import tokenize
from trainer.failures import TrainerError
from trainer.job import run_job
from trainer.model import AdaptedModel
from trainer.rows import Row
from trainer.selftest import tree_difference
from trainer.spec import parse_spec
from trainer.tree import pack_single, pack_trees
from trainer.weighting import example_weights
from transformers import AutoTokenizer

WEIGHTINGS = ("paper-pair", "example", "token")


@pytest.fixture(scope="module")
def model(base, tmp_path_factory):
    spec = parse_spec({"base": str(base), "adapters": {"plan": {"data": "x"}}, "dropout": 0, **QUICK}, base)
    torch.set_num_threads(1)
    model = AdaptedModel(base, spec, torch.device("cpu"), torch.float32)
    torch.manual_seed(3)
    for key, value in model.parameters["plan"]:
        if "lora_B" in key:  # starts at zero, which would hide errors in the gradient of A
            torch.nn.init.normal_(value, std=0.1)
    return model


@pytest.fixture(scope="module")
def examples(base, rows):
    tokenizer = AutoTokenizer.from_pretrained(base)
    return tokenize([Row(**row) for row in rows["plan"][:12]], tokenizer, "plan", 512, "error")[0]


def loss_and_gradients(model, examples, batches, weighting):
    model.peft.zero_grad()
    weight = example_weights(examples, weighting, 5)
    loss = 0.0
    for batch in batches:
        part = (model.token_losses(batch) * torch.from_numpy(weight[batch.owners]).float()).sum()
        part.backward()
        loss += part.item()
    return loss, {key: value.grad.clone() for key, value in model.parameters["plan"]}


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("batch_tokens", [10_000, 70])
def test_tree_and_single_examples_have_the_same_loss_and_gradients(model, examples, weighting, batch_tokens):
    single = pack_single(examples, 1)
    tree = pack_trees(examples, batch_tokens)
    assert (len(tree) == 1) == (batch_tokens == 10_000)
    assert max(batch.layout.branches for batch in tree) > (2 if batch_tokens == 10_000 else 0)
    expected, gradients = loss_and_gradients(model, examples, single, weighting)
    loss, found = loss_and_gradients(model, examples, tree, weighting)
    assert loss == pytest.approx(expected, rel=2e-6)
    largest = max(value.abs().max().item() for value in gradients.values())
    assert largest > 1e-3
    for key, value in gradients.items():
        assert (found[key] - value).abs().max().item() < 2e-6 * max(1, largest / 0.1), key
    assert sum(batch.real_tokens for batch in tree) < 0.75 * sum(batch.real_tokens for batch in single)


def test_padding_of_single_rows_changes_nothing(model, examples):
    losses = {}
    for name, size in (("alone", 1), ("padded", 100_000)):
        batches = pack_single(examples, size)
        owners = np.concatenate([batch.owners for batch in batches])
        values = np.concatenate([model.token_losses(batch).detach().numpy() for batch in batches])
        losses[name] = values[np.argsort(owners, kind="stable")]
    np.testing.assert_allclose(losses["padded"], losses["alone"], atol=2e-5)


def test_loss_counts_completion_tokens_only(model, examples):
    """Against the model's own logits, position by position, without any of our packing."""
    example = examples[0]
    with torch.no_grad():
        hidden = model.causal.model(torch.from_numpy(example.ids)[None]).last_hidden_state
        logits = torch.nn.functional.linear(hidden[0], model.causal.lm_head.weight)
        expected = torch.nn.functional.cross_entropy(
            logits[example.prompt_length - 1 : -1], torch.from_numpy(example.ids[example.prompt_length :]), reduction="none"
        )
        found = model.token_losses(pack_single([example], 1)[0])
    assert len(found) == example.completion_length
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_self_test_accepts_a_llama_and_refuses_a_sliding_window(model, examples, rows, tmp_path):
    from transformers import MistralConfig, MistralForCausalLM

    difference, tolerance = tree_difference(model, examples)
    assert difference < tolerance
    base = make_base(tmp_path / "mistral", rows, MistralForCausalLM, MistralConfig, sliding_window=16)
    spec = parse_spec({"base": str(base), "adapters": {"plan": {"data": "x"}}, **QUICK}, base)
    sliding = AdaptedModel(base, spec, torch.device("cpu"), torch.float32)
    difference, tolerance = tree_difference(sliding, examples)
    assert difference > tolerance


def test_a_whole_job_learns_the_same_in_both_modes(make_job):
    losses = {}
    for mode in ("tree", "per-example"):
        events = train(make_job(mode, mode=mode, dropout=0, adapters=("plan",)))
        losses[mode] = [event["loss"] for event in events if event["type"] in ("step", "eval")]
        assert next(event for event in events if event["type"] == "start")["adapters"]["plan"]["mode"] == mode
    np.testing.assert_allclose(losses["tree"], losses["per-example"], rtol=1e-3)
    assert losses["tree"][-1] < losses["tree"][0] - 0.2


def test_a_joint_run_is_bit_for_bit_the_single_runs(make_job):
    joint = make_job("joint")
    train(joint)
    for adapter in ("plan", "tool", "reflect"):
        single = make_job(adapter, adapters=(adapter,))
        train(single)
        assert weights(joint, adapter) == weights(single, adapter)


def test_a_stopped_job_goes_on_bit_for_bit(make_job):
    whole, stopped = make_job("whole"), make_job("stopped")
    train(whole)

    class StopAfter(Events):
        """Asks the job to stop in the middle of its steps, away from the regular checkpoints."""

        seen = 0

        def emit(self, type, **fields):
            super().emit(type, **fields)
            self.seen += type == "step"
            if self.seen == 10:
                stop.set()

    stop = threading.Event()
    with pytest.raises(TrainerError) as failure:
        run_job(stopped, StopAfter(stopped), stop)
    assert failure.value.reason == "stopped" and failure.value.exit_code == 75
    events = train(stopped)
    resumed = [event for event in events if event["type"] == "start"][-1]["adapters"]
    assert sum(entry["resumedAt"] for entry in resumed.values()) == 10
    for adapter in ("plan", "tool", "reflect"):
        assert weights(whole, adapter) == weights(stopped, adapter)


def test_a_killed_job_goes_on_bit_for_bit(make_job):
    whole, killed = make_job("whole", epochs=4), make_job("killed", epochs=4)
    train(whole)
    process = subprocess.Popen([sys.executable, str(BOX / "train.py"), str(killed)], stderr=subprocess.PIPE)
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        time.sleep(0.02)
        if list((killed / "checkpoints").glob("*/step-00000006*")):
            break
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, process.stderr.read().decode()
    process.stderr.close()
    assert not (killed / "out" / "manifest.json").exists()
    # What a crash in the middle of a write leaves behind: a part file, half a line, and a torn newest checkpoint.
    (killed / "checkpoints" / "plan" / "step-00000099.safetensors").write_bytes(b"\x10\0\0\0")
    with open(killed / "events.jsonl", "a") as file:
        file.write('{"t": 1, "ty')
    train_after = threading.Event()
    run_job(killed, Events(killed), train_after)
    lines = (killed / "events.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines if not line.endswith('"ty')]
    assert [event for event in events if event["type"] == "start"][-1]["adapters"]["plan"]["resumedAt"] >= 3
    assert any(event["type"] == "warning" and "damaged" in event["message"] for event in events)
    for adapter in ("plan", "tool", "reflect"):
        assert weights(whole, adapter) == weights(killed, adapter)


def test_a_finished_job_can_be_started_again_and_gives_the_same(make_job):
    job = make_job("again", adapters=("reflect",))
    train(job)
    first = weights(job, "reflect")
    train(job)
    assert weights(job, "reflect") == first
    steps = next(event for event in read_events(job) if event["type"] == "start")["adapters"]["reflect"]["steps"]
    assert sum(event["type"] == "step" for event in read_events(job)) == steps


def test_other_data_cannot_go_on_from_a_checkpoint(make_job, rows):
    job = make_job("mismatch", adapters=("tool",))
    train(job)
    with open(job / "data" / "tool.jsonl", "a") as file:
        file.write(json.dumps(rows["tool"][0]) + "\n")
    with pytest.raises(TrainerError) as failure:
        train(job)
    assert failure.value.reason == "checkpoint-mismatch"


def test_bfloat16_learns_the_same_within_its_precision(make_job):
    losses = {}
    for precision in ("float32", "bfloat16"):
        events = train(make_job(precision, precision=precision, dropout=0, adapters=("plan",)))
        assert next(event for event in events if event["type"] == "start")["adapters"]["plan"]["mode"] == "tree"
        losses[precision] = [event["loss"] for event in events if event["type"] == "step"]
    assert losses["float32"] != losses["bfloat16"]
    np.testing.assert_allclose(losses["bfloat16"], losses["float32"], rtol=0.05)


def test_gradient_checkpointing_and_determinism_change_nothing(make_job):
    plain, careful = make_job("plain", adapters=("tool",)), make_job(
        "careful", adapters=("tool",), gradientCheckpointing=True, deterministic=True
    )
    first, second = train(plain), train(careful)
    torch.use_deterministic_algorithms(False)
    for one, other in zip(first, second):
        if one["type"] == "step":
            assert other["loss"] == pytest.approx(one["loss"], rel=1e-5)
