import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { PassageGraph } from '../../../src/core/pipeline/grounding.ts';
import { createRandom } from '../../../src/core/run/random.ts';
import { Encyclopedia } from '../../../src/core/tools/encyclopedia.ts';
import { generateWorld } from '../../../src/core/world/world.ts';
import { HeldDocuments } from '../../../src/node/documents/heldDocuments.ts';
import { openDocuments } from '../../../src/node/documents/openDocuments.ts';
import { sqliteOfNode } from '../../../src/node/documents/sqlite.ts';
import { StoredDocuments } from '../../../src/node/documents/storedDocuments.ts';

const folder = mkdtempSync(join(tmpdir(), 'autoact index '));
after(() => rmSync(folder, { recursive: true, force: true }));
const skip = sqliteOfNode() === undefined ? 'this Node has no SQLite' : false;
const cacheFolder = join(folder, 'cache');
const messages: string[] = [];
/** As if the documents were too many to be held. */
const large = { cacheFolder, heldBytes: 0, notify: (message: string) => void messages.push(message) };

const { pages } = generateWorld({ seed: 3 });
const file = join(folder, 'pages.jsonl');
writeFileSync(file, pages.map(({ title, paragraphs }) => `${JSON.stringify({ title, paragraphs })}\n`).join(''));
const held = new HeldDocuments(pages);

test('an index on the disk holds the documents and finds what one in memory finds', { skip }, async () => {
  const stored = await openDocuments(file, large);
  assert.ok(stored instanceof StoredDocuments);
  assert.equal(stored.count, held.count);
  let agree = 0;
  for (const [i, page] of pages.entries()) {
    const same = { title: page.title, paragraphs: [...page.paragraphs] };
    assert.deepEqual(stored.page(` "${page.title.toUpperCase()}" `), same);
    assert.deepEqual(stored.linked.document(i), same);
    assert.deepEqual(stored.linked.links(i), held.linked.links(i));
    // A sentence is found again in its page, by both.
    const query = page.paragraphs[0]?.split('. ')[0] ?? '';
    if (stored.search(query, 1)[0] === held.search(query, 1)[0]) agree++;
  }
  assert.ok(agree / pages.length > 0.9, `the first result agrees for ${agree} of ${pages.length}`);
});

test('Retrieve, Search and Lookup work over it, and hostile words are words', { skip }, async () => {
  const encyclopedia = new Encyclopedia(await openDocuments(file, large));
  const title = pages[7]!.title;
  assert.equal(encyclopedia.retrieve(title, {}).text, new Encyclopedia(held).retrieve(title, {}).text);
  assert.match(encyclopedia.retrieve(`${title}x`, {}).text, new RegExp(`Similar titles: .*${title}`));
  for (const query of [
    '" OR title:*',
    'NEAR(a b)',
    "'); DROP TABLE documents; --",
    '* ^ : ( "',
    '\0',
    'AND',
    'x'.repeat(50_000),
  ])
    assert.ok(['hit', 'miss'].includes(encyclopedia.search(query, {}).outcome), query.slice(0, 20));
  assert.match(encyclopedia.retrieve('"', {}).text, /^No page/);
});

test('passages are drawn from it, each linked to the one before', { skip }, async () => {
  const stored = await openDocuments(file, large);
  const graph = new PassageGraph(stored.linked);
  const random = createRandom(5);
  const drawn = Array.from({ length: 40 }, () => graph.draw(random, 3, { siblings: 0.3, later: 0.25 }));
  assert.ok(drawn.every((passages) => passages.length > 0 && passages.every(({ title }) => stored.page(title))));
  assert.ok(drawn.some((passages) => passages.length === 3));
});

test('it is kept, made anew when a file changes, and again when it is damaged', { skip }, async () => {
  const path = join(cacheFolder, 'documents', readdirSync(join(cacheFolder, 'documents'))[0] ?? '');
  const { mtimeMs } = statSync(path);
  messages.length = 0;
  const before = await openDocuments(file, large);
  assert.deepEqual([messages, statSync(path).mtimeMs], [[], mtimeMs]);
  utimesSync(file, new Date(), new Date(2020, 1, 1));
  assert.equal((await openDocuments(file, large)).sha256, before.sha256);
  assert.match(messages[0] ?? '', /^Indexing the documents/);
  writeFileSync(path, 'no database');
  assert.equal((await openDocuments(file, large)).count, pages.length);
});

test('pages that say the same are one, titles that collide are numbered, as in memory', { skip }, async () => {
  const rows = [
    { title: 'Sarn', paragraphs: ['A river.'] },
    { title: 'sarn', paragraphs: ['A novel.'] },
    { title: 'Sarn', paragraphs: ['A river.'] },
    { title: '“Sarn”', paragraphs: ['A song.'] },
    { title: 'Sarn', paragraphs: ['A lake.'] },
  ];
  const path = join(folder, 'same.jsonl');
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const stored = await openDocuments(path, large);
  assert.deepEqual(
    Array.from({ length: stored.count }, (_, i) => stored.linked.document(i)?.title),
    ['Sarn', 'sarn (2)', '“Sarn” (2)', 'Sarn (3)'],
  );
});

test('a fault names its line, and a build that is broken off leaves nothing behind', { skip }, async () => {
  const bad = join(folder, 'bad.jsonl');
  writeFileSync(bad, '{"title": "x", "text": "y"}\n{"title": "z"}\n');
  await assert.rejects(openDocuments(bad, large), /bad\.jsonl:2 in .*neither paragraphs nor text/);
  const stopped = AbortSignal.abort(new Error('stopped'));
  await assert.rejects(openDocuments(file, { ...large, cacheFolder: join(folder, 'other'), signal: stopped }));
  assert.deepEqual(
    readdirSync(join(cacheFolder, 'documents')).filter((name) => name.includes('partial')),
    [],
  );
});

test('a small set is held in memory', async () => {
  assert.ok((await openDocuments(file, { ...large, heldBytes: 1e9 })) instanceof HeldDocuments);
});
