import { join } from 'node:path';
import * as vscode from 'vscode';
import type { ServingEvent } from '../../core/box/boxStatus.ts';
import { localBox } from '../../core/box/boxStatus.ts';
import type { JobView } from '../../core/box/jobView.ts';
import type { CliEvent } from '../../core/run/status.ts';
import { listBoxes } from '../../node/box/boxes.ts';
import { localJobFolders } from '../../node/box/localJobs.ts';
import { RunnerProcess } from '../../node/runnerProcess.ts';
import type { RunnerExit } from '../../node/runnerProcess.ts';
import type { WireError } from '../../protocol/surface.ts';
import { UserError } from '../notify.ts';
import type { BoxPrompts } from './boxPrompts.ts';
import type { BoxState } from './boxesModel.ts';
import { StoppingJobs } from './stoppingJobs.ts';

interface Watched {
  readonly process: RunnerProcess;
  state: Pick<BoxState, 'connection' | 'status' | 'problem'>;
}

interface Served {
  readonly process: RunnerProcess;
  readonly box: string;
  /** The training job whose adapters are served. */
  readonly of: string;
  event: ServingEvent | undefined;
}

/** A server of this window that answers. */
export interface ServedJob {
  /** The server's own job. */
  readonly job: string;
  /** The training job whose adapters are served. */
  readonly of: string;
  readonly event: ServingEvent;
}

export interface WatchedJob {
  /** Resolves when the watching has ended: with a problem, or with nothing when the job has. */
  readonly ended: Promise<string | undefined>;
  /** Ends the watching, not the job. */
  stop(): void;
}

/** A program of the command line that has ended. */
export interface CliEnd {
  readonly exit: RunnerExit;
  readonly lines: readonly string[];
  readonly error: WireError | undefined;
}

const watchSeconds = 5;

/**
 * Boxes as this window sees them. What talks to a box is the command line in a process of its own: SSH, transfers and
 * forwarded ports are none of the editor's.
 */
export class BoxService implements vscode.Disposable {
  private readonly watched = new Map<string, Watched>();
  private readonly served = new Set<Served>();
  private readonly stopping = new StoppingJobs();
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changed.event;
  private readonly cli: string;
  private readonly prompts: BoxPrompts;
  private readonly log: vscode.LogOutputChannel;

  constructor(cli: string, prompts: BoxPrompts, log: vscode.LogOutputChannel) {
    this.cli = cli;
    this.prompts = prompts;
    this.log = log;
  }

  /** @throws BoxError when the list of boxes cannot be read */
  boxes(): readonly BoxState[] {
    const here = this.hasLocal() ? [{ name: localBox, host: vscode.l10n.t('this machine') }] : [];
    return [...here, ...listBoxes()].map(({ name, host }) => ({
      name,
      host,
      ...(this.watched.get(name)?.state ?? { connection: 'idle' as const }),
      served: [...this.served].flatMap(({ box, event }) => (box === name && event !== undefined ? [event] : [])),
      stopping: this.stopping.of(name),
    }));
  }

  /** What is known of one box; undefined when there is none of that name. */
  find(name: string): { readonly host: string; readonly served: readonly ServedJob[] } | undefined {
    const host = name === localBox ? vscode.l10n.t('this machine') : listBoxes().find((box) => box.name === name)?.host;
    if (host === undefined) return undefined;
    const served = [...this.served].flatMap(({ box, of, event }) =>
      box === name && event !== undefined ? [{ job: event.job, of, event }] : [],
    );
    return { host, served };
  }

  /** This machine has jobs where a run of the workspace has trained on it; they need no connecting. */
  watchLocal(): void {
    if (vscode.workspace.isTrusted && this.hasLocal() && !this.watched.has(localBox)) this.connect(localBox);
  }

  noticeLocal(): void {
    if (!this.watched.has(localBox) && this.hasLocal()) this.changed.fire();
  }

  private hasLocal(): boolean {
    return localJobFolders(workspaces().map((folder) => join(folder, '.autoact', 'runs'))).length > 0;
  }

  /** Everything about one job, as it changes, until it has ended. @throws UserError */
  watchJob(box: string, job: string, onView: (view: JobView) => void): WatchedJob {
    let error: WireError | undefined;
    const process = this.start(['jobs', 'watch', `${box}/${job}`, '--json'], (event) => {
      if (event.type === 'job') onView(event.view);
      else if (event.type === 'error') error = event;
    });
    const ended = process.done.then(
      ({ code, tail }) =>
        code === 0 ? undefined : (error?.message ?? tail.at(-1) ?? vscode.l10n.t('The watching has ended.')),
      (failure: unknown) => String(failure),
    );
    return { ended, stop: () => process.cancel() };
  }

  refresh(): void {
    this.changed.fire();
  }

