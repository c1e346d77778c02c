import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { partlyDone } from '../../../src/core/run/partlyDone.ts';
import type { RunStatus, StageId, StageState } from '../../../src/core/run/status.ts';
import { isResumable } from '../../../src/host/runs/runRecord.ts';
import { runStateName } from '../../../src/protocol/words.ts';
import { writeRunFolder } from '../../fixtures/runFolder.ts';
import { cliFolder, runOf, withServer } from '../cli/support.ts';

const workspace = mkdtempSync(join(tmpdir(), 'autoact-partly-'));
test.after(() => {
  rmSync(workspace, { recursive: true });
});
const { status: whole } = writeRunFolder({ workspace, state: 'done', trajectories: 2, questions: 2 });

const having = (states: Partial<Record<StageId, StageState>>, state: RunStatus['state'] = 'done'): RunStatus => ({
  ...whole,
  state,
  stages: whole.stages.map((stage) => ({ ...stage, state: states[stage.id] ?? stage.state })),
});

test('a run that stopped before its report says which stage waits, and can be resumed', () => {
  const part = having({ report: 'pending' });
  assert.deepEqual(partlyDone(part), { last: 'evaluation', next: 'report' });
  assert.equal(runStateName(part), 'Evaluation done, Report waiting');
  assert.equal(isResumable(part), true);
});

test('stages that were left out are no stages that wait, nor the last one that is done', () => {
  assert.deepEqual(partlyDone(having({ training: 'skipped', evaluation: 'pending', report: 'pending' })), {
    last: 'filter',
    next: 'evaluation',
  });
  assert.equal(partlyDone(having({ training: 'skipped' })), undefined);
});

test('a run that is done, and one that ended otherwise, say their own state', () => {
  assert.equal(runStateName(whole), 'done');
  assert.equal(isResumable(whole), false);
  const cut = having({ report: 'pending' }, 'cancelled');
  assert.equal(partlyDone(cut), undefined);
  assert.equal(runStateName(cut), 'cancelled');
});

const { cli, writeTask } = cliFolder();

test('the command line says the same, at the end of the run and in the list', async () => {
  await withServer(async (baseURL) => {
    const task = writeTask('partly', baseURL);
    const machine = await cli(['run', '--task', task, '--stage', 'toolSelection', '--json']);
    assert.equal(machine.code, 0, machine.err);
    const { run } = runOf(machine.out);
    const rows = JSON.parse((await cli(['runs', '--json'])).out) as { run: string; state: string; stage: string }[];
    assert.deepEqual(
      rows.filter((row) => row.run === run).map(({ state, stage }) => [state, stage]),
      [['partly done', 'Trajectory synthesis waiting']],
    );
    const again = await cli(['run', '--resume', run, '--stage', 'toolSelection']);
    assert.equal(again.code, 0, again.err);
    assert.match(
      again.err,
      /has done Tool selection; Trajectory synthesis is waiting\. Go on with: autoact run --resume/,
    );
  });
});
