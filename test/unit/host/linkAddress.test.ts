import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLink } from '../../../src/host/traces/linkAddress.ts';

const query = (fields: Readonly<Record<string, string>>): string => new URLSearchParams(fields).toString();

test('a link names a trajectory of a run, a run, or a line of a file', () => {
  const item = 'evaluation/autoact/q 1&step=9/0';
  assert.deepEqual(parseLink('/trace', query({ run: 'run-1', item, step: '2' })), { run: 'run-1', item, step: 2 });
  assert.deepEqual(parseLink('/trace', query({ run: 'run-1' })), { run: 'run-1' });
  assert.deepEqual(parseLink('/trace', query({ file: '/data/a.jsonl', line: '3' })), {
    file: '/data/a.jsonl',
    line: 3,
  });
});

for (const [why, path, fields] of [
  ['another path', '/run', { run: 'run-1' }],
  ['nothing', '/trace', {}],
  ['a run that leads elsewhere', '/trace', { run: '../run-1' }],
  ['an item that leads elsewhere', '/trace', { run: 'run-1', item: 'evaluation/../../secret' }],
  ['an item without end', '/trace', { run: 'run-1', item: 'x'.repeat(501) }],
  ['a file that is no file of trajectories', '/trace', { file: '/etc/passwd', line: '1' }],
  ['a file by a relative path', '/trace', { file: 'a.jsonl', line: '1' }],
  ['a file without a line', '/trace', { file: '/data/a.jsonl' }],
  ['a line that is none', '/trace', { file: '/data/a.jsonl', line: '0' }],
  ['a step that is none', '/trace', { file: '/data/a.jsonl', line: '1', step: 'x' }],
] as const)
  test(`a link is refused: ${why}`, () => {
    assert.equal(parseLink(path, query(fields)), undefined);
  });
