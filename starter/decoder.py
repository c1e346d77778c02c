"""A Llama decoder for pretraining, with the parameter names of transformers' LlamaForCausalLM.

Why not train LlamaForCausalLM itself: every document of one kind opens with the same prompt. Here that head runs
once a batch and all documents attend to it, which saves about a third of the work. `state_dict()` loads into
LlamaForCausalLM as it is (test_starter_decoder.py proves equal logits).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Shape:
    """Sizes of the model; the names are those of transformers' LlamaConfig."""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    max_position_embeddings: int
    rope_theta: float = 10000.0
    rms_norm_eps: float = 1e-5

    @property
    def head_dim(self) -> int:
        return self.hidden_size // self.num_attention_heads

    def as_dict(self) -> dict:
        return asdict(self)


class RMSNorm(nn.Module):
    def __init__(self, width: int, eps: float):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, (x.shape[-1],), self.weight, self.eps)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary embedding in the half-split layout of transformers. x: (tokens, heads, head_dim); cos, sin: (tokens, 1, head_dim / 2)."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)


class Attention(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        width = shape.hidden_size
        self.heads, self.head_dim = shape.num_attention_heads, shape.head_dim
        self.q_proj = nn.Linear(width, width, bias=False)
        self.k_proj = nn.Linear(width, width, bias=False)
        self.v_proj = nn.Linear(width, width, bias=False)
        self.o_proj = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, head: int, rows: int) -> Tensor:
        """x: (head + rows * length, width). The first `head` positions are shared by all rows."""
        n = x.shape[0]
        q = rotate(self.q_proj(x).view(n, self.heads, self.head_dim), cos, sin)
        k = rotate(self.k_proj(x).view(n, self.heads, self.head_dim), cos, sin)
        v = self.v_proj(x).view(n, self.heads, self.head_dim)

        def spread(t: Tensor) -> Tensor:
            body = t[head:].view(rows, -1, self.heads, self.head_dim)
            shared = t[:head].unsqueeze(0).expand(rows, -1, -1, -1)
            return torch.cat((shared, body), dim=1).transpose(1, 2)

        # Queries of the shared head are repeated too: a plain causal kernel over head + row is cheaper than a masked one.
        out = F.scaled_dot_product_attention(spread(q), spread(k), spread(v), is_causal=True).transpose(1, 2)
        width = self.heads * self.head_dim
        flat = torch.cat((out[0, :head].reshape(head, width), out[:, head:].reshape(n - head, width)))
        return self.o_proj(flat)


class Mlp(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.gate_proj = nn.Linear(shape.hidden_size, shape.intermediate_size, bias=False)
        self.up_proj = nn.Linear(shape.hidden_size, shape.intermediate_size, bias=False)
        self.down_proj = nn.Linear(shape.intermediate_size, shape.hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.self_attn = Attention(shape)
        self.mlp = Mlp(shape)
        self.input_layernorm = RMSNorm(shape.hidden_size, shape.rms_norm_eps)
        self.post_attention_layernorm = RMSNorm(shape.hidden_size, shape.rms_norm_eps)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, head: int, rows: int) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, head, rows)
        return x + self.mlp(self.post_attention_layernorm(x))


class Body(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.embed_tokens = nn.Embedding(shape.vocab_size, shape.hidden_size)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.num_hidden_layers))
        self.norm = RMSNorm(shape.hidden_size, shape.rms_norm_eps)


class Decoder(nn.Module):
    """Tied embeddings: `model.embed_tokens.weight` is also the output matrix."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        self.model = Body(shape)

    def hidden(self, shared: Tensor, body: Tensor) -> Tensor:
        """shared: (head,) token ids; body: (rows, length). Returns (head + rows * length, width), normalised."""
        head, (rows, length) = shared.shape[0], body.shape
        ids = torch.cat((shared, body.reshape(-1)))
        position = torch.cat(
            (
                torch.arange(head, device=ids.device),
                torch.arange(head, head + length, device=ids.device).repeat(rows),
            )
        )
        half = self.shape.head_dim // 2
        rate = self.shape.rope_theta ** (-torch.arange(half, device=ids.device, dtype=torch.float32) / half)
        angle = (position[:, None].float() * rate)[:, None, :]
        cos, sin = angle.cos(), angle.sin()
        x = self.model.embed_tokens(ids)
        for layer in self.model.layers:
            x = layer(x, cos, sin, head, rows)
        return self.model.norm(x)

    def loss(self, shared: Tensor, body: Tensor, where: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        """Weighted sum of token losses. where: indices into `hidden`'s rows; target, weight: one each."""
        x = self.hidden(shared, body).index_select(0, where)
        logits = F.linear(x, self.model.embed_tokens.weight).float()
        return (F.cross_entropy(logits, target, reduction='none') * weight).sum()

    def logits(self, ids: Tensor) -> Tensor:
        """ids: (length,). Returns (length, vocabulary)."""
        return F.linear(self.hidden(ids[:0], ids[None]), self.model.embed_tokens.weight)
