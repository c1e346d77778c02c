"""Writes what the LoRA tests compare with: a tiny random Llama (grouped-query attention) as a Hugging Face folder and as
GGUF, PEFT adapters, and the log-probabilities that transformers gives with and without each.

Arguments: a folder with tokens.json, then model types (llama, qwen2, qwen3); each gets a folder of its own inside."""

import json
import math
import sys
from pathlib import Path

import gguf
import numpy as np
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM

torch.set_num_threads(1)
HEADS, KV, WIDTH, LAYERS, FFN = 4, 2, 64, 2, 128
tokens = json.loads((Path(sys.argv[1]) / "tokens.json").read_text())


def configuration(kind):
    return AutoConfig.for_model(
        kind, vocab_size=len(tokens["tokens"]), hidden_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
        num_key_value_heads=KV, intermediate_size=FFN, max_position_embeddings=512, head_dim=WIDTH // HEADS,
        tie_word_embeddings=False, rms_norm_eps=1e-5, bos_token_id=0, eos_token_id=1,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
    )  # fmt: skip


def fresh(config):
    torch.manual_seed(7)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name:
                parameter.copy_(1 + 0.1 * torch.randn_like(parameter))
            elif parameter.dim() == 1:
                parameter.copy_(0.1 * torch.randn_like(parameter))
            else:
                parameter.copy_(torch.randn_like(parameter) * (1.2 / math.sqrt(parameter.shape[-1])))
    return model


def permute(weight, heads):
    return weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:]).swapaxes(1, 2).reshape(weight.shape)


def write_gguf(kind, model, path):
    writer = gguf.GGUFWriter(path, kind)
    writer.add_context_length(512)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FFN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV)
    writer.add_key_length(WIDTH // HEADS)
    writer.add_value_length(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_rope_freq_base(10000.0)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens["tokens"])
    writer.add_token_types(tokens["types"])
    writer.add_token_merges(tokens["merges"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_add_bos_token(True)
    names = gguf.get_tensor_name_map({"llama": gguf.MODEL_ARCH.LLAMA, "qwen2": gguf.MODEL_ARCH.QWEN2, "qwen3": gguf.MODEL_ARCH.QWEN3}[kind], LAYERS)
    for name, value in model.state_dict().items():
        data = value.numpy()
        if kind == "llama" and name.endswith("q_proj.weight"):
            data = permute(data, HEADS)
        if kind == "llama" and name.endswith("k_proj.weight"):
            data = permute(data, KV)
        writer.add_tensor(names.get_name(name, try_suffixes=(".weight", ".bias")), np.ascontiguousarray(data))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


EVERY = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
ADAPTERS = {
    "qv": {"target_modules": ["q_proj", "v_proj"]},
    "seven": {"target_modules": EVERY},
    "rslora": {"target_modules": ["q_proj", "k_proj", "v_proj"], "use_rslora": True},
    "patterns": {"target_modules": EVERY, "rank_pattern": {"q_proj": 8, "layers.1.mlp.down_proj": 2}, "alpha_pattern": {"k_proj": 3, "up_proj": 40}},
}
SAMPLES = [[0] + [2 + (i * 37 + j * j * 11) % (len(tokens["tokens"]) - 2) for j in range(24)] for i in range(3)]


def logprobs(model):
    with torch.no_grad():
        scores = model(torch.tensor(SAMPLES)).logits.double().log_softmax(-1)
    return [[scores[i, j, sample[j + 1]].item() for j in range(len(sample) - 1)] for i, sample in enumerate(SAMPLES)]


def fill(out, kind):
    out.mkdir()
    config = configuration(kind)
    base = fresh(config)
    (out / "config.json").write_text(json.dumps(config.to_dict()))
    write_gguf(kind, base, out / "base.gguf")
    answers = {"samples": SAMPLES, "base": logprobs(base), "adapters": {}}
    for name, options in ADAPTERS.items() if kind == "llama" else [("seven", ADAPTERS["seven"])]:
        lora = LoraConfig(r=4, lora_alpha=16, lora_dropout=0.0, bias="none", task_type="CAUSAL_LM", **options)
        model = get_peft_model(fresh(config), lora).eval()
        torch.manual_seed(11)
        with torch.no_grad():
            for key, parameter in model.named_parameters():
                if "lora_B" in key:
                    parameter.copy_(torch.randn_like(parameter) * 0.1)
        model.save_pretrained(out / name)
        answers["adapters"][name] = logprobs(model)
    (out / "answers.json").write_text(json.dumps(answers))


for kind in sys.argv[2:]:
    fill(Path(sys.argv[1]) / kind, kind)
