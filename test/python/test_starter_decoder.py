"""The pretraining decoder is LlamaForCausalLM, computed once for a head that many documents share."""

import sys
from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'starter'))
from decoder import Decoder, Shape

SHAPE = Shape(vocab_size=97, hidden_size=64, intermediate_size=96, num_hidden_layers=3, num_attention_heads=4, max_position_embeddings=128)


@pytest.fixture(scope='module')
def models() -> tuple[Decoder, LlamaForCausalLM]:
    torch.manual_seed(0)
    ours = Decoder(SHAPE)
    for p in ours.parameters():
        torch.nn.init.normal_(p, std=0.3 if p.dim() == 2 else 1.0)
    theirs = LlamaForCausalLM(LlamaConfig(**SHAPE.as_dict(), num_key_value_heads=4, tie_word_embeddings=True))
    missing, unexpected = theirs.load_state_dict(ours.state_dict(), strict=False)
    assert not unexpected and missing in ([], ['lm_head.weight'])
    theirs.tie_weights()
    return ours.eval(), theirs.eval()


def test_logits_equal_transformers(models):
    ours, theirs = models
    ids = torch.randint(0, SHAPE.vocab_size, (50,))
    with torch.no_grad():
        torch.testing.assert_close(ours.logits(ids), theirs(ids[None]).logits[0], atol=2e-4, rtol=2e-4)


def test_shared_head_changes_nothing(models):
    ours, theirs = models
    head = torch.randint(0, SHAPE.vocab_size, (17,))
    body = torch.randint(0, SHAPE.vocab_size, (5, 23))
    with torch.no_grad():
        hidden = ours.hidden(head, body)
        logits = hidden @ ours.model.embed_tokens.weight.T
        for r in range(5):
            expected = theirs(torch.cat((head, body[r]))[None]).logits[0]
            torch.testing.assert_close(logits[:17], expected[:17], atol=2e-4, rtol=2e-4)
            torch.testing.assert_close(logits[17 + r * 23 : 17 + (r + 1) * 23], expected[17:], atol=2e-4, rtol=2e-4)


def test_gradient_of_a_shared_head_is_the_sum_over_rows(models):
    ours, theirs = models
    head = torch.randint(0, SHAPE.vocab_size, (9,))
    body = torch.randint(0, SHAPE.vocab_size, (4, 11))
    target = torch.randint(0, SHAPE.vocab_size, (44,))
    loss = ours.loss(head, body, torch.arange(9, 9 + 44), target, torch.ones(44))
    ours_grad = torch.autograd.grad(loss, ours.model.layers[0].self_attn.k_proj.weight)[0]
    logits = theirs(torch.cat((head.expand(4, -1), body), dim=1)).logits[:, 9:].reshape(44, -1)
    expected = torch.nn.functional.cross_entropy(logits, target, reduction='sum')
    theirs_grad = torch.autograd.grad(expected, theirs.model.layers[0].self_attn.k_proj.weight)[0]
    torch.testing.assert_close(loss, expected, atol=1e-3, rtol=1e-4)
    torch.testing.assert_close(ours_grad, theirs_grad, atol=1e-2, rtol=1e-3)
