"""Where pretraining starts from: random weights, with a copying circuit laid in the first two layers.

A model of this size has to copy invented names all day and needs millions of tokens to find out how. The circuit that
trained models end up with is well known (Olsson et al. 2022, In-context Learning and Induction Heads), so two layers
start near it, as in mimetic initialisation (Trockman and Kolter 2023); training is free to change every weight of it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from decoder import Decoder

#: Standard deviations of embeddings and of matrices.
EMBEDDING, MATRIX = 0.06, 0.03
#: Of a hidden state of 3 n coordinates, 2 n hold the token, two are constant, and the rest holds tokens that came before.
CONSTANTS = 2
CONSTANT = 7.0
#: Rotations slower than this many radians a token leave a match of contents recognisable across a whole prompt.
SLOW = 1.2e-3
#: So many of the fastest rotations tell neighbours apart.
FAST = 4


def initialise(model: Decoder) -> None:
    """Sets every weight; reads torch's global random state."""
    shape = model.shape
    for name, p in model.named_parameters():
        if p.dim() == 2:
            residual = name.endswith(('o_proj.weight', 'down_proj.weight'))
            nn.init.normal_(p, std=EMBEDDING if 'embed_tokens' in name else 0.0 if residual else MATRIX)
    if shape.num_hidden_layers >= 2 and shape.num_attention_heads >= 3:
        with torch.no_grad():
            _lay_copying(model)


def _lay_copying(model: Decoder) -> None:
    shape = model.shape
    width, size = shape.hidden_size, shape.head_dim
    content = 2 * width // 3
    constant = slice(width - CONSTANTS, width)
    half = size // 2
    rates = shape.rope_theta ** (-torch.arange(half, dtype=torch.float32) / half)
    slow = [i for i in range(half) if rates[i] < SLOW]
    slow = [*slow, *(half + i for i in slow)]
    # Each match uses half of the slow coordinates, and so much of a token is kept for later.
    kept = min(len(slow) // 2, (width - content - CONSTANTS) // 2)
    before = [slice(content + n * kept, content + (n + 1) * kept) for n in range(2)]
    basis = torch.linalg.qr(torch.randn(content, content)).Q

    tokens = model.model.embed_tokens.weight
    tokens[:, content:] *= 0.1
    tokens[:, constant] = CONSTANT * EMBEDDING
    rms = ((content * EMBEDDING**2 + CONSTANTS * (CONSTANT * EMBEDDING) ** 2) / width) ** 0.5
    own, one = EMBEDDING / rms, CONSTANT * EMBEDDING / rms

    def part(matrix: Tensor, head: int) -> Tensor:
        # Nothing random in these heads: it would drown what they look for.
        return matrix[head * size : (head + 1) * size].mul_(0.1)

    # Layer 1: heads that look one and two tokens back and note what stands there.
    attention = model.model.layers[0].self_attn
    for n in range(2):
        query, key, value = (part(p.weight, n) for p in (attention.q_proj, attention.k_proj, attention.v_proj))
        strength = 8.0 / (CONSTANTS * one)
        query[:FAST, constant] += strength
        key[:FAST, constant] += strength * ((n + 1) * rates[:FAST]).cos()[:, None]
        key[half : half + FAST, constant] += strength * ((n + 1) * rates[:FAST]).sin()[:, None]
        value[:kept, :content] += basis[:kept]
        attention.o_proj.weight[before[n], n * size : n * size + kept] += torch.eye(kept) * rms
    # Layer 2: heads that find where the last two tokens stood before, and copy what followed.
    attention = model.model.layers[1].self_attn
    for n in range(2):
        query, key, value = (part(p.weight, n) for p in (attention.q_proj, attention.k_proj, attention.v_proj))
        first, second = slow[:kept], slow[kept : 2 * kept]
        gain = 3.0 / own
        query[first, :content] += gain * basis[:kept]
        key[first, before[0]] += gain * torch.eye(kept)
        query[second, before[0]] += gain * torch.eye(kept)
        key[second, before[1]] += gain * torch.eye(kept)
        rows = basis[n * size : (n + 1) * size]
        value[: len(rows), :content] += rows
        attention.o_proj.weight[:content, n * size : n * size + len(rows)] += 6 * rms * rows.T
    # The first logits are small all the same.
    model.model.norm.weight.fill_(0.5)
