import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CandidateIndex } from '../../../src/core/dedupe/candidateIndex.ts';
import { ExactIndex } from '../../../src/core/dedupe/exactIndex.ts';
import { LcsProbe } from '../../../src/core/dedupe/lcs.ts';
import { measures } from '../../../src/core/dedupe/measure.ts';
import { NearDuplicates } from '../../../src/core/dedupe/nearDuplicates.ts';
import { wordsOf } from '../../../src/core/dedupe/vocabulary.ts';
import { similarity } from './brute.ts';

/** Few words, so that questions are alike often and repeat words. */
const word = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'of', 'the');
const question = fc.array(word, { maxLength: 12, size: 'max' });

test('property: the longest common subsequence is the textbook’s, across words of 32 bits too', () => {
  const probe = new LcsProbe();
  const number = fc.integer({ min: 0, max: 12 });
  fc.assert(
    fc.property(
      fc.array(number, { maxLength: 90, size: 'max' }),
      fc.array(number, { maxLength: 90, size: 'max' }),
      (a, b) => {
        probe.set(a);
        const expected = (similarity('rouge-l', a.map(String), b.map(String)) * (a.length + b.length)) / 2;
        assert.ok(Math.abs(probe.with(b) - expected) < 1e-9);
      },
    ),
    { numRuns: 300 },
  );
});

for (const measure of measures)
  test(`property: the exact index finds what comparing with all finds, and the first of them (${measure})`, () => {
    const thresholds = fc.constantFrom(0.3, 0.5, 0.7, 0.8, 0.9, 1);
    fc.assert(
      fc.property(fc.array(question, { maxLength: 250, size: 'max' }), thresholds, (questions, threshold) => {
        const index = new ExactIndex(measure, threshold);
        for (const [i, words] of questions.entries()) {
          const expected = questions.slice(0, i).findIndex((q) => similarity(measure, q, words) >= threshold);
          assert.equal(index.find(words) ?? -1, expected, `${words.join(' ')} at ${threshold}`);
          index.add(words);
        }
      }),
      { numRuns: 60 },
    );
  });

test('property: what the candidate index finds is alike, and it finds copies always', () => {
  fc.assert(
    fc.property(fc.array(question, { maxLength: 80, size: 'max' }), (questions) => {
      const index = new CandidateIndex('rouge-l', 0.7);
      for (const [i, words] of questions.entries()) {
        const found = index.find(words);
        if (found !== undefined) assert.ok(similarity('rouge-l', questions[found] ?? [], words) >= 0.7);
        const copy = questions.slice(0, i).some((q) => q.length > 0 && q.join(' ') === words.join(' '));
        if (copy) assert.notEqual(found, undefined);
        index.add(words);
      }
    }),
    { numRuns: 100 },
  );
});

test('beyond its limit the finder goes on with candidates and forgets nothing', () => {
  const near = new NearDuplicates('rouge-l', 0.7, 50);
  const text = (i: number): string[] =>
    wordsOf(`Which of the ${i} rivers flows past the ${i * 7} towns of land ${i * 13}?`);
  for (let i = 0; i < 200; i++) near.add(text(i * 31));
  for (let i = 0; i < 200; i++) assert.ok(near.has(text(i * 31)));
  assert.equal(near.has(wordsOf('Something else altogether')), false);
});

test('words are letters and digits of any script', () => {
  assert.deepEqual(wordsOf('Où est l’État n° 7?'), ['où', 'est', 'l', 'état', 'n', '7']);
  assert.deepEqual(wordsOf(' ?! '), []);
});
