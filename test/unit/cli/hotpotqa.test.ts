import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { evaluationQuestions } from '../../../src/core/pipeline/evaluation.ts';
import { RunStatus } from '../../../src/core/run/status.ts';
import type { Asked } from '../../doubles/completionServer.ts';
import { metaReply, metaServer } from '../../doubles/metaServer.ts';
import { buildCli, cliEvents, runCli } from '../../harness/cliProgram.ts';

/** The paper's questions of one level with their paragraphs (see the data's README). */
const data = join(import.meta.dirname, '../../../../shared/data/hotpotqa-hard.jsonl');
const skip = existsSync(data) ? false : 'the HotpotQA questions (../shared/data) are not on this machine';
const folder = mkdtempSync(join(tmpdir(), 'autoact hotpotqa '));
let program = '';
before(async () => {
  if (skip === false) program = await buildCli(folder);
});
after(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** Opens the page that a question of the data set rests on, and answers with a word of the evidence. */
const reader = (asked: Asked): string => {
  const history = asked.prompt.slice(asked.prompt.lastIndexOf('Question:'));
  if (/Action: Search\[$/.test(asked.prompt)) return 'Gamal Aziz Wynn Resorts]';
  if (asked.prompt.endsWith('Action:') && !history.includes('Observation:')) return ' Search[Wynn Resorts president]';
  return metaReply(asked);
};

async function run(reply: (asked: Asked) => string, ...settings: string[]): Promise<{ folder: string; err: string }> {
  const server = metaServer(reply);
  const url = await server.start();
  try {
    const options = [
      `servers={"mine":{"baseURL":"${url}"}}`,
      'roles={"default":{"server":"mine"}}',
      'selfInstruct.instances=6',
      'evaluation.perLevel=4',
      ...settings,
    ].flatMap((setting) => ['--setting', setting]);
    const ended = await runCli(program, folder, ['run', '--task', 'data/hotpotqa.task.json', '--json', ...options]);
    assert.equal(ended.code, 0, ended.out.slice(-2000) + ended.err);
    const done = cliEvents(ended.out).find((event) => event.type === 'done');
    assert.ok(done?.type === 'done');
    return { folder: done.folder, err: ended.err };
  } finally {
    await server.stop();
  }
}

test('imported HotpotQA goes through every stage, with its own paragraphs as evidence', { skip }, async () => {
  const imported = await runCli(program, folder, ['import', 'hotpotqa', resolve(data), '-o', 'data/hotpotqa']);
  assert.equal(imported.code, 0, imported.err);
  const made = await run(reader, 'evaluation.systems=["zero-shot"]');
  const report = readFileSync(join(made.folder, 'report.md'), 'utf8');
  assert.match(report, /hard \(n=4\)/);
  const steps = readFileSync(join(made.folder, 'log.jsonl'), 'utf8');
  assert.match(steps, /Wynn Resorts/, 'Search answers from the imported paragraphs');
  assert.ok(existsSync(join(made.folder, 'training/plan.jsonl')));
});

test('levels stand in the card’s order, whatever the order of the files', () => {
  const question = (id: string, level: string) => ({ id, question: id, answer: 'x', level });
  const rows = [question('a', 'easy'), question('b', 'hard'), question('c', 'medium'), question('d', 'easy')];
  const ids = (perLevel: number): string[] =>
    evaluationQuestions(rows, perLevel, 1, ['easy', 'medium', 'hard']).map(({ level }) => level);
  assert.deepEqual(ids(0), ['easy', 'easy', 'medium', 'hard']);
  assert.deepEqual(ids(1), ['easy', 'medium', 'hard']);
});

test('where nothing reaches reward 1 the base is still evaluated, and the report says so', { skip }, async () => {
  const wrong = (asked: Asked): string => reader(asked).replace('Finish[Arden]', 'Finish[nowhere at all]');
  const made = await run(wrong);
  const status = RunStatus.parse(JSON.parse(readFileSync(join(made.folder, 'status.json'), 'utf8')));
  const stage = (id: string) => status.stages.find((s) => s.id === id)?.state;
  assert.deepEqual([stage('filter'), stage('training'), stage('report')], ['done', 'skipped', 'done']);
  assert.ok(status.notices.some((n) => n.severity === 'warning' && /nothing to train on/.test(n.message)));
  assert.deepEqual(
    status.results.map((r) => r.system),
    ['zero-shot'],
  );
  assert.match(readFileSync(join(made.folder, 'report.md'), 'utf8'), /No trajectory reached reward 1/);
});
