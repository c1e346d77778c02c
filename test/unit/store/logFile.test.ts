import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  mkdirSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { RunError } from '../../../src/core/run/runError.ts';
import type { LogEntry } from '../../../src/core/run/log.ts';
import { LogFile } from '../../../src/node/store/logFile.ts';
import { RunFolder } from '../../../src/node/store/runFolder.ts';

const entry = (i: number): LogEntry => ({ t: i, item: `item-${i % 3}`, result: `value ${i} Ä\u2028` });
const folder = (): string => mkdtempSync(join(tmpdir(), 'autoact-log-'));

test('what was appended is there after opening again', () => {
  const path = join(folder(), 'log.jsonl');
  const log = LogFile.open(path);
  for (let i = 0; i < 100; i++) log.append(entry(i));
  log.close();
  const again = LogFile.open(path);
  assert.equal(again.entries('item-0').length, 34);
  assert.deepEqual(again.entries('item-1')[0], entry(1));
  again.close();
});

test('property: a log cut at any byte opens, keeps every whole line, and can be written on', () => {
  const path = join(folder(), 'log.jsonl');
  const log = LogFile.open(path);
  for (let i = 0; i < 20; i++) log.append(entry(i));
  log.close();
  const whole = readFileSync(path);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: whole.length }), (cut) => {
      writeFileSync(path, whole);
      truncateSync(path, cut);
      const lines = whole.subarray(0, cut).toString('latin1').split('\n').length - 1;
      const opened = LogFile.open(path);
      assert.equal(
        [0, 1, 2].reduce((n, k) => n + opened.entries(`item-${k}`).length, 0),
        lines,
      );
      opened.append(entry(99));
      opened.close();
      assert.equal(
        readFileSync(path, 'utf8')
          .trim()
          .split('\n')
          .map((l) => JSON.parse(l) as unknown).length,
        lines + 1,
      );
    }),
    { numRuns: 60 },
  );
});

test('a damaged line in the middle is refused by number, and nothing is changed', () => {
  const path = join(folder(), 'log.jsonl');
  appendFileSync(path, `${JSON.stringify(entry(1))}\n{"t":2,\n${JSON.stringify(entry(3))}\n`);
  const before = readFileSync(path);
  assert.throws(
    () => LogFile.open(path),
    (e) => RunError.is(e, 'log-corrupt') && e.message.includes('Line 2'),
  );
  assert.deepEqual(readFileSync(path), before);
});

test(
  'a full disk is one clear error, leaves no half line, and the log goes on when there is room',
  { skip: process.getuid?.() === 0 ? false : 'needs root to mount a small tmpfs' },
  async (t) => {
    const mount = folder();
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', mount], { stdio: 'pipe' });
    } catch {
      t.skip('a tmpfs cannot be mounted here');
      return;
    }
    try {
      const path = join(mount, 'log.jsonl');
      const log = LogFile.open(path);
      let failure: unknown;
      let written = 0;
      while (failure === undefined) {
        try {
          log.append({ t: 0, item: 'x', result: 'y'.repeat(3000) });
          written++;
        } catch (e) {
          failure = e;
        }
      }
      assert.ok(RunError.is(failure, 'disk'));
      assert.match(failure.message, /disk is full/);
      assert.match(failure.remedy ?? '', /resume/);
      log.close();
      const text = readFileSync(path, 'utf8');
      assert.ok(text.endsWith('\n'));
      assert.equal(text.trim().split('\n').length, written);
      execFileSync('mount', ['-o', 'remount,size=1m', mount]);
      const again = LogFile.open(path);
      assert.equal(again.entries('x').length, written);
      again.append({ t: 0, item: 'x', result: 'more' });
      again.close();
    } finally {
      execFileSync('umount', [mount]);
      rmSync(mount, { recursive: true });
    }
  },
);

test(
  'a folder that cannot be written says so',
  { skip: process.getuid?.() === 0 ? 'root may write everywhere' : false },
  () => {
    const parent = folder();
    mkdirSync(join(parent, 'ro'), { mode: 0o500 });
    assert.throws(
      () => LogFile.open(join(parent, 'ro', 'log.jsonl')),
      (e) => RunError.is(e, 'disk') && e.message.includes('No permission'),
    );
  },
);

test('a run is locked against a second runner, and a dead runner’s lock is taken over', () => {
  const runs = folder();
  mkdirSync(join(runs, 'r'));
  const run = new RunFolder(runs, 'r');
  const unlock = run.lock();
  assert.throws(
    () => run.lock(),
    (e) => RunError.is(e, 'run-exists'),
  );
  unlock();
  writeFileSync(run.file('lock'), '999999999');
  run.lock()();
  assert.throws(() => statSync(run.file('lock')));
});

test('names that leave the runs folder are no names', () => {
  for (const name of ['..', '../x', 'a/b', '.hidden', ''])
    assert.throws(() => new RunFolder('/tmp', name), RunError, name);
});
