import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';

const box = join(import.meta.dirname, '..', '..', '..', 'box');
const locked = new Map(
  readFileSync(join(box, 'requirements.lock'), 'utf8')
    .replaceAll('\\\n', '')
    .split('\n')
    .filter((line) => /^[a-z]/.test(line))
    .map((line) => {
      const [name = '', version = ''] = (line.split(' ')[0] ?? '').split('==');
      return [name, { version, hashes: [...line.matchAll(/--hash=sha256:([0-9a-f]{64})(?= |$)/g)].length }];
    }),
);

it('requirements.lock holds what requirements.txt names, at its version and by its hashes (npm run python-lock)', () => {
  const wanted = readFileSync(join(box, 'requirements.txt'), 'utf8').matchAll(/^([\w-]+)==(\S+)$/gm);
  for (const [, name = '', version] of wanted)
    // The build of torch depends on the box.
    if (name !== 'torch') assert.equal(locked.get(name.replaceAll('_', '-').toLowerCase())?.version, version, name);
  assert.ok(!locked.has('torch'));
  assert.ok(locked.size > 20);
  for (const [name, { hashes }] of locked) assert.ok(hashes > 0, name);
});
