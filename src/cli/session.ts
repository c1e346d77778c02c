import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { gatherJudgements, TrajectoryJudgement } from '../core/annotate/judgements.ts';
import { judgementsFile } from '../core/pipeline/stages/differentiation.ts';
import { readAnnotations } from '../node/annotate/annotations.ts';
import { modes } from '../core/pipeline/mode.ts';
import type { PipelineContext } from '../core/pipeline/context.ts';
import { priceOf, targetOf } from '../core/pipeline/context.ts';
import { Ledger } from '../core/run/ledger.ts';
import { resolveSettings, type Settings } from '../core/pipeline/settings.ts';
import { StatusTracker } from '../core/pipeline/statusTracker.ts';
import type { Provenance } from '../core/evaluate/report.ts';
import { RunStatus } from '../core/run/status.ts';
import { RunError } from '../core/run/runError.ts';
import type { RunRecord } from '../core/run/runRecord.ts';
import { TaskCard } from '../core/task/taskCard.ts';
import { defaultCacheFolder } from '../node/store/cacheFolder.ts';
import { LogFile } from '../node/store/logFile.ts';
import { writeFileAtomic } from '../node/store/atomicFile.ts';
import { loadPrompts } from '../node/store/prompts.ts';
import { RunFolder } from '../node/store/runFolder.ts';
import { loadTaskCard, openTaskData, type TaskData } from '../node/store/taskFile.ts';
import { openTools } from '../node/tools/openTools.ts';
import { toolPlace } from './toolPlace.ts';
import { Toolbox } from '../node/tools/toolbox.ts';
import { CompletionCache } from '../node/openai/completionCache.ts';
import { ModelServers } from '../node/openai/modelServers.ts';
import { EngineHost } from '../node/embedded/engineHost.ts';
import { findBox } from '../node/box/boxes.ts';
import { BoxTrainer } from '../node/box/boxTrainer.ts';
import { packageRoot } from '../node/packageRoot.ts';
import { editorHere } from './editorPrompts.ts';
import { openBoxHere } from './openBoxHere.ts';
import {
  modelPath,
  newRecord,
  recordedPrompts,
  recordedSettings,
  refuseOtherTools,
  sha256,
  type RunParts,
} from './runRecords.ts';

export interface SessionOptions {
  readonly workspace: string;
  readonly taskFile: string;
  /** Id of a run to go on with. Its recorded task, settings and prompts are used, not today's. */
  readonly resume?: string;
  readonly parent?: string;
  /** Layers over the task card's own settings, later ones winning. */
  readonly settings: readonly Readonly<Record<string, unknown>>[];
  readonly world?: number;
  /** Where to train; of a resumed run, instead of where it was recorded to. It is no part of what is trained. */
  readonly box?: string;
  /** What it may spend, instead of what was recorded. */
  readonly budget?: Settings['budget'];
  readonly name?: string;
  readonly signal: AbortSignal;
  readonly publish: (status: RunStatus) => void;
  readonly notify: (message: string) => void;
}

/** A run that is open in this process: its folder locked, its log loaded, its ports connected. */
export interface Session {
  readonly folder: RunFolder;
  readonly context: PipelineContext;
  readonly record: RunRecord;
  readonly data: TaskData;
  readonly engine: EngineHost;
  readonly log: LogFile;
  /** Trajectories that the servers of the run take at once, as far as is known by now. */
  atOnce(): number;
  provenance(models: Provenance['models']): Provenance;
  close(): Promise<void>;
}

export function runsFolder(workspace: string): string {
  return join(workspace, '.autoact', 'runs');
}

/** Answers of user's servers, shared by all runs of the workspace. */
export function completionCacheFolder(workspace: string): string {
  return join(workspace, '.autoact', 'cache', 'completions');
}

/** Opens a new run or an old one. @throws TaskError, SettingsError, PromptError, RunError */
export async function openSession(options: SessionOptions): Promise<Session> {
  const root = packageRoot();
  const runs = runsFolder(options.workspace);
  const folder = new RunFolder(runs, options.resume ?? newRunId(options));
  const old = options.resume === undefined ? undefined : folder.record();
  const taskFile = resolve(options.workspace, old?.taskFile ?? options.taskFile);
  const task = withWorld(old === undefined ? loadTaskCard(taskFile) : TaskCard.parse(old.task), options.world);
  const settings =
    old === undefined ? resolveSettings(task.settings, ...options.settings) : recordedSettings(old, options.box);
  const data = await openTaskData(task, taskFile, {
    cacheFolder: defaultCacheFolder(root),
    notify: options.notify,
    signal: options.signal,
  });
  const prompts =
    old === undefined
      ? loadPrompts(join(root, 'prompts'), join(options.workspace, '.autoact', 'prompts'))
      : recordedPrompts(old);
  const library = openTools({
    tools: task.tools,
    documents: data.documents,
    place: toolPlace(taskFile, options.notify),
  });
  const record =
    old ?? newRecord(folder.id, options.parent, { root, task, taskFile, settings, data, prompts, library });
  if (old !== undefined && old.documents.sha256 !== data.documents.sha256) {
    throw new RunError(
      'log-mismatch',
      `The documents of run "${folder.id}" have changed since it was started.`,
      'Restore them, or start a new run.',
    );
  }
  if (old !== undefined) refuseOtherTools(old, library);
  if (old === undefined) folder.create(record);
  const unlock = folder.lock();
  try {
    return connect(options, { root, folder, record, task, taskFile, settings, data, prompts, library, unlock });
  } catch (error) {
    unlock();
    throw error;
  }
}

