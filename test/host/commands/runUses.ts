import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { dashboardPanel } from '../../../src/contrib/ids.ts';
import { writeRunFolder } from '../../fixtures/runFolder.ts';
import { until } from '../fixture.ts';
import { doneRun, openTrace, runLimitMs, runOf, runRecord, scene, shownTrace, stateOf } from './scene.ts';
import { activeText, activeUri, hasDiff, hasPanel, type Uses } from './use.ts';

const ofSlow = () => [{ kind: 'run', run: runOf('slow') }];
const endSlow = async (): Promise<void> => {
  if (stateOf('slow') === 'running') await vscode.commands.executeCommand('autoact.cancel', ...ofSlow());
  await until('the slow run has ended', () => stateOf('slow') === 'cancelled' || undefined, runLimitMs);
};
const trajectory = async (item = 'evaluation/autoact/q-0002/0') => [
  { kind: 'trajectory', run: (await scene()).shown, row: { item } },
];
let before = '';

/** Runs, and the documents that are made of them. */
export const runUses: Uses = {
  'autoact.run': {
    effect: 'the dashboard opens and the run comes to its end',
    args: async () => [{ kind: 'task', task: (await scene()).quick }],
    seen: () => hasPanel(dashboardPanel, /quick/) && stateOf('quick') === 'done',
  },
  'autoact.runStage': {
    effect: 'it is asked whether the report is to be replaced, and it is made anew',
    before: async () => {
      before = (await doneRun()).status.updatedAt;
    },
    args: async () => {
      const run = await doneRun();
      return [{ kind: 'stage', run, stage: run.status.stages.find(({ id }) => id === 'report') }];
    },
    answers: { press: ['Run It Again'] },
    seen: (shown) =>
      shown.shown.some(({ modal, text }) => modal && text === 'Report of this run is done. Run it again?') &&
      stateOf('quick') === 'done' &&
      (runOf('quick')?.status.updatedAt ?? '') > before,
  },
  'autoact.cancel': {
    effect: 'the run that is under way is cancelled',
    before: async () => {
      await vscode.commands.executeCommand('autoact.run', { kind: 'task', task: (await scene()).slow });
      await until('the slow task runs', () => stateOf('slow') === 'running' || undefined, runLimitMs);
    },
    args: ofSlow,
    seen: () => stateOf('slow') === 'cancelled',
  },
  'autoact.resume': {
    effect: 'the cancelled run goes on, in its dashboard',
    before: async () => {
      await scene();
      if (runOf('slow') === undefined)
        await vscode.commands.executeCommand('autoact.run', { kind: 'task', task: (await scene()).slow });
      await until('the slow task has a run', () => stateOf('slow') !== undefined || undefined, runLimitMs);
      await endSlow();
    },
    args: ofSlow,
    seen: () => stateOf('slow') === 'running' && hasPanel(dashboardPanel, /slow/),
    after: endSlow,
  },
  'autoact.openDashboard': {
    effect: 'the run’s dashboard is open',
    args: async () => [{ kind: 'run', run: (await scene()).shown }],
    seen: () => hasPanel(dashboardPanel, /run-done/),
  },
  'autoact.openResults': {
    effect: 'the report is shown',
    args: async () => [{ kind: 'run', run: (await scene()).shown }],
    seen: (shown) => shown.of('command').includes('markdown.showPreview') && hasPanel('markdown.preview', /report/),
  },
  'autoact.moveRunToBin': {
    effect: 'it is asked, and asked again where there is no bin, and the folder is gone',
    before: async () => {
      const { workspace } = await scene();
      writeRunFolder({ workspace, run: 'run-bin', state: 'done', trajectories: 2, questions: 2 });
      await vscode.commands.executeCommand('autoact.refresh');
    },
    args: () => [{ kind: 'run', run: runRecord('run-bin') }],
    answers: { press: ['Move to Bin', 'Delete for Good'] },
    seen: async (shown) =>
      shown.shown.some(({ modal, text }) => modal && /Move run run-bin to the bin/.test(text)) &&
      !existsSync(join((await scene()).workspace, '.autoact', 'runs', 'run-bin')),
  },
  'autoact.openTrace': {
    effect: 'the trace is open',
    args: trajectory,
    seen: () =>
      activeUri()?.path === '/run-done/evaluation/autoact/q-0002/0.aatrace' && /=== Step 1/.test(activeText()),
  },
  'autoact.nextTrajectory': {
    effect: 'the next trace is open',
    before: () => openTrace(shownTrace()),
    seen: () => activeUri()?.path === '/run-done/evaluation/autoact/q-0002/0.aatrace',
  },
  'autoact.previousTrajectory': {
    effect: 'the trace before is open',
    before: () => openTrace(shownTrace()),
    args: () => [shownTrace()],
    seen: () => activeUri()?.path === '/run-done/evaluation/autoact/q-0000/0.aatrace',
  },
  'autoact.compareTrajectories': {
    effect: 'another trajectory of the question is offered, and both stand side by side',
    args: () => [shownTrace()],
    answers: { pick: [/./] },
    seen: (shown) => shown.of('pick').some((text) => /^Compare with which trajectory/.test(text)) && hasDiff(),
  },
  'autoact.showProvenance': {
    effect: 'where it comes from is opened beside',
    args: () => trajectory('synthesis/i-0011/0'),
    seen: () => /seed example `seed-1`/.test(activeText()),
  },
  'autoact.whyDropped': {
    effect: 'the list of what was dropped is opened',
    args: async () => {
      const { shown } = await scene();
      const stage = shown.status.stages.find(({ id }) => id === 'selfInstruct');
      return [{ kind: 'dropped', run: shown, stage, reason: 'near-duplicate', count: 12 }];
    },
    seen: () => /12 found in its log/.test(activeText()),
  },
  'autoact.showRequests': {
    effect: 'prompts and raw completions are opened',
    args: () => [shownTrace(), 1],
    seen: () => /=== Request 0: thought/.test(activeText()),
  },
};
