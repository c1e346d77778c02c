"""How the next token is drawn. Temperature, then top_k, then top_p, as vLLM has it."""

import torch

from .parameters import Sampling


class Sampler:
    """One request's stream of tokens: the same seed and the same logits give the same tokens."""

    def __init__(self, sampling: Sampling) -> None:
        self.sampling = sampling
        self.random = torch.Generator().manual_seed(sampling.seed)

    def draw(self, logits: torch.Tensor) -> int:
        """`logits`: float32 (vocabulary,) on the CPU."""
        temperature, top_p, top_k = self.sampling.temperature, self.sampling.top_p, self.sampling.top_k
        if temperature < 1e-5:
            return int(logits.argmax())
        values, tokens = torch.sort(logits / temperature, descending=True, stable=True)
        if top_k > 0:
            values, tokens = values[:top_k], tokens[:top_k]
        sums = values.double().softmax(-1).cumsum(-1)
        # The first token is always kept, and so is the one with which the sum reaches top_p.
        kept = int((sums < top_p).sum()) + 1
        sums = sums[:kept]
        point = torch.rand((), dtype=torch.float64, generator=self.random) * sums[-1]
        return int(tokens[min(int(torch.searchsorted(sums, point, right=True)), len(sums) - 1)])
