import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { commandIds } from '../../src/contrib/commands.ts';
import type { CommandId } from '../../src/contrib/commands.ts';
import { hostFixture, until } from './fixture.ts';
import { Recorder } from './commands/recorder.ts';
import { activeUri, hasTab, showsOutput } from './commands/use.ts';
import { hostTest } from './registry.ts';

/** Nothing is in the workspace: what a command then says, or shows for a start. Every command has its line. */
const said: Readonly<Record<CommandId, RegExp | ((shown: Recorder) => boolean)>> = {
  'autoact.newTask': /^input: New task card \(1 of 7\)/,
  'autoact.openStarterTask': () => activeUri()?.path.endsWith('/starter.task.json') === true,
  'autoact.importData': /^pick: Import data/,
  'autoact.run': /^error: .*There is no task card in this workspace\. Make one with "AutoAct: New Task Card…"/,
  'autoact.runStage': /^error: .*There is no task card in this workspace\. Make one/,
  'autoact.resume': /^error: .*There is no run that this can be done with\. Start one/,
  'autoact.cancel': /^error: .*There is no run that this can be done with\. Start one/,
  'autoact.openDashboard': /^error: .*There is no task card in this workspace\. Make one/,
  'autoact.openResults': /^error: .*There is no run that this can be done with\. Start one/,
  'autoact.openTrace': /^error: .*No trajectory is chosen\. Open one from the AutoAct view/,
  'autoact.openTrajectories': /^pick: Whose trajectories\?/,
  'autoact.searchTrajectories': /^pick: Search whose trajectories\?/,
  'autoact.compareTrajectories': /^error: .*No trajectory is chosen\. Open one/,
  'autoact.copyLink': /^error: .*No trajectory is chosen\. Open one/,
  'autoact.nextTrajectory': /^error: .*No trajectory is chosen\. Open one/,
  'autoact.previousTrajectory': /^error: .*No trajectory is chosen\. Open one/,
  'autoact.showProvenance': /^error: .*No trajectory is chosen\. Open one/,
  'autoact.whyDropped': /^error: .*No trajectory is chosen\. Open one/,
  'autoact.showRequests': /^error: .*No trajectory is chosen\. Open one/,
  'autoact.showPrompts': /^pick: Show which prompt\?/,
  'autoact.overridePrompt': /^pick: Override which prompt/,
  'autoact.doctor': () => activeUri()?.path.endsWith('Doctor.md') === true,
  'autoact.showLog': () => showsOutput(/./),
  'autoact.refresh': /^status: AutoAct: read anew: task cards 0, runs 0/,
  'autoact.moveRunToBin': /^error: .*There is no run that this can be done with\. Start one/,
  'autoact.openWalkthrough': () => hasTab(/Walkthrough|Welcome/),
  'autoact.setApiKey': /^input: Base URL of the server/,
  'autoact.setToolKey': /^pick: API key of which tool\?/,
  'autoact.approveTool': /^error: .*There is no task card in this workspace\. Make one/,
  'autoact.addBox': /^input: AutoAct: Add Box/,
  'autoact.connectBox': /^error: .*There is no box yet\. Add one/,
  'autoact.disconnectBox': /^error: .*There is no box yet\. Add one/,
  'autoact.checkBox': /^error: .*There is no box yet\. Add one/,
  'autoact.removeBox': /^error: .*There is no box yet\. Add one/,
  'autoact.serveJob': /^error: .*Choose a job in the Boxes view\./,
  'autoact.useAdapters': /^error: .*Choose a job in the Boxes view\./,
  'autoact.openJob': /^error: .*Choose a job in the Boxes view\./,
  'autoact.resumeJob': /^error: .*Choose a job in the Boxes view\./,
  'autoact.fetchJob': /^error: .*Choose a job in the Boxes view\./,
  'autoact.stopJob': /^error: .*Choose a job in the Boxes view\./,
  'autoact.openJobLog': /^error: .*Choose a job in the Boxes view\./,
  'autoact.startLabelling': /^error: .*There is no prepared study.*Make one/,
  'autoact.judgeTrace': /^error: .*There is no finished trajectory to judge\. Open/,
  'autoact.newStudy': /^error: .*There is nothing to judge yet\. Run a task/,
  'autoact.prepareStudy': /^error: .*There is no study in this workspace\. Make one/,
  'autoact.analyseStudy': /^error: .*There is no prepared study.*Make one/,
  'autoact.revealStudy': /^error: .*There is no prepared study.*Make one/,
  'autoact.exportLabels': /^error: .*There is no prepared study.*Make one/,
  'autoact.importLabels': /^error: .*There is no prepared study.*Make one/,
  'autoact.useLabels': /^error: .*There is no prepared study.*Make one/,
  'autoact.addComment': /^error: .*A comment belongs to a step\. Open a trace/,
  'autoact.removeComment': /^error: .*No comment is chosen\. Take one back/,
  'autoact.debugTrajectory': /^error: .*No trajectory is chosen\. Open one/,
  'autoact.debugLive': /^error: .*No trajectory is chosen\. Open one/,
  'autoact.debugFile': /^files: Trajectories of the published AutoAct code/,
  'autoact.compareFork': /^error: .*There is no fork to compare\. Edit/,
  'autoact.resampleStep': /^error: .*No plan stands still\. Pause it first\./,
};

for (const id of commandIds)
  hostTest(`in an empty workspace ${id} says what is missing, or begins`, async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    const recorder = new Recorder();
    try {
      await vscode.commands.executeCommand(id);
      const expected = said[id];
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
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '';
    if (id === 'autoact.openStarterTask') rmSync(join(folder, 'starter.task.json'), { force: true });
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

hostTest('runs that a workspace gets are found', async () => {
  hostFixture();
  const recorder = new Recorder();
  try {
    await vscode.commands.executeCommand('autoact.refresh');
    assert.match(recorder.told, /read anew: task cards 1, runs 3/);
  } finally {
    await recorder.end();
  }
});
