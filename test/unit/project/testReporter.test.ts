import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { inRoot } from '../../../scripts/lib/project.mjs';

const scratch = mkdtempSync(join(tmpdir(), 'autoact-reporter-'));
after(() => rmSync(scratch, { recursive: true }));

/** Runs node:test on one file with our reporter. */
function report(name: string, source: string) {
  const file = join(scratch, `${name}.test.mjs`);
  const counts = join(scratch, `${name}.json`);
  writeFileSync(file, `import { describe, test } from 'node:test';\n${source}`);
  const env: NodeJS.ProcessEnv = { ...process.env, AUTOACT_COUNTS: counts };
  // Left in, it would make the inner runner report to the one that runs this test.
  delete env['NODE_TEST_CONTEXT'];
  const { stdout, status } = spawnSync(
    process.execPath,
    ['--test', `--test-reporter=${inRoot('scripts', 'testReporter.mjs')}`, file],
    { encoding: 'utf8', env },
  );
  return { stdout, status, counts: JSON.parse(readFileSync(counts, 'utf8')) as unknown };
}

test('tests are counted, suites are not, skipped and expected-to-fail count as skipped', () => {
  const { counts, status } = report(
    'mixed',
    `describe('suite', () => { test('a', () => {}); test('b', () => {}); });
     test('skipped', { skip: 'no machine' }, () => {});
     test('later', { todo: true }, () => {});`,
  );
  assert.deepEqual(counts, { passed: 2, failed: 0, skipped: 2 });
  assert.equal(status, 0);
});

test('a failure inside a suite counts once and is shown with its message', () => {
  const { counts, stdout, status } = report(
    'failing',
    `describe('outer', () => { describe('inner', () => { test('breaks', () => { throw new Error('the reason'); }); test('holds', () => {}); }); });`,
  );
  assert.deepEqual(counts, { passed: 1, failed: 1, skipped: 0 });
  assert.match(stdout, /breaks[\s\S]*the reason/);
  assert.notEqual(status, 0);
});

test('a file that cannot be loaded is a failure', () => {
  const { counts, status } = report('broken', `import './not-there.mjs';`);
  assert.deepEqual(counts, { passed: 0, failed: 1, skipped: 0 });
  assert.notEqual(status, 0);
});
