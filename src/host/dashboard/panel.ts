import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { CommandId } from '../../contrib/commands.ts';
import { runFields } from '../../contrib/settings.ts';
import type { StageId } from '../../core/run/status.ts';
import { dashboardRequests } from '../../protocol/dashboard.ts';
import type { DashboardRequests, DashboardSnapshot, DashboardState } from '../../protocol/dashboard.ts';
import { serve } from '../../protocol/serve.ts';
import type { Handlers } from '../../protocol/serve.ts';
import { protocolVersion } from '../../protocol/surface.ts';
import { describeError, UserError } from '../notify.ts';
import { isLive } from '../runs/runRecord.ts';
import type { RunRecord } from '../runs/runRecord.ts';
import type { RunnerSession } from '../runs/runnerService.ts';
import { workspaceOf } from '../runs/runnerService.ts';
import { agreesToReplace } from '../runs/agreesToReplace.ts';
import { droppedThings, stageItems, traceRows } from '../runs/trajectories.ts';
import type { Services } from '../services.ts';
import { webviewHtml } from './html.ts';

const droppedPage = 200;
/** Snapshots are complete, so a few a second are enough. */
const updateMs = 150;

/** One dashboard: shows a run, or a task whose next run has not begun, and drives it. */
export class DashboardPanel implements vscode.Disposable {
  private readonly services: Services;
  private readonly panel: vscode.WebviewPanel;
  private state: DashboardState;
  private isReady = false;
  private timer: NodeJS.Timeout | undefined;
  private disposed = false;

  constructor(services: Services, panel: vscode.WebviewPanel, state: DashboardState) {
    this.services = services;
    this.panel = panel;
    this.state = state;
    panel.webview.options = {
      enableScripts: true,
      localResourceRoots: [services.layout.webview, vscode.Uri.joinPath(services.layout.root, 'media')],
    };
    panel.iconPath = new vscode.ThemeIcon('dashboard') as unknown as vscode.Uri; // ThemeIcon is accepted since 1.94, the 1.101 typings only know URIs
    const receive = serve({
      requests: dashboardRequests,
      handlers: this.handlers(),
      post: (message) => void panel.webview.postMessage(message),
      onReady: (version) => {
        if (version !== protocolVersion)
          services.log.warn(`A dashboard speaks version ${version}, the host ${protocolVersion}.`);
        this.isReady = true;
        this.post();
      },
      onInvalid: (description) => {
        services.log.error(description);
      },
      describeError,
    });
    panel.webview.onDidReceiveMessage((message) => void receive(message));
    panel.onDidChangeViewState(() => {
      if (panel.visible) this.post();
    });
    this.setTitle();
    panel.webview.html = webviewHtml(
      panel.webview,
      services.layout.webview,
      'dashboard',
      vscode.l10n.t('AutoAct dashboard'),
    );
    void services.models.refresh();
    void services.runs.ready().then(() => {
      this.update();
    });
  }

  shows(task: string, run: string | undefined): boolean {
    return run === undefined ? this.state.task === task && this.state.run === undefined : this.state.run === run;
  }

  reveal(): void {
    this.panel.reveal();
  }

