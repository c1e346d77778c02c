import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { traceScheme } from '../../../src/contrib/ids.ts';
import { RunStatus } from '../../../src/core/run/status.ts';
import type { RunRecord, TaskRecord } from '../../../src/host/runs/runRecord.ts';
import { metaServer } from '../../doubles/metaServer.ts';
import { writeScriptedTask } from '../../doubles/scriptedTask.ts';
import { publishedLine } from '../../fixtures/trajectories.ts';
import { hostFixture, until } from '../fixture.ts';

/** Runs and servers take longer than a window does. */
export const runLimitMs = 90_000;

/** What the commands work on, made when the first of them needs it. */
export interface Scene {
  readonly workspace: string;
  /** A run of the views' fixture: it has everything to look at, and no method behind it. */
  readonly shown: RunRecord;
  /** A task that runs in seconds, one that takes its time, and one with a tool of its own. */
  readonly quick: TaskRecord;
  readonly slow: TaskRecord;
  readonly own: TaskRecord;
  /** A file of the published code. */
  readonly published: string;
  /** The user's list of boxes. */
  readonly boxes: string;
}

let made: Promise<Scene> | undefined;
export const scene = (): Promise<Scene> => (made ??= make());

export const servers = [metaServer(), metaServer().delay(1500)] as const;

async function make(): Promise<Scene> {
  const { workspace } = hostFixture();
  const [quick, slow] = await Promise.all(servers.map((server) => server.start()));
  const write = (name: string, value: unknown): string => {
    const file = join(workspace, name);
    writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value));
    return file;
  };
  write('own.tool.json', {
    name: 'Own',
    argument: 'town',
    definition: 'tells about a town',
    usage: 'Own[Arden]',
    command: ['node', 'own.mjs', '{{argument}}'],
  });
  write('own.mjs', 'console.log("A town.")');
  const own = write('towns.task.json', {
    name: 'towns',
    description: 'You answer questions about towns.',
    examples: [{ question: 'Where is Arden?', answer: 'Orvale' }],
    metric: 'f1',
    tools: [{ tool: 'Own', provider: 'description', file: 'own.tool.json' }],
  });
  const published = write(
    'commands.jsonl',
    Array.from({ length: 3 }, (_, k) => `${publishedLine(k, k !== 1)}\n`).join(''),
  );
  const config = join(workspace, 'config');
  mkdirSync(join(config, 'autoact'), { recursive: true });
  process.env['XDG_CONFIG_HOME'] = config;
  const task = (file: string, name: string): TaskRecord => ({
    ...{ file, workspace, name, description: 'You answer.', metric: 'f1', examples: 1 },
  });
  const found: Scene = {
    workspace,
    shown: runRecord('run-done'),
    quick: task(writeScriptedTask(workspace, 'quick', quick ?? ''), 'quick'),
    slow: task(writeScriptedTask(workspace, 'slow', slow ?? ''), 'slow'),
    own: task(own, 'towns'),
    published,
    boxes: join(config, 'autoact', 'boxes.json'),
  };
  await vscode.commands.executeCommand('autoact.refresh');
  return found;
}

const runsFolder = (): string => join(hostFixture().workspace, '.autoact', 'runs');

export function runRecord(id: string): RunRecord {
  const folder = join(runsFolder(), id);
  const status = RunStatus.parse(JSON.parse(readFileSync(join(folder, 'status.json'), 'utf8')));
  return { id, folder, workspace: hostFixture().workspace, status };
}

/** The newest run of a task, when it has one whose status can be read. */
export function runOf(task: string): RunRecord | undefined {
  const runs = readdirSync(runsFolder())
    .filter((id) => existsSync(join(runsFolder(), id, 'status.json')))
    .map(runRecord)
    .filter(({ status }) => status.task === task);
  return runs.sort((a, b) => a.status.startedAt.localeCompare(b.status.startedAt)).at(-1);
}

export const stateOf = (task: string): RunStatus['state'] | undefined => runOf(task)?.status.state;

/** A run of the quick task that has come to its end. */
export async function doneRun(): Promise<RunRecord> {
  const { quick } = await scene();
  if (runOf('quick') === undefined) await vscode.commands.executeCommand('autoact.run', { kind: 'task', task: quick });
  await until('the quick task has run', () => stateOf('quick') === 'done' || undefined, runLimitMs);
  const run = runOf('quick');
  assert.ok(run);
  return run;
}

export const shownTrace = (item = 'evaluation/autoact/q-0001/0', run = 'run-done'): vscode.Uri =>
  vscode.Uri.from({ scheme: traceScheme, path: `/${run}/${item}.aatrace` });
export const publishedTrace = async (line: number): Promise<vscode.Uri> =>
  vscode.Uri.from({
    scheme: traceScheme,
    authority: 'file',
    path: `${vscode.Uri.file((await scene()).published).path}/${line}.aatrace`,
  });

export async function openTrace(uri: vscode.Uri): Promise<void> {
  await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri));
}
