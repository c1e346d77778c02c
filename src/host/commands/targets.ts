import { basename } from 'node:path';
import * as vscode from 'vscode';
import { UserError } from '../notify.ts';
import type { RunRecord, TaskRecord } from '../runs/runRecord.ts';
import type { Services } from '../services.ts';
import { parseTraceUri } from '../traces/traceUri.ts';

/**
 * What a command acts on. Commands come from the tree (a node), from editors and the explorer (a URI), from the
 * dashboard (an object like a node) and from the palette (nothing: the user is asked, unless there is only one).
 */

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** The parts of a tree's node, or of an object like one, that commands look at. */
interface NodeLike {
  readonly kind?: unknown;
  readonly task?: TaskRecord;
  readonly run?: RunRecord;
}

function asNode(value: unknown): NodeLike | undefined {
  return isObject(value) && typeof value['kind'] === 'string' ? value : undefined;
}

function taskOf(value: unknown): TaskRecord | undefined {
  const node = asNode(value);
  return node?.kind === 'task' ? node.task : undefined;
}

function runOf(value: unknown): RunRecord | undefined {
  return asNode(value)?.run;
}

export async function targetTask(services: Services, arg: unknown): Promise<TaskRecord | undefined> {
  await services.runs.ready();
  const given = taskOf(arg);
  if (given !== undefined) return given;
  const run = runOf(arg);
  const uri =
    arg instanceof vscode.Uri
      ? arg
      : run === undefined
        ? vscode.window.activeTextEditor?.document.uri
        : vscode.Uri.file(services.runs.taskFileOf(run));
  if (uri?.scheme === 'file' && uri.fsPath.endsWith('.task.json'))
    return services.runs.task(uri.fsPath) ?? services.runs.readTask(uri);
  const tasks = services.runs.tasks();
  if (tasks.length <= 1) {
    if (tasks[0] === undefined)
      throw new UserError(
        'There is no task card in this workspace.',
        'Make one with "AutoAct: New Task Card…", or begin with "AutoAct: Open Starter Task".',
      );
    return tasks[0];
  }
  const chosen = await vscode.window.showQuickPick(
    tasks.map((task) => ({ label: task.name, description: basename(task.file), detail: task.description, task })),
    { title: 'Which task?', matchOnDescription: true },
  );
  return chosen?.task;
}

export async function targetRun(
  services: Services,
  arg: unknown,
  accepts: (run: RunRecord) => boolean,
  question: string,
): Promise<RunRecord | undefined> {
  await services.runs.ready();
  const given = runOf(arg);
  if (given !== undefined) return services.runs.find(given.id) ?? given;
  const trace = arg instanceof vscode.Uri ? parseTraceUri(arg) : undefined;
  const ofTrace = trace === undefined ? undefined : services.runs.find(trace.run);
  if (ofTrace !== undefined) return ofTrace;
  const task = taskOf(arg);
  const all = task === undefined ? services.runs.runs() : services.runs.runsOf(task);
  const runs = all.filter(accepts);
  if (runs.length === 0)
    throw new UserError('There is no run that this can be done with.', 'Start one with "AutoAct: Run the Whole Loop".');
  if (runs.length === 1) return runs[0];
  const chosen = await vscode.window.showQuickPick(
    runs.map((run) => ({
      label: run.id,
      description: `${run.status.task}, ${run.status.state}`,
      detail: new Date(run.status.startedAt).toLocaleString(),
      run,
    })),
    { title: question, matchOnDescription: true },
  );
  return chosen?.run;
}

export interface TrajectoryTarget {
  readonly run: RunRecord;
  readonly item: string;
}

/** The trajectory of a tree node, of a trace's URI, or of the trace that is open. */
export async function targetTrajectory(services: Services, arg: unknown): Promise<TrajectoryTarget> {
  await services.runs.ready();
  const run = runOf(arg);
  const row = isObject(arg) && isObject(arg['row']) ? arg['row'] : undefined;
  if (run !== undefined && row !== undefined && typeof row['item'] === 'string') return { run, item: row['item'] };
  const uri = arg instanceof vscode.Uri ? arg : vscode.window.activeTextEditor?.document.uri;
  const address = uri === undefined ? undefined : parseTraceUri(uri);
  const found = address === undefined ? undefined : services.runs.find(address.run);
  if (address === undefined || found === undefined)
    throw new UserError('No trajectory is chosen.', 'Open one from the AutoAct view, and run the command again.');
  return { run: found, item: address.item };
}
