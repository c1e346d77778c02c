import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { stageIds } from '../../core/run/status.ts';
import type { StageId } from '../../core/run/status.ts';
import { UserError } from '../notify.ts';
import { pickOne } from '../pickOne.ts';
import { isLive, isResumable } from '../runs/runRecord.ts';
import type { RunRecord } from '../runs/runRecord.ts';
import type { Services } from '../services.ts';
import { agreesToReplace } from '../runs/agreesToReplace.ts';
import { targetRun, targetTask } from './targets.ts';
import { stageName, stateName } from '../../protocol/words.ts';

export async function runLoop(services: Services, arg: unknown): Promise<void> {
  const task = await targetTask(services, arg);
  if (task === undefined) return;
  if (task.problem !== undefined) {
    await vscode.window.showTextDocument(vscode.Uri.file(task.file));
    throw new UserError(vscode.l10n.t('The task card has errors. {0}', task.problem));
  }
  if (shouldOpenDashboard()) services.dashboards.show(task.file, undefined);
  await services.runner.start({ task, configuration: services.configurations.get(task.file) });
}

export async function runStage(services: Services, arg: unknown): Promise<void> {
  const node = arg as { kind?: unknown; stage?: { id?: unknown } } | undefined;
  const clicked = node?.kind === 'stage' ? stageIds.find((id) => id === node.stage?.id) : undefined;
  const ended = (candidate: RunRecord): boolean => !isLive(candidate.status);
  const run = await targetRun(services, arg, ended, vscode.l10n.t('A stage of which run?')).catch(
    (error: unknown): 'none' => {
      // Without a run, the first stages of a new one can still be run alone.
      if (error instanceof UserError) return 'none';
      throw error;
    },
  );
  if (run === undefined) return;
  const task = run === 'none' ? await targetTask(services, arg) : undefined;
  if (run === 'none' && task === undefined) return;
  const stage = clicked ?? (await chooseStage(run === 'none' ? undefined : run));
  if (stage === undefined) return;
  if (run === 'none') {
    if (task === undefined) return;
    if (shouldOpenDashboard()) services.dashboards.show(task.file, undefined);
    await services.runner.start({ task, configuration: services.configurations.get(task.file), stage });
    return;
  }
  if (!(await agreesToReplace(services.runs, run, stage))) return;
  await start(services, run, stage);
}

async function chooseStage(run: RunRecord | undefined): Promise<StageId | undefined> {
  const items = stageIds.map((id) => {
    const known = run?.status.stages.find((stage) => stage.id === id);
    return { label: stageName(id), ...(known === undefined ? {} : { description: stateName(known.state) }), id };
  });
  return (
    await pickOne(items, {
      title: vscode.l10n.t('Run which stage?'),
      placeHolder: vscode.l10n.t('What comes before it must be done.'),
    })
  )?.id;
}

export async function resume(services: Services, arg: unknown): Promise<void> {
  const run = await targetRun(
    services,
    arg,
    (candidate) => isResumable(candidate.status),
    vscode.l10n.t('Resume which run?'),
  );
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
    if (services.runner.cancel(given.task)) return;
  }
  const run = await targetRun(
    services,
    arg,
    (candidate) => isLive(candidate.status),
    vscode.l10n.t('Cancel which run?'),
  );
  if (run === undefined) return;
  const { pid } = run.status;
  if (services.runner.cancel(services.runs.taskFileOf(run), run.id, pid)) return;
  if (!isLive(run.status) || pid === undefined) throw new UserError(vscode.l10n.t('This run is not under way.'));
  const yes = vscode.l10n.t('Cancel It');
  const answer = await vscode.window.showWarningMessage(
    vscode.l10n.t('Run {0} was started elsewhere (process {1}). Ask it to end?', run.id, pid),
    { modal: true, detail: vscode.l10n.t('It can be resumed later: every answer is kept.') },
    yes,
  );
  if (answer !== yes) return;
  try {
    process.kill(pid, 'SIGTERM');
  } catch (error) {
    throw new UserError(
      vscode.l10n.t(
        'Process {0} could not be asked to end: {1}.',
        pid,
        error instanceof Error ? error.message : String(error),
      ),
      vscode.l10n.t('End it where it was started.'),
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
  const run = await targetRun(services, arg, hasReport, vscode.l10n.t('Results of which run?'));
  if (run === undefined) return;
  if (!hasReport(run))
    throw new UserError(
      vscode.l10n.t('Run {0} has no report yet.', run.id),
      vscode.l10n.t('It is written at the end; the dashboard shows what is known so far.'),
    );
  const report = vscode.Uri.file(join(run.folder, 'report.md'));
  try {
    await vscode.commands.executeCommand('markdown.showPreview', report);
  } catch {
    await vscode.window.showTextDocument(report); // the Markdown extension is switched off
  }
}

export async function moveRunToBin(services: Services, arg: unknown): Promise<void> {
  const run = await targetRun(
    services,
    arg,
    (candidate) => !isLive(candidate.status),
    vscode.l10n.t('Move which run to the bin?'),
  );
  if (run === undefined) return;
  if (isLive(run.status))
    throw new UserError(vscode.l10n.t('This run is under way.'), vscode.l10n.t('Cancel it first.'));
  const yes = vscode.l10n.t('Move to Bin');
  if (
    (await vscode.window.showWarningMessage(
      vscode.l10n.t('Move run {0} to the bin?', run.id),
      { modal: true, detail: run.folder },
      yes,
    )) !== yes
  )
    return;
  if (await moveToBin(run)) services.runs.forget(run.id);
}

/** Where there is no bin, as on most machines that a window is connected to, it is asked once more. */
async function moveToBin(run: RunRecord): Promise<boolean> {
  const folder = vscode.Uri.file(run.folder);
  try {
    await vscode.workspace.fs.delete(folder, { recursive: true, useTrash: true });
    return true;
  } catch (error) {
    if (!existsSync(run.folder)) throw error;
  }
  const forGood = vscode.l10n.t('Delete for Good');
  const answer = await vscode.window.showWarningMessage(
    vscode.l10n.t('Run {0} cannot be moved to a bin on this machine. Delete it for good?', run.id),
    { modal: true, detail: `${run.folder}\n${vscode.l10n.t('Its log cannot be had back.')}` },
    forGood,
  );
  if (answer !== forGood) return false;
  await vscode.workspace.fs.delete(folder, { recursive: true, useTrash: false });
  return true;
}

function shouldOpenDashboard(): boolean {
  return vscode.workspace.getConfiguration('autoact').get('dashboard.openOnRun', true);
}
