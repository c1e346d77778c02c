import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, it } from 'node:test';
import { pythonJson } from '../../../src/core/data/publishedTrajectory.ts';
import { publishedFiles } from '../../../src/core/prompts/publishedPrompts.ts';

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

it('prompts of a clone become those of the workspace; a clone that lacks something is told by its file', () => {
  const words: Readonly<Record<string, string>> = {
    [publishedFiles.selfInstruct]:
      'HOTPOTQA_TASK_NAME = "Hops"\nHOTPOTQA_TASK_DESCRIPTION = "Far."\nDATA_GEN_SYSTEM_PROMPT = "{task_name}"\nHOTPOTQA_DATA_GEN_HUMAN_PROMPT = "{QA_pairs} {Gen_num}"\n',
    [publishedFiles.selection]: 'ACTION_SYSTEM_PROMPT = "Pick."\nTASK_PROMPT_TEMPLATE = "{tool_pool} {task_name}"\n',
    [publishedFiles.planning]: 'ZEROSHOT_INSTRUCTION_HOTPOTQA = "{tools} {question} {scratchpad}"\n',
    [publishedFiles.tools.hotpotqa]: '[{"name":"S","usage":"S[q]"}]',
  };
  const clone = join(home, 'clone');
  for (const [path, text] of Object.entries(words)) {
    mkdirSync(dirname(join(clone, path)), { recursive: true });
    // As a checkout on Windows has them.
    writeFileSync(join(clone, path), `\uFEFF${text.replaceAll('\n', '\r\n')}`);
  }
  const run = (...more: string[]) => {
    const { code, out } = cli('import', 'prompts', ...more, '-w', 'workspace', '--json');
    return { code, said: JSON.parse(out) as { prompts?: string[]; message?: string; remedy?: string } };
  };
  const agent = join(home, 'workspace', '.autoact', 'prompts', 'agent.md');
  const refused = (words: RegExp, ...more: string[]): void => {
    const { code, said } = run(...more);
    assert.notEqual(code, 0);
    assert.match(said.message ?? '', words);
    assert.ok(said.remedy, said.message);
  };
  refused(/There is no Self_Instruct\/pre_prompt\.py in elsewhere/, 'elsewhere');
  writeFileSync(join(clone, publishedFiles.tools.hotpotqa), 'torn [');
  refused(/HotpotQA_Tools\.json is no list of tools/, 'clone');
  assert.equal(existsSync(agent), false, 'nothing is written of a clone that lacks something');
  writeFileSync(join(clone, publishedFiles.tools.hotpotqa), words[publishedFiles.tools.hotpotqa] ?? '');
  assert.deepEqual(run('clone').said.prompts, ['agent', 'self-instruct', 'tool-selection']);
  assert.match(readFileSync(agent, 'utf8'), /\(1\) S\[q\]\n \{\{question\}\} \n\{\{transcript\}\}/);
  refused(/There is a prompt .*agent\.md already/, 'clone');
  assert.equal(run('clone', '--force').code, 0);
  refused(/There is no Self_Plan\/Tool_Selection\/ScienceQA_Tools\.json/, 'clone', '--for', 'scienceqa', '--force');
});
