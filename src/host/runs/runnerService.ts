import { dirname, join } from 'node:path';
import * as vscode from 'vscode';
import { contextKeys } from '../../contrib/ids.ts';
import type { CliEvent, StageId } from '../../core/run/status.ts';
import { RunnerError, RunnerProcess } from '../../node/runnerProcess.ts';
import type { Configuration, RunnerState } from '../../protocol/dashboard.ts';
import type { WireError } from '../../protocol/surface.ts';
import { UserError } from '../notify.ts';
import type { BoxPrompts } from '../boxes/boxPrompts.ts';
import type { ApiKeys } from './apiKeys.ts';
import type { LanguageModels } from './languageModels.ts';
import { normalizeUrl } from './apiKeys.ts';
import { runnerArguments, type RunnerArguments } from './runnerArguments.ts';
import type { RunIndex } from './runIndex.ts';
import type { TaskRecord } from './runRecord.ts';

export interface StartOptions {
  readonly task: Pick<TaskRecord, 'file' | 'workspace'>;
  readonly configuration: Configuration;
  readonly stage?: StageId;
  /** Id of the run to go on with. */
  readonly resume?: string;
}

/** A runner process of this window, from its start to its end. */
export interface RunnerSession {
  readonly task: string;
  /** Known from the first status on; a resumed run's from the start. */
  readonly run: string | undefined;
  readonly state: RunnerState;
}

interface Session {
  task: string;
  run: string | undefined;
  state: RunnerState;
  process: RunnerProcess | undefined;
  /** The last `error` event; told once, when the process has ended. */
  problem: WireError | undefined;
}

/** Exit code of a process that ended because it was asked to. */
const cancelledCodes = new Set([130, 143]);

/** Starts, watches and cancels runner processes. One a run; several runs may be under way. */
export class RunnerService implements vscode.Disposable {
  private readonly sessions = new Set<Session>();
  private readonly changed = new vscode.EventEmitter<RunnerSession>();
  private readonly failed = new vscode.EventEmitter<{ session: RunnerSession; problem: WireError }>();
  private readonly ended = new vscode.EventEmitter<RunnerSession>();
  readonly onDidChange = this.changed.event;
  /** A run ended with an error; the listener shows it. */
  readonly onDidFail = this.failed.event;
  readonly onDidEnd = this.ended.event;
  private readonly cli: string;
  private readonly index: RunIndex;
  private readonly keys: ApiKeys;
  private readonly prompts: BoxPrompts;
  private readonly models: LanguageModels;
  private readonly log: vscode.LogOutputChannel;

  constructor(
    cli: string,
    index: RunIndex,
    keys: ApiKeys,
    prompts: BoxPrompts,
    models: LanguageModels,
    log: vscode.LogOutputChannel,
  ) {
    this.cli = cli;
    this.index = index;
    this.keys = keys;
    this.prompts = prompts;
    this.models = models;
    this.log = log;
  }

  /** The session of a run, or the one of a task whose run has no id yet. */
  sessionOf(task: string, run: string | undefined): RunnerSession | undefined {
    return [...this.sessions]
      .reverse()
      .find((session) =>
        run === undefined ? session.task === task && session.run === undefined : session.run === run,
      );
  }

  isActive(session: RunnerSession | undefined): boolean {
    return session !== undefined && session.state.state !== 'idle';
  }

  async start(options: StartOptions): Promise<RunnerSession> {
    if (!vscode.workspace.isTrusted) {
      throw new UserError(
        vscode.l10n.t('Running is switched off in a workspace that is not trusted.'),
        vscode.l10n.t('Trust the workspace (command "Workspaces: Manage Workspace Trust") and start again.'),
      );
    }
    const { task, resume } = options;
    const known = resume === undefined ? undefined : this.sessionOf(task.file, resume);
    if (known !== undefined && this.isActive(known))
      throw new UserError(vscode.l10n.t('This run is under way already.'));
    for (const session of this.sessions)
      if (
        session.state.state === 'idle' &&
        session.task === task.file &&
        (resume === undefined || session.run === resume)
      )
        this.sessions.delete(session);

    const { args, env } = await this.commandArguments(options.configuration);
    const session: Session = {
      task: task.file,
      run: resume,
      state: { state: 'starting' },
      process: undefined,
      problem: undefined,
    };
    this.sessions.add(session);
    const commandLine = [
      'run',
      '--task',
      task.file,
      '--workspace',
      task.workspace,
      '--json',
      ...(resume === undefined ? args : ['--resume', resume]),
      ...(options.stage === undefined ? [] : ['--stage', options.stage]),
    ];
    this.log.info(`Starting: autoact ${commandLine.join(' ')}`);
    session.process = new RunnerProcess({
      cli: this.cli,
      args: commandLine,
      cwd: task.workspace,
      env,
      // A training that is cancelled writes a checkpoint first, and its GPU is looked at.
      graceMs: 75_000,
      onEvent: (event) => {
        this.onEvent(session, task.workspace, event);
      },
      // A run may train on a box, which asks for a passphrase, or use the editor's language models.
      onAsk: (ask, withdrawn) =>
        ask.kind === 'models' || ask.kind === 'complete'
          ? this.models.answer(ask, withdrawn)
          : this.prompts.answer(ask),
      onLine: (line, stream) => {
        if (stream === 'stderr') this.log.warn(`[runner] ${line}`);
        else this.log.debug(`[runner] ${line}`);
      },
    });
    this.fire(session);
    void this.watch(session);
    return session;
  }

