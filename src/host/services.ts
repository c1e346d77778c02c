import type * as vscode from 'vscode';
import type { BoxService } from './boxes/boxService.ts';
import type { DashboardPanels } from './dashboard/panels.ts';
import type { JobPanels } from './jobs/jobPanels.ts';
import type { Documents } from './traces/documents.ts';
import type { ApiKeys } from './runs/apiKeys.ts';
import type { Configurations } from './runs/configurations.ts';
import type { LanguageModels } from './runs/languageModels.ts';
import type { RunIndex } from './runs/runIndex.ts';
import type { RunnerService } from './runs/runnerService.ts';
import type { OpenTrajectories } from './trajectories/openTrajectories.ts';
import type { TraceLoader } from './traces/traceLoader.ts';
import type { DataIndex } from './data/dataIndex.ts';
import type { TrajectoryPanels } from './trajectories/panels.ts';

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
  readonly models: LanguageModels;
  readonly documents: Documents;
  /** Trajectory files and logs, indexed. */
  readonly trajectories: OpenTrajectories;
  readonly loader: TraceLoader;
  /** Imported data sets and trajectories of the workspace. */
  readonly data: DataIndex;
  /** Tables over trajectories. */
  readonly tables: TrajectoryPanels;
  readonly dashboards: DashboardPanels;
  readonly boxes: BoxService;
  readonly jobs: JobPanels;
  /** Logs of jobs and what checks of boxes say. */
  readonly jobLog: vscode.OutputChannel;
}
