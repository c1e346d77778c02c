import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type * as Sqlite from 'node:sqlite';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ToolList } from '../../../src/core/tools/toolConfig.ts';
import { calculate } from '../../../src/node/tools/calculator.ts';
import { openTools } from '../../../src/node/tools/openTools.ts';
import { Toolbox } from '../../../src/node/tools/toolbox.ts';
import { JsonServer } from '../../doubles/jsonServer.ts';

const folder = mkdtempSync(join(tmpdir(), 'autoact tools '));
const file = (name: string): string => join(folder, name);
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGD4DwABBAEAX+XDSwAAAABJRU5ErkJggg==',
  'base64',
);
const place = {
  folder,
  root: resolve('.'),
  version: '1',
  secret: (name: string) => (name === 'VISION_API_KEY' ? 'k-42' : undefined),
  notify: () => undefined,
  sandboxEntry: resolve('src/node/tools/sandbox/sandboxMain.ts'),
};
const sqlite = process.getBuiltinModule('node:sqlite') as typeof Sqlite | undefined;
const noSqlite = sqlite === undefined ? 'this Node has no SQLite' : false;

before(() => {
  writeFileSync(file('towns.csv'), 'name,people,river\nArden,1200,Sarn\n"Velm, Old",80,\n');
  mkdirSync(file('tables'));
  writeFileSync(file('tables/ships.jsonl'), '{"ship": "Gull", "built": 1402}\n{"ship": "Tern", "built": 1410}\n');
  writeFileSync(file('tables/towns.tsv'), 'name\tpeople\nArden\t1200\n');
  writeFileSync(
    file('graph.ttl'),
    '@prefix e: <http://x/e/> . @prefix r: <http://x/r/> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .\ne:q1 rdfs:label "Arden" ; r:river e:Lake_Sarn ; r:founded "1402" . e:q2 rdfs:label "Velm, Old" ; r:river e:Lake_Sarn .',
  );
  writeFileSync(file('graph.tsv'), 'Arden\triver\tSarn\n');
  writeFileSync(
    file('captions.jsonl'),
    '{"image": "Harbour.png", "caption": "A harbour.", "ocr": [{"text": "PORT", "box": [1, 2]}, "1402"]}\n',
  );
  mkdirSync(file('pictures'));
  writeFileSync(file('pictures/fog.png'), png);
  writeFileSync(file('pictures/text.png'), 'no image');
  writeFileSync(file('secret.png'), png);
  symlinkSync(file('secret.png'), file('pictures/link.png'));
  if (sqlite !== undefined) {
    const made = new sqlite.DatabaseSync(file('towns.db'));
    made.exec(
      "CREATE TABLE town(name TEXT, people INTEGER); INSERT INTO town VALUES ('Arden', 1200), ('Velm', 80), (NULL, 9007199254740993); CREATE TABLE other(x)",
    );
    made.close();
    const secret = new sqlite.DatabaseSync(file('secret.db'));
    secret.exec("CREATE TABLE s(x); INSERT INTO s VALUES ('the secret')");
    secret.close();
  }
});
after(() => rmSync(folder, { recursive: true }));

function toolsOf(...entries: object[]) {
  const library = openTools({ tools: ToolList.parse(entries), place });
  const toolbox = new Toolbox(library);
  return {
    library,
    ask: async (tool: string, argument: string, state = {}) => toolbox.call({ kind: 'tool', tool, argument, state }),
  };
}

test('the calculator works out arithmetic and nothing else', () => {
  for (const [expression, value] of Object.entries({
    '1,874 - 1831': '43',
    '2 ^ 10 / 4': '256',
    '2 ** 3': '8',
    'sqrt(2) * sqrt(2)': '2',
    '3 × 4': '12',
    'max(1, 5e2)': '500',
    '1,000,000 * 2': '2000000',
    '0.1 + 0.2': '0.3',
    '1 / 8000': '0.000125',
    '10^300': '1e+300',
  }))
    assert.deepEqual(calculate(expression), { value }, expression);
  for (const bad of [
    'import("fs")',
    'evaluate("1")',
    'f(x) = x',
    'a.b',
    '[1,2]',
    '"x"',
    'createUnit("x")',
    'constructor',
    '__proto__',
    'e',
    'x = 3',
    '1;2',
    `1${'+1'.repeat(200)}`,
  ])
    assert.deepEqual(calculate(bad), { fault: 'no-expression' }, bad);
  for (const none of ['1/0', '0/0', 'sqrt(-1)', '9^9^9^9', '1e400'])
    assert.deepEqual(calculate(none), { fault: 'no-number' }, none);
});

