import assert from 'node:assert/strict';
import test from 'node:test';
import { Judge } from '../../../src/core/evaluate/judge.ts';
import { gradeSystem } from '../../../src/core/evaluate/questionScores.ts';
import { retriedScores } from '../../../src/core/evaluate/retried.ts';
import { createRandom } from '../../../src/core/run/random.ts';
import { answerRow, questionSet } from './rows.ts';
import type { AnswerRow } from '../../../src/core/evaluate/results.ts';

const questions = questionSet(20);
const scored = (rows: AnswerRow[], samples = 1): ReturnType<typeof retriedScores> =>
  retriedScores(gradeSystem(rows, questions, new Judge('f1', questions), samples), {
    random: createRandom('retried'),
    resamples: 1000,
  });

test('promise 15: answers that were asked for again are scored beside the others, with n and interval', () => {
  const rows = questions.map((q, i) =>
    answerRow(q, 'one', i < 12 ? { retries: 2, ...(i < 9 ? { prediction: 'elsewhere' } : {}) } : { retries: 0 }),
  );
  const found = scored(rows);
  assert.equal(found?.again.answers, 12);
  assert.equal(found.again.n, 12);
  assert.ok(Math.abs((found.again.score ?? 0) - 0.25) < 1e-9);
  assert.ok(found.again.interval !== null && found.again.interval.low < 0.25 && found.again.interval.high > 0.25);
  assert.equal(found.atOnce.answers, 48);
  assert.equal(found.atOnce.score, 1);
  // All are right: resampling shows no spread, and the interval still is not a point.
  assert.equal(found.atOnce.interval?.method, 'wilson');
});

test('several answers to a question count once, errors not at all', () => {
  const [first] = questions;
  assert.ok(first);
  const rows = [
    answerRow(first, 'one', { sample: 0, retries: 1 }),
    answerRow(first, 'one', { sample: 1, retries: 1, prediction: 'elsewhere' }),
    answerRow(first, 'one', {
      sample: 2,
      retries: 3,
      prediction: '',
      finished: false,
      error: { reason: 'server', message: 'lost' },
    }),
  ];
  assert.deepEqual(scored(rows, 3)?.again, { answers: 2, n: 1, score: 0.5, interval: null });
});

test('rows that do not say how often was asked give no figures', () => {
  assert.equal(scored(questions.map((q) => answerRow(q, 'one'))), undefined);
});
