import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { ToolLibrary } from '../core/tools/provider.ts';
import { modes } from '../core/pipeline/mode.ts';
import type { PipelineContext } from '../core/pipeline/context.ts';
import { targetOf } from '../core/pipeline/context.ts';
import { resolveSettings, Settings } from '../core/pipeline/settings.ts';
import { StatusTracker } from '../core/pipeline/statusTracker.ts';
import type { Provenance } from '../core/evaluate/report.ts';
import { RunStatus } from '../core/run/status.ts';
import { RunError } from '../core/run/runError.ts';
import type { RunRecord } from '../core/run/runRecord.ts';
import { TaskCard } from '../core/task/taskCard.ts';
import { LogFile } from '../node/store/logFile.ts';
import { writeFileAtomic } from '../node/store/atomicFile.ts';
import { loadPrompts } from '../node/store/prompts.ts';
import { RunFolder } from '../node/store/runFolder.ts';
import { loadTaskCard, loadTaskData, type TaskData } from '../node/store/taskFile.ts';
import { openTools } from '../node/tools/openTools.ts';
import { toolPlace } from './toolPlace.ts';
import { Toolbox } from '../node/tools/toolbox.ts';
import { ModelServers } from '../node/openai/modelServers.ts';
import { EngineHost } from '../node/embedded/engineHost.ts';
import { findBox } from '../node/box/boxes.ts';
import { BoxTrainer } from '../node/box/boxTrainer.ts';
import { packageRoot, packageVersion } from '../node/packageRoot.ts';
import { openBoxHere } from './openBoxHere.ts';

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
  provenance(models: Provenance['models']): Provenance;
  close(): Promise<void>;
}

export const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');

export function runsFolder(workspace: string): string {
  return join(workspace, '.autoact', 'runs');
}

/** Opens a new run or an old one. @throws TaskError, SettingsError, PromptError, RunError */
export function openSession(options: SessionOptions): Session {
  const root = packageRoot();
  const runs = runsFolder(options.workspace);
  const folder = new RunFolder(runs, options.resume ?? newRunId(options));
  const old = options.resume === undefined ? undefined : folder.record();
  const taskFile = resolve(options.workspace, old?.taskFile ?? options.taskFile);
  const task = withWorld(old === undefined ? loadTaskCard(taskFile) : TaskCard.parse(old.task), options.world);
  const settings =
    old === undefined ? resolveSettings(task.settings, ...options.settings) : recordedSettings(old, options.box);
  const data = loadTaskData(task, taskFile);
  const prompts =
    old === undefined
      ? loadPrompts(join(root, 'prompts'), join(options.workspace, '.autoact', 'prompts'))
      : recordedPrompts(old);
  const library = openTools({
    tools: task.tools,
    pages: data.pages,
    place: toolPlace(taskFile, options.notify),
  });
  const record = old ?? newRecord(folder.id, options, { root, task, taskFile, settings, data, prompts, library });
  if (old !== undefined && old.documents.sha256 !== sha256(JSON.stringify(data.pages))) {
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

interface Parts {
  readonly root: string;
  readonly folder: RunFolder;
  readonly record: RunRecord;
  readonly task: TaskCard;
  readonly taskFile: string;
  readonly settings: Settings;
  readonly data: TaskData;
  readonly prompts: PipelineContext['prompts'];
  readonly library: ToolLibrary;
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
  const models = new ModelServers({
    servers: settings.servers,
    embedded: () => engine.endpoint(),
    embeddedConcurrency: Math.max(settings.concurrency, 64),
    secret: (name) => process.env[name],
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
  const context: PipelineContext = {
    task,
    settings,
    mode: modes[settings.mode],
    prompts,
    documents: data.pages,
    questions: data.questions,
    offeredTools: toolbox.offered,
    unavailableTools: toolbox.unavailable,
    namedTools: library.named,
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
      await Promise.all([engine.stop(), toolbox.close()]);
      log.close();
      unlock();
    },
  };
}

/** GGUF file that the embedded engine serves. */
export function modelPath(root: string, taskFile: string, settings: Settings): string {
  return settings.embedded.model === undefined
    ? join(root, 'starter', 'weights', 'starter.gguf')
    : resolve(dirname(taskFile), settings.embedded.model);
}

function newRecord(id: string, options: SessionOptions, parts: Omit<Parts, 'folder' | 'record' | 'unlock'>): RunRecord {
  const { root, task, settings, data, prompts, library } = parts;
  const roles = ['meta', 'plan', 'tool', 'reflect'] as const;
  const usesEmbedded = roles.some((role) => targetOf(settings, role).server === 'embedded');
  const weights = usesEmbedded ? fileHash(modelPath(root, parts.taskFile, settings)) : undefined;
  return {
    version: 1,
    id,
    createdAt: new Date().toISOString(),
    ...(options.parent === undefined ? {} : { parent: options.parent }),
    taskFile: parts.taskFile,
    task,
    settings,
    prompts: Object.fromEntries(
      [...prompts].map(([name, p]) => [
        name,
        { version: p.version, sha256: sha256(p.text), text: p.text, inputs: [...p.inputs] },
      ]),
    ),
    toolLibrarySha256: sha256(JSON.stringify(library.available.map((tool) => tool.description))),
    tools: library.available.map(({ description, provider }) => ({ name: description.name, provider })),
    documents: { count: data.pages.length, sha256: sha256(JSON.stringify(data.pages)) },
    questions: {
      count: data.questions.length,
      sha256: sha256(JSON.stringify(data.questions.map((q) => [q.id, q.question]))),
    },
    versions: { autoact: packageVersion(root), node: process.version },
    models: Object.fromEntries(
      roles.map((role) => {
        const target = targetOf(settings, role);
        return [
          role,
          { ...target, ...(target.server === 'embedded' && weights !== undefined ? { sha256: weights } : {}) },
        ];
      }),
    ),
  };
}

/** A run that goes on must find the tools that it began with; what its log does not hold is asked of them. */
function refuseOtherTools(old: RunRecord, library: ToolLibrary): void {
  for (const { description, provider } of library.available) {
    const recorded = old.tools?.find((tool) => tool.name === description.name);
    if (recorded !== undefined && recorded.provider !== provider)
      throw new RunError(
        'log-mismatch',
        `The tool ${description.name} of run "${old.id}" was provided by ${recorded.provider}, and is now by ${provider}.`,
        'Restore what has changed, or start a new run.',
      );
  }
}

function recordedSettings(record: RunRecord, box: string | undefined): Settings {
  const settings = Settings.parse(record.settings);
  return box === undefined ? settings : { ...settings, training: { ...settings.training, box } };
}

function recordedPrompts(record: RunRecord): PipelineContext['prompts'] {
  return new Map(
    Object.entries(record.prompts).map(([name, p]) => [
      name,
      { name, version: p.version, inputs: p.inputs, text: p.text },
    ]),
  );
}

function withWorld(task: TaskCard, seed: number | undefined): TaskCard {
  if (seed === undefined) return task;
  const { documents: _documents, questions: _questions, dataset: _dataset, ...rest } = task;
  return { ...rest, world: { seed } };
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

function fileHash(path: string): string | undefined {
  try {
    return sha256(readFileSync(path));
  } catch {
    return undefined; // A missing model is reported when it is needed, with the remedy.
  }
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as unknown;
  } catch {
    return undefined;
  }
}
