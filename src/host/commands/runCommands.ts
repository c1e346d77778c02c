import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { stageIds, stageTitles } from '../../core/run/status.ts';
import type { StageId } from '../../core/run/status.ts';
import { UserError } from '../notify.ts';
import { isLive, isResumable } from '../runs/runRecord.ts';
import type { RunRecord } from '../runs/runRecord.ts';
import type { Services } from '../services.ts';
import { targetRun, targetTask } from './targets.ts';

export async function runLoop(services: Services, arg: unknown): Promise<void> {
  const task = await targetTask(services, arg);
  if (task === undefined) return;
  if (task.problem !== undefined) {
    await vscode.window.showTextDocument(vscode.Uri.file(task.file));
    throw new UserError(`The task card has errors. ${task.problem}`);
  }
  if (shouldOpenDashboard()) services.dashboards.show(task.file, undefined);
  await services.runner.start({ task, configuration: services.configurations.get(task.file) });
}

export async function runStage(services: Services, arg: unknown): Promise<void> {
  const node = arg as { kind?: unknown; stage?: { id?: unknown } } | undefined;
  const clicked = node?.kind === 'stage' ? stageIds.find((id) => id === node.stage?.id) : undefined;
  const run = await targetRun(services, arg, (candidate) => !isLive(candidate.status), 'A stage of which run?').catch(
    (error: unknown) => {
      // Without a run, the first stages of a new one can still be run alone.
      if (error instanceof UserError) return undefined;
      throw error;
    },
  );
  const stage = clicked ?? (await chooseStage(run));
  if (stage === undefined) return;
  if (run === undefined) {
    const task = await targetTask(services, arg);
    if (task === undefined) return;
    if (shouldOpenDashboard()) services.dashboards.show(task.file, undefined);
    await services.runner.start({ task, configuration: services.configurations.get(task.file), stage });
    return;
  }
  await start(services, run, stage);
}

async function chooseStage(run: RunRecord | undefined): Promise<StageId | undefined> {
  const items = stageIds.map((id) => {
    const known = run?.status.stages.find((stage) => stage.id === id);
    return { label: stageTitles[id], ...(known === undefined ? {} : { description: known.state }), id };
  });
  return (
    await vscode.window.showQuickPick(items, {
      title: 'Run which stage?',
      placeHolder: 'What comes before it must be done.',
    })
  )?.id;
}

export async function resume(services: Services, arg: unknown): Promise<void> {
  const run = await targetRun(services, arg, (candidate) => isResumable(candidate.status), 'Resume which run?');
  if (run === undefined) return;
  await start(services, run, undefined);
}

async function start(services: Services, run: RunRecord, stage: StageId | undefined): Promise<void> {
  const file = services.runs.taskFileOf(run);
  if (shouldOpenDashboard()) services.dashboards.show(file, run.id);
  await services.runner.start({
    task: { file, workspace: run.workspace },
    configuration: services.configurations.get(file),
    resume: run.id,
    ...(stage === undefined ? {} : { stage }),
  });
}

export async function cancel(services: Services, arg: unknown): Promise<void> {
  await services.runs.ready();
  const given = arg as { task?: unknown; run?: RunRecord } | undefined;
  if (given?.run === undefined && typeof given?.task === 'string') {
    if (services.runner.cancel(given.task, undefined)) return;
  }
  const run = await targetRun(services, arg, (candidate) => isLive(candidate.status), 'Cancel which run?');
  if (run === undefined) return;
  if (services.runner.cancel(services.runs.taskFileOf(run), run.id)) return;
  const { pid } = run.status;
  if (!isLive(run.status) || pid === undefined) throw new UserError('This run is not under way.');
  const yes = 'Cancel It';
  const answer = await vscode.window.showWarningMessage(
    `Run ${run.id} was started elsewhere (process ${pid}). Ask it to end?`,
    { modal: true, detail: 'It can be resumed later: every answer is kept.' },
    yes,
  );
  if (answer !== yes) return;
  try {
    process.kill(pid, 'SIGTERM');
  } catch (error) {
    throw new UserError(
      `Process ${pid} could not be asked to end: ${error instanceof Error ? error.message : String(error)}.`,
      'End it where it was started.',
    );
  }
}

export async function openDashboard(services: Services, arg: unknown): Promise<void> {
  await services.runs.ready();
  const node = arg as { kind?: unknown; run?: RunRecord } | undefined;
  if (node?.run !== undefined) {
    services.dashboards.show(services.runs.taskFileOf(node.run), node.run.id);
    return;
  }
  const task = await targetTask(services, arg);
  if (task === undefined) return;
  const latest = services.runs.runsOf(task)[0];
  services.dashboards.show(task.file, latest?.id);
}

export async function openResults(services: Services, arg: unknown): Promise<void> {
  const hasReport = (run: RunRecord): boolean => existsSync(join(run.folder, 'report.md'));
  const run = await targetRun(services, arg, hasReport, 'Results of which run?');
  if (run === undefined) return;
  if (!hasReport(run))
    throw new UserError(
      `Run ${run.id} has no report yet.`,
      'It is written at the end; the dashboard shows what is known so far.',
    );
  const report = vscode.Uri.file(join(run.folder, 'report.md'));
  try {
    await vscode.commands.executeCommand('markdown.showPreview', report);
  } catch {
    await vscode.window.showTextDocument(report); // the Markdown extension is switched off
  }
}

export async function moveRunToBin(services: Services, arg: unknown): Promise<void> {
  const run = await targetRun(services, arg, (candidate) => !isLive(candidate.status), 'Move which run to the bin?');
  if (run === undefined) return;
  if (isLive(run.status)) throw new UserError('This run is under way.', 'Cancel it first.');
  const yes = 'Move to Bin';
  if (
    (await vscode.window.showWarningMessage(
      `Move run ${run.id} to the bin?`,
      { modal: true, detail: run.folder },
      yes,
    )) !== yes
  )
    return;
  await vscode.workspace.fs.delete(vscode.Uri.file(run.folder), { recursive: true, useTrash: true });
  services.runs.forget(run.id);
}

function shouldOpenDashboard(): boolean {
  return vscode.workspace.getConfiguration('autoact').get('dashboard.openOnRun', true);
}
