import { basename } from 'node:path';
import * as vscode from 'vscode';
import type { CommandId } from '../../contrib/commands.ts';
import { treeContext } from '../../contrib/ids.ts';
import type { StageStatus } from '../../core/run/status.ts';
import { visibleLine } from '../../core/trajectory/visible.ts';
import type { TraceRow } from '../../protocol/dashboard.ts';
import type { RunIndex } from '../runs/runIndex.ts';
import type { BrokenRun, RunRecord, TaskRecord } from '../runs/runRecord.ts';
import { isLive, stageProgress } from '../runs/runRecord.ts';
import { stageItems, traceRows } from '../runs/trajectories.ts';
import { stageName, stateName } from '../../protocol/words.ts';
import { counted } from '../counted.ts';
import { forkItem, RunForks, type ForkNode } from './forkNodes.ts';
import { runItem } from './runItem.ts';

/** Trajectories shown under one node; more are paged, so that no node ever makes thousands of items. */
export const pageSize = 100;

export type RunsNode =
  | { readonly kind: 'task'; readonly task: TaskRecord }
  | { readonly kind: 'orphans'; readonly name: string; readonly runs: readonly RunRecord[] }
  | { readonly kind: 'run'; readonly run: RunRecord }
  | { readonly kind: 'broken'; readonly broken: BrokenRun }
  | { readonly kind: 'stage'; readonly run: RunRecord; readonly stage: StageStatus }
  | {
      readonly kind: 'dropped';
      readonly run: RunRecord;
      readonly stage: StageStatus;
      readonly reason: string;
      readonly count: number;
    }
  | {
      readonly kind: 'system';
      readonly run: RunRecord;
      readonly stage: StageStatus;
      readonly system: string;
      readonly count: number;
    }
  | {
      readonly kind: 'page';
      readonly run: RunRecord;
      readonly stage: StageStatus;
      readonly prefix: string;
      readonly from: number;
      readonly to: number;
    }
  | { readonly kind: 'trajectory'; readonly run: RunRecord; readonly row: TraceRow }
  | ForkNode;

const stageIcons: Readonly<Record<StageStatus['state'], vscode.ThemeIcon>> = {
  pending: new vscode.ThemeIcon('circle-outline'),
  running: new vscode.ThemeIcon('loading~spin'),
  done: new vscode.ThemeIcon('check'),
  failed: new vscode.ThemeIcon('error', new vscode.ThemeColor('testing.iconFailed')),
  cancelled: new vscode.ThemeIcon('circle-slash'),
  skipped: new vscode.ThemeIcon('debug-step-over'),
};
const traceIcons: Readonly<Record<TraceRow['state'], vscode.ThemeIcon>> = {
  open: new vscode.ThemeIcon('sync'),
  right: new vscode.ThemeIcon('pass', new vscode.ThemeColor('testing.iconPassed')),
  wrong: new vscode.ThemeIcon('close', new vscode.ThemeColor('testing.iconFailed')),
  finished: new vscode.ThemeIcon('circle-filled'),
  failed: new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground')),
  dropped: new vscode.ThemeIcon('trash'),
};

function command(id: CommandId, title: string, ...args: unknown[]): vscode.Command {
  return { command: id, title, arguments: args };
}

/** Tasks, their runs, stages and trajectories. */
export class RunsTree implements vscode.TreeDataProvider<RunsNode> {
  private readonly changed = new vscode.EventEmitter<RunsNode | undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly index: RunIndex;
  private readonly forks = new RunForks();
  private timer: NodeJS.Timeout | undefined;

  /** @param forked fires when a plan has ended that was debugged: there may be a new fork */
  constructor(index: RunIndex, forked: vscode.Event<unknown>) {
    this.index = index;
    const redraw = (): void => {
      // A status comes up to four times a second; a tree that is redrawn that often cannot be clicked.
      this.timer ??= setTimeout(() => {
        this.timer = undefined;
        this.changed.fire(undefined);
      }, 400);
    };
    index.onDidChange(redraw);
    forked(redraw);
  }

  async getChildren(node?: RunsNode): Promise<RunsNode[]> {
    if (node === undefined) return this.roots();
    switch (node.kind) {
      case 'task':
        return this.index.runsOf(node.task).map((run) => ({ kind: 'run', run }));
      case 'orphans':
        return node.runs.map((run) => ({ kind: 'run', run }));
      case 'run':
        return node.run.status.stages.map((stage) => ({ kind: 'stage', run: node.run, stage }));
      case 'stage':
        return this.stageChildren(node.run, node.stage);
      case 'system':
        return this.pages(node.run, node.stage, `evaluation/${node.system}/`);
      case 'page':
        return this.trajectories(node.run, node.stage, node.prefix, node.from, node.to);
      case 'trajectory':
        return this.forks.of(node.run, node.row.item);
      default:
        return [];
    }
  }

