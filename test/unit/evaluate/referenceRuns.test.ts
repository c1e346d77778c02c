import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { Judge } from '../../../src/core/evaluate/judge.ts';
import { normaliseAnswer } from '../../../src/core/evaluate/normalise.ts';
import { parseQuestion } from '../../../src/core/task/question.ts';

/** The paper's own 13B trajectories on its 300 questions: real predictions with stored EM and F1 (see the data's README). */
const data = join(import.meta.dirname, '../../../../shared/data');
const levels = ['easy', 'medium', 'hard'];
const absent = existsSync(data) ? false : 'the reference trajectories (../shared/data) are not on this machine';

interface Reference {
  question: string;
  answer: string;
  correct: boolean;
  reward: number;
  halted: boolean;
  prompt: string;
}

const lines = (file: string): string[] =>
  readFileSync(join(data, file), 'utf8')
    .split('\n')
    .filter((line) => line !== '');

/** The argument of the last Finish after the question; the prompt before it has Finish in its instructions. */
function lastFinish({ prompt, question }: Reference): string {
  const transcript = prompt.slice(prompt.indexOf(question) + question.length);
  return [...transcript.matchAll(/^Action: ?Finish\[(.*)\]\s*$/gm)].at(-1)?.[1] ?? '';
}

test('metrics agree with the official normalisation on every row of the reference runs', { skip: absent }, (t) => {
  const rows = levels.flatMap((level) => {
    const questions = new Map(
      lines(`hotpotqa-${level}.jsonl`)
        .map((line) => parseQuestion(JSON.parse(line)))
        .map((q) => [q.question, q]),
    );
    const judge = new Judge('f1', questions.values());
    return lines(`reference-13b-${level}.jsonl`).flatMap((line) => {
      const row = JSON.parse(line) as Reference;
      const question = questions.get(row.question);
      if (question === undefined) return [];
      const prediction = lastFinish(row);
      return [{ row, gold: question.answer, prediction, score: judge.score(question.id, prediction) }];
    });
  });
  assert.equal(rows.length, 300, 'every reference row has its gold');

  // First peer: the figures that the paper's code stored with each row.
  let exact = 0;
  for (const { row, score, prediction, gold } of rows) {
    assert.equal(row.answer, gold);
    assert.equal(score.em === 1, row.correct, `EM of ${JSON.stringify([prediction, gold])}`);
    assert.ok(
      Math.abs(score.f1 - row.reward) < 1e-9,
      `F1 of ${JSON.stringify([prediction, gold])}: ${score.f1}, stored ${row.reward}`,
    );
    exact += score.em;
  }

  // Second peer: the metric written anew in Python.
  const peer = spawnSync('python3', [join(import.meta.dirname, 'peers/hotpot_peer.py')], {
    input: rows.map(({ prediction, gold }) => `${JSON.stringify([prediction, gold])}\n`).join(''),
    encoding: 'utf8',
    env: { ...process.env, PYTHONIOENCODING: 'utf-8' },
  });
  if (peer.error === undefined) {
    assert.equal(peer.status, 0, peer.stderr);
    const results = peer.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as [string, boolean, number]);
    assert.equal(results.length, rows.length);
    rows.forEach(({ prediction, score }, i) => {
      const [normalised, em, f1] = results[i] as [string, boolean, number];
      assert.equal(normaliseAnswer(prediction), normalised);
      assert.equal(score.em === 1, em);
      assert.ok(Math.abs(score.f1 - f1) < 1e-12);
    });
  } else {
    t.diagnostic('python3 is not on the PATH; compared with the stored figures only.');
  }
  const f1 = rows.reduce((sum, { score }) => sum + score.f1, 0) / rows.length;
  t.diagnostic(
    `300 rows: EM ${((exact / 300) * 100).toFixed(2)}, F1 ${(f1 * 100).toFixed(2)}; without an answer: ${rows.filter(({ prediction }) => prediction === '').length}`,
  );
});
