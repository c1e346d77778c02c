import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { LogFile } from '../../../src/node/store/logFile.ts';
import { cliFolder, runOf, withServer } from './support.ts';

const { folder, cli, writeTask } = cliFolder();
const disk = join(folder, '.autoact');
const mount = (...args: readonly string[]): boolean => spawnSync('mount', [...args, disk]).status === 0;

test('promise 12: a run whose disk is full or cannot be written stops with a message, and goes on with room', async (t) => {
  mkdirSync(disk, { recursive: true });
  if (!mount('-t', 'tmpfs', '-o', 'size=180k', 'tmpfs')) {
    t.skip('nothing may be mounted here');
    return;
  }
  t.after(() => {
    spawnSync('umount', [disk]);
  });
  await withServer(async (baseURL, server) => {
    const first = await cli(['run', '--task', writeTask('full', baseURL, { cache: false }), '--json']);
    assert.equal(first.code, 6, first.out.slice(-1000) + first.err);
    assert.match(first.out + first.err, /disk is full.*then resume the run/s);
    const { run, folder: at } = runOf(first.out);
    const log = LogFile.open(join(at, 'log.jsonl'));
    assert.ok([...log.items()].length > 1, 'the log loads');
    log.close();

    assert.ok(mount('-o', 'remount,ro'));
    const still = await cli(['run', '--resume', run]);
    assert.equal(still.code, 6, still.err);
    assert.match(still.err, /No permission to write/);
    assert.doesNotMatch(still.err, /\n\s+at /, 'no stack trace');

    assert.ok(mount('-o', 'remount,rw,size=8m'));
    const before = new Set(server.asked.map((a) => `${a.seed}|${a.prompt}`)).size;
    const rest = await cli(['run', '--resume', run, '--json']);
    assert.equal(rest.code, 0, rest.err);
    assert.ok(before > 20);
    assert.ok(readFileSync(join(at, 'report.md'), 'utf8').length > 500);
  });
});
