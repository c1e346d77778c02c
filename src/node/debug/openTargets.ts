import { basename, dirname, join, resolve } from 'node:path';
import { DebugError } from '../../core/debug/debugError.ts';
import type { ItemMethod } from '../../core/debug/itemMethod.ts';
import { trajectoriesOf, type LaunchArguments } from '../../core/debug/launch.ts';
import { publishedTarget } from '../../core/debug/publishedTarget.ts';
import type { DebugTarget } from '../../core/debug/target.ts';
import type { Drivers } from '../../core/run/runner.ts';
import type { TaskCard } from '../../core/task/taskCard.ts';
import { publishedInput } from '../data/replayCheck.ts';
import { RunFolder } from '../store/runFolder.ts';
import { ForkFiles, readFork, type StoredFork } from './forkFiles.ts';
import { readPublished } from './publishedFile.ts';
import { Recall } from './recall.ts';
import { RunTargets, sha256, type DescribeTools } from './runTargets.ts';

/** Models and tools of a run, for live sessions. */
export interface LiveRun {
  /** Opens documents and tools of the run's task. */
  open(task: TaskCard, taskFile: string): Promise<void>;
  readonly describe: DescribeTools;
  drivers(run: RunTargets, method: ItemMethod): Drivers;
  close(): Promise<void>;
}

export interface OpenOptions {
  /** The product's own prompts. */
  readonly promptsFolder: string;
  /** Describes tools when nothing is opened. */
  readonly describe: DescribeTools;
  /** Scheme of the URIs of forks, where the editor shows them. */
  readonly forkScheme?: string;
  /** Opens models and tools; left out where nothing may be started. */
  readonly live?: (signal: AbortSignal) => LiveRun;
}

/** Opens what a launch configuration names. @throws DebugError `launch`, RunError, TaskError */
export async function openTargets(
  launch: LaunchArguments,
  options: OpenOptions,
  signal: AbortSignal,
): Promise<{ targets: DebugTarget[]; close(): Promise<void> }> {
  const fork = launch.fork === undefined ? undefined : readFork(resolve(launch.workspace ?? '.', launch.fork));
  const source =
    fork?.record.source ?? (launch.file === undefined ? undefined : { file: launch.file, line: launch.line });
  const run = fork?.record.run ?? launch.run;
  if (source !== undefined) {
    if (launch.mode === 'live')
      throw new DebugError(
        'launch',
        'An imported trajectory has no models or tools to ask; debug it with "mode": "replay".',
      );
    return { targets: [await filed(launch, options, source, fork)], close: () => Promise.resolve() };
  }
  if (run === undefined)
    throw new DebugError('launch', 'Name a "run" and a "trajectory" of it, or a "file" of published trajectories.');
  const runs = join(resolve(launch.workspace ?? '.'), '.autoact', 'runs');
  const live = launch.mode === 'live' ? options.live?.(signal) : undefined;
  if (launch.mode === 'live' && live === undefined)
    throw new DebugError('launch', 'Nothing may be started here; debug with "mode": "replay" or "cached".');
  try {
    const opened = new RunTargets(new RunFolder(runs, run), live?.describe ?? options.describe);
    await live?.open(opened.task, opened.record.taskFile);
    const recall = new Recall(opened.folder.logPath);
    const keys = fork === undefined ? trajectoriesOf(launch) : [fork.record.root];
    if (keys.length === 0) throw new DebugError('launch', 'Name the "trajectory" that is debugged.');
    const forks = new ForkFiles(opened.folder.file('forks'), options.forkScheme);
    const targets = keys.map((key): DebugTarget => {
      const { target, method } = opened.target(key, forks, fork?.entries);
      const { reward, ...rest } = target;
      return {
        ...rest,
        ...(launch.fresh ? { entries: [] } : reward === undefined ? {} : { reward }),
        ...continuing(fork),
        ...(launch.mode === 'replay' || launch.fresh ? {} : { recall: (hash: string) => recall.find(hash) }),
        ...(live === undefined || method === undefined
          ? {}
          : {
              drivers: live.drivers(opened, method),
              describeAsked: (role: string) => {
                const { model, server } = method.target(role);
                return `${model} on ${server}`;
              },
            }),
      };
    });
    return { targets, close: () => live?.close() ?? Promise.resolve() };
  } catch (error) {
    await live?.close();
    throw error;
  }
}

async function filed(
  launch: LaunchArguments,
  { promptsFolder, forkScheme }: OpenOptions,
  { file, line }: { readonly file: string; readonly line: number },
  fork: StoredFork | undefined,
): Promise<DebugTarget> {
  const workspace = resolve(launch.workspace ?? dirname(file));
  const path = resolve(workspace, file);
  const row = await readPublished(path, line);
  const name = basename(path).replace(/\.jsonl?$/, '');
  const target = {
    ...publishedTarget(row, name, publishedInput(promptsFolder)(row.trajectory), sha256),
    source: { file: path, line },
  };
  const forks = new ForkFiles(join(workspace, '.autoact', 'forks', name.replace(/[^\w.-]+/g, '-')), forkScheme);
  if (fork === undefined) return { ...target, forks };
  const { reward: _ofTheRecording, ...rest } = target;
  return { ...rest, forks, entries: fork.entries, ...continuing(fork) };
}

/** A fork that is debugged again goes by its own name, and what is forked from it names it as its parent. */
function continuing(fork: StoredFork | undefined): Pick<DebugTarget, 'parent'> | undefined {
  return fork === undefined ? undefined : { parent: fork.record.id };
}
