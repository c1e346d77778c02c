import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { commandIds } from '../../src/contrib/commands.ts';
import type { CommandId } from '../../src/contrib/commands.ts';
import { Recorder } from './commands/recorder.ts';
import { activeUri, hasTab, showsOutput } from './commands/use.ts';
import { until } from './fixture.ts';
import { bareWindowTest } from './registry.ts';

/** What makes files, or reads a workspace's, asks for a folder; the others say what they say everywhere, or begin. */
const openFolder = /^error: .*Open a folder first/;
const said: Readonly<Partial<Record<CommandId, RegExp | ((shown: Recorder) => boolean)>>> = {
  'autoact.openTrajectories': /^pick: Whose trajectories\?/,
  'autoact.searchTrajectories': /^pick: Search whose trajectories\?/,
  'autoact.showPrompts': /^pick: Show which prompt\?/,
  'autoact.overridePrompt': openFolder,
  'autoact.doctor': () => activeUri()?.path.endsWith('Doctor.md') === true,
  'autoact.showLog': () => showsOutput(/./),
  'autoact.refresh': /^status: AutoAct: read anew: task cards 0, runs 0/,
  'autoact.openWalkthrough': () => hasTab(/Walkthrough|Welcome/),
  'autoact.setApiKey': /^input: Base URL of the server/,
  'autoact.setToolKey': /^pick: API key of which tool\?/,
  'autoact.addBox': /^input: AutoAct: Add Box/,
  'autoact.connectBox': /^error: .*There is no box yet\. Add one/,
  'autoact.disconnectBox': /^error: .*There is no box yet\. Add one/,
  'autoact.checkBox': /^error: .*There is no box yet\. Add one/,
  'autoact.removeBox': /^error: .*There is no box yet\. Add one/,
  'autoact.debugFile': /^files: Trajectories of the published AutoAct code/,
  'autoact.openJob': /^error: .*Choose a job in the Boxes view\./,
  'autoact.serveJob': /^error: .*Choose a job in the Boxes view\./,
  'autoact.useAdapters': /^error: .*Choose a job in the Boxes view\./,
  'autoact.resumeJob': /^error: .*Choose a job in the Boxes view\./,
  'autoact.fetchJob': /^error: .*Choose a job in the Boxes view\./,
  'autoact.stopJob': /^error: .*Choose a job in the Boxes view\./,
  'autoact.openJobLog': /^error: .*Choose a job in the Boxes view\./,
  'autoact.addComment': /^error: .*A comment belongs to a step\. Open a trace/,
  'autoact.removeComment': /^error: .*No comment is chosen\. Take one back/,
  'autoact.compareFork': /^error: .*There is no fork to compare\. Edit/,
  'autoact.resampleStep': /^error: .*No plan stands still\. Pause it first\./,
};

for (const id of commandIds)
  bareWindowTest(`without a folder ${id} says to open one, or does what needs none`, async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    const recorder = new Recorder();
    try {
      await vscode.commands.executeCommand(id);
      const expected = said[id] ?? openFolder;
      await until(String(expected), () => {
        const told = recorder.shown.map(({ kind, text }) => `${kind}: ${text}`);
        return (
          (typeof expected === 'function' ? expected(recorder) : told.some((each) => expected.test(each))) || undefined
        );
      }).catch((error: unknown) => assert.fail(`${String(error)}\n${recorder.told}`));
      const expectsProblem = expected instanceof RegExp && expected.source.startsWith('^error');
      assert.equal(recorder.of('error').length, expectsProblem ? 1 : 0, recorder.told);
    } finally {
      await recorder.end();
    }
  });
