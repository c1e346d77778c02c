"""The starter model can copy before it has learned anything."""

import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'starter'))
from decoder import Decoder, Shape
from initial import initialise

SHAPE = Shape(
    vocab_size=3000,
    hidden_size=192,
    intermediate_size=256,
    num_hidden_layers=3,
    num_attention_heads=3,
    max_position_embeddings=512,
    rope_theta=1e7,
)


def test_what_stood_before_is_repeated():
    torch.manual_seed(0)
    model = Decoder(SHAPE)
    initialise(model)
    first = torch.randint(0, SHAPE.vocab_size, (100,))
    with torch.no_grad():
        logits = model.logits(torch.cat((first, first)))
    # A position of the second half has seen one and two tokens of it, so it can tell where it is.
    right = (logits[102:199].argmax(-1) == first[3:]).float().mean()
    assert right > 0.8
    # Without anything to copy, the model starts near the uniform distribution.
    nothing = torch.nn.functional.cross_entropy(logits[:99], first[1:])
    assert nothing < 1.1 * torch.log(torch.tensor(float(SHAPE.vocab_size)))


def test_a_shape_without_room_for_it_starts_at_random():
    model = Decoder(Shape(vocab_size=50, hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2, max_position_embeddings=64))
    initialise(model)
    assert all(torch.isfinite(p).all() for p in model.parameters())
