import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { cliFolder } from './support.ts';

const { folder, cli, writeTask } = cliFolder();

const bad: readonly (readonly [string, () => string[], number, RegExp])[] = [
  ['no task card', () => ['run', '--task', 'nowhere.task.json'], 3, /no task card at .*New Task Card/s],
  [
    'a card that is no JSON',
    () => {
      writeFileSync(join(folder, 'a.task.json'), '{');
      return ['run', '--task', 'a.task.json'];
    },
    3,
    /not JSON/,
  ],
  [
    'a card with faults',
    () => {
      writeFileSync(join(folder, 'b.task.json'), '{"name":"","metric":"best","examples":[]}');
      return ['run', '--task', 'b.task.json'];
    },
    3,
    /name:.*description:.*examples:.*metric:/s,
  ],
  [
    'a wrong setting',
    () => ['run', '--task', writeTask('c', 'http://127.0.0.1:9/v1'), '-s', 'planning.maxSteps=none'],
    3,
    /planning\.maxSteps/,
  ],
  [
    'an unreachable server',
    () => ['run', '--task', writeTask('d', 'http://127.0.0.1:9/v1')],
    4,
    /cannot be reached.*resume/s,
  ],
  ['a run that is not there', () => ['run', '--resume', 'never'], 3, /no run "never"/],
  ['neither task nor run', () => ['run'], 2, /--task/],
  ['an unknown option', () => ['run', '--tusk', 'x'], 2, /--task/],
  [
    'questions that are missing',
    () => {
      const path = writeTask('e', 'http://127.0.0.1:9/v1');
      writeFileSync(path, readFileSync(path, 'utf8').replace('questions.jsonl', 'gone.jsonl'));
      return ['run', '--task', path];
    },
    3,
    /gone\.jsonl cannot be read/,
  ],
  [
    'predictions that match nothing',
    () => {
      writeFileSync(join(folder, 'p.jsonl'), '{"id":"zz","prediction":"x"}\n');
      writeTask('f', 'http://127.0.0.1:9/v1');
      return ['score', '--predictions', 'p.jsonl', '--questions', 'questions.jsonl'];
    },
    3,
    /None of the 1 predictions/,
  ],
];

for (const [what, args, code, message] of bad) {
  test(`${what}: one clear message with the remedy`, async () => {
    const ended = await cli(args());
    assert.equal(ended.code, code, ended.err);
    assert.match(ended.err, message);
    assert.doesNotMatch(ended.err, /\n\s+at /, 'no stack trace');
  });
}
