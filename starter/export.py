"""Writes the trained weights twice: a transformers folder for the trainer and a GGUF file for the embedded engine."""

from __future__ import annotations

import json
from pathlib import Path

import gguf
import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer

from bpe import BOS, EOS
from decoder import Shape

Weights = dict[str, torch.Tensor]


def write_transformers(folder: Path, shape: Shape, weights: Weights, tokenizer: Tokenizer) -> None:
    """config.json, model.safetensors (float16), tokenizer files: what AutoModelForCausalLM and AutoTokenizer load offline."""
    folder.mkdir(parents=True, exist_ok=True)
    bos, eos = tokenizer.token_to_id(BOS), tokenizer.token_to_id(EOS)
    config = {
        'architectures': ['LlamaForCausalLM'],
        'model_type': 'llama',
        **shape.as_dict(),
        'num_key_value_heads': shape.num_attention_heads,
        'head_dim': shape.head_dim,
        'hidden_act': 'silu',
        'attention_bias': False,
        'mlp_bias': False,
        'attention_dropout': 0.0,
        'initializer_range': 0.02,
        'tie_word_embeddings': True,
        'bos_token_id': bos,
        'eos_token_id': eos,
        'torch_dtype': 'float16',
        'use_cache': True,
    }
    _write_json(folder / 'config.json', config)
    _write_json(folder / 'generation_config.json', {'bos_token_id': bos, 'eos_token_id': eos, 'pad_token_id': eos})
    tokenizer_config = {
        'tokenizer_class': 'PreTrainedTokenizerFast',
        'bos_token': BOS,
        'eos_token': EOS,
        'pad_token': EOS,
        'add_bos_token': True,
        'clean_up_tokenization_spaces': False,
        'model_max_length': shape.max_position_embeddings,
    }
    _write_json(folder / 'tokenizer_config.json', tokenizer_config)
    tokenizer.save(str(folder / 'tokenizer.json'))
    file = folder / 'model.safetensors'
    save_file({name: _half(t) for name, t in weights.items()}, file, metadata={'format': 'pt'})
    # safetensors makes it readable for its owner alone; other users of a machine load the same weights.
    file.chmod(0o644)


def write_gguf(file: Path, name: str, shape: Shape, weights: Weights, tokenizer: Tokenizer) -> None:
    """One F16 file of architecture `llama`; norms stay F32, as llama.cpp wants them. Output matrix tied: not written."""
    writer = gguf.GGUFWriter(file, 'llama')
    writer.add_name(name)
    writer.add_type(gguf.GGUFType.MODEL)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_context_length(shape.max_position_embeddings)
    writer.add_embedding_length(shape.hidden_size)
    writer.add_block_count(shape.num_hidden_layers)
    writer.add_feed_forward_length(shape.intermediate_size)
    writer.add_head_count(shape.num_attention_heads)
    writer.add_head_count_kv(shape.num_attention_heads)
    writer.add_layer_norm_rms_eps(shape.rms_norm_eps)
    writer.add_rope_dimension_count(shape.head_dim)
    writer.add_rope_freq_base(shape.rope_theta)
    writer.add_vocab_size(shape.vocab_size)
    _add_tokenizer(writer, tokenizer)

    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, shape.num_hidden_layers)
    for source, tensor in weights.items():
        target = names.get_name(source, try_suffixes=('.weight',))
        if target is None:
            raise ValueError(f'llama.cpp has no name for the tensor {source}.')
        array = tensor.detach().float().numpy()
        if source.endswith(('q_proj.weight', 'k_proj.weight')):
            array = _interleave(array, shape.num_attention_heads)
        writer.add_tensor(target, array.astype(np.float16) if array.ndim == 2 else array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_tokenizer(writer: gguf.GGUFWriter, tokenizer: Tokenizer) -> None:
    vocab = tokenizer.get_vocab()
    tokens = sorted(vocab, key=vocab.__getitem__)
    control = {BOS, EOS}
    merges = json.loads(tokenizer.to_str())['model']['merges']
    writer.add_tokenizer_model('gpt2')
    writer.add_tokenizer_pre('smollm')
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.CONTROL if t in control else gguf.TokenType.NORMAL for t in tokens])
    writer.add_token_merges([m if isinstance(m, str) else ' '.join(m) for m in merges])
    writer.add_bos_token_id(vocab[BOS])
    writer.add_eos_token_id(vocab[EOS])
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)


def _interleave(rows: np.ndarray, heads: int) -> np.ndarray:
    """transformers keeps the two rotary halves apart, llama.cpp's `llama` architecture interleaves them."""
    return rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def _half(tensor: torch.Tensor) -> torch.Tensor:
    half = tensor.detach().to(torch.float16).contiguous()
    if not torch.isfinite(half).all():
        raise ValueError('A weight does not fit float16.')
    return half


def _write_json(file: Path, value: dict) -> None:
    file.write_text(json.dumps(value, indent=2) + '\n')
