import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ForkRecord } from '../../../src/core/debug/target.ts';
import { RunError } from '../../../src/core/run/runError.ts';
import { ForkFiles } from '../../../src/node/debug/forkFiles.ts';

const record: ForkRecord = {
  ...{ version: 1, id: 'q1#fork-1', run: 'run', root: 'q1', parent: 'q1', forkedAt: 2, forkStep: 1, mode: 'live' },
  ...{ createdAt: '2026-11-23T00:00:00.000Z', edits: [] },
};

test(
  'a fork that meets a full disk keeps whole lines, and goes on when there is room',
  { skip: process.getuid?.() === 0 ? false : 'needs root to mount a small tmpfs' },
  (t) => {
    const mount = mkdtempSync(join(tmpdir(), 'autoact-fork-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', mount], { stdio: 'pipe' });
    } catch {
      t.skip('a tmpfs cannot be mounted here');
      return;
    }
    try {
      const fork = new ForkFiles(mount, undefined).open('q1');
      fork.write(record, []);
      let failure: unknown;
      let written = 1;
      const entry = { t: 0, item: 'q1', result: 'y'.repeat(3000) };
      while (failure === undefined)
        try {
          fork.append(entry);
          written++;
        } catch (error) {
          failure = error;
        }
      assert.ok(RunError.is(failure, 'disk'));
      assert.match(failure.remedy ?? '', /debugger.*original/);
      execFileSync('mount', ['-o', 'remount,size=1m', mount]);
      fork.append(entry);
      const [file] = execFileSync('find', [mount, '-name', '*.jsonl'], { encoding: 'utf8' }).split('\n');
      const lines = readFileSync(file ?? '', 'utf8')
        .trim()
        .split('\n');
      assert.equal(lines.length, written + 1);
      for (const line of lines) assert.doesNotThrow(() => JSON.parse(line) as unknown);
    } finally {
      execFileSync('umount', [mount]);
      rmSync(mount, { recursive: true });
    }
  },
);
