import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { loadTaskCard } from '../../../src/node/store/taskFile.ts';

const folder = mkdtempSync(join(tmpdir(), 'autoact-faults-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const card = { name: 't', description: 'd', examples: [{ question: 'Who?', answer: 'Ada' }], metric: 'f1' };

for (const [what, tool, words] of [
  [
    'a provider that there is not',
    { tool: 'Search', provider: 'google' },
    /tools\.0\.provider: .*'searxng' \| 'brave'/,
  ],
  ['a tool of another provider', { tool: 'Calculator', provider: 'searxng' }, /tools\.0\.tool: .*"Search"/],
  ['an address of another kind', { tool: 'Search', provider: 'brave', url: 'ftp://x' }, /tools\.0\.url: an http/],
  ['no tool at all', 7, /tools\.0: Invalid input/],
] as const)
  test(`a task card with ${what} is told what is wrong, and where`, () => {
    const path = join(folder, 'x.task.json');
    writeFileSync(path, JSON.stringify({ ...card, tools: [tool] }));
    assert.throws(() => loadTaskCard(path), words);
  });
