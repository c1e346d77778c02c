"""Attention over a head and the branches that follow it. Each branch sees the head and itself, so the work grows with
the number of branches and not with its square, and the head is plain causal attention. Registered with transformers as
an attention of its own; without a layout it is transformers' scaled-dot-product attention as it stands."""

from dataclasses import dataclass

import torch
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask
from transformers.modeling_utils import AttentionInterface

NAME = "autoact_tree"


@dataclass(frozen=True, eq=False)
class TreeLayout:
    """As `tree.Layout`, with its mask as a tensor."""

    head: int
    branches: int
    width: int
    mask: torch.Tensor


def tree_attention(
    module: torch.nn.Module, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor,
    attention_mask: torch.Tensor | None, tree: TreeLayout | None = None, **kwargs: object,
) -> tuple[torch.Tensor, None]:  # fmt: skip
    """query (1, heads, t, d), key and value (1, kv heads, t, d) -> (1, t, heads, d)."""
    if tree is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **kwargs)
    head = tree.head
    parts = []
    if head > 0:
        first = (tensor[:, :, :head] for tensor in (query, key, value))
        parts.append(sdpa_attention_forward(module, *first, None, **kwargs)[0])
    if tree.width > 0:
        branches = _branches(query, tree), *(_with_head(tensor, tree) for tensor in (key, value))
        output = sdpa_attention_forward(module, *branches, tree.mask, **kwargs)[0]
        parts.append(output.reshape(1, tree.branches * tree.width, *output.shape[2:]))
    return torch.cat(parts, 1) if len(parts) > 1 else parts[0], None


def _branches(tensor: torch.Tensor, tree: TreeLayout) -> torch.Tensor:
    """(1, heads, t, d) -> (branches, heads, width, d)"""
    heads, size = tensor.shape[1], tensor.shape[3]
    return tensor[0, :, tree.head :].reshape(heads, tree.branches, tree.width, size).transpose(0, 1)


def _with_head(tensor: torch.Tensor, tree: TreeLayout) -> torch.Tensor:
    """(1, heads, t, d) -> (branches, heads, head + width, d)"""
    return torch.cat([tensor[:, :, : tree.head].expand(tree.branches, -1, -1, -1), _branches(tensor, tree)], 2)


def register() -> None:
    AttentionInterface.register(NAME, tree_attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)
