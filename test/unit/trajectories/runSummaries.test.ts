import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { RunSummaries, searchLog } from '../../../src/node/trajectories/runSummaries.ts';
import type { RunHit } from '../../../src/node/trajectories/runSummaries.ts';
import { writeRunFolder } from '../../fixtures/runFolder.ts';

const workspace = mkdtempSync(join(tmpdir(), 'autoact-summaries-'));
after(() => rmSync(workspace, { recursive: true, force: true }));

test('a run’s trajectories are summed up from its log, and then from what is appended', async () => {
  const writer = writeRunFolder({ workspace, run: 'r', state: 'done', trajectories: 6, questions: 4 });
  const summaries = new RunSummaries(join(writer.folder, 'log.jsonl'));
  await summaries.refresh();
  const groups = new Map<string, number>();
  for (const { group } of summaries.rows) groups.set(group, (groups.get(group) ?? 0) + 1);
  // One of autoact's failed before it began.
  assert.deepEqual(Object.fromEntries(groups), { synthesis: 6, autoact: 5, 'zero-shot': 4 });
  const own = summaries.rows.find(({ id }) => id === 'evaluation/autoact/q-0001/0');
  assert.deepEqual(
    [own?.steps, own?.tools, own?.tokens, own?.answer, own?.title, own?.outcome],
    [3, ['Retrieve'], 2 * 228, 'Lodos', 'Where was Brohak Vovoski born?', 'not scored'],
  );
  assert.equal(await summaries.refresh(), false);
  const torn = '{"t":1,"item":"evaluation/autoact/q-new/0","i":"0","hash":"","label":"thought","note":{"step":1,';
  appendFileSync(
    join(writer.folder, 'log.jsonl'),
    `no JSON\n{"item":"evaluation/autoact/q-odd/0","note":null}\n${torn}`,
  );
  await summaries.refresh();
  assert.ok(!summaries.rows.some(({ id }) => id.includes('q-new') || id.includes('q-odd')));
  appendFileSync(join(writer.folder, 'log.jsonl'), '"role":"plan","kind":"thought","text":"begun"}}\n');
  await summaries.refresh();
  assert.equal(summaries.rows.find(({ id }) => id.includes('q-new'))?.outcome, 'open');
});

test('a text is found in the first note of each trajectory that holds it', async () => {
  const path = join(workspace, '.autoact', 'runs', 'r', 'log.jsonl');
  const hits: RunHit[] = [];
  await searchLog(
    path,
    'brohak vovoski was born',
    (item) => item.startsWith('evaluation/'),
    (hit) => hits.push(hit),
  );
  assert.deepEqual(
    hits.map(({ item, step, kind }) => [item, step, kind]),
    [
      ['evaluation/autoact/q-0001/0', 1, 'observation'],
      ['evaluation/zero-shot/q-0001/0', 1, 'observation'],
    ],
  );
});

test('a log that is not there is empty', async () => {
  const summaries = new RunSummaries(join(workspace, 'absent.jsonl'));
  assert.equal(await summaries.refresh(), false);
  writeFileSync(join(workspace, 'absent.jsonl'), '');
  assert.equal(await summaries.refresh(), false);
});
