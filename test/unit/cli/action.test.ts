import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

const script = (work: string): string =>
  `import { act } from './src/cli/action.ts'; await Promise.race([act({}, () => ${work}), new Promise((go) => setTimeout(go, 50))]);`;

for (const [what, work, status, told] of [
  ['done', 'Promise.resolve(undefined)', 0, /^$/],
  ['failed', 'Promise.reject(new Error("no luck"))', 1, /Error: no luck/],
  ['left hanging by what it waits for', 'new Promise(() => undefined)', 1, /ended before its work was done/],
] as const)
  test(`work that is ${what} ends with ${status} and says so`, () => {
    const ended = spawnSync(process.execPath, ['--no-warnings', '--input-type=module', '-e', script(work)], {
      encoding: 'utf8',
    });
    assert.equal(ended.status, status, ended.stderr);
    assert.match(ended.stderr, told);
  });

test('what a message quotes cannot drive the terminal', () => {
  const hostile = 'Promise.reject(new Error("it said \\u001b]0;owned\\u0007"))';
  const ended = spawnSync(process.execPath, ['--no-warnings', '--input-type=module', '-e', script(hostile)], {
    encoding: 'utf8',
  });
  assert.match(ended.stderr, /Error: it said \\u\{001B\}\]0;owned\\u\{0007\}/);
  assert.doesNotMatch(ended.stderr, /[\u0000-\u0008\u001b]/);
});
