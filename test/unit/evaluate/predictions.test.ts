import assert from 'node:assert/strict';
import test from 'node:test';
import { EvaluationError } from '../../../src/core/evaluate/evaluationError.ts';
import {
  matchPredictions,
  parsePredictions,
  parseQuestions,
  renderPredictionReport,
  scorePredictions,
} from '../../../src/core/evaluate/predictions.ts';
import { createRandom } from '../../../src/core/run/random.ts';
import type { Metric } from '../../../src/core/evaluate/metrics.ts';

const questions = [
  { id: '1', question: 'Who wrote the Ode?', answer: 'Ana Brel', level: 'easy' },
  { id: '2', question: 'Where is Orvale?', answer: 'Sarn', level: 'easy' },
  { id: '3', question: 'Is it old?', answer: 'yes', level: 'hard' },
].map((row) => JSON.stringify(row));

const score = (predictions: object[], metric: Metric = 'f1', asked = questions) =>
  scorePredictions(
    { predictions: predictions.map((row) => JSON.stringify(row)), questions: asked, metric, random: createRandom(1) },
    { resamples: 200 },
  );

test('matches by id or by the words of the question, and gives figures by level', () => {
  const report = score([
    { id: 1, prediction: 'Brel' },
    { question: 'where is  ORVALE', prediction: 'Sarn.' },
    { id: '3', prediction: 'no' },
  ]);
  assert.deepEqual(
    report.cells.map(({ level, n }) => [level, n]),
    [
      ['easy', 2],
      ['hard', 1],
      ['all', 3],
    ],
  );
  assert.ok(Math.abs(report.cells[0]!.score! - (2 / 3 + 1) / 2) < 1e-12);
  assert.equal(report.cells[2]?.em, 1 / 3);
  assert.deepEqual(report.problems, []);
  assert.match(renderPredictionReport(report), /^level +n +score/);
});

test('what is missing, repeated or unmatched is said, with lines', () => {
  const report = score([
    { id: '1', prediction: 'Ana Brel' },
    { id: '1', prediction: 'someone' },
    { id: '9', prediction: 'x' },
    { id: '2', prediction: null },
  ]);
  assert.equal(report.cells.at(-1)?.score, 0.25);
  assert.equal(report.cells.at(-1)?.missing, 1);
  assert.equal(report.problems.length, 3);
  assert.match(report.problems[0]!, /1 of 3 questions have no prediction \(3\)/);
  assert.match(report.problems[1]!, /1: lines 1 and 2/);
  assert.match(report.problems[2]!, /line 3: 9/);
  assert.match(renderPredictionReport(report), /Note: 1 of 3/);
});

test('bad lines are refused with file, line and remedy', () => {
  const refused = (run: () => unknown, pattern: RegExp): void =>
    assert.throws(run, (error) => error instanceof EvaluationError && pattern.test(error.message));
  refused(
    () => parsePredictions(['{"id":"1","prediction":"x"}', '', '{"id": ']),
    /predictions, line 3: not valid JSON/,
  );
  refused(() => parsePredictions(['{"id":"1"}'], 'p.jsonl'), /p\.jsonl, line 1: needs "prediction"/);
  refused(() => parsePredictions(['{"prediction":"x"}']), /"id" or "question"/);
  refused(() => parsePredictions(['[]']), /line 1/);
  refused(() => parseQuestions(['{"question":"Who?"}']), /questions, line 1: "answer"/);
  refused(() => score([{ id: '77', prediction: 'x' }]), /None of the 1 predictions/);
  refused(() => score([{ id: '1', prediction: 'x' }], 'choice'), /names none of the 0 options/);
});

test('blank lines and a byte order mark are no data; numbers and booleans are text', () => {
  assert.deepEqual(
    parsePredictions(['\uFEFF{"id":1,"prediction":1874}', ' ', '{"id":2,"prediction":true}']).map(
      ({ id, prediction }) => [id, prediction],
    ),
    [
      ['1', '1874'],
      ['2', 'true'],
    ],
  );
});

test('a question text that occurs twice matches nothing; its id does', () => {
  const twice = parseQuestions([
    '{"id":"a","question":"Who?","answer":"x"}',
    '{"id":"b","question":"who","answer":"y"}',
  ]);
  const matched = matchPredictions(
    parsePredictions(['{"question":"Who?","prediction":"x"}', '{"id":"b","question":"Who?","prediction":"y"}']),
    twice,
  );
  assert.deepEqual(matched.missing, ['a']);
  assert.equal(matched.unmatched.length, 1);
});

test('multiple choice', () => {
  const asked = [JSON.stringify({ id: '1', question: 'Which?', answer: 'B', choices: ['Boston', 'Dover'] })];
  assert.equal(score([{ id: '1', prediction: '(b)' }], 'choice', asked).cells.at(-1)?.score, 1);
});
