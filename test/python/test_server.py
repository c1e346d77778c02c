"""The small server: what it answers against transformers' own, with adapters, keys, and requests that are wrong."""

import http.client
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from conftest import train
from server.failures import ServeError
from server.http_api import Api
from server.model import ServedModel
from server.parameters import Sampling
from server.sampling import Sampler
from server.worker import Worker

KEY = "k" * 32


@pytest.fixture(scope="module")
def adapters(tmp_path_factory, base, rows):
    """Two adapters that were trained on the base."""
    from conftest import QUICK, write_rows

    job = tmp_path_factory.mktemp("job")
    for name in ("plan", "tool"):
        write_rows(job / "data" / f"{name}.jsonl", rows[name])
    names = {name: {"data": f"data/{name}.jsonl"} for name in ("plan", "tool")}
    (job / "spec.json").write_text(json.dumps({"base": str(base), "adapters": names, **QUICK}))
    assert train(job)[-1]["type"] == "done"
    return {f"{name}-00": job / "out" / name for name in names}


@pytest.fixture(scope="module")
def api(base, adapters):
    api = Api(Worker(ServedModel(str(base), adapters)), KEY)
    threading.Thread(target=api.serve_forever, daemon=True).start()
    yield api
    api.shutdown()
    api.server_close()


