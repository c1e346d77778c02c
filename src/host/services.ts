import type * as vscode from 'vscode';
import type { BoxService } from './boxes/boxService.ts';
import type { DashboardPanels } from './dashboard/panels.ts';
import type { Documents } from './traces/documents.ts';
import type { ApiKeys } from './runs/apiKeys.ts';
import type { Configurations } from './runs/configurations.ts';
import type { RunIndex } from './runs/runIndex.ts';
import type { RunnerService } from './runs/runnerService.ts';

/** Places in the installed extension. */
export interface Layout {
  readonly root: vscode.Uri;
  /** Path of `dist/cli.js`. */
  readonly cli: string;
  readonly prompts: vscode.Uri;
  readonly starter: vscode.Uri;
  readonly webview: vscode.Uri;
}

/** What the features are built from. Passed in; features take the part that they need. */
export interface Services {
  readonly context: vscode.ExtensionContext;
  readonly log: vscode.LogOutputChannel;
  readonly layout: Layout;
  readonly runs: RunIndex;
  readonly runner: RunnerService;
  readonly configurations: Configurations;
  readonly keys: ApiKeys;
  readonly documents: Documents;
  readonly dashboards: DashboardPanels;
  readonly boxes: BoxService;
  /** Logs of jobs and what checks of boxes say. */
  readonly jobLog: vscode.OutputChannel;
}
