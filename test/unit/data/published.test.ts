import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { pythonJson, readPublishedLine, renderPublishedLine } from '../../../src/core/data/publishedTrajectory.ts';
import { replayPublished } from '../../../src/core/data/replayPublished.ts';
import { modes } from '../../../src/core/pipeline/mode.ts';
import { referenceSettings } from '../../../src/core/pipeline/settings.ts';
import { planningInput } from '../../doubles/planning.ts';

const data = join(import.meta.dirname, '../../../../shared/data');
const absent = existsSync(data) ? false : 'the reference trajectories (../shared/data) are not on this machine';
const levels = ['easy', 'medium', 'hard'] as const;
const linesOf = (level: string): string[] =>
  readFileSync(join(data, `reference-13b-${level}.jsonl`), 'utf8')
    .split('\n')
    .slice(0, -1);
const input = planningInput({ mode: modes.reference, maxPromptChars: referenceSettings.maxPromptChars });

test(
  'all 300 published trajectories are imported without loss and rendered to the same bytes',
  { skip: absent },
  () => {
    let steps = 0;
    for (const level of levels) {
      const file = readFileSync(join(data, `reference-13b-${level}.jsonl`));
      const rows = linesOf(level).map((line, i) => readPublishedLine(line, `${level}/${i}`));
      assert.equal(rows.length, 100);
      assert.ok(
        rows.every((row) => row.score.line === undefined),
        'no line had to be kept as it is',
      );
      steps += rows.reduce((sum, row) => sum + row.trajectory.steps.length, 0);
      const again = Buffer.from(rows.map((row) => `${renderPublishedLine(row)}\n`).join(''));
      assert.ok(again.equals(file), `${level}: the same bytes`);
      for (const { trajectory } of rows) {
        assert.doesNotMatch(
          JSON.stringify(trajectory),
          /Answer is (?:IN)?CORRECT/,
          'a trajectory does not tell its score',
        );
      }
    }
    assert.equal(steps, 1481, 'thought, action and observation of every step');
  },
);

test('reference mode replays all 300 step for step to the same halts, verdicts and scores', { skip: absent }, (t) => {
  const seen = { rows: 0, halts: 0, rejected: 0, illegal: 0 };
  for (const level of levels)
    for (const [i, line] of linesOf(level).entries()) {
      const row = readPublishedLine(line, `${level}/${i}`);
      const { differences, trajectory } = replayPublished(row, input);
      assert.deepEqual(differences, [], row.trajectory.id);
      seen.rows++;
      if (trajectory?.halt !== undefined) seen.halts++;
      seen.rejected += trajectory?.answers.filter((a) => a.verdict === 'wrong').length ?? 0;
      seen.illegal += trajectory?.steps.filter((s) => s.parse === 'failed').length ?? 0;
    }
  // What the rows are known to hold, so that agreement about nothing is not taken for agreement.
  assert.deepEqual(seen, { rows: 300, halts: 2, rejected: 13, illegal: 32 });
  t.diagnostic(JSON.stringify(seen));
});

test('a replay finds what was changed in a recording', { skip: absent }, () => {
  const row = readPublishedLine(linesOf('easy')[0] ?? '', 'easy/0');
  const { trajectory } = row;
  const changed = (steps: typeof trajectory.steps, fields = row.score.fields): readonly string[] =>
    replayPublished({ trajectory: { ...trajectory, steps }, score: { ...row.score, fields } }, input).differences;
  assert.match(changed(trajectory.steps.slice(0, -1)).join(), /goes on where the recording has ended/);
  assert.match(changed([...trajectory.steps, trajectory.steps[0]!]).join(), /ends where the recording goes on/);
  assert.match(changed(trajectory.steps, { ...row.score.fields, reward: 0.5 }).join(), /F1 is not 0.5/);
  assert.match(changed(trajectory.steps, { ...row.score.fields, correct: true }).join(), /exact match/);
  const fixed = replayPublished(row, { ...input, options: { ...input.options, maxSteps: 2 } });
  assert.notEqual(fixed.differences.length, 0);
});

const base = { question: 'Who?', answer: 'Ada', correct: true, reward: 1, halted: false, error: false };
const transcript =
  'Head Question: Who?\n\n\nThought: t\nAction: Finish[Ada]\nObservation: Please reflect your answer.\nThought: u\nAction: Reflect[right]\nObservation: Answer is CORRECT';

test('a line of another writer is kept as it is, and still parsed', () => {
  const line = JSON.stringify({ ...base, prompt: transcript });
  const row = readPublishedLine(line, 'x');
  assert.equal(row.score.line, line);
  assert.equal(renderPublishedLine(row), line);
  assert.deepEqual(row.trajectory.answers, [{ text: 'Ada', step: 1, verdict: 'right' }]);
});

test('unknown fields, odd characters and odd actions survive', () => {
  const line = pythonJson({
    ...base,
    extra: { deep: [null, 'ünï 😀 \u007f'] },
    prompt: transcript.replace('Finish[Ada]', 'Finish Ada'),
  });
  const row = readPublishedLine(line, 'x');
  assert.equal(row.score.line, undefined);
  assert.equal(row.trajectory.steps[0]?.action, 'Finish Ada');
  assert.equal(renderPublishedLine(row), line);
});

test('what is no trajectory is refused with the reason', () => {
  assert.throws(() => readPublishedLine('{"question": 1}', 'x'), /not a published trajectory: question/);
  assert.throws(() => readPublishedLine(pythonJson({ ...base, prompt: 'nothing' }), 'x'), /does not occur/);
  assert.throws(() => readPublishedLine(pythonJson({ ...base, prompt: 'Who?\nThought: only' }), 'x'), /step 1 lacks/);
});
