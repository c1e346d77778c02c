import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { traceRows } from '../../../src/host/runs/trajectories.ts';
import { LogReader } from '../../../src/node/store/logReader.ts';

const at = (time: string): number => Date.parse(`2026-01-05T${time}Z`);

test('trajectories of the last time are marked while their stage is done again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'autoact-rows-'));
  try {
    const path = join(folder, 'log.jsonl');
    const result = (item: string, t: number): string => `${JSON.stringify({ t, item, result: { answer: 'Harth' } })}\n`;
    writeFileSync(
      path,
      result('synthesis/i-1/0', at('10:00:00')) +
        result('synthesis/i-2/0', at('10:00:01')) +
        result('synthesis/i-2/0', at('11:00:05')),
    );
    const log = new LogReader(path);
    await log.refresh();
    const outcomes = async (again: string | undefined) =>
      (await traceRows(log, log.items(), { live: true, scores: new Map([['synthesis/i-1/0', 1]]), again })).map(
        ({ outcome, earlier }) => [outcome, earlier],
      );
    assert.deepEqual(await outcomes('2026-01-05T11:00:00.000Z'), [
      ['before: right: “Harth”', true],
      ['answered “Harth”', undefined],
    ]);
    assert.deepEqual(await outcomes(undefined), [
      ['right: “Harth”', undefined],
      ['answered “Harth”', undefined],
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
