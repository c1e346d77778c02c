"""Pretrains the starter model from nothing: corpus, tokenizer, training, export. One command, one recipe.

    python starter/pretrain.py                    as recorded in recipe.json
    python starter/pretrain.py --minutes 8        a short run; the learning rate follows the clock

It resumes by itself after an interruption; --fresh starts anew. Work files lie in .cache/pretrain.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import random
import shutil
import subprocess
import time
from collections import Counter
from pathlib import Path

import torch
from tokenizers import Tokenizer

from bpe import train_tokenizer
from decoder import Decoder, Shape
from documents import CorpusLine, Document, read_corpus, tokenize
from initial import initialise
from export import write_gguf, write_transformers
from training import Progress, Training, train

root = Path(__file__).resolve().parent.parent


def flags(options: dict[str, object]) -> list[str]:
    return [part for name, value in options.items() for part in (f'--{name}', str(value))]


def say(text: str) -> None:
    print(time.strftime('%H:%M:%S'), text, flush=True)


def write_corpus(folder: Path, options: dict[str, object], node: str) -> None:
    """Runs starter/corpus.ts."""
    shutil.rmtree(folder, ignore_errors=True)
    say('Writes the corpus.')
    subprocess.run([node, str(root / 'starter/corpus.ts'), '--out', str(folder), *flags(options)], check=True, cwd=root)


def check_run(work: Path, identity: dict[str, object]) -> None:
    """Lets a checkpoint go on only with the recipe and the corpus that it was made with."""
    file = work / 'run.json'
    if (work / 'checkpoint.pt').exists() and (not file.exists() or json.loads(file.read_text()) != identity):
        raise SystemExit(f'The checkpoint in {work} belongs to another recipe or corpus. Begin anew with --fresh, or name another folder with --work.')
    file.write_text(json.dumps(identity))


def digest(lines: list[CorpusLine]) -> str:
    total = hashlib.sha256()
    for line in lines:
        total.update(line.text.encode())
        total.update(b'\0')
    return total.hexdigest()[:16]


def split(documents: list[Document], held_out: int) -> tuple[list[Document], list[Document]]:
    """Holds the first `held_out` documents of each kind out; the corpus was shuffled before."""
    taken: Counter[str] = Counter()
    train_set: list[Document] = []
    held: list[Document] = []
    for document in documents:
        taken[document.kind] += 1
        (held if taken[document.kind] <= held_out else train_set).append(document)
    return train_set, held


def record(recipe: dict, lines: list[CorpusLine], documents: list[Document], shape: Shape, parameters: int, progress: Progress, args: argparse.Namespace, corpus: Path, corpus_digest: str) -> dict:
    kinds = sorted({d.kind for d in documents})
    counts = {
        kind: {
            'documents': sum(d.kind == kind for d in documents),
            'bodyTokens': sum(len(d.ids) for d in documents if d.kind == kind),
            'lossTokens': sum(int((d.weight > 0).sum()) for d in documents if d.kind == kind),
        }
        for kind in kinds
    }
    written = corpus / 'corpus.json'
    return {
        'recipe': recipe,
        'corpus': {'sha256': corpus_digest, 'counts': counts, **({'written': json.loads(written.read_text())} if written.exists() else {})},
        'parameters': parameters,
        'vocabulary': shape.vocab_size,
        'steps': progress.step,
        'tokens': progress.tokens,
        'hours': round(progress.seconds / 3600, 3),
        'minutesFlag': args.minutes,
        'machine': {
            'device': args.device,
            'processor': platform.processor() or platform.machine(),
            'threads': args.threads,
            'torch': torch.__version__,
            'python': platform.python_version(),
        },
        'curve': progress.curve,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--recipe', type=Path, default=root / 'starter/recipe.json')
    parser.add_argument('--work', type=Path, default=root / '.cache/pretrain', help='corpus, tokenizer, checkpoints, loss curve')
    parser.add_argument('--out', type=Path, default=root / 'starter', help='where weights/ and pretraining.json go')
    parser.add_argument('--corpus', type=Path, help='a folder of corpus files; without it the program writes the corpus')
    parser.add_argument('--node', default=shutil.which('node') or 'node', help='Node 24 or newer')
    parser.add_argument('--minutes', type=float, help='train for this long instead of for the token budget of the recipe')
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument('--threads', type=int, default=os.cpu_count() or 1)
    parser.add_argument('--compile', action='store_true', help='torch.compile; about a fifth faster, needs a C++ compiler')
    parser.add_argument('--fresh', action='store_true', help='forget the checkpoint')
    args = parser.parse_args()
    recipe = json.loads(args.recipe.read_text())
    seed = recipe['seed']
    torch.manual_seed(seed)
    args.work.mkdir(parents=True, exist_ok=True)
    if args.fresh:
        for name in ('checkpoint.pt', 'curve.jsonl', 'tokenizer.json', 'run.json'):
            (args.work / name).unlink(missing_ok=True)

    corpus = args.corpus or args.work / 'corpus'
    # Only an interrupted run keeps its corpus: the program that writes it may have changed since.
    if not args.corpus and not (corpus.exists() and (args.work / 'checkpoint.pt').exists()):
        write_corpus(corpus, recipe['corpus'], args.node)
    lines = read_corpus(corpus)
    corpus_digest = digest(lines)
    check_run(args.work, {'recipe': recipe, 'corpus': corpus_digest})
    random.Random(seed).shuffle(lines)
    say(f'{len(lines)} documents.')

    tokenizer_file = args.work / 'tokenizer.json'
    if tokenizer_file.exists() and (args.work / 'checkpoint.pt').exists():
        tokenizer = Tokenizer.from_file(str(tokenizer_file))
    else:
        sample = lines[: recipe['tokenizer']['texts']]
        tokenizer = train_tokenizer((line.text for line in sample), recipe['tokenizer']['vocab_size'])
        tokenizer.save(str(tokenizer_file))
    shape = Shape(vocab_size=tokenizer.get_vocab_size(), **recipe['shape'])
    training = Training(**recipe['training'])
    heads, documents = tokenize(lines, tokenizer, training.masked_weight, seed)
    longest = max(len(heads[d.head]) + len(d.ids) for d in documents)
    say(f'Vocabulary {shape.vocab_size}, {len(heads)} shared heads, {sum(len(d.ids) for d in documents)} body tokens, longest text {longest}.')
    documents_kept = [d for d in documents if len(heads[d.head]) + len(d.ids) <= shape.max_position_embeddings]
    train_set, held_out = split(documents_kept, training.held_out)

    model = Decoder(shape)
    initialise(model)
    parameters = sum(p.numel() for p in model.parameters())
    say(f'{parameters} parameters.')
    progress = train(
        model,
        train_set,
        held_out,
        heads,
        training,
        seed=seed,
        device=torch.device(args.device),
        folder=args.work,
        minutes=args.minutes,
        compiled=args.compile,
        threads=args.threads,
        say=say,
    )
    weights = {name: tensor.cpu() for name, tensor in model.state_dict().items()}
    write_transformers(args.out / 'weights', shape, weights, tokenizer)
    write_gguf(args.out / 'weights' / 'starter.gguf', 'AutoAct starter', shape, weights, tokenizer)
    result = record(recipe, lines, documents_kept, shape, parameters, progress, args, corpus, corpus_digest)
    (args.out / 'pretraining.json').write_text(json.dumps(result, indent=1) + '\n')
    say(f'Wrote {args.out / "weights"} and {args.out / "pretraining.json"}.')


if __name__ == '__main__':
    main()
