import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { commonPrefix, place, type CachedSequence } from '../../../src/node/embedded/inference/prefixCache.ts';
import { rankingNeeded, sampleCandidate, seededDraws } from '../../../src/node/embedded/inference/sampling.ts';
import { StopText } from '../../../src/node/embedded/inference/stopText.ts';
import { TokenText } from '../../../src/node/embedded/inference/tokenText.ts';

describe('stop strings', () => {
  const whole = (text: string, stops: readonly string[]): string => {
    const found = stops.filter((stop) => stop !== '' && text.includes(stop)).map((stop) => text.indexOf(stop));
    return found.length === 0 ? text : text.slice(0, Math.min(...found));
  };
  it('cut at the first one however the text is divided, and nothing has to be taken back', () => {
    const letter = fc.constantFrom('a', 'b', '\n');
    fc.assert(
      fc.property(
        fc.array(fc.array(letter, { maxLength: 4 })),
        fc.array(fc.array(letter, { maxLength: 3 }), { maxLength: 3 }),
        (parts, stopParts) => {
          const stops = stopParts.map((part) => part.join(''));
          const pieces = parts.map((part) => part.join(''));
          const matcher = new StopText(stops);
          let shown = '';
          let stopped = false;
          for (const piece of pieces) {
            const result = matcher.push(piece);
            shown += result.text;
            if ((stopped = result.stopped)) break;
          }
          if (!stopped) shown += matcher.flush();
          // A stop string that begins later may be complete earlier; either is then the end.
          const expected = whole(pieces.join(''), stops);
          assert.ok(
            shown === expected ||
              (stopped && stops.some((stop) => stop !== '' && pieces.join('').startsWith(shown + stop))),
          );
          assert.ok(!stops.some((stop) => stop !== '' && shown.includes(stop)));
        },
      ),
    );
  });
});

describe('sampling', () => {
  const candidates = [4, 3, 2, 1].map((logit, token) => ({ token, logit }));
  const options = { temperature: 1, topP: 1, topK: 4, seed: 0 };
  const frequencies = (sampling: typeof options): number[] => {
    const draws = seededDraws(1, 0);
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 20_000; i++) {
      const token = sampleCandidate(candidates, sampling, draws());
      counts[token] = (counts[token] ?? 0) + 1;
    }
    return counts.map((count) => count / 20_000);
  };
  const softmax = (temperature: number, keep: number): number[] => {
    const weights = candidates.map(({ logit }, i) => (i < keep ? Math.exp(logit / temperature) : 0));
    const total = weights.reduce((a, b) => a + b, 0);
    return weights.map((weight) => weight / total);
  };
  const close = (a: number[], b: number[]): void =>
    a.forEach((value, i) => assert.ok(Math.abs(value - (b[i] ?? 0)) < 0.02, `${String(a)} against ${String(b)}`));

  it('follows the softmax at its temperature', () => {
    close(frequencies(options), softmax(1, 4));
    close(frequencies({ ...options, temperature: 0.5 }), softmax(0.5, 4));
  });
  it('applies top-p after the temperature, and keeps the token that crosses the line', () => {
    // At temperature 1 the best has 0.64, at 0.5 it has 0.86: the same limit keeps two tokens or one.
    close(frequencies({ ...options, topP: 0.75 }), softmax(1, 2));
    close(frequencies({ ...options, topP: 0.75, temperature: 0.5 }), softmax(0.5, 1));
  });
  it('is greedy at temperature 0, and asks for as much ranking as it needs', () => {
    assert.equal(sampleCandidate(candidates, { ...options, temperature: 0 }, 0.99), 0);
    assert.deepEqual(
      [rankingNeeded({ ...options, temperature: 0 }), rankingNeeded(options), rankingNeeded({ ...options, topK: 0 })],
      [1, 4, 'all'],
    );
    assert.equal(rankingNeeded({ ...options, topK: 0, topP: 0.9 }), 1024);
  });
  it('draws are uniform, repeatable, and differ between seeds and choices', () => {
    const first = (seed: number, choice: number): number[] => {
      const draw = seededDraws(seed, choice);
      return Array.from({ length: 5 }, draw);
    };
    assert.deepEqual(first(1, 0), first(1, 0));
    const all = [first(1, 0), first(2, 0), first(1, 1), first(2 ** 40 + 1, 0)].map(String);
    assert.equal(new Set(all).size, 4);
    const draw = seededDraws(3, 0);
    const mean = Array.from({ length: 10_000 }, draw).reduce((a, b) => a + b, 0) / 10_000;
    assert.ok(Math.abs(mean - 0.5) < 0.02);
  });
});