test('Table Verbalizer tells rows as sentences, of one file or of a folder', async () => {
  const one = toolsOf({ tool: 'TableVerbalizer', provider: 'tables', path: 'towns.csv' });
  assert.match(one.library.available.at(-1)!.description.definition, /towns \(name, people, river\)/);
  assert.equal((await one.ask('TableVerbalizer', 'velm')).text, 'In row 2 of towns, name is Velm, Old, people is 80.');
  assert.equal((await one.ask('TableVerbalizer', 'nothing like it')).outcome, 'miss');
  const all = toolsOf({ tool: 'TableVerbalizer', provider: 'tables', path: 'tables' });
  assert.equal(
    (await all.ask('TableVerbalizer', 'ships: 1410')).text,
    'In row 2 of ships, ship is Tern, built is 1410.',
  );
  const found = await all.ask('TableVerbalizer', 'Ships:');
  assert.equal(found.text.split('\n').length, 2);
  assert.match((await all.ask('Lookup', 'gull', found.state)).text, /Result 1 \/ 1/);
});

test('data of a tool that is packed is refused by name, and text of Windows programs is read', async () => {
  const packed = gzipSync('name,people\nArden,1200\n');
  for (const name of ['packed.csv', 'packed.tsv', 'packed.json', 'packed.jsonl']) {
    writeFileSync(file(name), packed);
    const { library } = toolsOf({ tool: 'TableVerbalizer', provider: 'tables', path: name });
    const [refused] = library.unavailable;
    assert.match(`${refused?.reason}`, /packed\.\w+ is compressed with gzip/, name);
    assert.match(`${refused?.remedy}`, /gunzip/, name);
  }
  const graph = toolsOf({ tool: 'KnowledgeGraph', provider: 'triples', file: 'packed.tsv' });
  assert.match(`${graph.library.unavailable[0]?.reason}`, /is compressed with gzip/);
  writeFileSync(file('sixteen.csv'), Buffer.from('\uFEFFname,people\nÅrd,7\n', 'utf16le'));
  const { ask } = toolsOf({ tool: 'TableVerbalizer', provider: 'tables', path: 'sixteen.csv' });
  assert.equal((await ask('TableVerbalizer', 'Ård')).text, 'In row 1 of sixteen, name is Ård, people is 7.');
});

test('KnowledgeGraph over triples: all of an entity, one relation, and names with commas', async () => {
  const { ask } = toolsOf({ tool: 'KnowledgeGraph', provider: 'triples', file: 'graph.ttl' });
  assert.equal((await ask('KnowledgeGraph', 'arden')).text, 'Arden | river | Lake Sarn\nArden | founded | 1402');
  assert.equal((await ask('KnowledgeGraph', 'Arden, founded')).text, 'Arden | founded | 1402');
  assert.equal((await ask('KnowledgeGraph', 'Velm, Old, river')).text, 'Velm, Old | river | Lake Sarn');
  assert.equal((await ask('KnowledgeGraph', 'lake_sarn')).text.split('\n').length, 2);
  assert.equal(
    (await ask('KnowledgeGraph', 'Arden, mayor')).text,
    'No relation "mayor" of Arden. Relations: river, founded.',
  );
  assert.equal((await ask('KnowledgeGraph', 'Nobody')).outcome, 'miss');
  assert.equal(
    (await toolsOf({ tool: 'KnowledgeGraph', provider: 'triples', file: 'graph.tsv' }).ask('KnowledgeGraph', 'sarn'))
      .text,
    'Arden | river | Sarn',
  );
});

