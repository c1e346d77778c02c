import * as vscode from 'vscode';
import { jobPanel } from '../../contrib/ids.ts';
import { JobState } from '../../protocol/job.ts';
import { OpenPanels } from '../openPanels.ts';
import type { Services } from '../services.ts';
import { JobPanel } from './jobPanel.ts';

/** The open panels of jobs: one a job. */
export class JobPanels extends OpenPanels<JobPanel, JobState> {
  protected override readonly kept = { name: vscode.l10n.t('The panel of a job'), state: JobState };

  show(state: JobState): void {
    if (this.reveal((panel) => panel.shows(state)) !== undefined) return;
    const options = { enableFindWidget: true };
    this.adopt(vscode.window.createWebviewPanel(jobPanel, 'AutoAct', vscode.ViewColumn.Active, options), state);
  }

  protected override make(services: Services, webview: vscode.WebviewPanel, state: JobState): JobPanel {
    return new JobPanel(services, webview, state);
  }
}
