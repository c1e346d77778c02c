import assert from 'node:assert/strict';
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { gzipSync } from 'node:zlib';
import { renderImportReport } from '../../../src/core/data/importReport.ts';
import { Mapping } from '../../../src/core/data/mapping.ts';
import { importDataset, type DatasetKind } from '../../../src/node/data/importDataset.ts';
import { detectFormat } from '../../../src/node/data/records.ts';
import { importTrajectories } from '../../../src/node/data/trajectoryFolder.ts';
import { TaskError } from '../../../src/node/store/taskError.ts';

/** Files as users have them: packed, in other encodings, torn, of another kind; each gets one clear message. */

const folder = mkdtempSync(join(tmpdir(), 'autoact-damaged-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let made = 0;

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}
const read = (path: string, source: DatasetKind = { kind: 'hotpotqa' }) =>
  importDataset({ files: [path], out: join(folder, `set-${made++}`), name: 'set', source });
const table: DatasetKind = { kind: 'table', mapping: Mapping.parse({ question: 'q', answer: 'a' }) };
const rows = [
  { _id: '1', question: 'Wo liegt Zürich?', answer: 'in der Schweiz', level: 'easy' },
  { _id: '2', question: 'Where is Arden?', answer: 'Orvale', level: 'easy' },
];
const json = JSON.stringify(rows);
const lines = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
const bigEndian = (text: string): Buffer => Buffer.from(`\uFEFF${text}`, 'utf16le').swap16();

/** The one message of a refusal, with its remedy. */
async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => assert.fail('it was taken'),
    (e: unknown) => e,
  );
  assert.ok(error instanceof TaskError, String(error));
  assert.ok(error.remedy, error.message);
  return `${error.message} ${error.remedy}`;
}

test('UTF-16, as Windows programs write it, is read like UTF-8, with its mark and without', async () => {
  for (const [name, bytes] of Object.entries({
    'a.json': Buffer.from(`\uFEFF${json}`, 'utf16le'),
    'b.json': Buffer.from(json, 'utf16le'),
    'c.json': bigEndian(json),
    'd.jsonl': Buffer.from(`\uFEFF${lines.replaceAll('\n', '\r\n')}`, 'utf16le'),
    'e.jsonl': bigEndian(lines),
  })) {
    const { report, questions } = await read(file(name, bytes));
    assert.deepEqual([name, questions, report.repaired, report.refused], [name, 2, [], []]);
  }
  const csv = file('f.csv', Buffer.from('\uFEFFq,a\r\nWo liegt Zürich?,hier\r\n', 'utf16le'));
  assert.equal((await read(csv, table)).questions, 1);
});

test('what is packed is refused by its name and never unpacked, whatever it is called', async () => {
  const packed = gzipSync(Buffer.alloc(1 << 20, json));
  for (const name of ['a.json.gz', 'p.json', 'p.jsonl', 'p.csv', 'p'])
    assert.match(
      await refusal(read(file(name, packed), name.endsWith('csv') ? table : undefined)),
      /compressed with gzip.*gunzip/s,
    );
  for (const [start, words] of [
    ['504b0304', /ZIP.*CSV/],
    ['50415231', /Parquet.*JSON Lines/],
    ['28b52ffd', /Zstandard/],
    ['425a6839', /bzip2/],
    ['fd377a585a00', /xz/],
  ] as const)
    assert.match(await refusal(read(file(`x-${start}.json`, Buffer.from(`${start}0000`, 'hex')))), words);
  assert.match(
    await refusal(importTrajectories([file('t.jsonl', packed)], join(folder, 'trajectories'))),
    /compressed with gzip/,
  );
});

test('letters of another encoding are replaced, and every format says so', async () => {
  const latin = (text: string): Buffer => Buffer.from(text, 'latin1');
  for (const [name, bytes, source] of [
    ['l.json', latin(json), undefined],
    ['l.jsonl', latin(lines), undefined],
    ['l.csv', latin('q,a\nWo liegt Zürich?,hier\nWhere is Arden?,there\n'), table],
  ] as const) {
    const { report } = await read(file(name, bytes), source);
    assert.deepEqual(
      [name, report.kept, report.repaired.map((f) => [f.reason, f.count])],
      [name, 2, [['bytes that are not UTF-8 replaced', 1]]],
    );
  }
});

test('files without rows say so, and what they hold instead', async () => {
  for (const content of ['', '  \n', '[]', '{}', '"text"'])
    assert.match(await refusal(read(file('none.json', content))), /There are no rows in .*none\.json.*A JSON file is/);
  assert.match(await refusal(read(file('page.json', '<html>Not found</html>'))), /not valid JSON.*Unexpected "<"/);
  assert.match(await refusal(read(file('head.csv', 'q,a\n'), table)), /no rows in .*The columns are: q, a\./);
  assert.match(await refusal(read(file('nothing.csv', ''), table)), /no rows in .*first line/);
  assert.match(
    await refusal(importTrajectories([file('empty.jsonl', '')], join(folder, 'trajectories'))),
    /the files are empty.*published AutoAct code/,
  );
});