  getTreeItem(node: RunsNode): vscode.TreeItem {
    switch (node.kind) {
      case 'task':
        return this.taskItem(node.task);
      case 'orphans': {
        const item = new vscode.TreeItem(visibleLine(node.name, 80), vscode.TreeItemCollapsibleState.Collapsed);
        item.iconPath = new vscode.ThemeIcon('archive');
        item.description = vscode.l10n.t('task card not in this workspace');
        item.id = `orphans:${node.name}`;
        return item;
      }
      case 'run':
        return runItem(node.run);
      case 'broken': {
        const item = new vscode.TreeItem(node.broken.id);
        item.iconPath = new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground'));
        item.description = vscode.l10n.t('cannot be read');
        item.tooltip = node.broken.problem;
        item.accessibilityInformation = {
          label: vscode.l10n.t('Run {0} cannot be read. {1}', node.broken.id, node.broken.problem),
        };
        return item;
      }
      case 'stage':
        return this.stageItem(node.run, node.stage);
      case 'dropped': {
        const item = new vscode.TreeItem(vscode.l10n.t('Dropped: {0}', visibleLine(node.reason, 80)));
        item.id = `dropped:${node.run.id}:${node.stage.id}:${node.reason}`;
        item.description = String(node.count);
        item.iconPath = new vscode.ThemeIcon('filter');
        item.contextValue = treeContext.dropped;
        item.command = command('autoact.whyDropped', vscode.l10n.t('Show What Was Dropped'), node);
        item.accessibilityInformation = { label: vscode.l10n.t('{0} dropped because of {1}', node.count, node.reason) };
        return item;
      }
      case 'system': {
        const item = new vscode.TreeItem(visibleLine(node.system, 80), vscode.TreeItemCollapsibleState.Collapsed);
        item.id = `system:${node.run.id}:${node.system}`;
        item.description = counted.trajectories(node.count);
        item.iconPath = new vscode.ThemeIcon('beaker');
        return item;
      }
      case 'page': {
        const item = new vscode.TreeItem(
          vscode.l10n.t('{0} to {1}', node.from + 1, node.to),
          vscode.TreeItemCollapsibleState.Collapsed,
        );
        item.id = `page:${node.run.id}:${node.prefix}:${node.from}`;
        item.iconPath = new vscode.ThemeIcon('list-ordered');
        item.contextValue = treeContext.more;
        return item;
      }
      case 'trajectory':
        return this.trajectoryItem(node);
      case 'fork':
        return forkItem(node);
    }
  }

  private async roots(): Promise<RunsNode[]> {
    await this.index.ready();
    const tasks = this.index.tasks();
    const known = new Set(tasks.map((task) => task.file));
    const orphans = new Map<string, RunRecord[]>();
    for (const run of this.index.runs()) {
      if (known.has(this.index.taskFileOf(run))) continue;
      const group = orphans.get(run.status.task);
      if (group === undefined) orphans.set(run.status.task, [run]);
      else group.push(run);
    }
    return [
      ...tasks.map((task): RunsNode => ({ kind: 'task', task })),
      ...[...orphans].map(([name, runs]): RunsNode => ({ kind: 'orphans', name, runs })),
      ...this.index.brokenRuns().map((broken): RunsNode => ({ kind: 'broken', broken })),
    ];
  }

  private async stageChildren(run: RunRecord, stage: StageStatus): Promise<RunsNode[]> {
    const dropped = stage.dropped.map(({ reason, count }): RunsNode => ({
      kind: 'dropped',
      run,
      stage,
      reason,
      count,
    }));
    const log = this.index.logOf(run);
    await log.refresh();
    if (stage.id === 'evaluation') {
      const systems = new Map<string, number>();
      for (const item of stageItems(log, stage.id)) {
        const system = item.key.split('/')[1] ?? '';
        systems.set(system, (systems.get(system) ?? 0) + 1);
      }
      return [
        ...dropped,
        ...[...systems].map(([system, count]): RunsNode => ({ kind: 'system', run, stage, system, count })),
      ];
    }
    return [
      ...dropped,
      ...(stageItems(log, stage.id).length === 0 ? [] : await this.pages(run, stage, `${stage.id}/`)),
    ];
  }

  private async pages(run: RunRecord, stage: StageStatus, prefix: string): Promise<RunsNode[]> {
    const count = this.index.logOf(run).items(prefix).length;
    if (count <= pageSize) return this.trajectories(run, stage, prefix, 0, count);
    return Array.from({ length: Math.ceil(count / pageSize) }, (_, page): RunsNode => {
      const from = page * pageSize;
      return { kind: 'page', run, stage, prefix, from, to: Math.min(count, from + pageSize) };
    });
  }

