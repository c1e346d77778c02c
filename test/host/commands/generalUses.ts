import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { trajectoriesPanel } from '../../../src/contrib/ids.ts';
import { hostFixture } from '../fixture.ts';
import { scene } from './scene.ts';
import { activeText, activeUri, hasPanel, hasTab, showsOutput, type Uses } from './use.ts';

const inWorkspace = (...names: string[]): string => join(hostFixture().workspace, ...names);
const opened = (end: string): boolean => activeUri()?.path.endsWith(end) === true;

/** Tasks, data, prompts, keys and what is about the extension itself. */
export const generalUses: Uses = {
  'autoact.newTask': {
    effect: 'the new card is written and opened',
    answers: {
      input: ['Commands at work', 'You answer.', 'Where was Ada born?', 'Arden', 'Where was Bel born?', 'Velm'],
      pick: ['Exact match'],
    },
    seen: () => opened('/commands-at-work.task.json') && /"metric": "em"/.test(activeText()),
    after: () => {
      rmSync(inWorkspace('commands-at-work.task.json'));
    },
  },
  'autoact.openStarterTask': {
    effect: 'the starter task’s card is copied and opened',
    seen: () => opened('/starter.task.json') && /"world"/.test(activeText()),
    after: () => {
      rmSync(inWorkspace('starter.task.json'));
    },
  },
  'autoact.importData': {
    effect: 'the trajectories are imported and shown as a table',
    before: scene,
    answers: () => ({ pick: ['AutoAct trajectories'], files: [inWorkspace('commands.jsonl')], input: ['at-work'] }),
    seen: (shown) =>
      existsSync(inWorkspace('data', 'at-work', 'trajectories.jsonl')) &&
      hasPanel(trajectoriesPanel, /at-work/) &&
      shown.of('information').some((text) => text.includes('imported 3 trajectories')),
  },
  'autoact.showPrompts': {
    effect: 'the prompt is opened as a document',
    answers: { pick: ['agent'] },
    seen: () => opened('/prompt/agent.md') && activeText().length > 200,
  },
  'autoact.overridePrompt': {
    effect: 'a copy of the prompt is opened for editing',
    answers: { pick: ['judge'] },
    args: () => ['agent'],
    seen: () => opened('/.autoact/prompts/agent.md') && existsSync(inWorkspace('.autoact', 'prompts', 'agent.md')),
    after: () => {
      rmSync(inWorkspace('.autoact', 'prompts'), { recursive: true });
    },
  },
  'autoact.doctor': {
    effect: 'what the checks said is opened as a report',
    args: async () => [{ kind: 'task', task: (await scene()).quick }],
    seen: () => opened('/Doctor.md') && /AutoAct: Doctor[^]*```text\n\S/.test(activeText()),
  },
  'autoact.showLog': { effect: 'the log is in sight', seen: () => showsOutput(/./) },
  'autoact.refresh': {
    effect: 'the status bar says what was found',
    seen: (shown) => shown.of('status').some((text) => /task cards \d+, runs [1-9]/.test(text)),
  },
  'autoact.openWalkthrough': { effect: 'the walkthrough is open', seen: () => hasTab(/Walkthrough|Welcome/) },
  'autoact.setApiKey': {
    effect: 'the key is kept, and the status bar says so',
    answers: { input: ['http://localhost:9/v1', 'a key'], pick: ['Another server…'] },
    seen: (shown) => shown.of('status').some((text) => /key of http:\/\/localhost:9\/v1 is kept/.test(text)),
  },
  'autoact.setToolKey': {
    effect: 'the key is kept, and the status bar says so',
    answers: { pick: ['BRAVE_API_KEY'], input: ['a key'] },
    seen: (shown) => shown.of('status').some((text) => /key of BRAVE_API_KEY is kept/.test(text)),
  },
  'autoact.approveTool': {
    effect: 'what the tool would run is shown, and it is approved',
    args: async () => [{ kind: 'task', task: (await scene()).own }],
    answers: { press: ['Approve'] },
    seen: (shown) =>
      shown.shown.some(({ modal, text }) => modal && /Allow the tool Own/.test(text)) &&
      shown.of('information').some((text) => /Own is approved/.test(text)),
  },
  'autoact.openTrajectories': {
    effect: 'the run’s trajectories are open as a table',
    args: async () => [{ kind: 'run', run: (await scene()).shown }],
    seen: () => hasPanel(trajectoriesPanel, /run-done/),
  },
  'autoact.searchTrajectories': {
    effect: 'a list of what is found is open',
    args: async () => [{ kind: 'run', run: (await scene()).shown }],
    seen: (shown) =>
      shown.of('pick').some((text) => /^Search \d+ trajectories/.test(text)) && shown.openRows.length > 10,
  },
  'autoact.copyLink': {
    effect: 'a link to the trace is in the clipboard',
    args: () => [vscode.Uri.parse('autoact-trace:/run-done/evaluation/autoact/q-0001/0.aatrace')],
    seen: async (shown) =>
      /:\/\/autoact\.autoact\/trace\?run(=|%3D)run-done/.test(await vscode.env.clipboard.readText()) &&
      shown.of('status').some((text) => /link is copied/.test(text)),
  },
};
