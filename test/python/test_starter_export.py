"""The exported files are one model: llama.cpp and transformers cut the same tokens and give the same probabilities."""

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'starter'))
from bpe import train_tokenizer
from decoder import Decoder, Shape
from documents import read_corpus
from export import write_gguf, write_transformers

BUNDLED = ROOT / 'node_modules' / '.bin' / 'node'
NODE = str(BUNDLED) if BUNDLED.exists() else shutil.which('node')
QUIET = {**os.environ, 'NODE_NO_WARNINGS': '1'}
needs_node = pytest.mark.skipif(NODE is None, reason='Node is not installed')

#: Text of kinds that the corpus does not have.
ODD_TEXTS = [
    '', ' ', '\n\n', 'a\n\n\nb', '  two  spaces ', 'Ends in a space ', "It's 3.14%, isn't it? [x[y]z] 1,234,567", '»Ünïcode« – naïve café 東京 🙂',
    'Calculator[(3 + 4) * 12]', 'tab\tand\r\nline', '<s>', 'Thought:Thought: Action:',
]


def run_node(script: str, *args: str) -> str:
    done = subprocess.run([NODE, str(ROOT / script), *args], capture_output=True, text=True, cwd=ROOT, env=QUIET)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope='module')
def texts(tmp_path_factory) -> list[str]:
    folder = tmp_path_factory.mktemp('corpus')
    small = {'worlds': 1, 'page-worlds': 1, 'trajectories': 400, 'self-instruct': 100, 'tool-select': 60}
    run_node('starter/corpus.ts', '--out', str(folder), *(part for k, v in small.items() for part in (f'--{k}', str(v))))
    lines = [line.text for line in read_corpus(folder)]
    return random.Random(1).sample(lines, 400)


@pytest.fixture(scope='module')
def exported(texts, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp('weights')
    tokenizer = train_tokenizer(texts, 1024)
    shape = Shape(tokenizer.get_vocab_size(), 64, 160, 3, 4, 1024)
    torch.manual_seed(3)
    model = Decoder(shape)
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn_like(p) * 0.12 if p.dim() == 2 else 1 + 0.1 * torch.randn_like(p))
    write_transformers(folder, shape, model.state_dict(), tokenizer)
    write_gguf(folder / 'model.gguf', 'test', shape, model.state_dict(), tokenizer)
    return folder


@needs_node
def test_llama_cpp_agrees_with_transformers(texts, exported, tmp_path):
    compare(exported, exported / 'model.gguf', texts[:200] + ODD_TEXTS, tmp_path)


@needs_node
def test_committed_weights_agree(texts, tmp_path):
    weights = ROOT / 'starter' / 'weights'
    if not (weights / 'starter.gguf').exists():
        pytest.skip('the weights are not committed yet')
    compare(weights, weights / 'starter.gguf', texts[:200] + ODD_TEXTS, tmp_path)


def compare(folder: Path, gguf: Path, texts: list[str], scratch: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    trajectories = [t for t in texts if 'Action: Reflect[' in t][:3]
    # Cues of every kind, in the middle of trajectories.
    prompts = [t[: t.rindex(cue) + len(cue)] for t in trajectories for cue in ('Thought:', 'Action:', 'Action: Reflect[')]
    request = scratch / 'request.json'
    request.write_text(json.dumps({'model': str(gguf), 'texts': texts, 'prompts': prompts}))
    answer = scratch / 'answer.json'
    run_node('test/python/starterEngine.ts', str(request), str(answer))
    engine = json.loads(answer.read_text())
    assert engine['eos'] == tokenizer.eos_token_id
    for text, tokens in zip(texts, engine['tokens'], strict=True):
        # '<s>' written in a text is text for the engine; transformers takes it for the token.
        assert tokenizer(text, split_special_tokens=True).input_ids == tokens, text
        assert tokenizer.decode(tokens, skip_special_tokens=True) == text
    assert len(prompts) == 9
    for prompt, next_tokens in zip(prompts, engine['probabilities'], strict=True):
        with torch.no_grad():
            expected = model(**tokenizer(prompt, return_tensors='pt')).logits[0, -1].softmax(-1)
        got = torch.zeros_like(expected)
        for token, p in next_tokens.items():
            got[int(token)] = p
        assert abs(float(got.sum()) - 1) < 1e-3
        assert float((got - expected).abs().max()) < 2e-3


def test_tokens_do_not_depend_on_where_a_prompt_ends(texts, exported):
    """What a prompt and its completion are cut into is what the whole text is cut into, at every cue."""
    tokenizer = AutoTokenizer.from_pretrained(exported)
    cues = 0
    for text in (t for t in texts if 'Action:' in t):
        whole = tokenizer(text).input_ids
        for cue in ('Thought:', 'Action:', '[', ']', '\n'):
            at = 0
            while (at := text.find(cue, at)) >= 0:
                at += len(cue)
                cues += 1
                if cues % 40 == 0:
                    parts = tokenizer(text[:at]).input_ids + tokenizer(text[at:], add_special_tokens=False).input_ids
                    assert parts == whole, text[:at][-40:]
    assert cues > 4000


def test_a_name_has_the_same_tokens_wherever_it_stands(exported):
    tokenizer = AutoTokenizer.from_pretrained(exported)

    def tokens(text: str) -> list[int]:
        return tokenizer(text, add_special_tokens=False).input_ids

    for name in ('Mount Arel', 'Goresh', 'Old Thaedron', '1874', 'Zaedabilt'):
        in_brackets = tokens(f'[{name}]')[1:-1]
        after_space = tokens(f'x {name}.')
        assert after_space[-1 - len(in_brackets) : -1] == in_brackets


def test_bos_is_added_once_and_special_ids_are_told(exported):
    tokenizer = AutoTokenizer.from_pretrained(exported)
    config = json.loads((exported / 'config.json').read_text())
    assert tokenizer('abc').input_ids.count(tokenizer.bos_token_id) == 1
    assert (config['bos_token_id'], config['eos_token_id']) == (tokenizer.bos_token_id, tokenizer.eos_token_id)
