import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { Mapping } from '../../../src/core/data/mapping.ts';
import { readOcrList } from '../../../src/core/data/scienceqa.ts';
import type { DatasetManifest } from '../../../src/core/data/dataset.ts';
import { toPublic } from '../../../src/core/task/question.ts';
import { importDataset, type DatasetKind } from '../../../src/node/data/importDataset.ts';
import { writeDatasetCard } from '../../../src/node/data/datasetCard.ts';
import { detectFormat, readRecords } from '../../../src/node/data/records.ts';
import { TaskError } from '../../../src/node/store/taskError.ts';
import { openTools } from '../../../src/node/tools/openTools.ts';
import { loadQuestions, loadTaskCard, openTaskData } from '../../../src/node/store/taskFile.ts';

const folder = mkdtempSync(join(tmpdir(), 'autoact-import-'));
after(() => {
  rmSync(folder, { recursive: true, force: true });
});
const options = { cacheFolder: join(folder, 'cache'), notify: () => undefined };
let made = 0;

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function read(
  files: readonly string[],
  source: DatasetKind,
): Promise<{ out: string; manifest: DatasetManifest }> {
  const out = join(folder, `set-${made++}`);
  return { out, manifest: await importDataset({ files, out, name: 'set', source }) };
}

const reasons = (findings: readonly { reason: string; count: number }[]): Record<string, number> =>
  Object.fromEntries(findings.map((f) => [f.reason, f.count]));

const row = (id: string, question: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  _id: id,
  question,
  answer: 'Arden',
  type: 'bridge',
  level: 'hard',
  supporting_facts: [['Mira', 0]],
  context: [
    ['Mira', ['Mira was born.', ' She lived in Arden.']],
    ['Velm', ['Velm is a town.']],
  ],
  ...more,
});

test('HotpotQA in its three forms gives the same questions and documents', async () => {
  const rows = [row('a1', 'Where did Mira live?'), row('a2', 'What is Velm?', { answer: 'a town' })];
  const official = file('official.json', JSON.stringify(rows, null, 1));
  const lines = file('lines.jsonl', rows.map(({ _id, ...rest }) => JSON.stringify({ id: _id, ...rest })).join('\n'));
  const hub = file(
    'hub.json',
    JSON.stringify(
      rows.map(({ _id, ...rest }) => ({
        ...rest,
        id: _id,
        context: {
          title: ['Mira', 'Velm'],
          sentences: [['Mira was born.', ' She lived in Arden.'], ['Velm is a town.']],
        },
        supporting_facts: { title: ['Mira'], sent_id: [0] },
      })),
    ),
  );
  const written: string[] = [];
  for (const path of [official, lines, hub]) {
    const { out, manifest } = await read([path], { kind: 'hotpotqa' });
    assert.deepEqual([manifest.questions, manifest.documents, manifest.report.refused], [2, 2, []]);
    written.push(
      readFileSync(join(out, 'questions.jsonl'), 'utf8') + readFileSync(join(out, 'documents.jsonl'), 'utf8'),
    );
  }
  assert.equal(written[1], written[0]);
  assert.equal(written[2], written[0]);
  assert.match(written[0] ?? '', /"supporting":\["Mira"\]/);
  assert.match(written[0] ?? '', /\{"title":"Mira","paragraphs":\["Mira was born\. She lived in Arden\."\]\}/);
});