@pytest.fixture
def ask(api):
    def ask(path: str, body: object = None, key: str = KEY) -> tuple[int, dict]:
        connection = http.client.HTTPConnection("127.0.0.1", api.port, timeout=60)
        content = body if isinstance(body, (bytes, type(None))) else json.dumps(body)
        connection.request("GET" if body is None else "POST", path, content, {"authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        value = json.loads(answer.read())
        connection.close()
        return answer.status, value

    return ask


def greedy(base, folder, prompt: list[int], count: int) -> list[int]:
    """transformers' own generation."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base)
    model = model if folder is None else PeftModel.from_pretrained(model, folder)
    ids = torch.tensor([prompt])
    out = model.eval().generate(input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=count, do_sample=False)
    return out[0, len(prompt) :].tolist()


def test_greedy_text_is_what_transformers_makes(api, ask, base, adapters):
    model = api.worker.model
    texts = {}
    for name, folder in (("base", None), *adapters.items()):
        prompt = model.tokenize("Answer. karomi tes\n", True)
        expected = greedy(base, folder, prompt, 12)
        expected = expected[: next((at for at, token in enumerate(expected) if token in model.end_tokens), 12)]
        body = {"model": name, "prompt": "Answer. karomi tes\n", "max_tokens": 12, "temperature": 0}
        status, value = ask("/v1/completions", body)
        assert status == 200
        texts[name] = value["choices"][0]["text"]
        assert texts[name] == model.text_of(prompt + expected)[len(model.text_of(prompt)) :]
        assert value["usage"]["prompt_tokens"] == len(prompt)
    assert len(set(texts.values())) == 3  # otherwise nothing is shown about which adapter answered


def test_many_at_once_get_what_each_gets_alone(ask, adapters):
    bodies = [
        {"model": name, "prompt": "ka " * length, "max_tokens": 8, "temperature": 0.7, "seed": length}
        for length in (1, 7, 30, 61)
        for name in ("base", *adapters)
    ]
    alone = [ask("/v1/completions", body)[1]["choices"][0] for body in bodies]
    with ThreadPoolExecutor(len(bodies)) as pool:
        together = list(pool.map(lambda body: ask("/v1/completions", body)[1]["choices"][0], bodies))
    assert together == alone


def test_the_trainers_probes_hold(ask, adapters):
    for name, folder in adapters.items():
        for probe in json.loads((folder / "probes.json").read_text())["probes"]:
            for served, key in ((name, "logprob"), ("base", "baseLogprob")):
                head = ask("/tokenize", {"model": served, "prompt": probe["prompt"]})[1]["tokens"]
                tail = ask("/tokenize", {"prompt": probe["completion"], "add_special_tokens": False})[1]["tokens"]
                body = {"model": served, "prompt": head + tail, "max_tokens": 0, "echo": True, "logprobs": 0}
                choice = ask("/v1/completions", body)[1]["choices"][0]
                scored = choice["logprobs"]["token_logprobs"]
                assert scored[0] is None and len(scored) == len(head) + len(tail)
                assert sum(scored[len(head) :]) == pytest.approx(probe[key], abs=1e-3)


def test_stop_length_and_log_probabilities(ask):
    body = {"model": "base", "prompt": "ka ro", "max_tokens": 20, "temperature": 0, "logprobs": 2, "ignore_eos": True}
    whole = ask("/v1/completions", body)[1]["choices"][0]
    assert whole["finish_reason"] == "length" and len(whole["logprobs"]["tokens"]) == 20
    best = [max(top.values()) for top in whole["logprobs"]["top_logprobs"]]
    assert whole["logprobs"]["token_logprobs"] == pytest.approx(best)
    stop = whole["text"][5:8]
    cut = ask("/v1/completions", {**body, "stop": ["never so", stop]})[1]["choices"][0]
    assert cut["finish_reason"] == "stop" and cut["text"] == whole["text"][: whole["text"].index(stop)]
    echoed = ask("/v1/completions", {**body, "echo": True, "max_tokens": 2})[1]["choices"][0]
    assert echoed["text"].startswith("ka ro") and whole["text"].startswith(echoed["text"][5:])
    assert echoed["logprobs"]["token_logprobs"][-2:] == pytest.approx(whole["logprobs"]["token_logprobs"][:2], abs=1e-4)


def test_sampling_draws_what_the_cuts_leave():
    logits = torch.tensor([1.0, 0.0, 3.0, 2.0])

    def drawn(**fields) -> set[int]:
        sampling = {"temperature": 1.0, "top_p": 1.0, "top_k": 0, "seed": 1, **fields}
        sampler = Sampler(Sampling(**sampling))
        return {sampler.draw(logits) for _ in range(300)}

    assert drawn() == {0, 1, 2, 3}
    assert drawn(top_k=2) == {2, 3}
    assert drawn(top_p=0.8) == {2, 3}  # softmax: 0.64, 0.24, 0.09, 0.03
    assert drawn(top_p=0.6) == {2}
    assert drawn(temperature=0) == {2}
    counts = Sampler(Sampling(1.0, 1.0, 0, 7))
    share = sum(counts.draw(logits) == 2 for _ in range(4000)) / 4000
    assert share == pytest.approx(float(logits.softmax(-1)[2]), abs=0.03)


def test_a_seed_repeats_and_seeds_differ(ask):
    body = {"model": "base", "prompt": "ka ro", "max_tokens": 16, "temperature": 1.5}
    texts = [ask("/v1/completions", {**body, "seed": seed})[1]["choices"][0]["text"] for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize(
    ("path", "body", "key", "status", "said"),
    [
        ("/health", None, "wrong", 200, "ok"),
        ("/v1/models", None, "wrong", 401, "key"),
        ("/v1/models", None, "", 401, "key"),
        ("/v1/models", None, "kéy", 401, "key"),
        ("/v1/completions", {"model": "base", "prompt": "x"}, "wrong", 401, "key"),
        ("/v1/nothing", {}, KEY, 404, "nothing"),
        ("/v1/completions", b"{", KEY, 400, "JSON"),
        ("/v1/completions", [], KEY, 400, "object"),
        ("/v1/completions", {"model": "plan", "prompt": "x"}, KEY, 404, "plan-00"),
        ("/v1/completions", {"model": "base", "prompt": {}}, KEY, 400, "'prompt'"),
        ("/v1/completions", {"model": "base", "prompt": [99999]}, KEY, 400, "token id"),
        ("/v1/completions", {"model": "base", "prompt": "x", "top_p": 0}, KEY, 400, "'top_p'"),
        ("/v1/completions", {"model": "base", "prompt": "x", "max_tokens": True}, KEY, 400, "'max_tokens'"),
        ("/v1/completions", {"model": "base", "prompt": "x", "seed": "1"}, KEY, 400, "'seed'"),
        ("/v1/completions", {"model": "base", "prompt": "x", "stop": [""]}, KEY, 400, "'stop'"),
        ("/v1/completions", {"model": "base", "prompt": "x", "stream": True}, KEY, 400, "'stream'"),
        ("/v1/completions", {"model": "base", "prompt": "x", "max_tokens": 600}, KEY, 400, "context length is 512"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(ask, path, body, key, status, said):
    answered, value = ask(path, body, key)
    assert answered == status and said in json.dumps(value)


def test_an_adapter_of_another_base_is_refused(base, adapters, tmp_path):
    folder = next(iter(adapters.values()))
    config = json.loads((folder / "adapter_config.json").read_text())
    (tmp_path / "adapter_config.json").write_text(json.dumps({**config, "target_modules": ["query_key_value"]}))
    (tmp_path / "adapter_model.safetensors").write_bytes((folder / "adapter_model.safetensors").read_bytes())
    with pytest.raises(ServeError, match="cannot be loaded on this base"):
        ServedModel(str(base), {"plan-1": tmp_path})
    with pytest.raises(ServeError, match="base model"):
        ServedModel(str(tmp_path), {})