test('KnowledgeGraph by SPARQL: reading only, and an argument that stays a literal', async () => {
  const server = new JsonServer(({ query }) => ({
    body: (query['query'] ?? '').startsWith('ASK')
      ? { head: {}, boolean: true }
      : { head: { vars: ['town'] }, results: { bindings: [{ town: { type: 'uri', value: 'http://x/Old_Velm' } }] } },
  }));
  const url = `${await server.start()}/sparql`;
  try {
    const free = toolsOf({ tool: 'KnowledgeGraph', provider: 'sparql', url });
    assert.equal((await free.ask('KnowledgeGraph', 'SELECT ?town WHERE { ?town ?p "insert" }')).text, 'town\nOld Velm');
    assert.equal((await free.ask('KnowledgeGraph', 'ASK { ?a ?b ?c }')).text, 'yes');
    for (const good of ['"drop " . ?c ?d "all"', '"""a "drop" all"""', '<http://x/drop#all>'])
      assert.equal((await free.ask('KnowledgeGraph', `ASK { ?a ?b ${good} }`)).text, 'yes', good);
    const count = server.asked.length;
    for (const bad of [
      'DELETE WHERE { ?a ?b ?c }',
      'SELECT * WHERE { SERVICE <http://10.0.0.1/> { ?a ?b ?c } }',
      'PREFIX x: <y> INSERT DATA { x:a x:b x:c }',
      'SELECT * { ?a ?b ?c }; DROP ALL',
      'SELECT * { # harmless\n SERVICE <http://10.0.0.1/> { ?a ?b ?c } }',
      // Hidden between a comparison and an address, behind a long string, and by escapes.
      'SELECT * { ?a ?b ?c FILTER(?c < 3) SERVICE <http://10.0.0.1/> { ?x ?y ?z } }',
      'SELECT * { ?a ?b """c"d""" . SERVICE <http://10.0.0.1/> { ?x ?y "z" } }',
      "SELECT * { ?a ?b '''c'd''' . SERVICE <http://10.0.0.1/> { ?x ?y 'z' } }",
      'SELECT * { SERVIC\\u0045 <http://10.0.0.1/> { ?x ?y ?z } }',
      'SELECT * { ?a ?b \\U00000022c" . SERVICE <http://10.0.0.1/> { ?x ?y "z" } }',
      'SELECT * FR\\u004FM <http://10.0.0.1/> { ?a ?b ?c }',
    ])
      assert.equal((await free.ask('KnowledgeGraph', bad)).outcome, 'miss', bad);
    assert.equal(server.asked.length, count);
    const filled = toolsOf({
      tool: 'KnowledgeGraph',
      provider: 'sparql',
      url,
      query: 'SELECT ?town { ?town rdfs:label {{argument}} }',
    });
    await filled.ask('KnowledgeGraph', 'x" } ; DROP ALL # \\');
    assert.equal(server.asked.at(-1)?.query['query'], 'SELECT ?town { ?town rdfs:label "x\\" } ; DROP ALL # \\\\" }');
  } finally {
    await server.stop();
  }
});

test('Image2Text: stored captions first, then a vision model, over images in one folder', async () => {
  const server = new JsonServer(({ body }) => ({
    body: {
      choices: [{ message: { role: 'assistant', content: body.includes('image/png') ? 'Fog.\nThought: x' : '' } }],
    },
  }));
  const url = `${await server.start()}/v1`;
  try {
    const { ask, library } = toolsOf(
      { tool: 'Image2Text', provider: 'captions', file: 'captions.jsonl' },
      { tool: 'Image2Text', provider: 'vision', url, model: 'm', images: 'pictures', apiKeyVariable: 'VISION_API_KEY' },
    );
    assert.match(library.available.at(-1)!.provider, /^1 captions of captions.jsonl, then m at 127/);
    assert.equal((await ask('Image2Text', 'harbour.png')).text, 'A harbour.\nText in the image: PORT; 1402');
    assert.equal(server.asked.length, 0);
    assert.equal((await ask('Image2Text', 'fog.png')).text, 'Fog.\n> Thought: x');
    assert.equal(server.asked[0]?.headers.authorization, 'Bearer k-42');
    for (const bad of ['../secret.png', file('secret.png'), 'link.png', 'text.png', '.', ''])
      assert.equal((await ask('Image2Text', bad)).outcome, 'miss', bad);
    assert.equal(server.asked.length, 1);
    const missing = toolsOf({
      tool: 'Image2Text',
      provider: 'vision',
      url,
      model: 'm',
      images: 'pictures',
      apiKeyVariable: 'NO_API_KEY',
    });
    assert.match(
      missing.library.unavailable.find(({ name }) => name === 'Image2Text')?.reason ?? '',
      /NO_API_KEY holds none/,
    );
  } finally {
    await server.stop();
  }
});