test('every row that is not taken, or not taken as it is, is in the report with its place', async () => {
  const path = file(
    'odd.jsonl',
    Buffer.concat([
      Buffer.from(`\uFEFF${JSON.stringify(row('a', 'Where did Mira live?'))}\r\n`),
      Buffer.from('not json\n\n'),
      Buffer.from(`${JSON.stringify(row('b', '  What is Velm? '))}\n`),
      Buffer.from(`${JSON.stringify(row('a', 'Where did Mira live?'))}\n`),
      Buffer.from(`${JSON.stringify(row('a', 'Who was Mira?', { context: [['Velm', ['Another text.']]] }))}\n`),
      Buffer.from(`${JSON.stringify(row('c', 'No gold?', { answer: '' }))}\n`),
      Buffer.from(`${JSON.stringify(row('d', 'Lone quote?', { answer: 'Jonny" Craig' }))}\n`),
      Buffer.from('{"_id":"e","question":"Broken \xff byte?","answer":"x"}', 'latin1'),
    ]),
  );
  const { out, manifest } = await read([path], { kind: 'hotpotqa' });
  const { report } = manifest;
  assert.deepEqual([report.read, report.kept], [8, 5]);
  assert.deepEqual(Object.values(reasons(report.refused)), [1, 1, 1]);
  assert.ok(report.refused.some((f) => f.reason.startsWith('not valid JSON') && f.places[0] === 'odd.jsonl:2'));
  assert.ok('the same question is there already' in reasons(report.refused));
  assert.ok('no gold answer (a test split without answers?)' in reasons(report.refused));
  assert.equal(reasons(report.repaired)['another question had its id: numbered'], 1);
  assert.equal(reasons(report.repaired)['bytes that are not UTF-8 replaced'], 1);
  assert.equal(reasons(report.repaired)['spaces around question or answer removed'], 1);
  assert.equal(reasons(report.noted)['the gold answer has a lone quotation mark'], 1);
  assert.equal(reasons(report.noted)['another text under a title that is there already: the first is kept'], 1);
  assert.deepEqual(
    loadQuestions(join(out, 'questions.jsonl')).map((q) => q.id),
    ['a', 'b', 'a-2', 'd', 'e'],
  );
});

test('a JSON document that breaks off keeps what came before, and says where it ends', async () => {
  const text = JSON.stringify([row('a', 'One?'), row('b', 'Two?')]);
  const { manifest } = await read([file('cut.json', text.slice(0, -40))], { kind: 'hotpotqa' });
  assert.equal(manifest.questions, 1);
  assert.match(manifest.report.refused[0]?.reason ?? '', /not valid JSON from here on/);
});

test('nothing usable is an error with a remedy, and leaves no folder', async () => {
  const path = file('nothing.jsonl', '{"a":1}\n');
  await assert.rejects(read([path], { kind: 'hotpotqa' }), (e) => e instanceof TaskError && e.remedy !== undefined);
  assert.equal(existsSync(join(folder, `set-${made - 1}`)), false);
  await assert.rejects(read([join(folder, 'absent.jsonl')], { kind: 'hotpotqa' }), /cannot be read/);
});