interface Parts extends RunParts {
  readonly folder: RunFolder;
  readonly record: RunRecord;
  readonly unlock: () => void;
}

function connect(options: SessionOptions, parts: Parts): Session {
  const { root, folder, record, task, settings, data, prompts, library, unlock } = parts;
  const log = LogFile.open(folder.logPath);
  const toolbox = new Toolbox(library);
  const engine = new EngineHost({
    root,
    modelPath: modelPath(root, parts.taskFile, settings),
    settings: settings.embedded,
    notify: options.notify,
    signal: options.signal,
  });
  const trainer = new BoxTrainer({
    root,
    engine,
    folder: folder.path,
    run: folder.id,
    baseFolder:
      settings.training.base === undefined
        ? join(root, 'starter', 'weights')
        : resolve(dirname(parts.taskFile), settings.training.base),
    boxes: { find: (name) => findBox(name), open: openBoxHere },
    notify: options.notify,
  });
  const earlier = RunStatus.safeParse(readJson(folder.file('status.json')));
  const tracker = new StatusTracker(
    {
      run: folder.id,
      task: task.name,
      taskFile: parts.taskFile,
      mode: settings.mode,
      seed: settings.seed,
      metric: task.metric,
      pid: process.pid,
      roles: ['meta', 'plan', 'tool', 'reflect'].map((role) => ({ role, ...targetOf(settings, role) })),
    },
    () => Date.now(),
    (status) => {
      writeFileAtomic(folder.file('status.json'), JSON.stringify(status), false);
      options.publish(status);
    },
    earlier.success ? earlier.data : undefined,
  );
  const models = new ModelServers({
    servers: settings.servers,
    pools: settings.pools,
    embedded: () => engine.endpoint(),
    embeddedConcurrency: Math.max(settings.concurrency ?? 64, 64),
    secret: (name) => process.env[name],
    editor: editorHere()?.models,
    known: record.capabilities ?? {},
    onCapabilities: (server, capabilities) => {
      if (record.capabilities?.[server] !== undefined) return;
      record.capabilities = { ...record.capabilities, [server]: capabilities };
      folder.update(record);
    },
    onState: ({ server, state, message, patienceMs }) =>
      tracker.server(server, state, message, patienceMs, addressOf(settings.servers[server]?.baseURL)),
    ledger: new Ledger({
      price: (server, model) => priceOf(settings, { server, model }),
      budget: options.budget ?? settings.budget,
      earlier: earlier.success ? earlier.data.ledger : undefined,
      onChange: (ledger) => tracker.ledger(ledger),
    }),
    ...(settings.cache ? { cache: new CompletionCache(completionCacheFolder(options.workspace)) } : {}),
  });
  const context: PipelineContext = {
    task,
    settings,
    mode: modes[settings.mode],
    prompts,
    documents: data.documents,
    questions: data.questions,
    offeredTools: toolbox.offered,
    unavailableTools: toolbox.unavailable,
    namedTools: library.named,
    ...(settings.filter.annotations === 'off' ? {} : { judgements: judgementsFor(folder, options.workspace) }),
    tracker,
    signal: options.signal,
    ports: {
      log,
      models,
      trainer,
      tools: toolbox,
      store: folder,
      now: () => Date.now(),
      hash: sha256,
    },
  };
  return {
    folder,
    context,
    record,
    data,
    engine,
    log,
    atOnce: () => models.atOnce(),
    provenance: (used) => ({
      run: folder.id,
      createdAt: record.createdAt,
      machine: machine(),
      mode: settings.mode,
      models: used,
      prompts: sha256(JSON.stringify(record.prompts)),
      seeds: [settings.seed],
      questions: data.description,
      sampling: `planning: temperature ${settings.planning.sampling.temperature}, synthesis: temperature ${settings.synthesis.sampling.temperature}`,
      versions: record.versions,
    }),
    close: async () => {
      models.close();
      await Promise.all([engine.stop(), toolbox.close()]);
      log.close();
      unlock();
    },
  };
}

function withWorld(task: TaskCard, seed: number | undefined): TaskCard {
  if (seed === undefined) return task;
  const { documents: _documents, questions: _questions, dataset: _dataset, ...rest } = task;
  return { ...rest, world: { seed } };
}

/** The labels that the run has been trained on already, else those of today. */
function judgementsFor(folder: RunFolder, workspace: string): TrajectoryJudgement[] {
  const frozen = folder.readRows(judgementsFile);
  return frozen === undefined
    ? gatherJudgements(readAnnotations(workspace))
    : frozen.flatMap((row) => {
        const parsed = TrajectoryJudgement.safeParse(row);
        return parsed.success ? [parsed.data] : [];
      });
}

/** Where a server is, without a password that its address may hold: the status is shown and copied. */
function addressOf(baseURL: string | undefined): string | undefined {
  const url = baseURL === undefined ? null : URL.parse(baseURL);
  return url === null ? undefined : `${url.protocol}//${url.host}${url.pathname}`;
}

function newRunId(options: SessionOptions): string {
  const stamp = new Date().toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  const slug = (options.name ?? options.taskFile.split(/[\\/]/).pop() ?? 'run')
    .replace(/\.task\.json$/, '')
    .replace(/[^\w-]+/g, '-')
    .slice(0, 40);
  return `${stamp}-${slug}-${process.pid.toString(36)}`;
}

function machine(): string {
  const cores = cpus();
  return `${cores.length} cores, ${cores[0]?.model.trim() ?? 'unknown processor'}, ${process.platform}`;
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as unknown;
  } catch {
    return undefined;
  }
}
