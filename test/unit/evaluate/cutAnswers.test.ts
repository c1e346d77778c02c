import assert from 'node:assert/strict';
import test from 'node:test';
import { cutAnswers } from '../../../src/core/evaluate/cutAnswers.ts';
import { Judge } from '../../../src/core/evaluate/judge.ts';
import { gradeSystem } from '../../../src/core/evaluate/questionScores.ts';
import type { AnswerRow } from '../../../src/core/evaluate/results.ts';
import { answerRow, questionSet } from './rows.ts';

const questions = questionSet(4);
const counted = (rows: AnswerRow[]) => cutAnswers(gradeSystem(rows, questions, new Judge('f1', questions), 1));

test('completions that ended at their limit are counted with the answers that they led to, and how those score', () => {
  const rows = questions.map((q, i) =>
    answerRow(q, 'one', { cut: i < 3 ? 2 : 0, ...(i === 0 ? { prediction: 'elsewhere' } : {}) }),
  );
  assert.deepEqual(counted(rows), { completions: 6, answers: 3, score: 2 / 3, of: 12 });
  assert.deepEqual(counted(questions.map((q) => answerRow(q, 'one', { cut: 0 }))), {
    completions: 0,
    answers: 0,
    score: null,
    of: 12,
  });
});

test('rows that do not say it give no figures', () => {
  assert.equal(counted(questions.map((q, i) => answerRow(q, 'one', i === 0 ? {} : { cut: 1 }))), undefined);
});
