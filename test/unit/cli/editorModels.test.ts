import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { CliEvent } from '../../../src/core/run/status.ts';
import { LanguageModels } from '../../../src/host/runs/languageModels.ts';
import { RunnerProcess } from '../../../src/node/runnerProcess.ts';
import { fakeLanguageModels, type FakeApi } from '../../doubles/languageModels.ts';
import { metaReply } from '../../doubles/metaServer.ts';
import { buildCli } from '../../harness/cliProgram.ts';

const folder = mkdtempSync(join(tmpdir(), 'autoact-editor-models-'));
let program = '';
before(async () => {
  program = await buildCli(folder);
});
after(() => {
  rmSync(folder, { recursive: true, force: true });
});

const questions = Array.from({ length: 4 }, (_, i) => ({
  ...{ id: `q${i}`, question: `Where does traveller ${i} live?`, answer: 'Arden', level: 'easy' },
}));

function task(model: string): string {
  writeFileSync(
    join(folder, 'pages.jsonl'),
    `${JSON.stringify({ title: 'Mira Torvel', paragraphs: ['Mira Torvel was born in Arden.'] })}\n`,
  );
  writeFileSync(join(folder, 'questions.jsonl'), questions.map((q) => `${JSON.stringify(q)}\n`).join(''));
  const path = join(folder, 'a.task.json');
  writeFileSync(
    path,
    JSON.stringify({
      ...{ name: 'a', description: 'You answer questions.', metric: 'f1', levels: ['easy'] },
      examples: [{ question: 'Where was Ada born?', answer: 'Arden' }],
      ...{ documents: 'pages.jsonl', questions: 'questions.jsonl' },
      settings: {
        servers: { editor: { kind: 'vscode' } },
        roles: { default: { server: 'editor', model } },
        selfInstruct: { instances: 4, perAnswerCap: 100, similarity: 1, parallelRounds: 1 },
        evaluation: { systems: ['zero-shot'] },
      },
    }),
  );
  return path;
}

/** What the extension host does: starts the runner and answers it from the editor's models. */
async function run(api: FakeApi, args: readonly string[]): Promise<{ code: number | null; events: CliEvent[] }> {
  const events: CliEvent[] = [];
  const models = new LanguageModels(api, { warn: () => undefined });
  const runner = new RunnerProcess({
    ...{ cli: program, args: ['run', ...args, '--json'], cwd: folder, onLine: () => undefined },
    onEvent: (event) => events.push(event),
    onAsk: (ask, withdrawn) =>
      ask.kind === 'models' || ask.kind === 'complete' ? models.answer(ask, withdrawn) : Promise.resolve(undefined),
  });
  const { code } = await runner.done;
  return { code, events };
}

let n = 0;
const api = fakeLanguageModels([
  {
    name: 'vendor/small',
    reply: (said) => {
      return [metaReply({ prompt: said, seed: ++n, model: 'small', body: {} })];
    },
  },
]);

test('a run goes through every stage with a model of the editor, and its report says that nobody can repeat it', async () => {
  const { code, events } = await run(api, ['--task', task('vendor/small')]);
  assert.equal(code, 0, JSON.stringify(events.filter((e) => e.type === 'error')));
  const done = events.find((e) => e.type === 'done');
  assert.ok(done);
  const report = readFileSync(join(done.folder, 'report.md'), 'utf8');
  assert.match(report, /Not reproducible: language models of VS Code answered \(meta: vendor\/small/);
  const record = JSON.parse(readFileSync(join(done.folder, 'run.json'), 'utf8')) as {
    capabilities: Record<string, { kind: string; dialect: { seed: boolean } }>;
  };
  assert.equal(record.capabilities['editor']?.kind, 'vscode');
  assert.equal(record.capabilities['editor'].dialect.seed, false);
});

test('a model that is not offered ends the run with those that are', async () => {
  const { code, events } = await run(api, ['--task', task('vendor/gone')]);
  assert.equal(code, 4);
  const error = events.find((e) => e.type === 'error');
  assert.match(
    `${error?.message} ${error?.remedy}`,
    /"vendor\/gone" of VS Code: It is not offered; offered are: vendor\/small/,
  );
});