  update(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.post();
    }, updateMs);
  }

  /** A run that was started from this panel has got its id. */
  onSession(session: RunnerSession): void {
    if (
      session.task === this.state.task &&
      this.state.run === undefined &&
      session.run !== undefined &&
      session.state.state !== 'idle'
    ) {
      this.state = { ...this.state, run: session.run };
      this.setTitle();
    }
    this.update();
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    clearTimeout(this.timer);
    this.panel.dispose();
  }

  private run(): RunRecord | undefined {
    return this.state.run === undefined ? undefined : this.services.runs.find(this.state.run);
  }

  private setTitle(): void {
    const task = this.services.runs.task(this.state.task)?.name ?? this.run()?.status.task ?? 'AutoAct';
    this.panel.title = this.state.run === undefined ? `AutoAct: ${task}` : `${task} · ${this.state.run}`;
  }

  private post(): void {
    if (this.disposed || !this.isReady || !this.panel.visible) return;
    this.setTitle();
    void this.panel.webview.postMessage({
      type: 'snapshot',
      version: protocolVersion,
      snapshot: this.snapshot(),
      state: this.state,
    });
  }

  private snapshot(): DashboardSnapshot {
    const { runs, runner, configurations, keys, models } = this.services;
    const run = this.run();
    const task = runs.task(this.state.task);
    const session = runner.sessionOf(this.state.task, this.state.run);
    return {
      task:
        task === undefined
          ? {
              name: run?.status.task ?? vscode.l10n.t('Task'),
              description: '',
              metric: run?.status.metric ?? '',
              file: this.state.task,
              examples: 0,
              problem: vscode.l10n.t(
                'The task card is not in this workspace. The run can be read; to go on with it, put the card back.',
              ),
            }
          : {
              name: task.name,
              description: task.description,
              metric: task.metric,
              file: task.file,
              examples: task.examples,
              ...(task.problem === undefined ? {} : { problem: task.problem }),
            },
      ...(run === undefined ? {} : { status: run.status }),
      // Live without a process of ours: it was started in a terminal or another window.
      runner: session?.state ?? { state: run !== undefined && isLive(run.status) ? 'running' : 'idle' },
      trusted: vscode.workspace.isTrusted,
      configuration: configurations.get(this.state.task),
      fields: runFields.map(({ id, label, description, defaultText }) => ({
        name: id,
        label,
        description,
        defaultText,
        kind: 'number' as const,
      })),
      editorModels: models.known.map(({ name, title }) => ({ name, title })),
      keyed: keys.urls(),
      hasReport: run !== undefined && existsSync(join(run.folder, 'report.md')),
    };
  }

  private requireRun(): RunRecord {
    const run = this.run();
    if (run === undefined)
      throw new UserError(vscode.l10n.t('There is no run yet.'), vscode.l10n.t('Start one first.'));
    return run;
  }

  private execute(id: CommandId, ...args: unknown[]): Promise<null> {
    return Promise.resolve(vscode.commands.executeCommand(id, ...args)).then(() => null);
  }

  private async start(stage: StageId | undefined, resume: string | undefined): Promise<null> {
    const { runs, runner, configurations } = this.services;
    const task = runs.task(this.state.task);
    if (task?.problem !== undefined) throw new UserError(task.problem);
    const again = resume === undefined || stage === undefined ? undefined : this.run();
    if (again !== undefined && stage !== undefined && !(await agreesToReplace(runs, again, stage))) return null;
    if (resume === undefined) this.state = { task: this.state.task };
    await runner.start({
      task: { file: this.state.task, workspace: this.run()?.workspace ?? workspaceOf(this.state.task) },
      configuration: configurations.get(this.state.task),
      ...(stage === undefined ? {} : { stage }),
      ...(resume === undefined ? {} : { resume }),
    });
    return null;
  }

  private handlers(): Handlers<DashboardRequests> {
    const { runs, configurations, keys, log } = this.services;
    return {
      start: ({ stage }) => this.start(stage, stage === undefined ? undefined : this.state.run),
      resume: () => this.start(undefined, this.requireRun().id),
      cancel: async () => {
        await this.execute('autoact.cancel', { kind: 'run', run: this.run(), task: this.state.task });
        return null;
      },
      setConfiguration: async (configuration) => {
        await configurations.set(this.state.task, configuration);
        return null;
      },
      setApiKey: async ({ url }) => {
        await keys.ask(url);
        return null;
      },
      listDropped: async ({ stage, reason, offset }) => {
        const reader = runs.logOf(this.requireRun());
        await reader.refresh();
        const things = await droppedThings(this.requireRun(), reader, stage, reason);
        return { rows: things.slice(offset, offset + droppedPage), total: things.length };
      },
      listTraces: async ({ stage, offset, count }) => {
        const run = this.requireRun();
        const reader = runs.logOf(run);
        await reader.refresh();
        const items = stageItems(reader, stage);
        return {
          rows: await traceRows(reader, items.slice(offset, offset + count), {
            live: isLive(run.status),
            scores: await runs.scores.of(run.folder),
            again: run.status.stages.find(({ id }) => id === stage)?.again,
          }),
          total: items.length,
        };
      },
      openTrace: ({ item }) =>
        this.execute('autoact.openTrace', { kind: 'trajectory', run: this.requireRun(), row: { item } }),
      debugTrace: ({ item }) =>
        this.execute('autoact.debugTrajectory', { kind: 'trajectory', run: this.requireRun(), row: { item } }),
      showProvenance: ({ item }) =>
        this.execute('autoact.showProvenance', { kind: 'trajectory', run: this.requireRun(), row: { item } }),
      openFile: async ({ file }) => {
        if (file === 'task') await vscode.window.showTextDocument(vscode.Uri.file(this.state.task));
        else if (file === 'prompts') await this.execute('autoact.showPrompts');
        else if (file === 'report') await this.execute('autoact.openResults', { kind: 'run', run: this.requireRun() });
        else await vscode.commands.executeCommand('revealInExplorer', vscode.Uri.file(this.requireRun().folder));
        return null;
      },
      doctor: () => this.execute('autoact.doctor', { kind: 'run', run: this.run() }),
      showLog: () => {
        log.show(true);
        return Promise.resolve(null);
      },
    };
  }
}
