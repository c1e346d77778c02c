import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { extractChoice, goldChoice } from '../../../src/core/evaluate/choice.ts';
import { scoreAnswer } from '../../../src/core/evaluate/metrics.ts';
import { EvaluationError } from '../../../src/core/evaluate/evaluationError.ts';

const capitals = ['Boston', 'Dover', 'New York City', 'Little Rock'];
const fixed = (prediction: string, choices = capitals): [number | undefined, string] => {
  const made = extractChoice(prediction, choices, 'fixed');
  return [made.index, made.rule];
};

test('fixed: letters in every usual dress', () => {
  for (const text of [
    'B',
    'b',
    '(B)',
    'B.',
    'b)',
    ' B ',
    '`B`',
    '(b) dover',
    'B. Dover',
    'option B',
    'the answer is B',
    'The answer is (B).',
    'Answer: B',
    'I choose option b',
  ]) {
    assert.deepEqual(fixed(text), [1, 'letter'], text);
  }
});

test('fixed: a letter out of range, an article and silence are no letters', () => {
  assert.deepEqual(fixed('F'), [undefined, 'none']);
  assert.deepEqual(fixed(''), [undefined, 'none']);
  assert.deepEqual(fixed('...'), [undefined, 'none']);
  assert.deepEqual(fixed('the answer is a city'), [undefined, 'none']);
});

test('fixed: text, containment, overlap, and no guess between equals', () => {
  assert.deepEqual(fixed('dover'), [1, 'text']);
  assert.deepEqual(fixed('It must be Little Rock, I think'), [3, 'contained']);
  assert.deepEqual(fixed('Boston or Dover'), [undefined, 'none']);
  assert.deepEqual(fixed('York City'), [2, 'overlap']);
  assert.deepEqual(fixed('the big rock'), [undefined, 'none']);
  assert.deepEqual(fixed('New York City', ['York', 'New York City']), [1, 'text']);
  assert.deepEqual(fixed('surely New York City', ['York', 'New York City']), [1, 'contained']);
  assert.deepEqual(fixed('1.5 m', ['1.5 m', '15 m']), [0, 'text']);
});

test('fixed: an option whose text is a letter is not confused with the letter of another', () => {
  assert.deepEqual(fixed('A', ['C', 'B', 'A']), [2, 'text']);
});

test('reference: the faults of the published code are kept', () => {
  const reference = (prediction: string): [number | undefined, string] => {
    const made = extractChoice(prediction, capitals, 'reference');
    return [made.index, made.rule];
  };
  assert.deepEqual(reference('B'), [1, 'reference-letter']);
  assert.deepEqual(reference('b'), [0, 'reference-overlap']);
  assert.deepEqual(reference(''), [0, 'reference-overlap']);
  assert.deepEqual(reference('(b) dover'), [1, 'reference-overlap']);
  assert.deepEqual(reference('DOVER'), [1, 'reference-text']);
  assert.deepEqual(reference('E'), [0, 'reference-overlap']);
});

test('gold is a letter or a text; a question whose gold names no option is refused', () => {
  assert.equal(goldChoice('B', capitals), 1);
  assert.equal(goldChoice('(c)', capitals), 2);
  assert.equal(goldChoice('little rock', capitals), 3);
  assert.equal(goldChoice('A', ['x', 'a']), 1);
  assert.throws(
    () => scoreAnswer('choice', 'B', 'E', { choices: capitals }),
    (error) => EvaluationError.is(error, 'bad-question'),
  );
  assert.deepEqual(scoreAnswer('choice', 'dover', 'B', { choices: capitals }), {
    score: 1,
    em: 1,
    f1: 1,
    rule: 'text',
  });
  assert.deepEqual(scoreAnswer('choice', 'b', 'A', { choices: capitals, choiceMode: 'reference' }), {
    score: 1,
    em: 1,
    f1: 1,
    rule: 'reference-overlap',
  });
  // Two options with the same words are the same answer.
  assert.equal(scoreAnswer('choice', 'B', 'A', { choices: ['cat', 'Cat'] }).score, 1);
});

test('whatever a model says, an option is in range or there is none, and the right letter always counts', () => {
  const texts = fc.array(fc.string({ unit: 'grapheme', maxLength: 12 }), { minLength: 2, maxLength: 5 });
  fc.assert(
    fc.property(texts, fc.string({ unit: 'grapheme', maxLength: 30 }), (choices, said) => {
      const { index, rule } = extractChoice(said, choices, 'fixed');
      assert.ok(index === undefined ? rule === 'none' : index >= 0 && index < choices.length && rule !== 'none');
      const published = extractChoice(said, choices, 'reference');
      assert.ok(published.index !== undefined && published.index >= 0 && published.index < choices.length);
    }),
  );
  fc.assert(
    fc.property(fc.nat(3), (right) => {
      const letter = 'ABCD'.charAt(right);
      assert.equal(extractChoice(letter, capitals, 'fixed').index, right);
      assert.equal(extractChoice(`(${letter.toLowerCase()})`, capitals, 'fixed').index, right);
    }),
  );
});
