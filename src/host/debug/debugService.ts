import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { DebugProtocol } from '@vscode/debugprotocol';
import * as vscode from 'vscode';
import { contextKeys, debugType, forkScheme } from '../../contrib/ids.ts';
import { anyTrajectory, LaunchArguments, trajectoriesOf, type ShownSpan } from '../../core/debug/launch.ts';
import { Settings } from '../../core/pipeline/settings.ts';
import { sessionEvents } from '../../dap/events.ts';
import { PlanDebugSession } from '../../dap/session.ts';
import { describeStandardTools } from '../../node/debug/describeTools.ts';
import { readFork } from '../../node/debug/forkFiles.ts';
import { openTargets } from '../../node/debug/openTargets.ts';
import { publishedPlace } from '../../node/debug/publishedFile.ts';
import { sha256 } from '../../node/debug/runTargets.ts';
import { RunFolder } from '../../node/store/runFolder.ts';
import { openComparison } from '../commands/compareCommands.ts';
import { UserError } from '../notify.ts';
import type { RunRecord } from '../runs/runRecord.ts';
import type { Services } from '../services.ts';
import type { TraceLoader } from '../traces/traceLoader.ts';
import { fileTraceUri, parseFileTraceUri, parseTraceUri, traceUri } from '../traces/traceUri.ts';
import type { DebugTraces } from './debugTraces.ts';
import { forkUri, parseForkUri } from './debugUri.ts';

type DebugServices = Pick<Services, 'runs' | 'layout' | 'keys' | 'log'>;

/** Launch configurations as VS Code hands them around. */
export interface Configuration extends vscode.DebugConfiguration {
  run?: string;
  trajectory?: string | string[];
  file?: string;
  line?: number;
  fork?: string;
  mode?: string;
  workspace?: string;
  noDebug?: boolean;
  documents?: Record<string, { uri: string; spans?: readonly ShownSpan[] }>;
}

/** How a plan ended that ran in a debug session. */
export interface EndedPlan {
  readonly trajectory: string;
  readonly reward: number | undefined;
  readonly answer: string | undefined;
  /** The server or tool that failed, when the plan could not be finished. */
  readonly problem: string | undefined;
}

/** At most so many trajectories are offered in the list of dynamic configurations. */
const offered = 12;

/**
 * Debug sessions: what a configuration means, where its adapter runs, and what is done when a plan has ended. Replays run
 * in this process; what asks models and tools runs in a process of its own, like every run.
 */
export class DebugService implements vscode.Disposable {
  private readonly services: DebugServices;
  private readonly traces: DebugTraces;
  private readonly loader: TraceLoader;
  private last: { readonly original: vscode.Uri; readonly fork: vscode.Uri } | undefined;
  private readonly endings = new vscode.EventEmitter<EndedPlan>();
  /** A plan of a session has come to its end. */
  readonly onDidEndPlan = this.endings.event;
  private readonly watching = vscode.debug.onDidChangeActiveDebugSession((session) => {
    const live = session?.type === debugType && session.configuration['mode'] === 'live';
    void vscode.commands.executeCommand('setContext', contextKeys.debugLive, live);
  });

  constructor(services: DebugServices, traces: DebugTraces, loader: TraceLoader) {
    this.services = services;
    this.traces = traces;
    this.loader = loader;
  }

  dispose(): void {
    this.watching.dispose();
    this.endings.dispose();
  }

  /** Completes a configuration; an empty one means the trace that is open. */
  async resolve(folder: vscode.WorkspaceFolder | undefined, given: vscode.DebugConfiguration): Promise<Configuration> {
    const config: Configuration = {
      ...given,
      type: debugType,
      request: 'launch',
      name: given.name || vscode.l10n.t('Debug plan'),
    };
    await this.services.runs.ready();
    if (config.run === undefined && config.file === undefined && config.fork === undefined) {
      const open = vscode.window.activeTextEditor?.document.uri;
      const found = open === undefined ? undefined : this.configurationOf(open);
      if (found === undefined)
        throw new UserError(
          vscode.l10n.t('No trace is open that could be debugged.'),
          vscode.l10n.t('Open one from the AutoAct view, or name a run and a trajectory in launch.json.'),
        );
      Object.assign(config, { ...found, ...config });
    }
    const mode = config.mode ?? 'replay';
    if (mode === 'live' && !vscode.workspace.isTrusted)
      throw new UserError(
        vscode.l10n.t('Live debugging starts programs and contacts servers, so it needs a trusted workspace.'),
        vscode.l10n.t('Debug with "mode": "replay", or trust the workspace.'),
      );
    config.mode = mode;
    if (config.fork !== undefined) config.run ??= readFork(config.fork).record.run;
    const run = config.run === undefined ? undefined : this.services.runs.find(config.run);
    if (config.run !== undefined && run === undefined && config.fork === undefined)
      throw new UserError(
        vscode.l10n.t('There is no run "{0}" in this workspace.', config.run),
        vscode.l10n.t('The AutoAct view lists the runs.'),
      );
    const workspace = run?.workspace ?? folder?.uri.fsPath ?? vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
    if (workspace !== undefined) config.workspace ??= workspace;
    return config;
  }