test('ScienceQA: problems, captions, words in images, splits and bands of grades', async () => {
  const problem = (more: Record<string, unknown>): Record<string, unknown> => ({
    question: 'Which is it?',
    choices: ['dover', 'harrisburg'],
    answer: 1,
    hint: '',
    image: null,
    grade: 'grade4',
    subject: 'social science',
    split: 'test',
    ...more,
  });
  const problems = file(
    'problems.json',
    JSON.stringify({
      '1': problem({ image: 'image.png', hint: 'Look at it.' }),
      '2': problem({ grade: 'grade9', answer: 0 }),
      '3': problem({ split: 'train' }),
      '4': problem({ answer: 7 }),
    }),
  );
  const captions = file('captions.json', JSON.stringify({ captions: { '1': 'A map.' } }));
  const ocr = file('ocrs.json', JSON.stringify({ texts: { '1': [[[[0, 0]], 'Dover', 0.9]] } }));
  const splits = file('pid_splits.json', JSON.stringify({ test: ['1', '2', '4'], train: ['3'] }));
  for (const source of [
    { kind: 'scienceqa', captions, ocr, splits, split: 'test' },
    { kind: 'scienceqa', captions, ocr, split: 'test' },
  ] as const) {
    const { out, manifest } = await read([problems], source);
    assert.deepEqual([manifest.metric, manifest.questions, manifest.report.read], ['choice', 2, 3]);
    assert.deepEqual(manifest.levels, ['grade 1-4', 'grade 9-12']);
    assert.deepEqual(reasons(manifest.report.refused), { 'the gold answer is beyond the options': 1 });
    const [first, second] = loadQuestions(join(out, 'questions.jsonl'));
    assert.deepEqual(first, {
      id: '1',
      question: 'Which is it?\nContext: Look at it.',
      answer: 'B',
      level: 'grade 1-4',
      type: 'social science',
      choices: ['dover', 'harrisburg'],
      image: { caption: 'A map.', ocr: ['Dover'] },
    });
    assert.equal(second?.image, undefined);
  }
  await assert.rejects(read([problems], { kind: 'scienceqa', splits, split: 'nope' }), /no split "nope"/);

  const images = join(folder, 'images');
  mkdirSync(join(images, 'test', '1'), { recursive: true });
  writeFileSync(join(images, 'test', '1', 'image.png'), 'x');
  const { out, manifest } = await read([problems], { kind: 'scienceqa', images, split: 'test' });
  const [first] = loadQuestions(join(out, 'questions.jsonl'));
  assert.deepEqual(first?.image, { caption: '', ocr: [], file: 'test/1/image.png' });
  assert.deepEqual(toPublic(first).image, first.image);
  assert.equal(manifest.images, 1);
  assert.match(Object.keys(reasons(manifest.report.noted)).join(), /only text recognition or a vision model/);
  const card = loadTaskCard(await writeDatasetCard(out, manifest, { images }));
  const place = { folder, root: folder, version: '1', secret: () => undefined, notify: () => undefined };
  const { available } = openTools({ tools: card.tools, place: { ...place, sandboxEntry: '' } });
  const tool = available.find(({ description }) => description.name === 'Image2Text');
  assert.match(tool?.provider ?? '', /^captions of the questions, then Tesseract/);
  const hostile = file('hostile.json', JSON.stringify({ '../1': problem({ image: '../../../problems.json' }) }));
  const [bad] = loadQuestions(join((await read([hostile], { kind: 'scienceqa', images })).out, 'questions.jsonl'));
  assert.equal(bad?.image?.file, undefined);
  await assert.rejects(read([problems], { kind: 'scienceqa', images: join(folder, 'none') }), /no folder/);
});

test('ScienceQA rows of the published code: options once, OCR without evaluating it', async () => {
  const published = {
    Question: 'What is the capital of Delaware?\nOptions: (A) Harrisburg (B) Dover',
    choices: ['Harrisburg', 'Dover'],
    caption: 'A painting.',
    orc: "[([[3, 4], [5, 6]], 'It\\'s Dover', 0.98), ([[1, 1]], \"two 'words'\", 0.5)]",
    Answer: 'B',
    metadata: { has_image: true, grade: 4, subject: 'social science' },
    pid: '5890',
  };
  const { out } = await read([file('format.json', JSON.stringify([published]))], { kind: 'scienceqa' });
  const [question] = loadQuestions(join(out, 'questions.jsonl'));
  assert.equal(question?.question, 'What is the capital of Delaware?');
  assert.deepEqual(question.image?.ocr, ["It's Dover", "two 'words'"]);
  assert.deepEqual(readOcrList("[([], __import__('os').system('x'), 1)]"), ['os', 'x']);
});

test('files that are not there are an error with their name, whatever they were to be; nothing is left behind', async () => {
  const sources: readonly (readonly [string, DatasetKind])[] = [
    ['gone.csv', { kind: 'table', mapping: Mapping.parse({ question: 'Q', answer: 'A' }) }],
    ['gone.jsonl', { kind: 'hotpotqa' }],
    ['gone.json', { kind: 'scienceqa' }],
  ];
  for (const [name, source] of sources)
    await assert.rejects(
      read([join(folder, name)], source),
      (error) => error instanceof TaskError && error.message.includes(`${name} cannot be read`),
    );
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.includes('.partial')),
    [],
  );
});

