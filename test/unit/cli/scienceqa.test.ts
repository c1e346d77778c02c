import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Asked } from '../../doubles/completionServer.ts';
import { metaServer, metaReply } from '../../doubles/metaServer.ts';
import { buildCli, cliEvents, runCli } from '../../harness/cliProgram.ts';

const folder = mkdtempSync(join(tmpdir(), 'autoact scienceqa '));
let program = '';
before(async () => {
  program = await buildCli(folder);
});
after(() => {
  rmSync(folder, { recursive: true, force: true });
});

const problem = (more: object): object => ({
  question: 'Which state is shown?',
  choices: ['Ohio', 'Texas'],
  answer: 1,
  image: 'image.png',
  grade: 'grade3',
  split: 'test',
  ...more,
});

/** Looks at the image of each question and answers B. */
function reply(asked: Asked): string {
  const { prompt, seed } = asked;
  const history = prompt.slice(prompt.lastIndexOf('Question:'));
  if (prompt.endsWith('New pairs:'))
    return `\nQuestion: Which of these is number ${seed % 1000} of the solids?\nOptions: (A) milk (B) a nail\nAnswer: B\n`;
  if (prompt.endsWith('Selected tools:')) return '\n1. Image2Text\n2. Calculator\n3. Lookup';
  if (prompt.endsWith('Action: Image2Text[')) return 'image]';
  if (prompt.endsWith('Action:') && !history.includes('Judge'))
    return history.includes('Observation:') ? ' Finish[B]' : ' Image2Text[image]';
  if (/Action: Finish\[$/.test(prompt)) return 'B]';
  return metaReply(asked);
}

test('an imported ScienceQA runs, and Image2Text reads the captions of the questions that have images', async () => {
  const write = (name: string, value: unknown): void => writeFileSync(join(folder, name), JSON.stringify(value));
  write('problems.json', {
    '1': problem({}),
    '2': problem({ image: null, answer: 0, grade: 'grade7' }),
    '3': problem({ grade: 'grade7' }),
  });
  write('captions.json', { captions: { '1': 'A map with Texas in green.' } });
  mkdirSync(join(folder, 'images'));
  const words = ['import', 'scienceqa', 'problems.json', '--captions', 'captions.json', '--images', 'images'];
  const imported = await runCli(program, folder, [...words, '-o', 'data/scienceqa']);
  assert.equal(imported.code, 0, imported.err);
  assert.match(imported.out, /1 × an image without a caption or a file/);
  const server = metaServer(reply);
  try {
    const settings = [
      `servers={"mine":{"baseURL":"${await server.start()}"}}`,
      'roles={"default":{"server":"mine"}}',
      'selfInstruct.instances=3',
      'evaluation.systems=["zero-shot"]',
    ].flatMap((setting) => ['--setting', setting]);
    const ended = await runCli(program, folder, ['run', '--task', 'data/scienceqa.task.json', '--json', ...settings]);
    assert.equal(ended.code, 0, ended.out.slice(-2000) + ended.err);
    const done = cliEvents(ended.out).find((event) => event.type === 'done');
    assert.ok(done?.type === 'done');
    const observed = (id: string): string =>
      readFileSync(join(done.folder, 'log.jsonl'), 'utf8')
        .split('\n')
        .filter((line) => line.includes(`"evaluation/zero-shot/${id}/0"`) && line.includes('"label":"Image2Text"'))
        .map((line) => (JSON.parse(line) as { answer: { text: string } }).answer.text)
        .join();
    assert.equal(observed('1'), 'A map with Texas in green.');
    assert.match(observed('2'), /the question has none/);
    assert.match(observed('3'), /image of the question cannot be looked at/);
    const report = JSON.parse(readFileSync(join(done.folder, 'report.json'), 'utf8')) as {
      systems: { cells: { level: string; mean: number }[] }[];
    };
    assert.ok(report.systems[0]?.cells.some(({ level }) => level === 'grade 5-8'));
  } finally {
    await server.stop();
  }
});
