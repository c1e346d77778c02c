import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { PromptError } from '../../../src/core/prompts/template.ts';
import { loadPrompts, parsePrompt } from '../../../src/node/store/prompts.ts';

const shipped = join(import.meta.dirname, '../../../prompts');

test('the prompts that come with the product load, and end where their text ends', () => {
  const prompts = loadPrompts(shipped);
  assert.deepEqual([...prompts.keys()].sort(), ['agent', 'answer-vote', 'self-instruct', 'tool-selection']);
  assert.ok(prompts.get('agent')?.text.endsWith('\n{{transcript}}'));
  assert.ok(prompts.get('self-instruct')?.text.endsWith('\nNew pairs:'));
});

test('a prompt of the workspace takes the place of the one with its name; a folder that is not there changes nothing', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'prompts-'));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  writeFileSync(join(folder, 'mine.md'), '---\nname: agent\nversion: 7\ninputs: [question]\n---\nAsk: {{question}}\n');
  const prompts = loadPrompts(shipped, folder);
  assert.deepEqual(prompts.get('agent'), {
    name: 'agent',
    version: 7,
    inputs: ['question'],
    text: 'Ask: {{question}}',
  });
  assert.equal(prompts.size, 4);
  assert.equal(loadPrompts(shipped, join(folder, 'none')).size, 4);
});

test('a file that is no prompt is refused by its path', () => {
  for (const content of [
    'no front matter',
    '---\nname: x\n---\ntext',
    '---\nname: [\n---\ntext',
    '---\nname: x\nversion: 0\ninputs: []\n---\n',
  ]) {
    assert.throws(
      () => parsePrompt(content, 'a/b.md'),
      (error) => error instanceof PromptError && error.reason === 'malformed-file' && error.message.includes('a/b.md'),
    );
  }
});
