import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { readPublishedLine } from '../../../src/core/data/publishedTrajectory.ts';
import { notesOf } from '../../../src/core/trajectory/storedNotes.ts';
import { readStoredLine } from '../../../src/core/trajectory/storedTrajectory.ts';
import { summarise } from '../../../src/core/trajectory/summary.ts';
import { findInNotes } from '../../../src/core/trajectory/searchNotes.ts';
import { outlineTrace } from '../../../src/core/trajectory/traceOutline.ts';
import { renderTrace } from '../../../src/core/trajectory/traceText.ts';

const data = join(import.meta.dirname, '../../../../shared/data');
const absent = existsSync(data) ? false : 'the reference trajectories (../shared/data) are not on this machine';

const step = {
  thought: 'I need the page.',
  tool: 'Retrieve',
  argument: 'Mira Solenne',
  observation: 'She was born in Harth.',
  by: 'plan',
  parse: 'ok',
  outcome: 'hit',
};
const verdict = { ...step, tool: 'Reflect', argument: 'right', by: 'reflect', outcome: 'loop' };
const finish = { ...step, tool: 'Finish', argument: 'Harth', observation: 'The answer is noted.', outcome: 'loop' };

test('every published trajectory opens, folds, searches and keeps its steps', { skip: absent }, () => {
  let steps = 0;
  const outcomes = new Map<string, number>();
  for (const level of ['easy', 'medium', 'hard']) {
    const lines = readFileSync(join(data, `reference-13b-${level}.jsonl`), 'utf8')
      .trimEnd()
      .split('\n');
    for (const [i, line] of lines.entries()) {
      const id = `reference-13b-${level}/${i + 1}`;
      const raw = readStoredLine(line, id);
      // As an import keeps it: the parts without gold, in one JSON object.
      const imported = readStoredLine(JSON.stringify(readPublishedLine(line, id).trajectory), 'unused');
      assert.ok(raw.ok && imported.ok, id);
      const { trajectory } = raw;
      assert.deepEqual(trajectory.steps, imported.trajectory.steps, id);
      const notes = notesOf(trajectory);
      const { text, spans } = renderTrace({ run: '', file: 'f', item: id, question: trajectory.question }, notes, {
        state: 'finished',
      });
      const outline = outlineTrace(text);
      assert.deepEqual(
        outline.map(({ title }) => title),
        trajectory.steps.map((_, k) => `Step ${k + 1}`),
        id,
      );
      const rows = text.split('\n');
      for (const span of spans) assert.match(rows[span.line] ?? '', /^ {2}[A-Z]/, id);
      for (const [k, { thought }] of trajectory.steps.entries()) {
        const words = thought.slice(0, 60).toLowerCase();
        if (words !== '') assert.ok((findInNotes(notes, words)?.step ?? Infinity) <= k + 1, id);
      }
      const summary = summarise(raw, id, level);
      assert.equal(summary.level, level);
      outcomes.set(summary.outcome, (outcomes.get(summary.outcome) ?? 0) + 1);
      steps += outline.length;
    }
  }
  assert.equal(steps, 1481);
  const right = outcomes.get('right') ?? 0;
  assert.equal(
    [...outcomes.values()].reduce((a, b) => a + b),
    300,
  );
  assert.ok(right > 50 && right < 250, `${right} right`);
});

test('a stored trajectory has the notes that a run would have written', () => {
  const reading = readStoredLine(
    JSON.stringify({ id: 'a/1', question: 'Where?', steps: [step, finish, verdict], answer: 'Harth', finished: true }),
    'x',
  );
  assert.ok(reading.ok);
  assert.deepEqual(
    notesOf(reading.trajectory).map(({ step: at, role, kind }) => `${at} ${role} ${kind}`),
    [
      '1 plan thought',
      '1 plan action',
      '1 environment observation',
      '2 plan thought',
      '2 plan action',
      '2 plan answer',
      '2 environment observation',
      '3 reflect reflection',
      '3 reflect verdict',
      '3 environment observation',
    ],
  );
});

test('a run’s rows tell reward, level and why they were dropped', () => {
  const row = {
    id: 'synthesis/i-0001/0',
    question: 'Where?',
    trajectory: { steps: [step], answer: null, answers: [], finished: false, halt: 'steps' },
    correct: false,
    reward: 0.4,
    kept: false,
    reason: 'reward below 1',
  };
  const summary = summarise(readStoredLine(JSON.stringify(row), 'x'), 'x', 'synthesis');
  assert.deepEqual(
    [summary.id, summary.outcome, summary.reward, summary.steps, summary.tools, summary.remark],
    ['synthesis/i-0001/0', 'partly right', 0.4, 1, ['Retrieve'], 'reward below 1'],
  );
});

test('what is no trajectory is told with its reason', () => {
  const reasons = ['{', '[]', '{"a":1}', '{"steps":[{"thought":1}]}', '{"prompt":"p"}'].map((line) => {
    const reading = readStoredLine(line, 'x');
    return reading.ok ? 'read' : reading.reason;
  });
  assert.deepEqual(reasons.slice(0, 4), [
    'not valid JSON',
    'not an object',
    'no trajectory: it has neither steps nor a prompt',
    'step 1 has no thought, tool, argument or observation',
  ]);
  assert.match(reasons[4] ?? '', /^not a published trajectory/);
});

test('an observation of a million lines is cut, and says so', () => {
  const { text } = renderTrace(
    { run: '', item: 'x' },
    [{ step: 1, role: 'environment', kind: 'observation', text: 'line\n'.repeat(1_000_000) }],
    { state: 'finished' },
  );
  assert.ok(text.split('\n').length < 6000);
  assert.match(text, /\[cut here: 995,001 more lines\]/);
});