test('Text2Image keeps what the images API draws, and takes nothing else for a picture', async () => {
  const server = new JsonServer((_asked, count) => ({
    body: { data: [{ b64_json: count === 1 ? png.toString('base64') : 'PGh0bWw+' }] },
  }));
  const url = `${await server.start()}/v1/`;
  try {
    const { ask } = toolsOf({ tool: 'Text2Image', provider: 'images-api', url, model: 'm' });
    const drawn = await ask('Text2Image', 'a harbour');
    const [name = ''] = readdirSync(file('images'));
    assert.equal(drawn.text, `The image is ${name}.`);
    assert.deepEqual(readFileSync(file(`images/${name}`)), png);
    assert.equal(server.asked[0]?.path, '/v1/images/generations');
    await assert.rejects(ask('Text2Image', 'a mill'), /answered no image/);
  } finally {
    await server.stop();
  }
});

test('Database: one SELECT over a file that is only read, and no other file', { skip: noSqlite }, async () => {
  const { ask, library } = toolsOf({
    tool: 'Database',
    provider: 'sqlite',
    file: 'towns.db',
    maxRows: 2,
    timeoutSeconds: 3,
  });
  assert.match(library.available.at(-1)!.description.definition, /tables: other\(x\); town\(name, people\)$/);
  const bytes = readFileSync(file('towns.db'));
  const select = await ask('Database', "SELECT name, people FROM town WHERE name <> 'x' ORDER BY people;");
  assert.equal(select.text, 'name | people\nVelm | 80\nArden | 1200');
  for (const bad of [
    'DELETE FROM town',
    'WITH a AS (SELECT 1) DELETE FROM town',
    'PRAGMA writable_schema=1',
    `ATTACH '${file('secret.db')}' AS s`,
    `SELECT load_extension('${file('x.so')}')`,
    'SELECT * FROM nowhere',
    `SELECT readfile('${file('secret.db')}')`,
    'SELECT 1; DROP TABLE town',
    'SELECT 1; SELECT 2',
  ]) {
    const answer = await ask('Database', bad);
    assert.equal(answer.outcome, 'miss', bad);
    assert.match(answer.text, /^The statement failed: /);
  }
  // Which of its limits a statement meets first depends on the machine.
  for (const huge of ['SELECT randomblob(900000000)', 'SELECT zeroblob(2000000000)']) {
    const answer = await ask('Database', huge);
    assert.equal(answer.outcome, 'miss', huge);
    assert.match(answer.text, /^The statement (?:failed: |was stopped(?:: it used too much memory| after 3 seconds))/);
  }
  const endless = await ask(
    'Database',
    'WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT count(*) FROM r',
  );
  assert.equal(endless.text, 'The statement was stopped after 3 seconds.');
  assert.deepEqual(readFileSync(file('towns.db')), bytes);
  assert.deepEqual(
    readdirSync(folder).filter((name) => /towns\.db/.test(name)),
    ['towns.db'],
  );
});

test('what is missing makes its tool unavailable, with a reason, and leaves the others', () => {
  const { library } = toolsOf(
    { tool: 'Database', provider: 'sqlite', file: 'none.db' },
    { tool: 'KnowledgeGraph', provider: 'triples', file: 'towns.csv' },
    { tool: 'TableVerbalizer', provider: 'tables', path: 'towns.csv' },
  );
  const reason = (name: string): string => library.unavailable.find((tool) => tool.name === name)?.reason ?? '';
  assert.match(reason('Database'), /none\.db is not there/);
  assert.match(reason('KnowledgeGraph'), /holds no triples/);
  assert.ok(library.available.some(({ description }) => description.name === 'TableVerbalizer'));
});
