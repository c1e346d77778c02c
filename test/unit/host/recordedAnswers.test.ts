import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { AnswerRow } from '../../../src/core/evaluate/results.ts';
import { outcomeOf, readAnswers, systemsOf } from '../../../src/host/testing/recordedAnswers.ts';

const row = (over: Partial<AnswerRow>): AnswerRow => ({
  questionId: 'q1',
  level: 'easy',
  system: 'autoact',
  sample: 0,
  prediction: 'Velm',
  finished: true,
  steps: 2,
  toolCalls: 1,
  promptTokens: 10,
  completionTokens: 4,
  trajectory: 'evaluation/autoact/q1/0',
  seed: 1,
  ...over,
});
const gold = { answer: 'Arden' };
let folder: string;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'autoact-answers-'));
  mkdirSync(join(folder, 'evaluation'));
  const lines = (values: readonly unknown[]): string => values.map((value) => `${JSON.stringify(value)}\n`).join('');
  const rows = [row({}), row({ sample: 1, prediction: 'Arden' }), row({ questionId: 'q2', prediction: 'Arden' })];
  writeFileSync(join(folder, 'evaluation', 'autoact.jsonl'), `${lines(rows)}{"torn":`);
  const scores = [
    { questionId: 'q1', system: 'autoact', sample: 0, em: 0, f1: 0, score: 0 },
    { questionId: 'q1', system: 'autoact', sample: 1, em: 1, f1: 1, score: 1 },
    { questionId: 'q2', system: 'autoact', sample: 0, em: 1, f1: 1, score: 1 },
  ];
  writeFileSync(join(folder, 'evaluation', 'autoact.scores.jsonl'), lines(scores));
  writeFileSync(join(folder, 'evaluation', 'zero-shot.jsonl'), '');
});
after(() => {
  rmSync(folder, { recursive: true });
});

test('answers come from disk, the first of several samples, and the trained group first', async () => {
  assert.deepEqual(await systemsOf(folder), ['autoact', 'zero-shot']);
  assert.deepEqual(await systemsOf(join(folder, 'nowhere')), []);
  const answers = await readAnswers(folder, 'autoact');
  assert.deepEqual(
    [...answers].map(([id, { score }]) => [id, score]),
    [
      ['q1', 0],
      ['q2', 1],
    ],
  );
});

test('a wrong answer fails with expected against actual', () => {
  const outcome = outcomeOf({ row: row({ prediction: 'Velm\u202e' }), score: 0 }, gold);
  assert.ok(outcome.state === 'failed');
  assert.deepEqual([outcome.expected, outcome.actual], ['Arden', 'Velm\\u{202E}']);
  assert.match(outcome.message, /^Wrong answer; score 0$/);
});

test('a plan that was halted without an answer fails, too: it is the plan’s own doing', () => {
  const outcome = outcomeOf({ row: row({ prediction: '', finished: false, halted: 'steps' }), score: 0 }, gold);
  assert.ok(outcome.state === 'failed');
  assert.match(outcome.message, /No answer, halted \(steps\)/);
  assert.equal(outcome.actual, '(none)');
});

test('a server or tool that failed is an error and no failure', () => {
  const failed = row({
    prediction: '',
    finished: false,
    error: { reason: 'timeout', message: 'no answer within 120 s' },
  });
  assert.deepEqual(outcomeOf({ row: failed, score: undefined }, gold), {
    state: 'errored',
    trajectory: failed.trajectory,
    message: 'timeout: no answer within 120 s',
  });
});

test('an answer without a score is an error; a right one passes', () => {
  assert.equal(outcomeOf({ row: row({}), score: undefined }, gold).state, 'errored');
  assert.equal(outcomeOf({ row: row({}), score: 1 }, gold).state, 'passed');
  const partly = outcomeOf({ row: row({}), score: 0.5 }, gold);
  assert.ok(partly.state === 'failed' && partly.message.startsWith('Partly right'));
});
