import assert from 'node:assert/strict';
import test from 'node:test';
import { readStoredLine } from '../../../src/core/trajectory/storedTrajectory.ts';
import { parseAction, parseVerdict } from '../../../src/core/trajectory/parseAction.ts';
import { lookupTools } from '../../../src/core/tools/library.ts';
import { fuzzParsers } from '../../fuzz/parsers.ts';

test('mutated inputs are read or refused; npm run fuzz tries a million', () => {
  const report = fuzzParsers(4000, 7);
  assert.ok(report.readable > 300, `${report.readable} of ${report.inputs} were still trajectories`);
});

test('texts that are made to be slow are read all the same', () => {
  // Each took minutes or hours where a pattern tried every place: the limit is that this test ends at all.
  const prompt = `q${'\nThought: t'.repeat(2)}${'\nAction: a'.repeat(200_000)}`;
  const row = { question: 'q', answer: '', correct: false, reward: 0, halted: false, error: false, prompt };
  const reading = readStoredLine(JSON.stringify(row), 'x');
  assert.deepEqual(reading, { ok: false, reason: 'step 1 lacks an action or an observation' });
  for (const char of ['"', "'", '.', ':', '[', ']', ' '])
    for (const text of [`a${char.repeat(300_000)}b`, `${char.repeat(300_000)}b[${char.repeat(300_000)}b`]) {
      parseAction(text, lookupTools);
      parseVerdict(text);
    }
});
