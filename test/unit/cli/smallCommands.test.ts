import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { cliFolder, questions } from './support.ts';

const { folder, cli, writeTask } = cliFolder();

test('score prints the figures of a prediction file', async () => {
  writeTask('g', 'http://127.0.0.1:9/v1');
  writeFileSync(
    join(folder, 'p.jsonl'),
    questions.map((q, i) => `${JSON.stringify({ id: q.id, prediction: i < 6 ? q.answer : 'nothing' })}\n`).join(''),
  );
  const ended = await cli([
    'score',
    '--predictions',
    'p.jsonl',
    '--questions',
    'questions.jsonl',
    '--metric',
    'em',
    '--json',
  ]);
  assert.equal(ended.code, 0, ended.err);
  const report = JSON.parse(ended.out) as { cells: { level: string; n: number; score: number }[] };
  assert.deepEqual(
    report.cells.map((c) => [c.level, c.n, c.score]),
    [
      ['easy', 6, 1],
      ['hard', 6, 0],
      ['all', 12, 0.5],
    ],
  );
});

test('world writes pages, questions and a card that loads', async () => {
  const ended = await cli(['world', '--seed', '7', '--questions', '5', '--json']);
  assert.equal(ended.code, 0, ended.err);
  const made = JSON.parse(ended.out) as { pages: number; questions: number; card: string };
  assert.ok(made.pages > 900);
  assert.equal(made.questions, 15);
  assert.ok(existsSync(made.card));
});

test('a tool is called by hand; one that cannot be used says why, and one that is none which there are', async () => {
  const task = writeTask('tools', 'http://127.0.0.1:9/v1');
  const call = (action: string) => cli(['tools', '--task', task, '--call', action]);
  assert.match((await call('Retrieve[Mira Torvel]')).out, /born in Arden/);
  for (const [action, message] of [
    ['Database[SELECT 1]', /Database cannot be used: No provider is configured\..*"provider": "sqlite"/s],
    ['Nothing[x]', /There is no tool Nothing\..*Retrieve/s],
  ] as const) {
    const ended = await call(action);
    assert.deepEqual([ended.code, ended.out], [3, ''], ended.err);
    assert.match(ended.err, message);
  }
});
