"""Corpus lines become batches that ask for the right tokens, and an interrupted training goes on as if it had not been."""

import json
import random
import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'starter'))
from bpe import EOS, train_tokenizer
from decoder import Decoder, Shape
from documents import CorpusLine, collate, find_heads, make_batches, read_corpus, stream_batches, tokenize
from training import Training, schedule, train

INSTRUCTION = 'Work in steps.\nThe actions are: Retrieve[title].\n'
RECIPE = Training(
    tokens=9000, batch_tokens=300, accumulate=2, matrix_rate=0.01, rate=0.003, warmup=0.1, final_rate=0.1,
    weight_decay=0.01, clip=1.0, masked_weight=0.0, held_out=4,
)  # fmt: skip


@pytest.fixture(scope='module')
def lines(tmp_path_factory):
    folder = tmp_path_factory.mktemp('corpus')
    rng = random.Random(5)
    with (folder / 'corpus.jsonl').open('w') as out:
        for i in range(160):
            name = ''.join(rng.choice(['Ka', 'Ro', 'Mi', 'Tes']) + rng.choice(['ven', 'dal', 'um']) for _ in range(2))
            if i % 4 == 0:
                row = {'kind': 'page', 'text': f'{name}: {name} is a river of {rng.randint(10, 999)} kilometres.\n'}
            else:
                head = f'{INSTRUCTION}Question: How long is {name}?\n'
                tail = f'Thought: I look.\nAction: Retrieve[{name}]\nObservation: It has {rng.randint(10, 999)} kilometres.\nThought: Done.\n'
                a = len(head) + tail.index('Observation')
                row = {'kind': 'trajectory', 'text': head + tail, 'lossFrom': len(head), 'mask': [[a, len(head) + tail.index('Thought: Done')]]}
            out.write(json.dumps(row) + '\n')
    return read_corpus(folder)


@pytest.fixture(scope='module')
def tokenizer(lines):
    return train_tokenizer((line.text for line in lines), 400)


def test_the_shared_prompt_is_found(lines):
    heads = find_heads(lines)
    assert {cut for line, cut in zip(lines, heads, strict=True) if line.kind == 'page'} == {0}
    assert {line.text[:cut] for line, cut in zip(lines, heads, strict=True) if line.kind == 'trajectory'} == {INSTRUCTION}


def test_batches_ask_for_what_the_model_writes_and_nothing_else(lines, tokenizer):
    heads, documents = tokenize(lines, tokenizer, masked_weight=0.0, seed=1)
    asked = []
    for rows in make_batches(documents, 300, random.Random(1)):
        batch = collate(rows, heads)
        flat = torch.cat((batch.shared, batch.body.reshape(-1)))
        length = batch.body.shape[1]
        for where, target in zip(batch.where.tolist(), batch.target.tolist(), strict=True):
            # The token after `where` is the target, but where a row begins or ends.
            after = where + 1
            at_head, at_end = where == len(batch.shared) - 1, (where - len(batch.shared)) % length == length - 1
            if not at_head and not at_end and target != tokenizer.token_to_id(EOS):
                assert int(flat[after]) == target
        if batch.kind == 'trajectory':
            asked.append(tokenizer.decode(batch.target.tolist()))
    # Observations and instructions are never asked for; the few documents that teach the prompt ask for their question.
    text = ' '.join(asked)
    assert 'kilometres' not in text and 'Work in steps' not in text
    assert text.count('Action: Retrieve') == sum(line.kind == 'trajectory' for line in lines)
    assert 0 < text.count('Question') < 20


def test_masked_spans_can_keep_a_weight(lines, tokenizer):
    _, documents = tokenize(lines, tokenizer, masked_weight=0.25, seed=1)
    weights = {float(w) for d in documents if d.kind == 'trajectory' for w in d.weight}
    assert weights == {0.0, 0.25, 1.0}


def test_drills_come_first_and_are_kept_in(lines, tokenizer):
    drills = [CorpusLine(f'Ka{i}; Ro{i}.\nRo{i}; Ka{i}.\n', 'drill', 8, ()) for i in range(40)]
    heads, documents = tokenize([*lines, *drills], tokenizer, masked_weight=0.0, seed=1)
    stream = stream_batches(documents, heads, 100, seed=1, drill_batches=3)
    kinds = [next(stream).kind for _ in range(120)]
    assert set(kinds[:3]) == {'drill'}
    assert {'page', 'trajectory'} <= {kind for kind in kinds[3:]} and 'drill' in kinds[20:]


def test_rate_follows_the_budget():
    assert schedule(RECIPE, 0.05) == pytest.approx(0.5)
    assert schedule(RECIPE, 0.1) == pytest.approx(1.0)
    assert schedule(RECIPE, 1.0) == pytest.approx(0.1)


def test_training_resumes_exactly(lines, tokenizer, tmp_path):
    heads, documents = tokenize(lines, tokenizer, 0.0, 1)
    shape = Shape(tokenizer.get_vocab_size(), 32, 48, 2, 2, 256)

    def run(folder: Path, stop_after: int | None) -> tuple[Decoder, list[dict]]:
        torch.manual_seed(1)
        model = Decoder(shape)
        progress = train(
            model, documents[8:], documents[:8], heads, RECIPE, seed=1, device=torch.device('cpu'), folder=folder,
            minutes=None, compiled=False, threads=1, say=lambda _: None, stop_after=stop_after,
        )  # fmt: skip
        return model, progress.curve

    for name in ('whole', 'parts'):
        (tmp_path / name).mkdir()
    whole, curve = run(tmp_path / 'whole', None)
    run(tmp_path / 'parts', 7)
    parts, curve_of_parts = run(tmp_path / 'parts', None)
    for a, b in zip(whole.parameters(), parts.parameters(), strict=True):
        assert torch.equal(a, b)
    assert curve[-1]['tokens'] == curve_of_parts[-1]['tokens']
    assert curve[-1]['heldOut'] == curve_of_parts[-1]['heldOut']
    assert curve[-1]['train'] < 0.85 * curve[0]['train']
