"""Byte-level BPE tokenizer of the starter model; pre-tokenisation is llama.cpp's `smollm` (GPT-2 words, single digits)."""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

BOS, EOS = '<s>', '</s>'


def _words() -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)]
    )


def _training_words() -> pre_tokenizers.PreTokenizer:
    """Finer cuts while merges are learned, so that two things hold for every text afterwards:
    a capitalised name has the same tokens after a space as after a bracket (it is copied token by token), and
    punctuation never merges (a prompt that ends at a cue has the tokens of the full text)."""
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.Split(Regex(r' (?=\p{Lu})'), 'isolated'),
            pre_tokenizers.Split(Regex(r'[^ \p{L}\p{N}]'), 'isolated'),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )


def train_tokenizer(texts: Iterable[str], vocab_size: int) -> Tokenizer:
    """Learns merges from `texts`. BOS is added by default when a text is encoded, EOS is not."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = _training_words()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[BOS, EOS],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.pre_tokenizer = _words()
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f'{BOS} $A', pair=f'{BOS} $A {BOS} $B', special_tokens=[(BOS, tokenizer.token_to_id(BOS))]
    )
    return tokenizer