  /** Finds the documents that show what is debugged, once variables such as the workspace folder are filled in. */
  async complete(given: vscode.DebugConfiguration): Promise<Configuration> {
    const config: Configuration = given;
    const run = config.run === undefined ? undefined : this.services.runs.find(config.run);
    config.documents ??= await this.documentsOf(config, run);
    // Before the session starts: later it could cover what a stop shows.
    await this.keepOpen(config);
    return config;
  }

  /** What can be debugged right now: the open trace, and answers of the newest run that were wrong. */
  async dynamic(): Promise<Configuration[]> {
    const { runs } = this.services;
    await runs.ready();
    const found: Configuration[] = [];
    const open = vscode.window.activeTextEditor?.document.uri;
    const shown = open === undefined ? undefined : this.configurationOf(open);
    if (shown !== undefined)
      found.push({ type: debugType, request: 'launch', name: vscode.l10n.t('Replay the open trace'), ...shown });
    const [run] = runs.runs();
    if (run === undefined) return found;
    const log = runs.logOf(run);
    await log.refresh();
    const scores = await runs.scores.of(run.folder);
    const keys = [...log.keys].filter((key) => key.startsWith('evaluation/'));
    const wrong = keys.filter((key) => (scores.get(key) ?? 1) < 1);
    for (const trajectory of (wrong.length > 0 ? wrong : keys).slice(0, offered))
      found.push({
        type: debugType,
        request: 'launch',
        name: vscode.l10n.t('Replay {0}', trajectory),
        run: run.id,
        trajectory,
      });
    return found;
  }

  async descriptor({ configuration }: vscode.DebugSession): Promise<vscode.DebugAdapterDescriptor> {
    const launch = configuration as Configuration;
    if (launch.mode === 'live') {
      if (!vscode.workspace.isTrusted) throw new UserError(vscode.l10n.t('Live debugging needs a trusted workspace.'));
      const env = { ...(await this.environment(launch)), ELECTRON_RUN_AS_NODE: '1' };
      const cwd = launch.workspace === undefined ? {} : { cwd: launch.workspace };
      return new vscode.DebugAdapterExecutable(
        process.execPath,
        [this.services.layout.cli, 'debug-adapter', '--fork-scheme', forkScheme],
        { env, ...cwd },
      );
    }
    const session = new PlanDebugSession({
      open: (parsed, signal) =>
        openTargets(
          parsed,
          { promptsFolder: this.services.layout.prompts.fsPath, describe: describeStandardTools, forkScheme },
          signal,
        ),
      hash: sha256,
      now: () => Date.now(),
      breathe: () => setImmediate(),
    });
    return new vscode.DebugAdapterInlineImplementation(
      Object.assign(vscode.Disposable.from({ dispose: () => void session.dispose() }), {
        onDidSendMessage: (listener: (message: vscode.DebugProtocolMessage) => void) => {
          const sending = session.onDidSendMessage(listener);
          return new vscode.Disposable(() => {
            sending.dispose();
          });
        },
        handleMessage: (message: vscode.DebugProtocolMessage) => {
          session.handleMessage(message as DebugProtocol.ProtocolMessage);
        },
      }),
    );
  }

  /** Keeps the trace open that is debugged: the text of a call would else take its place in a preview. */
  private async keepOpen({ documents, noDebug }: Configuration): Promise<void> {
    const [shown, ...others] = Object.values(documents ?? {});
    if (noDebug === true || shown === undefined || others.length > 0) return;
    try {
      await vscode.window.showTextDocument(vscode.Uri.parse(shown.uri), { preview: false, preserveFocus: true });
    } catch {
      // It is gone; the session shows a document of its own.
    }
  }

  /** Events of sessions beyond the protocol. */
  onEvent({ session, event, body }: vscode.DebugSessionCustomEvent): void {
    const said = body as {
      document?: string;
      fork?: { id: string; document?: string };
      trajectory?: string;
      reward?: number;
      answer?: string;
      problem?: string;
    };
    if (event === sessionEvents.trace && said.document !== undefined)
      this.traces.refresh(vscode.Uri.parse(said.document));
    if (event !== sessionEvents.ended) return;
    const { trajectory = '', reward, answer, problem } = said;
    this.endings.fire({ trajectory, reward, answer, problem });
    if (session.configuration['noDebug'] === true) return;
    if (said.fork?.document === undefined || said.document === undefined) return;
    this.last = { original: vscode.Uri.parse(said.document), fork: vscode.Uri.parse(said.fork.document) };
    const kept =
      said.reward === undefined
        ? vscode.l10n.t('AutoAct: the fork {0} has ended and is kept.', said.fork.id)
        : vscode.l10n.t('AutoAct: the fork {0} has ended and is kept. Its reward is {1}.', said.fork.id, said.reward);
    const compare = vscode.l10n.t('Compare with Original');
    void vscode.window.showInformationMessage(kept, compare).then(async (chosen) => {
      if (chosen === compare) await this.compare(undefined);
    });
  }