  /** What a configuration means on the command line, with the keys of its servers and of tools in the environment. */
  async commandArguments(configuration: Configuration): Promise<RunnerArguments> {
    const keys = new Map<string, string>();
    for (const server of configuration.servers) {
      const url = normalizeUrl(server.url);
      const key = server.kind === 'url' ? await this.keys.get(url) : undefined;
      if (key !== undefined) keys.set(url, key);
    }
    const { args, env } = runnerArguments(configuration, (url) => keys.get(normalizeUrl(url)));
    return { args, env: { ...(await this.keys.environment()), ...env } };
  }

  /**
   * @param pid the process that the run's status file names; it may be read before the process itself has said its run
   * @returns false when no process of this window works on it
   */
  cancel(task: string, run?: string, pid?: number): boolean {
    const session = [...this.sessions].find(
      (one) =>
        this.isActive(one) &&
        (run === undefined
          ? one.task === task
          : one.run === run || (pid !== undefined && one.run === undefined && one.process?.pid === pid)),
    );
    if (session?.process === undefined) return false;
    session.state = { state: 'cancelling' };
    session.process.cancel();
    this.fire(session);
    return true;
  }

  /** The editor closes: the runs are asked to end and can be resumed. */
  dispose(): void {
    for (const session of this.sessions) session.process?.cancel();
    this.changed.dispose();
    this.failed.dispose();
    this.ended.dispose();
  }

  private onEvent(session: Session, workspace: string, event: CliEvent): void {
    switch (event.type) {
      case 'status': {
        const isNew = session.run !== event.status.run;
        session.run = event.status.run;
        if (session.state.state === 'starting') session.state = { state: 'running' };
        this.index.update(join(workspace, '.autoact', 'runs', event.status.run), workspace, event.status);
        if (isNew) this.fire(session);
        break;
      }
      case 'notice':
        if (event.severity === 'error') this.log.error(event.message);
        else if (event.severity === 'warning') this.log.warn(event.message);
        else this.log.info(event.message);
        break;
      case 'error':
        session.problem = { message: event.message, ...(event.remedy === undefined ? {} : { remedy: event.remedy }) };
        break;
      case 'done':
        session.run = event.run;
        this.log.info(`Run ${event.run}: ${event.state} (${event.folder})`);
        break;
      // Of other commands than a run.
      case 'box':
      case 'serving':
      case 'ask':
      case 'withdrawn':
        break;
    }
  }

  private async watch(session: Session): Promise<void> {
    const wasCancelled = (): boolean => session.state.state === 'cancelling';
    let problem: WireError | undefined;
    try {
      const exit = await session.process?.done;
      if (exit !== undefined && exit.code !== 0 && !wasCancelled() && !cancelledCodes.has(exit.code ?? -1)) {
        const last = exit.tail.filter((line) => line.trim() !== '').at(-1);
        const ended =
          exit.signal === null
            ? vscode.l10n.t('The runner ended with exit code {0}', String(exit.code))
            : vscode.l10n.t('The runner ended by signal {0}', exit.signal);
        problem = session.problem ?? {
          message: last === undefined ? `${ended}.` : `${ended}: ${last}.`,
          remedy:
            session.run === undefined
              ? vscode.l10n.t('See the log.')
              : vscode.l10n.t('See the log, and resume the run: nothing that was answered is lost.'),
        };
      } else if (exit?.killed === true) {
        this.log.warn('The runner did not end in time and was killed. The run can be resumed.');
      }
    } catch (error) {
      problem = RunnerError.is(error) ? { message: error.message } : { message: String(error) };
    }
    session.state = problem === undefined ? { state: 'idle' } : { state: 'idle', error: problem };
    session.process = undefined;
    await this.index.refresh();
    this.fire(session);
    this.ended.fire(session);
    if (problem !== undefined) this.failed.fire({ session, problem });
  }

  private fire(session: Session): void {
    const running = [...this.sessions].some((one) => this.isActive(one));
    void vscode.commands.executeCommand('setContext', contextKeys.running, running);
    this.changed.fire(session);
  }
}

/** Folder that a new run of a task card belongs to: the workspace folder, or the card's own folder outside of one. */
export function workspaceOf(file: string): string {
  return vscode.workspace.getWorkspaceFolder(vscode.Uri.file(file))?.uri.fsPath ?? dirname(file);
}