test('a mapping that fits no row is told with the columns that there are', async () => {
  const csv = file('columns.csv', 'Query,Gold\nWhere?,Arden\n');
  await assert.rejects(
    read([csv], { kind: 'table', mapping: Mapping.parse({ question: 'Question', answer: 'Gold' }) }),
    (error) => error instanceof TaskError && /Query, Gold/.test(error.remedy ?? ''),
  );
});

test('a table by its mapping: quotes, line ends within cells, options in one column or several', async () => {
  const csv = file(
    't.csv',
    '\uFEFFQ,A,w,x,Page,Body\r\n"Say ""hi"",\nplease?",two,one,two,Hi,"First.\n\nSecond."\r\nshort,row\r\nX?,three,one,two,,\r\n',
  );
  const source: DatasetKind = {
    kind: 'table',
    mapping: Mapping.parse({ question: 'Q', answer: 'A', choices: ['w', 'x'], title: 'Page', text: 'Body' }),
  };
  const { out, manifest } = await read([csv], source);
  assert.deepEqual([manifest.questions, manifest.documents, manifest.report.read], [1, 1, 3]);
  assert.deepEqual(loadQuestions(join(out, 'questions.jsonl')), [
    { id: 'row-1', question: 'Say "hi",\nplease?', answer: 'B', level: 'all', choices: ['one', 'two'] },
  ]);
  assert.match(readFileSync(join(out, 'documents.jsonl'), 'utf8'), /"paragraphs":\["First\.","Second\."\]/);

  const nested = file('n.jsonl', '{"data":{"q":"Who?"},"gold":["Ada","Lovelace"],"n":3}\n{"data":{},"gold":"x"}\n');
  const second = await read([nested], {
    kind: 'table',
    mapping: Mapping.parse({ question: 'data.q', answer: 'gold', id: 'n' }),
  });
  assert.deepEqual(loadQuestions(join(second.out, 'questions.jsonl')), [
    { id: '3', question: 'Who?', answer: 'Ada', level: 'all' },
  ]);
  assert.deepEqual(reasons(second.manifest.report.refused), { 'nothing under "data.q"': 1 });
});

test('formats are seen from names and first bytes', async () => {
  assert.equal(detectFormat(file('a.txt', '[{"q":1}]')), 'json');
  assert.equal(detectFormat(file('b.json', '{"q":1}\n{"q":2}\n')), 'jsonl');
  assert.equal(detectFormat(file('c.json', '{"1": {"q":1},\n"2": {}}')), 'json');
  assert.equal(detectFormat(file('d.data', 'q,a\n1,2\n')), 'csv');
  const tsv = file('e.tsv', 'q\ta\n1\t2\n');
  const records = [];
  for await (const record of readRecords(tsv, detectFormat(tsv))) records.push(record.value);
  assert.deepEqual(records, [{ q: '1', a: '2' }]);
});

test('a task card points at the dataset and a selection; the card’s examples are no evaluation', async () => {
  const csv = file(
    'many.csv',
    `question,answer\n${Array.from({ length: 5 }, (_, i) => `Which is number ${i}?,${i}`).join('\n')}\n`,
  );
  const { out, manifest } = await read([csv], {
    kind: 'table',
    mapping: Mapping.parse({ question: 'question', answer: 'answer' }),
  });
  const path = await writeDatasetCard(out, manifest);
  const card = loadTaskCard(path);
  const data = await openTaskData(card, path, options);
  assert.equal(data.questions.length, 3);
  assert.ok(card.examples.every((e) => data.questions.every((q) => q.question !== e.question)));
  await assert.rejects(
    openTaskData({ ...card, dataset: { folder: out, selection: 'clean' } }, path, options),
    /no selection "clean"/,
  );
  await assert.rejects(
    openTaskData({ ...card, questions: 'x.jsonl' }, path, options),
    /a dataset and files of its own/,
  );
  await assert.rejects(
    openTaskData({ ...card, dataset: { folder: 'nowhere', selection: 'all' } }, path, options),
    /no imported dataset/,
  );
});
