import * as vscode from 'vscode';
import { dashboardPanel } from '../../contrib/ids.ts';
import { DashboardState } from '../../protocol/dashboard.ts';
import { OpenPanels } from '../openPanels.ts';
import type { Services } from '../services.ts';
import { DashboardPanel } from './panel.ts';

/** The open dashboards: one a run, and one for a task whose next run has not begun. */
export class DashboardPanels extends OpenPanels<DashboardPanel, DashboardState> {
  protected override readonly kept = { name: vscode.l10n.t('A dashboard'), state: DashboardState };

  override connect(services: Services): void {
    super.connect(services);
    const update = (): void => {
      for (const panel of this.open) panel.update();
    };
    this.owned.add(services.runs.onDidChange(update));
    this.owned.add(
      services.runner.onDidChange((session) => {
        for (const panel of this.open) panel.onSession(session);
      }),
    );
    this.owned.add(services.models.onDidChange(update));
    this.owned.add(services.keys.onDidChange(update));
    this.owned.add(vscode.workspace.onDidGrantWorkspaceTrust(update));
  }

  show(task: string, run: string | undefined): DashboardPanel {
    const known = this.reveal((panel) => panel.shows(task, run));
    if (known !== undefined) return known;
    const webview = vscode.window.createWebviewPanel(dashboardPanel, 'AutoAct', vscode.ViewColumn.Active, {
      enableFindWidget: true,
    });
    return this.adopt(webview, { task, ...(run === undefined ? {} : { run }) });
  }

  protected override make(services: Services, webview: vscode.WebviewPanel, state: DashboardState): DashboardPanel {
    return new DashboardPanel(services, webview, state);
  }
}
