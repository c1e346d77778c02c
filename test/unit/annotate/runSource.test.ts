import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { foldLabels } from '../../../src/core/annotate/labels.ts';
import { gatherJudgements } from '../../../src/core/annotate/judgements.ts';
import type { RunDiff } from '../../../src/core/evaluate/runDiff.ts';
import type { LabelDraft } from '../../../src/core/annotate/records.ts';
import { readAnnotations } from '../../../src/node/annotate/annotations.ts';
import { StudyFolder } from '../../../src/node/annotate/studyFolder.ts';
import { scriptedRun, type ScriptedRun } from '../../doubles/scriptedRun.ts';
import { buildCli, cliEvents, runCli } from '../../harness/cliProgram.ts';

/** Studies whose trajectories are those of real runs, by the command line. */
const workspace = mkdtempSync(join(tmpdir(), 'autoact-study-'));
const built = mkdtempSync(join(tmpdir(), 'autoact-cli-'));
let program = '';
let runs: ScriptedRun[] = [];
let rejectedItem = '';
before(async () => {
  program = await buildCli(built);
  runs = [await scriptedRun(workspace, 'first'), await scriptedRun(workspace, 'second')];
});
after(async () => {
  for (const { server } of runs) await server.stop();
  for (const folder of [workspace, built]) rmSync(folder, { recursive: true, force: true });
});

const cli = async (...args: string[]): Promise<Record<string, unknown>> => {
  const { code, out, err } = await runCli(program, workspace, ['study', ...args, '--json']);
  assert.equal(code, 0, err);
  return JSON.parse(out) as Record<string, unknown>;
};
const idOf = (at: number): string => runs[at]?.id ?? '';

test('two runs are compared: their systems’ trajectories, blind, with what the runs’ scores said of them', async () => {
  await cli('new', 'two', '-m', `one=${idOf(0)}:zero-shot`, '-m', `other=${idOf(1)}:zero-shot`, '-r', 'ann');
  const file = join(workspace, 'two.study.json');
  const prepared = await cli('prepare', file);
  assert.deepEqual([prepared['questions'], prepared['incomplete']], [4, 0]);
  const folder = new StudyFolder(file);
  const candidates = Object.values(folder.key()?.candidates ?? {});
  assert.equal(candidates.length, 8);
  for (const { source, origin, correct } of candidates) {
    assert.ok(source.startsWith(`${origin?.run ?? '?'}/evaluation/zero-shot/`), source);
    assert.equal(typeof correct, 'boolean');
  }
  assert.equal(candidates.filter((c) => c.correct === true).length, 4, 'every question is answered with Arden');
  const shown =
    readFileSync(join(folder.path, 'items.jsonl'), 'utf8') + readFileSync(join(folder.path, 'plan.json'), 'utf8');
  assert.match(shown, /Where does traveller 3 live\?/);
  for (const tell of [idOf(0), idOf(1), 'zero-shot', 'Retrieve', 'Finish', 'Velm"', '"em"', 'score'])
    assert.ok(!shown.includes(tell), tell);
});

