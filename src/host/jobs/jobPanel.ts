import * as vscode from 'vscode';
import type { CommandId } from '../../contrib/commands.ts';
import { localBox } from '../../core/box/boxStatus.ts';
import type { JobView } from '../../core/box/jobView.ts';
import { jobRequests } from '../../protocol/job.ts';
import type { JobRequests, JobSnapshot, JobState } from '../../protocol/job.ts';
import { serve } from '../../protocol/serve.ts';
import type { Handlers } from '../../protocol/serve.ts';
import { protocolVersion } from '../../protocol/surface.ts';
import type { WatchedJob } from '../boxes/boxService.ts';
import { webviewHtml } from '../dashboard/html.ts';
import { describeError } from '../notify.ts';
import type { Services } from '../services.ts';

/** One job: its curves, its log, the use of the GPUs, and what can be done with it. */
export class JobPanel implements vscode.Disposable {
  private readonly services: Services;
  private readonly panel: vscode.WebviewPanel;
  private readonly state: JobState;
  private readonly served: vscode.Disposable;
  private watched: WatchedJob | undefined;
  private view: JobView | undefined;
  private problem: string | undefined;
  private busy: string | undefined;
  private isReady = false;
  private disposed = false;

  constructor(services: Services, panel: vscode.WebviewPanel, state: JobState) {
    this.services = services;
    this.panel = panel;
    this.state = state;
    panel.webview.options = { enableScripts: true, localResourceRoots: [services.layout.webview] };
    panel.iconPath = new vscode.ThemeIcon('graph-line') as unknown as vscode.Uri; // ThemeIcon is accepted since 1.94, the 1.101 typings only know URIs
    panel.title =
      state.kind === 'train' ? vscode.l10n.t('Training {0}', state.job) : vscode.l10n.t('Server {0}', state.job);
    const receive = serve({
      requests: jobRequests,
      handlers: this.handlers(),
      post: (message) => void panel.webview.postMessage(message),
      onReady: () => {
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
      this.post();
    });
    // A server of this window has got its address, or is gone.
    this.served = services.boxes.onDidChange(() => {
      this.post();
    });
    panel.webview.html = webviewHtml(panel.webview, services.layout.webview, 'job', vscode.l10n.t('AutoAct job'));
    this.watch();
  }

  shows({ box, job }: JobState): boolean {
    return this.state.box === box && this.state.job === job;
  }

  reveal(): void {
    this.panel.reveal();
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.watched?.stop();
    this.served.dispose();
    this.panel.dispose();
  }

  private watch(): void {
    this.watched?.stop();
    this.watched = undefined;
    this.problem = undefined;
    const { box, job } = this.state;
    try {
      const watched = this.services.boxes.watchJob(box, job, (view) => {
        this.view = view;
        this.post();
      });
      this.watched = watched;
      void watched.ended.then((problem) => {
        if (this.watched !== watched) return;
        this.watched = undefined;
        this.problem = problem;
        this.post();
      });
    } catch (error) {
      this.problem = describeError(error).message;
    }
    this.post();
  }

  private post(): void {
    if (this.disposed || !this.isReady || !this.panel.visible) return;
    void this.panel.webview.postMessage({
      type: 'snapshot',
      version: protocolVersion,
      snapshot: this.snapshot(),
      state: this.state,
    });
  }

  private snapshot(): JobSnapshot {
    const { box, job, kind } = this.state;
    const known = this.services.boxes.find(box);
    return {
      ...{ box, job, kind, host: known?.host ?? box, local: box === localBox },
      ...(this.view === undefined ? {} : { view: this.view }),
      watched: this.watched !== undefined,
      ...(this.problem === undefined ? {} : { problem: this.problem }),
      ...(this.busy === undefined ? {} : { busy: this.busy }),
      served: (known?.served ?? [])
        .filter((one) => one.job === job || one.of === job)
        .map(({ event }) => event)
        .map(({ baseURL, adapters }) => ({
          address: baseURL,
          adapters: adapters.map(({ name, model, verdict }) => ({
            // The model's name stands beside it.
            ...{ name, model, message: verdict.message.replace(`${model} `, '') },
            ...(verdict.ok === undefined ? {} : { ok: verdict.ok }),
          })),
        })),
      trusted: vscode.workspace.isTrusted,
    };
  }

  private async during(what: string, command: CommandId, watchAgain = false): Promise<null> {
    const { box, job, kind } = this.state;
    this.busy = what;
    this.post();
    try {
      await vscode.commands.executeCommand(command, { box: { name: box }, job: { id: job, kind } });
    } finally {
      this.busy = undefined;
      if (watchAgain) this.watch();
      else this.post();
    }
    return null;
  }

  private handlers(): Handlers<JobRequests> {
    return {
      cancel: () => this.during(vscode.l10n.t('Stopping'), 'autoact.stopJob'),
      resume: () => this.during(vscode.l10n.t('Starting it again'), 'autoact.resumeJob', true),
      download: () => this.during(vscode.l10n.t('Downloading'), 'autoact.fetchJob'),
      serve: () => this.during(vscode.l10n.t('Serving'), 'autoact.serveJob'),
      use: () => this.during(vscode.l10n.t('Setting the roles'), 'autoact.useAdapters'),
      openLog: () => this.during(vscode.l10n.t('Reading the log'), 'autoact.openJobLog'),
      watch: () => {
        this.watch();
        return Promise.resolve(null);
      },
    };
  }
}
