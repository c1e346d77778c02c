import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { pythonJson } from '../../../src/core/data/publishedTrajectory.ts';

const home = mkdtempSync(join(tmpdir(), 'autoact-cli-import-'));
after(() => {
  rmSync(home, { recursive: true, force: true });
});

const main = join(import.meta.dirname, '..', '..', '..', 'src', 'cli', 'main.ts');
const cli = (...args: string[]): { code: number | null; out: string } => {
  const done = spawnSync(process.execPath, ['--disable-warning=MODULE_TYPELESS_PACKAGE_JSON', main, ...args], {
    encoding: 'utf8',
    cwd: home,
  });
  return { code: done.status, out: done.stdout };
};

it('a table is imported by its mapping with a task card; a mapping that lacks something is wrong usage', () => {
  writeFileSync(join(home, 't.csv'), 'Q,A\nWhich one?,this\nWhich other?,that\nAnd which third?,none\n');
  const done = cli('import', 'table', 't.csv', '-o', 'set', '-m', 'question=Q', '-m', 'answer=A', '--json');
  assert.equal(done.code, 0, done.out);
  const { card, manifest } = JSON.parse(done.out) as { card: string; manifest: { questions: number } };
  assert.equal(manifest.questions, 3);
  const written = JSON.parse(readFileSync(card, 'utf8')) as { dataset: unknown; examples: unknown[] };
  assert.deepEqual(written.dataset, { folder: 'set', selection: 'without-examples' });
  assert.equal(written.examples.length, 2);
  assert.equal(cli('import', 'table', 't.csv', '-o', 'other', '-m', 'question=Q', '--json').code, 2);
  const again = cli('import', 'table', 't.csv', '-o', 'set', '-m', 'question=Q', '-m', 'answer=A', '--json');
  assert.deepEqual([again.code, (JSON.parse(again.out) as { reason: string }).reason], [3, 'data']);
});

it('trajectories are imported, replayed, and exported to the same bytes', () => {
  const prompt =
    'Do it.\nQuestion: Who?\n\n\nThought: I know.\nAction: Finish[Ada]\nObservation: Please reflect your answer.\nThought: Sure.\nAction: Reflect[right]\nObservation: Answer is CORRECT';
  const row = { question: 'Who?', answer: 'Ada', correct: true, reward: 0.5, halted: false, error: false, prompt };
  const lines = [{ ...row, reward: 1 }, row].map((r) => `${pythonJson(r)}\n`).join('');
  writeFileSync(join(home, 'runs.jsonl'), lines);
  const done = cli('import', 'trajectories', 'runs.jsonl', '-o', 'runs', '--json');
  assert.equal(done.code, 0, done.out);
  const { replayedAlike, report } = JSON.parse(done.out) as {
    replayedAlike: number;
    report: { kept: number; noted: { reason: string }[] };
  };
  // The second row says a reward that its answer does not have.
  assert.deepEqual([report.kept, replayedAlike], [2, 1]);
  assert.match(report.noted[0]?.reason ?? '', /F1 is not 0\.5/);
  assert.equal(cli('export', 'runs', '-o', 'back', '--json').code, 0);
  assert.equal(readFileSync(join(home, 'back', 'runs.jsonl'), 'utf8'), lines);
});