  /** Shows a fork beside the trajectory that it was made from, with their steps aligned. */
  async compare(arg: unknown): Promise<void> {
    const asked = arg instanceof vscode.Uri ? arg : (forkOf(arg) ?? vscode.window.activeTextEditor?.document.uri);
    const file = asked === undefined ? undefined : parseForkUri(asked);
    const pair =
      file !== undefined && asked !== undefined ? { fork: asked, original: this.originalOf(file) } : this.last;
    if (pair === undefined)
      throw new UserError(
        vscode.l10n.t('There is no fork to compare.'),
        vscode.l10n.t('Edit a value while you debug: that makes one.'),
      );
    const name = pair.fork.path.split('/').at(-1) ?? '';
    await openComparison(pair.original, pair.fork, `${vscode.l10n.t('Original')} ↔ ${name}`);
  }

  /** Samples the step again at which the plan stands. */
  async resample(): Promise<void> {
    const session = vscode.debug.activeDebugSession;
    const item = vscode.debug.activeStackItem;
    if (session?.type !== debugType || !(item instanceof vscode.DebugStackFrame))
      throw new UserError(vscode.l10n.t('No plan stands still.'), vscode.l10n.t('Pause it first.'));
    await session.customRequest('restartFrame', { frameId: item.frameId });
  }

  /** The configuration that debugs what a document shows. */
  configurationOf(uri: vscode.Uri): Pick<Configuration, 'run' | 'trajectory' | 'file' | 'line' | 'fork'> | undefined {
    const trace = parseTraceUri(uri);
    if (trace !== undefined) return { run: trace.run, trajectory: trace.item };
    const stored = parseFileTraceUri(uri);
    if (stored !== undefined) return { file: publishedPlace(stored.path), line: stored.line };
    const fork = parseForkUri(uri);
    return fork === undefined ? undefined : { fork };
  }

  private originalOf(file: string): vscode.Uri {
    const { record } = readFork(file);
    return record.source === undefined
      ? traceUri(record.run, record.root)
      : storedUri(record.source.file, record.source.line);
  }

  /** The documents that show what is debugged; lines are counted in what the editor shows. */
  private async documentsOf(
    config: Configuration,
    run: RunRecord | undefined,
  ): Promise<NonNullable<Configuration['documents']>> {
    const documents: NonNullable<Configuration['documents']> = {};
    if (config.fork !== undefined) {
      const { record } = readFork(config.fork);
      documents[record.root] = { uri: forkUri(config.fork).toString() };
      return documents;
    }
    if (config.file !== undefined) {
      const file = resolve(config.workspace ?? '.', config.file);
      const shown = await this.shown(storedUri(file, config.line ?? 1));
      if (shown !== undefined) documents[anyTrajectory] = shown;
      return documents;
    }
    const launch = LaunchArguments.safeParse(config);
    for (const key of launch.success ? trajectoriesOf(launch.data) : []) {
      if (run === undefined) continue;
      const shown = await this.shown(traceUri(run.id, key));
      if (shown !== undefined) documents[key] = shown;
    }
    return documents;
  }

  /** The document that a person reads, with its lines; undefined when there is none: the session shows one of its own. */
  private async shown(uri: vscode.Uri): Promise<{ uri: string; spans: ShownSpan[] } | undefined> {
    try {
      const { spans } = (await this.loader.render(uri)).rendered;
      return {
        uri: uri.toString(),
        spans: spans.map(({ step, agent, kind, line, endLine }) => ({ step, agent, kind, line, endLine })),
      };
    } catch {
      return undefined;
    }
  }

  /** Keys of the servers that a run's settings name, as its runner finds them. */
  private async environment({ workspace, run }: Configuration): Promise<Record<string, string>> {
    const { keys } = this.services;
    const env = await keys.environment();
    if (workspace === undefined || run === undefined) return env;
    const record = new RunFolder(join(workspace, '.autoact', 'runs'), run).record();
    for (const { baseURL, apiKeyVariable } of Object.values(Settings.parse(record.settings).servers)) {
      const key = apiKeyVariable === undefined ? undefined : await keys.get(baseURL);
      if (key !== undefined && apiKeyVariable !== undefined) env[apiKeyVariable] = key;
    }
    return env;
  }
}

/** The document of a stored trajectory; of what was imported, the launch names the folder. */
function storedUri(file: string, line: number): vscode.Uri {
  const isFolder = statSync(file, { throwIfNoEntry: false })?.isDirectory() === true;
  return fileTraceUri(isFolder ? join(file, 'trajectories.jsonl') : file, line);
}

/** The fork that a tree's item stands for. */
function forkOf(node: unknown): vscode.Uri | undefined {
  const { kind, file } = (node ?? {}) as { kind?: unknown; file?: unknown };
  return kind === 'fork' && typeof file === 'string' ? forkUri(file) : undefined;
}
