import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { guessKind } from '../../../src/node/data/guessKind.ts';
import { publishedLine } from '../../fixtures/trajectories.ts';

const folder = mkdtempSync(join(tmpdir(), 'autoact-guess-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test('a dropped file’s kind is seen from its first records', async () => {
  const kindOf = (name: string, text: string): Promise<string> => {
    writeFileSync(join(folder, name), text);
    return guessKind(join(folder, name));
  };
  assert.equal(await kindOf('a.jsonl', `not JSON\n${publishedLine(0)}\n`), 'trajectories');
  assert.equal(await kindOf('b.json', '[{"_id":"1","question":"q","supporting_facts":[],"context":[]}]'), 'hotpotqa');
  assert.equal(await kindOf('c.json', '{"1":{"question":"q","choices":["a"],"hint":"","lecture":"l"}}'), 'scienceqa');
  assert.equal(await kindOf('d.csv', 'Question,Answer\nq,a\n'), 'table');
  assert.equal(await kindOf('e.json', '{'), 'table');
  await assert.rejects(guessKind(join(folder, 'absent.json')), /cannot be read/);
});