describe('token text', () => {
  // Bytes as tokens, a space in front that is dropped at the beginning of a text: what SentencePiece does.
  const model = {
    detokenize(tokens: readonly number[], _special?: boolean, last: readonly number[] = []): string {
      const text = Buffer.from(tokens).toString('utf8');
      return last.length === 0 ? text.replace(/^ /, '') : text;
    },
  };
  it('joins characters that are spread over tokens, and gives all text of any token sequence', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        // An unpaired surrogate has no bytes; a written U+FFFD cannot be told from a character that is incomplete.
        fc.pre(Buffer.from(text).toString() === text && !text.includes('\uFFFD'));
        const stream = new TokenText(model).stream();
        let joined = '';
        for (const byte of Buffer.from(text)) joined += stream.push(byte);
        assert.equal(joined + stream.flush(), text);
      }),
    );
  });
  it('gives invalid bytes up after the length of a character', () => {
    const stream = new TokenText(model).stream();
    const texts = [0xf0, 0x9f, 0x9f, 0x9f, 0x61].map((byte) => stream.push(byte));
    assert.ok(texts.join('').endsWith('a'));
  });
});

describe('prefix cache', () => {
  const sequence = (id: number, tokens: number[], busy = false, used = id): CachedSequence => ({
    id,
    tokens,
    busy,
    used,
  });
  const system = Array.from({ length: 100 }, (_, i) => i);
  const conversation = (n: number): number[] => [...system, ...Array.from({ length: 100 }, (_, i) => 1000 * n + i)];

  it('continues the sequence that holds the longest prefix', () => {
    const placed = place([sequence(0, conversation(1)), sequence(1, conversation(2))], 2, [...conversation(2), 7], 200);
    assert.deepEqual([placed?.sequence.id, placed?.reused, placed?.source], [1, 200, undefined]);
  });
  it('copies a shared beginning from a busy sequence', () => {
    const placed = place([sequence(0, conversation(1), true), sequence(1, [])], 2, conversation(2), 199);
    assert.deepEqual([placed?.sequence.id, placed?.source?.id, placed?.reused], [1, 0, 100]);
  });
  it('parks what would be lost before it takes the lowest sequence', () => {
    const placed = place(
      [sequence(0, conversation(1)), sequence(1, [], true), sequence(2, []), sequence(3, conversation(2))],
      2,
      [...conversation(2), 7],
      200,
    );
    assert.deepEqual([placed?.sequence.id, placed?.park?.id, placed?.source?.id, placed?.reused], [0, 2, 3, 200]);
  });
  it('never reuses the last token, never parks over its source, and waits when all are busy', () => {
    assert.equal(place([sequence(0, [], true)], 1, [1], 0), undefined);
    const tokens = fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 120 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(tokens, fc.boolean(), fc.nat(9)), { minLength: 1, maxLength: 8 }),
        fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 120 }),
        fc.nat(8),
        (states, prompt, active) => {
          const sequences = states.map(([held, busy, used], id) => sequence(id, held, busy && id < active, used));
          const placed = place(sequences, active, prompt, prompt.length - 1);
          const free = sequences.some((one) => one.id < active && !one.busy);
          assert.equal(placed !== undefined, free);
          if (placed === undefined) return;
          assert.ok(!placed.sequence.busy && placed.sequence.id < active);
          assert.ok(placed.reused < prompt.length);
          assert.ok(commonPrefix((placed.source ?? placed.sequence).tokens, prompt) >= placed.reused);
          assert.notEqual(placed.source, placed.sequence);
          if (placed.park !== undefined) assert.ok(placed.park.id >= active && placed.park !== placed.source);
        },
      ),
    );
  });
});
