import assert from 'node:assert/strict';
import test from 'node:test';
import { inspect } from 'node:util';
import { EvaluationError } from '../../../src/core/evaluate/evaluationError.ts';
import { Judge } from '../../../src/core/evaluate/judge.ts';
import { parseQuestion, toPublic } from '../../../src/core/task/question.ts';

test('a public question never carries gold or any field that is not named', () => {
  const row = {
    id: 7,
    question: 'Who?',
    answer: 'SECRET',
    level: 'hard',
    type: 'bridge',
    choices: ['x', 'SECRET'],
    supporting: ['SECRET'],
    hops: [],
    gold: 'SECRET',
  };
  assert.deepEqual(toPublic(parseQuestion(row)), {
    id: '7',
    question: 'Who?',
    level: 'hard',
    type: 'bridge',
    choices: ['x', 'SECRET'],
  });
  // Also when the object at hand has more than its type says.
  const careless = { ...row, id: '7', choices: ['x'], context: 'SECRET' };
  assert.equal(JSON.stringify(toPublic(careless)).includes('SECRET'), false);
});

test('a question without id is known by its text, without level by "all"', () => {
  assert.deepEqual(parseQuestion({ question: 'Who?', answer: 'x' }), {
    id: 'Who?',
    question: 'Who?',
    answer: 'x',
    level: 'all',
  });
  assert.throws(() => parseQuestion({ question: 'Who?' }));
});

test('the judge gives scores and never spills gold', () => {
  const judge = new Judge('f1', [{ id: 'a', question: 'Who?', answer: 'Ada Lovelace', level: 'easy' }]);
  assert.deepEqual(judge.score('a', 'Lovelace'), { score: 2 / 3, em: 0, f1: 2 / 3 });
  assert.equal(judge.has('a'), true);
  assert.equal(JSON.stringify(judge).includes('Ada'), false);
  assert.equal(inspect(judge, { depth: 9, showHidden: true }).includes('Ada'), false);
});

test('unknown and repeated questions, and gold that names no option, are refused by name', () => {
  const question = { id: 'a', question: 'Who?', answer: 'x', level: 'easy' };
  const judge = new Judge('em', [question]);
  assert.throws(
    () => judge.score('b', 'x'),
    (error) => EvaluationError.is(error, 'unknown-question') && error.message.includes('"b"'),
  );
  assert.throws(
    () => new Judge('em', [question, question]),
    (error) => EvaluationError.is(error, 'bad-question'),
  );
  assert.throws(
    () => new Judge('choice', [{ ...question, choices: ['p', 'q'] }]),
    (error) => EvaluationError.is(error, 'bad-question'),
  );
});

test('answers are the same answer under the metric’s own rules', () => {
  const judge = new Judge('f1', [{ id: 'a', question: 'Who?', answer: 'x', level: 'easy' }]);
  assert.equal(judge.answerKey('a', 'The Nile.'), judge.answerKey('a', 'nile'));
  const choice = new Judge('choice', [{ id: 'a', question: 'Who?', answer: 'B', level: 'easy', choices: ['p', 'q'] }]);
  assert.equal(choice.answerKey('a', '(b)'), choice.answerKey('a', 'q'));
  assert.equal(choice.answerKey('a', 'neither'), '');
});
