import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { exactMatch, leadingYesNo, normaliseAnswer, tokenF1 } from '../../../src/core/evaluate/normalise.ts';
import { scoreAnswer } from '../../../src/core/evaluate/metrics.ts';

test('the cases of the research notes', () => {
  assert.equal(tokenF1('Barack Obama, Jr.', 'Obama'), 0.5);
  assert.equal(tokenF1('Yes, it is', 'yes'), 0);
  assert.equal(exactMatch('7,000 ft', '7000 ft'), true);
});

test('normalisation: case, punctuation, articles, spaces', () => {
  assert.equal(normaliseAnswer('  The  Cat,   and a DOG! '), 'cat and dog');
  assert.equal(normaliseAnswer('A'), '');
  assert.equal(normaliseAnswer('an-other'), 'another');
  // Punctuation goes before articles, as in the original: "the-cat" becomes one word and keeps its article.
  assert.equal(normaliseAnswer('the-cat'), 'thecat');
  assert.equal(normaliseAnswer('“The” cat'), '“ ” cat');
});

test('articles are whole words in every alphabet', () => {
  assert.equal(normaliseAnswer('ça va'), 'ça va');
  assert.equal(normaliseAnswer('Ilé Àṣẹ a'), 'ilé àṣẹ');
  assert.equal(normaliseAnswer('éa añ'), 'éa añ');
});

test('yes, no and noanswer score only when both sides are equal', () => {
  assert.equal(tokenF1('yes', 'yes'), 1);
  assert.equal(tokenF1('no', 'no way'), 0);
  assert.equal(tokenF1('no way', 'no'), 0);
  assert.equal(tokenF1('noanswer', 'noanswer found'), 0);
  assert.equal(tokenF1('yes sir', 'yes no'), 0.5);
});

test('repeated words are counted as often as both sides have them', () => {
  assert.equal(tokenF1('new new york', 'new york'), 0.8);
  assert.equal(tokenF1('x y', 'y x'), 1);
});

test('lenientYesNo is off by default and touches yes/no questions only', () => {
  assert.equal(scoreAnswer('f1', 'Yes, they are.', 'yes').score, 0);
  assert.equal(scoreAnswer('f1', 'Yes, they are.', 'yes', { lenientYesNo: true }).score, 1);
  assert.equal(scoreAnswer('em', '"No", neither', 'yes', { lenientYesNo: true }).score, 0);
  assert.equal(leadingYesNo('No Country for Old Men', 'No Country for Old Men'), 'No Country for Old Men');
  assert.equal(leadingYesNo('nobody', 'no'), 'nobody');
});

// Words that the rules treat specially, letters of several alphabets, and every sort of space.
const piece = fc.oneof(
  fc.constantFrom(
    'a',
    'an',
    'the',
    'The',
    'yes',
    'no',
    'noanswer',
    ' ',
    '  ',
    '\u0085',
    '\u001c',
    '\ufeff',
    '\u00a0',
    '\u3000',
    '-',
    '.',
    ',',
    "'",
    '_',
    '’',
    'é',
    'ñ',
    'İ',
    'ß',
    'Σ',
    '²',
    '٣',
    '中',
    'a\u0301',
    '😀',
    '7,000',
    'x',
  ),
  fc.string({ unit: 'grapheme', maxLength: 6 }),
);
const answer = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
const spaced = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(' '));

test('agrees with an independent implementation in Python on Unicode of every kind', (t) => {
  const pairs = fc.sample(fc.tuple(fc.oneof(answer, spaced), fc.oneof(answer, spaced)), { numRuns: 4000, seed: 11 });
  const peer = spawnSync('python3', [join(import.meta.dirname, 'peers/hotpot_peer.py')], {
    input: pairs.map((pair) => `${JSON.stringify(pair)}\n`).join(''),
    encoding: 'utf8',
    env: { ...process.env, PYTHONIOENCODING: 'utf-8' },
    maxBuffer: 1 << 26,
  });
  if (peer.error !== undefined) {
    t.skip('python3 is not on the PATH; the comparison with the Python implementation needs it.');
    return;
  }
  assert.equal(peer.status, 0, peer.stderr);
  const results = peer.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as [string, boolean, number]);
  assert.equal(results.length, pairs.length);
  pairs.forEach(([prediction, gold], i) => {
    const [normalised, em, f1] = results[i] as [string, boolean, number];
    const shown = JSON.stringify([prediction, gold]);
    assert.equal(normaliseAnswer(prediction), normalised, shown);
    assert.equal(exactMatch(prediction, gold), em, shown);
    assert.ok(Math.abs(tokenF1(prediction, gold) - f1) < 1e-12, shown);
  });
});

test('F1 is symmetric, lies in 0..1, and exact match implies F1 = 1 unless both answers are empty', () => {
  fc.assert(
    fc.property(answer, answer, (a, b) => {
      const f1 = tokenF1(a, b);
      assert.ok(f1 >= 0 && f1 <= 1);
      assert.ok(Math.abs(f1 - tokenF1(b, a)) < 1e-12);
      const own = tokenF1(a, `${a} `);
      assert.equal(own, normaliseAnswer(a) === '' ? 0 : 1);
      if (exactMatch(a, b) && normaliseAnswer(a) !== '') assert.equal(f1, 1);
    }),
  );
});

test('normalising twice changes nothing more, once articles are gone', () => {
  fc.assert(fc.property(answer, (a) => normaliseAnswer(normaliseAnswer(a)) === normaliseAnswer(a)));
});
