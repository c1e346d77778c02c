import { basename } from 'node:path';
import * as vscode from 'vscode';
import { UserError, nothingHere } from '../notify.ts';
import type { RunRecord, TaskRecord } from '../runs/runRecord.ts';
import { parseForkUri } from '../debug/debugUri.ts';
import type { Services } from '../services.ts';
import { fileTraceUri, parseFileTraceUri, parseTraceUri, traceUri } from '../traces/traceUri.ts';
import type { TableSource } from '../../protocol/trajectories.ts';
import { trajectoriesOf } from '../data/dataIndex.ts';
import type { DataNode } from '../data/dataTree.ts';
import { runStateName } from '../../protocol/words.ts';
import { pickOne } from '../pickOne.ts';

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
      throw nothingHere(
        vscode.l10n.t('There is no task card in this workspace.'),
        vscode.l10n.t('Make one with "AutoAct: New Task Card…", or begin with "AutoAct: Open Starter Task".'),
      );
    return tasks[0];
  }
  const chosen = await pickOne(
    tasks.map((task) => ({ label: task.name, description: basename(task.file), detail: task.description, task })),
    { title: vscode.l10n.t('Which task?'), matchOnDescription: true },
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
    throw nothingHere(
      vscode.l10n.t('There is no run that this can be done with.'),
      vscode.l10n.t('Start one with "AutoAct: Run the Whole Loop".'),
    );
  if (runs.length === 1) return runs[0];
  const chosen = await pickOne(
    runs.map((run) => ({
      label: run.id,
      description: `${run.status.task}, ${runStateName(run.status)}`,
      detail: new Date(run.status.startedAt).toLocaleString(),
      run,
    })),
    { title: question, matchOnDescription: true },
  );
  return chosen?.run;
}

/** A node of the data view, or undefined. */
function dataNodeOf(arg: unknown): DataNode | undefined {
  const kind = isObject(arg) ? arg['kind'] : undefined;
  return kind === 'data' || kind === 'dataPage' || kind === 'dataTrajectory' || kind === 'dataFile'
    ? (arg as DataNode) // our own tree made it
    : undefined;
}

/** Whose trajectories an argument means: a run's, those of an import, or of a file; undefined when it says nothing. */
export function sourceOfArgument(arg: unknown): TableSource | undefined {
  const node = dataNodeOf(arg);
  if (node?.kind === 'data')
    return node.data.kind === 'trajectories' ? { kind: 'file', path: trajectoriesOf(node.data.folder) } : undefined;
  if (node !== undefined) return { kind: 'file', path: node.path };
  if (arg instanceof vscode.Uri) {
    const run = parseTraceUri(arg);
    if (run !== undefined) return { kind: 'run', id: run.run };
    const stored = parseFileTraceUri(arg);
    if (stored !== undefined) return { kind: 'file', path: stored.path };
    return arg.scheme === 'file' && arg.fsPath.endsWith('.jsonl') ? { kind: 'file', path: arg.fsPath } : undefined;
  }
  const run = runOf(arg);
  return run === undefined ? undefined : { kind: 'run', id: run.id };
}

/** The trace of a tree's node, of a trace's URI, or the one that is open: of a run or of a file. */
export async function targetTraceUri(services: Services, arg: unknown): Promise<vscode.Uri> {
  const node = dataNodeOf(arg);
  if (node?.kind === 'dataTrajectory') return fileTraceUri(node.path, node.line);
  const uri = arg instanceof vscode.Uri ? arg : vscode.window.activeTextEditor?.document.uri;
  if (!isObject(arg) || arg instanceof vscode.Uri)
    if (uri !== undefined && (parseFileTraceUri(uri) ?? parseForkUri(uri)) !== undefined) return uri;
  const { run, item } = await targetTrajectory(services, arg);
  return traceUri(run.id, item);
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
  if (uri !== undefined && parseFileTraceUri(uri) !== undefined)
    throw new UserError(
      vscode.l10n.t('This trajectory comes from a file, which keeps no prompts and no provenance.'),
      vscode.l10n.t('A run’s trajectories have both.'),
    );
  if (address === undefined || found === undefined)
    throw nothingHere(
      vscode.l10n.t('No trajectory is chosen.'),
      vscode.l10n.t('Open one from the AutoAct view, and run the command again.'),
    );
  return { run: found, item: address.item };
}