  /** Connects to a box and keeps looking at it. */
  connect(name: string): void {
    if (['connecting', 'connected', 'unreachable'].includes(this.watched.get(name)?.state.connection ?? 'idle')) return;
    let error: WireError | undefined;
    const process = this.start(['jobs', 'list', '--box', name, '--watch', String(watchSeconds), '--json'], (event) => {
      const known = this.watched.get(name);
      if (event.type === 'error') error = event;
      if (event.type !== 'box' || known?.process !== process) return;
      if (event.status !== undefined) this.stopping.see(name, event.status);
      known.state =
        event.status === undefined
          ? { ...known.state, connection: 'unreachable', problem: event.problem ?? vscode.l10n.t('no answer') }
          : { connection: 'connected', status: event.status };
      this.changed.fire();
    });
    this.watched.set(name, { process, state: { connection: 'connecting' } });
    this.changed.fire();
    const end = (problem: string | undefined): void => {
      const known = this.watched.get(name);
      // It was disconnected, or connected anew.
      if (known?.process !== process) return;
      known.state = {
        connection: 'failed',
        problem: error?.message ?? known.state.problem ?? problem ?? vscode.l10n.t('it ended'),
      };
      this.log.warn(`${name}: ${known.state.problem ?? ''}`);
      this.changed.fire();
    };
    process.done.then(
      ({ tail }) => end(tail.at(-1)),
      (failure: unknown) => end(String(failure)),
    );
  }

  disconnect(name: string): void {
    const known = this.watched.get(name);
    this.watched.delete(name);
    known?.process.cancel();
    this.changed.fire();
  }

  /** Serves what a job has made, from the box, until it is stopped or the window closes. */
  async serve(
    box: string,
    job: string,
    onProgress: (message: string) => void,
    token: vscode.CancellationToken,
  ): Promise<ServingEvent> {
    const session: { served?: Served; error?: WireError } = {};
    const ready = new Promise<ServingEvent>((resolve, reject) => {
      const process = this.start(['serve', '--box', box, '--job', job, '--json'], (event) => {
        if (event.type === 'notice') onProgress(event.message);
        else if (event.type === 'error') session.error = event;
        else if (event.type === 'serving' && session.served !== undefined) {
          session.served.event = event;
          this.changed.fire();
          resolve(event);
        }
      });
      const served: Served = { process, box, of: job, event: undefined };
      session.served = served;
      this.served.add(served);
      token.onCancellationRequested(() => {
        if (served.event === undefined) process.cancel();
      });
      const end = (why: string): void => {
        this.served.delete(served);
        this.changed.fire();
        const { error } = session;
        if (served.event !== undefined && error !== undefined)
          void vscode.window.showWarningMessage(`AutoAct: ${error.message.slice(0, 500)}`);
        reject(
          token.isCancellationRequested
            ? new vscode.CancellationError()
            : new UserError(error?.message ?? vscode.l10n.t('Serving from {0} ended. {1}', box, why), error?.remedy),
        );
      };
      process.done.then(
        ({ tail }) => end(tail.at(-1) ?? ''),
        (failure: unknown) => end(String(failure)),
      );
    });
    return ready;
  }

  /** Shows a job as one that is stopping, from now until the box says what became of it, or `work` fails. */
  async whileStopping<T>(box: string, job: string, work: () => Promise<T>): Promise<T> {
    this.stopping.begin(box, job);
    this.changed.fire();
    try {
      const done = await work();
      this.stopping.end(box, job);
      return done;
    } catch (error) {
      this.stopping.forget(box, job);
      this.changed.fire();
      throw error;
    }
  }

  /** Ends a server of this window; false when it is none. Resolves when the box has none of it left. */
  async stopServing(box: string, job: string): Promise<boolean> {
    const served = [...this.served].find((one) => one.box === box && one.event?.job === job);
    if (served === undefined) return false;
    served.process.cancel();
    await served.process.done.catch(() => undefined);
    return true;
  }

  /** Runs one command of the command line to its end. */
  async run(args: readonly string[]): Promise<CliEnd> {
    const lines: string[] = [];
    let error: WireError | undefined;
    const process = this.start(
      args,
      (event) => {
        if (event.type === 'error') error = event;
      },
      (line) => lines.push(line),
    );
    return { exit: await process.done, lines, error };
  }

  dispose(): void {
    for (const { process } of [...this.watched.values(), ...this.served]) process.cancel();
    this.watched.clear();
    this.changed.dispose();
  }

  private start(
    args: readonly string[],
    onEvent: (event: CliEvent) => void,
    onOutput: (line: string) => void = () => undefined,
  ): RunnerProcess {
    if (!vscode.workspace.isTrusted)
      throw new UserError(
        vscode.l10n.t('Boxes are switched off in a workspace that is not trusted.'),
        vscode.l10n.t('Trust the workspace (command "Workspaces: Manage Workspace Trust").'),
      );
    const folders = workspaces();
    return new RunnerProcess({
      cli: this.cli,
      // Jobs of this machine lie in the runs of every folder.
      args: args[0] === 'jobs' && folders.length > 0 ? [...args, '--workspace', ...folders] : args,
      cwd: folders[0] ?? process.cwd(),
      // To stop a server on a box takes as long as it takes to end there.
      graceMs: 60_000,
      onEvent,
      onAsk: (ask) => this.prompts.answer(ask),
      onLine: (line, stream) => {
        if (stream === 'stderr') this.log.debug(`[box] ${line}`);
        else onOutput(line);
      },
    });
  }
}

const workspaces = (): readonly string[] =>
  (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file').map(({ uri }) => uri.fsPath);
