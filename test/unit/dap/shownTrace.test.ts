import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readPublishedLine } from '../../../src/core/data/publishedTrajectory.ts';
import { publishedTarget } from '../../../src/core/debug/publishedTarget.ts';
import { notesOf } from '../../../src/core/trajectory/storedNotes.ts';
import { readStoredLine } from '../../../src/core/trajectory/storedTrajectory.ts';
import { renderTrace } from '../../../src/core/trajectory/traceText.ts';
import { mapTrace } from '../../../src/dap/traceMap.ts';
import { publishedInput } from '../../../src/node/data/replayCheck.ts';
import { sha256 } from '../../../src/node/debug/runTargets.ts';
import { writePublished } from './scenario.ts';

const prompts = join(import.meta.dirname, '..', '..', '..', 'prompts');
const data = join(import.meta.dirname, '..', '..', '..', '..', 'shared', 'data');
const input = publishedInput(prompts);

/** A line as the editor shows it, and what is debugged of it with its lines there. */
function both(text: string, number: number) {
  const row = readPublishedLine(text, `plans/${number}`);
  const target = publishedTarget(row, 'plans', input(row.trajectory), sha256);
  const notes = target.entries.flatMap((entry) => ('note' in entry ? [entry.note] : []));
  const reading = readStoredLine(text, `plans/${number}`);
  assert.ok(reading.ok);
  const shown = renderTrace(
    { run: '', item: 'x', file: 'plans.jsonl, line 1', question: reading.trajectory.question },
    notesOf(reading.trajectory),
    { state: 'finished' },
  );
  return { map: mapTrace(target.header, notes, shown.spans), lines: shown.text.split('\n'), notes };
}

function check(text: string, number: number): void {
  const { map, lines, notes } = both(text, number);
  const headings = lines.flatMap((line, at) => (/^=== Step (\d+)$/.test(line) ? [at] : []));
  for (const { step, line, note } of map.spans) {
    const heading = headings.findLast((at) => at <= line);
    assert.equal(lines[heading ?? -1], `=== Step ${step}`, `line ${number}, note ${note}: its step`);
    assert.equal(map.lineOfStep(step), heading, `line ${number}, step ${step}`);
    const { kind, text: said } = notes[note] ?? {};
    if (kind === 'thought') assert.ok(lines[line]?.includes(said?.split('\n')[0]?.slice(0, 40) ?? '?'), lines[line]);
    if (kind === 'observation') assert.match(lines[line] ?? '', /^ {2}Observation/);
  }
  assert.match(lines[map.lineOf(Number.MAX_SAFE_INTEGER)] ?? '', /^=== End/);
}

describe('a plan in the document that shows it', () => {
  test('every note stands in its step, though the document leaves some out', () => {
    const text = readFileSync(writePublished().file, 'utf8').trim();
    check(text, 1);
    const { map, lines, notes } = both(text, 1);
    const judged = notes.findIndex(({ kind, role }) => kind === 'action' && role === 'reflect');
    assert.match(
      lines[map.lineOf(judged)] ?? '',
      /Verdict: right/,
      'what is not shown stands where the next part does',
    );
  });

  for (const level of ['easy', 'medium', 'hard']) {
    const file = join(data, `reference-13b-${level}.jsonl`);
    test(`so for every published trajectory, ${level}`, { skip: !existsSync(file) && `no ${file}` }, () => {
      for (const [i, text] of readFileSync(file, 'utf8').trim().split('\n').entries()) check(text, i + 1);
    });
  }
});
