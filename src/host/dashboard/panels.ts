import * as vscode from 'vscode';
import { dashboardPanel } from '../../contrib/ids.ts';
import { DashboardState } from '../../protocol/dashboard.ts';
import { Disposables } from '../disposables.ts';
import type { Services } from '../services.ts';
import { DashboardPanel } from './panel.ts';

/** The open dashboards: one a run, and one for a task whose next run has not begun. */
export class DashboardPanels implements vscode.Disposable {
  private readonly open = new Set<DashboardPanel>();
  private readonly owned = new Disposables();
  private services: Services | undefined;

  /** Called once, when the services that the panels use have been built. */
  connect(services: Services): void {
    this.services = services;
    this.owned.add(
      services.runs.onDidChange(() => {
        for (const panel of this.open) panel.update();
      }),
    );
    this.owned.add(
      services.runner.onDidChange((session) => {
        for (const panel of this.open) panel.onSession(session);
      }),
    );
    this.owned.add(
      services.keys.onDidChange(() => {
        for (const panel of this.open) panel.update();
      }),
    );
    this.owned.add(
      vscode.workspace.onDidGrantWorkspaceTrust(() => {
        for (const panel of this.open) panel.update();
      }),
    );
  }

  show(task: string, run: string | undefined): DashboardPanel {
    const known = [...this.open].find((panel) => panel.shows(task, run));
    if (known !== undefined) {
      known.reveal();
      return known;
    }
    const webview = vscode.window.createWebviewPanel(dashboardPanel, 'AutoAct', vscode.ViewColumn.Active, {
      enableFindWidget: true,
    });
    return this.adopt(webview, { task, ...(run === undefined ? {} : { run }) });
  }

  /** Takes over a panel that VS Code kept over a reload. */
  restore(webview: vscode.WebviewPanel, state: unknown): void {
    const parsed = DashboardState.safeParse(state);
    if (parsed.success) {
      this.adopt(webview, parsed.data);
      return;
    }
    this.services?.log.warn('A dashboard could not be restored: its stored state is not valid.');
    webview.dispose();
  }

  dispose(): void {
    this.owned.dispose();
    for (const panel of [...this.open]) panel.dispose();
  }

  private adopt(webview: vscode.WebviewPanel, state: DashboardState): DashboardPanel {
    if (this.services === undefined) throw new Error('Dashboards were used before they were connected.');
    const panel = new DashboardPanel(this.services, webview, state);
    this.open.add(panel);
    webview.onDidDispose(() => {
      this.open.delete(panel);
      panel.dispose();
    });
    return panel;
  }
}
