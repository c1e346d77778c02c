import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { publishedPlace } from '../../../src/node/debug/publishedFile.ts';

test('a trace of an imported folder is debugged by the folder, one of a loose file by the file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'autoact-place-'));
  try {
    const file = join(folder, 'trajectories.jsonl');
    writeFileSync(file, '');
    assert.equal(publishedPlace(file), file);
    writeFileSync(join(folder, 'scores.jsonl'), '');
    assert.equal(publishedPlace(file), folder);
    assert.equal(publishedPlace(join(folder, 'other.jsonl')), join(folder, 'other.jsonl'));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