test('a split that is not there is told with those that are; a file of splits of another shape by its name', async () => {
  const problem = { question: 'Q?', choices: ['x', 'y'], answer: 1, grade: 'grade 2' };
  const problems = file(
    'problems.json',
    JSON.stringify({ 1: { ...problem, split: 'train' }, 2: { ...problem, split: 'test' } }),
  );
  assert.match(
    await refusal(read(problems, { kind: 'scienceqa', split: 'dev' })),
    /No problem of .* is of the split "dev"\. .*test, train/,
  );
  for (const [name, content] of Object.entries({ 's1.json': '[1]', 's2.json': '{"test":"1"}' }))
    assert.match(
      await refusal(read(problems, { kind: 'scienceqa', splits: file(name, content), split: 'test' })),
      new RegExp(`${name} does not hold lists of problem ids`),
    );
});

test('rows of the published code are chosen by their split too, and never taken where nobody says it', async () => {
  const published = (pid: string) => ({
    Question: `Q${pid}?`,
    choices: ['x', 'y'],
    Answer: 'A',
    metadata: { has_image: false, grade: 3 },
    pid,
  });
  const path = file('published.jsonl', ['7', '8'].map((pid) => JSON.stringify(published(pid))).join('\n'));
  const splits = file('pids.json', '{"test":["8"],"train":[7]}');
  assert.equal((await read(path, { kind: 'scienceqa', splits, split: 'test' })).questions, 1);
  assert.match(await refusal(read(path, { kind: 'scienceqa', split: 'test' })), /name pid_splits\.json with --splits/);
});

test('a table: semicolons, two columns of one name, what its faults mean, and a column that is not there', async () => {
  const semicolons = await read(file('de.csv', '" q ";a\r\nWie viel, bitte?;1,5\r\n'), table);
  assert.deepEqual([semicolons.questions, semicolons.report.repaired], [1, []]);
  const twice = file('twice.csv', 'q,a,q\nFirst?,yes,Second?\n');
  const out = join(folder, 'twice');
  const { report } = await importDataset({ files: [twice], out, name: 'x', source: table });
  assert.match(readFileSync(join(out, 'questions.jsonl'), 'utf8'), /"question":"First\?"/);
  assert.match(report.repaired[0]?.reason ?? '', /two columns are called "q": the second is "q \(2\)"/);
  const faulty = await read(file('faulty.csv', 'q,a\nGood?,yes\none\n"open,1\nrest,2\n'), table);
  assert.deepEqual(
    faulty.report.refused.map((f) => f.reason.replace('not a row of the table: ', '')),
    [
      'it has more or fewer cells than the first line',
      'a quotation mark is never closed, and everything after it is lost',
    ],
  );
  const mapped: DatasetKind = {
    kind: 'table',
    mapping: Mapping.parse({ question: 'q', answer: 'a', level: 'difficulty' }),
  };
  const noted = await read(file('level.csv', 'q,a\nOne?,1\nTwo?,2\n'), mapped);
  assert.deepEqual(
    noted.report.noted.map((f) => [f.reason, f.count]),
    [['nothing under "difficulty" (level)', 2]],
  );
});

test('a line without end is refused and not held; what stands around it is read', async () => {
  const path = join(folder, 'endless.jsonl');
  const fd = openSync(path, 'w');
  const [first = '', second = ''] = lines.split('\n');
  writeSync(fd, `${first}\n`);
  ftruncateSync(fd, 130 * 2 ** 20);
  writeSync(fd, `\n${second}\n`, 130 * 2 ** 20);
  closeSync(fd);
  const { report } = await read(path);
  assert.deepEqual([report.read, report.kept], [3, 2]);
  assert.deepEqual(report.refused, [{ reason: 'a record of more than 128 MB', count: 1, places: ['endless.jsonl:2'] }]);
});

test('what a report quotes of a file cannot drive the terminal', async () => {
  const path = file('esc.jsonl', `${lines}\u001b]0;owned\u0007{\n{"_id":"3","question":"\u001b[2J"}\n`);
  const { report } = await read(path);
  const text = renderImportReport(report);
  assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  assert.match(text, /not valid JSON .*\\u\{001B\}/);
});

test('a format is told by its content where the name does not say it', () => {
  assert.equal(detectFormat(file('x.json', '<html>')), 'json');
  assert.equal(detectFormat(file('x.data', Buffer.from(`\uFEFF${json}`, 'utf16le'))), 'json');
});
