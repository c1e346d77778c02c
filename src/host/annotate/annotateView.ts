import * as vscode from 'vscode';
import type { CommandId } from '../../contrib/commands.ts';
import { annotateRequests } from '../../protocol/annotate.ts';
import { serve } from '../../protocol/serve.ts';
import { protocolVersion } from '../../protocol/surface.ts';
import { webviewHtml } from '../dashboard/html.ts';
import { describeError } from '../notify.ts';
import type { Layout } from '../services.ts';
import type { AnnotateService } from './annotateService.ts';

/** The labelling panel in the side bar. */
export class AnnotateView implements vscode.WebviewViewProvider {
  private readonly service: AnnotateService;
  private readonly layout: Layout;
  private readonly log: vscode.LogOutputChannel;
  private view: vscode.WebviewView | undefined;
  private isReady = false;

  constructor(service: AnnotateService, layout: Layout, log: vscode.LogOutputChannel) {
    this.service = service;
    this.layout = layout;
    this.log = log;
    service.onDidChange(() => {
      this.post();
    });
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    this.view = view;
    this.isReady = false;
    view.webview.options = { enableScripts: true, localResourceRoots: [this.layout.webview] };
    const command = (id: CommandId): Promise<null> =>
      Promise.resolve(vscode.commands.executeCommand(id)).then(() => null);
    const receive = serve({
      requests: annotateRequests,
      handlers: {
        act: (action) => {
          this.service.act(action);
          return Promise.resolve(null);
        },
        start: () => command('autoact.startLabelling'),
        newStudy: () => command('autoact.newStudy'),
      },
      post: (message) => void view.webview.postMessage(message),
      onReady: (version) => {
        if (version !== protocolVersion)
          this.log.warn(`The labelling panel speaks version ${version}, the host ${protocolVersion}.`);
        this.isReady = true;
        void this.service.ready().then(() => {
          this.post();
        });
      },
      onInvalid: (description) => {
        this.log.error(description);
      },
      describeError,
    });
    view.webview.onDidReceiveMessage((message) => void receive(message));
    view.onDidChangeVisibility(() => {
      if (view.visible) this.post();
    });
    view.onDidDispose(() => {
      if (this.view === view) this.view = undefined;
    });
    view.webview.html = webviewHtml(view.webview, this.layout.webview, 'annotate', vscode.l10n.t('Label trajectories'));
  }

  private post(): void {
    if (this.view === undefined || !this.isReady || !this.view.visible) return;
    const snapshot = this.service.snapshot();
    const { done, total } = snapshot.progress;
    this.view.description = snapshot.mode === 'study' || snapshot.mode === 'finished' ? `${done}/${total}` : '';
    void this.view.webview.postMessage({ type: 'snapshot', version: protocolVersion, snapshot });
  }
}