test('a blind study of what was synthesised becomes what the filter looks at, when its key is revealed and that is asked for', async () => {
  await cli('new', 'fit', '-m', `made=${idOf(0)}:synthesis`, '--design', 'single', '-r', 'ann', '-r', 'ben');
  const file = join(workspace, 'fit.study.json');
  const prepared = await cli('prepare', file);
  const folder = new StudyFolder(file);
  const candidates = Object.entries(folder.key()?.candidates ?? {});
  assert.equal(prepared['questions'], 2);
  const [[first, firstKey] = ['', undefined], [second, secondKey] = ['', undefined]] = candidates;
  rejectedItem = firstKey?.origin?.item ?? '';
  assert.match(rejectedItem, /^synthesis\/i-000\d\/0$/);

  const say = (rater: string, ...drafts: LabelDraft[]) => folder.annotator(rater).append(...drafts);
  const of = (candidate: string) => ({ study: 'fit', candidate });
  const steps =
    folder
      .items()
      .flatMap((i) => i.candidates)
      .find((c) => c.id === second)?.steps ?? [];
  const [step] = steps;
  assert.ok(step !== undefined && step.action === 'Search');
  const before = { thought: step.thought, tool: step.action, argument: step.argument };
  for (const rater of ['ann', 'ben'])
    say(
      rater,
      { kind: 'opened', study: 'fit', commitment: folder.commitment().commitment },
      { kind: 'judgement', target: of(first), accepted: false },
    );
  const [wrong] = say('ann', { kind: 'verdict', target: of(second), step: 1, verdict: 'wrong-argument' });
  say('ann', { kind: 'correction', target: of(second), step: 1, before, after: { ...before, argument: 'Arden' } });
  say('ann', {
    kind: 'correction',
    target: of(second),
    step: 2,
    before: { ...before, tool: 'Answer' },
    after: { ...before, tool: 'Calculate' },
  });

  const blind = await runCli(program, workspace, ['study', 'use', file]);
  assert.equal(blind.code, 3);
  assert.match(blind.err, /still blind.*reveal/s);
  await cli('reveal', file);
  const used = await cli('use', file, '-w', workspace);
  assert.deepEqual(used['counts'], { judgements: 2, verdicts: 1, corrections: 1 });
  assert.deepEqual(used['leftOut'], { 'a corrected tool whose own name is not known': 1 });
  assert.equal(used['added'], 4);
  const judged = gatherJudgements(readAnnotations(workspace));
  const rejected = judged.find((j) => j.item === firstKey?.origin?.item);
  assert.deepEqual(
    [rejected?.accepted, rejected?.raters, rejected?.hash],
    [false, ['ann', 'ben'], firstKey?.origin?.hash],
  );
  const corrected = judged.find((j) => j.item === secondKey?.origin?.item);
  assert.deepEqual(corrected?.faultySteps, [1]);
  // The neutral form's "Search" is the run's own tool again; what was not touched is as the run has it.
  assert.deepEqual(corrected.corrections[0]?.after, { thought: step.thought, tool: 'Retrieve', argument: 'Arden' });

  assert.equal((await cli('use', file, '-w', workspace))['added'], 0, 'done again, it adds nothing');
  say('ann', { kind: 'undo', of: [wrong?.id ?? ''] });
  assert.equal((await cli('use', file, '-w', workspace))['takenBack'], 1);
  assert.deepEqual(gatherJudgements(readAnnotations(workspace)).find((j) => j.corrections.length > 0)?.faultySteps, []);
  assert.equal(foldLabels(folder.annotator('ben').records(), 'fit').targets.size, 1);
});

test('the same task run again with the labels: the cards differ in that alone, and the diff says what it changed', async () => {
  const task = join(workspace, 'first.task.json');
  const run = await runCli(program, workspace, ['run', '--task', task, '-s', 'filter.annotations=filter', '--json']);
  assert.equal(run.code, 0, run.err);
  const done = cliEvents(run.out).find((e) => e.type === 'done');
  assert.ok(done?.type === 'done');
  const printed = await runCli(program, workspace, ['diff', idOf(0), done.run, '--json']);
  assert.equal(printed.code, 0, printed.err);
  const diff = JSON.parse(printed.out) as RunDiff;
  assert.deepEqual(
    diff.card.map(({ field, first, second }) => [field, first, second]),
    [['settings.filter.annotations', '"off"', '"filter"']],
  );
  assert.deepEqual([diff.people[0].rejected, diff.people[1].rejected], [0, 1]);
  assert.equal(diff.people[1].editedKept, 0, 'nothing edited is trained on unless that is asked for');
  assert.deepEqual(diff.kept, { both: 1, onlyFirst: [rejectedItem], onlySecond: [] });
  for (const { adapter, first, second, shared } of diff.training)
    assert.ok(second < first && shared === second, `${adapter}: ${first}, ${second}, ${shared}`);
  assert.ok(diff.training.length > 0);
  const [result] = diff.results;
  assert.deepEqual([result?.system, result?.n, result?.difference, result?.p], ['zero-shot', 4, 0, 1]);
  const { out } = await runCli(program, workspace, ['diff', idOf(0), done.run]);
  assert.match(out, /settings\.filter\.annotations \| "off" \| "filter"/);
  assert.match(out, /Rejected by people \| 0 \| 1/);
});

test('a study of comparisons is no verdict to train on', async () => {
  const { code, err } = await runCli(program, workspace, ['study', 'use', join(workspace, 'two.study.json')]);
  assert.equal(code, 3);
  assert.match(err, /compares trajectories.*one trajectory at a time/s);
});