  private async trajectories(
    run: RunRecord,
    stage: StageStatus,
    prefix: string,
    from: number,
    to: number,
  ): Promise<RunsNode[]> {
    this.forks.read(run);
    const log = this.index.logOf(run);
    const rows = await traceRows(log, log.items(prefix).slice(from, to), {
      live: isLive(run.status),
      scores: await this.index.scores.of(run.folder),
      again: stage.again,
    });
    return rows.map((row) => ({ kind: 'trajectory', run, row }));
  }

  private taskItem(task: TaskRecord): vscode.TreeItem {
    const runs = this.index.runsOf(task).length;
    const item = new vscode.TreeItem(
      visibleLine(task.name, 80),
      runs > 0 ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.None,
    );
    item.id = `task:${task.file}`;
    item.resourceUri = vscode.Uri.file(task.file);
    item.contextValue = treeContext.task;
    item.iconPath = new vscode.ThemeIcon(task.problem === undefined ? 'notebook' : 'warning');
    item.description =
      task.problem === undefined
        ? runs === 0
          ? vscode.l10n.t('no runs yet')
          : counted.runs(runs)
        : vscode.l10n.t('card has errors');
    item.tooltip = task.problem ?? `${visibleLine(task.description, 400)}\n${basename(task.file)}`;
    item.command = command('autoact.openDashboard', vscode.l10n.t('Open Dashboard'), {
      kind: 'task',
      task,
    } satisfies RunsNode);
    item.accessibilityInformation = { label: vscode.l10n.t('Task {0}, {1}', task.name, item.description) };
    return item;
  }

  private stageItem(run: RunRecord, stage: StageStatus): vscode.TreeItem {
    const hasChildren =
      stage.dropped.length > 0 ||
      stageItems(this.index.logOf(run), stage.id).length > 0 ||
      (stage.state !== 'pending' &&
        stage.state !== 'skipped' &&
        ['selfInstruct', 'toolSelection', 'synthesis', 'evaluation'].includes(stage.id));
    const item = new vscode.TreeItem(
      stageName(stage.id),
      hasChildren ? vscode.TreeItemCollapsibleState.Collapsed : vscode.TreeItemCollapsibleState.None,
    );
    item.id = `stage:${run.folder}:${stage.id}`;
    item.iconPath = stageIcons[stage.state];
    // The counts of tool selection are the tools' ranks.
    const ranked = stage.id === 'toolSelection';
    const counts = (ranked ? [...stage.counts].sort((a, b) => a.value - b.value) : stage.counts)
      .map(({ label, value }) => (ranked ? label : `${value} ${label}`))
      .join(', ');
    const progress =
      stage.state === 'running' && stage.total > 0
        ? vscode.l10n.t('{0} of {1} ({2} %)', stage.done, stage.total, Math.floor(stageProgress(stage) * 100))
        : stateName(stage.state);
    const shown = stage.earlier === true ? vscode.l10n.t('before: {0}', counts) : counts;
    item.description = counts === '' ? progress : `${progress}, ${shown}`;
    item.tooltip =
      stage.error === undefined
        ? (stage.activity ?? stageName(stage.id))
        : `${stage.error.message}${stage.error.remedy === undefined ? '' : `\n${stage.error.remedy}`}`;
    item.contextValue = treeContext.stage;
    item.accessibilityInformation = { label: vscode.l10n.t('Stage {0}, {1}', stageName(stage.id), item.description) };
    return item;
  }

  private trajectoryItem(node: Extract<RunsNode, { kind: 'trajectory' }>): vscode.TreeItem {
    const { row, run } = node;
    const { Collapsed, None } = vscode.TreeItemCollapsibleState;
    const hasForks = this.forks.of(run, row.item).length > 0;
    const item = new vscode.TreeItem(visibleLine(row.title, 80), hasForks ? Collapsed : None);
    item.id = `trajectory:${run.folder}:${row.item}`;
    item.description = row.outcome;
    item.iconPath = row.earlier === true ? new vscode.ThemeIcon('history') : traceIcons[row.state];
    if (row.earlier === true) item.tooltip = vscode.l10n.t('Of the time before: its stage is being done again.');
    item.contextValue = treeContext.trajectory;
    item.command = command('autoact.openTrace', vscode.l10n.t('Open Trace'), node);
    item.accessibilityInformation = { label: vscode.l10n.t('Trajectory {0}, {1}', row.title, row.outcome) };
    return item;
  }
}
