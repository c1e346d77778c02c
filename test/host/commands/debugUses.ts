import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { doneRun, openTrace, publishedTrace, scene, shownTrace } from './scene.ts';
import { hasDiff, stopDebugging, type Uses } from './use.ts';

const stands = (mode: string): boolean =>
  vscode.debug.activeDebugSession?.configuration['mode'] === mode &&
  vscode.debug.activeStackItem instanceof vscode.DebugStackFrame;
const live = async (): Promise<vscode.Uri> => shownTrace('evaluation/zero-shot/q0/0', (await doneRun()).id);
const forks = async (): Promise<string[]> => {
  const folder = join((await doneRun()).folder, 'forks');
  return existsSync(folder) ? readdirSync(folder).map((file) => join(folder, file)) : [];
};

/** The debugger, in replay and live; a fork that one command makes is compared by the next. */
export const debugUses: Uses = {
  'autoact.debugTrajectory': {
    effect: 'the plan stands at its entry',
    before: async () => openTrace(await publishedTrace(1)),
    args: async () => [await publishedTrace(1)],
    seen: () => stands('replay'),
    after: stopDebugging,
  },
  'autoact.debugLive': {
    effect: 'the plan stands at its entry, with models at hand',
    args: async () => {
      const run = await doneRun();
      return [{ kind: 'trajectory', run, row: { item: 'evaluation/zero-shot/q0/0' } }];
    },
    seen: () => stands('live'),
    after: stopDebugging,
  },
  'autoact.debugFile': {
    effect: 'which of the three is asked, and the plan stands at its entry',
    before: scene,
    args: async () => [vscode.Uri.file((await scene()).published)],
    answers: { input: ['2'] },
    seen: (shown) => shown.of('input').some((text) => /Which of the 3 trajectories/.test(text)) && stands('replay'),
    after: stopDebugging,
  },
  'autoact.resampleStep': {
    effect: 'what it costs is asked, and the step is sampled again on a fork',
    before: async () => openTrace(await live()),
    args: async () => [await live(), 1],
    answers: { press: ['Resample'] },
    seen: async (shown) =>
      shown.shown.some(({ modal, text }) => modal && text === 'Resample step 1?') &&
      stands('live') &&
      (await forks()).length > 0,
    after: stopDebugging,
  },
  'autoact.compareFork': {
    effect: 'the fork stands beside its original',
    args: async () => [{ kind: 'fork', run: await doneRun(), file: (await forks())[0], id: 'fork', change: '' }],
    seen: () => hasDiff(),
  },
};
