import { join } from 'node:path';
import * as vscode from 'vscode';
import type { CommandId } from '../../contrib/commands.ts';
import { treeContext } from '../../contrib/ids.ts';
import { visibleLine } from '../../core/trajectory/visible.ts';
import type { TrajectorySummary } from '../../core/trajectory/summary.ts';
import { fileTraceUri } from '../traces/traceUri.ts';
import type { OpenTrajectories } from '../trajectories/openTrajectories.ts';
import { pageSize } from '../views/runsTree.ts';
import { trajectoriesOf } from './dataIndex.ts';
import type { DataIndex, DataRecord } from './dataIndex.ts';
import { outcomeName } from '../../protocol/words.ts';
import { counted } from '../counted.ts';

export type DataNode =
  | { readonly kind: 'data'; readonly data: DataRecord }
  | { readonly kind: 'dataFile'; readonly path: string; readonly title: string; readonly detail: string }
  | {
      readonly kind: 'dataPage';
      readonly path: string;
      readonly group: string | undefined;
      readonly from: number;
      readonly to: number;
      readonly title: string;
      readonly detail: string;
    }
  | {
      readonly kind: 'dataTrajectory';
      readonly path: string;
      readonly line: number;
      readonly summary: TrajectorySummary;
    };

const icons: Readonly<Record<TrajectorySummary['outcome'], vscode.ThemeIcon>> = {
  right: new vscode.ThemeIcon('pass', new vscode.ThemeColor('testing.iconPassed')),
  'partly right': new vscode.ThemeIcon('circle-slash', new vscode.ThemeColor('testing.iconFailed')),
  wrong: new vscode.ThemeIcon('close', new vscode.ThemeColor('testing.iconFailed')),
  'not scored': new vscode.ThemeIcon('circle-filled'),
  failed: new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground')),
  open: new vscode.ThemeIcon('sync'),
  unreadable: new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground')),
};

function command(id: CommandId | 'vscode.open', title: string, ...args: unknown[]): vscode.Command {
  return { command: id, title, arguments: args };
}

/** Imported data sets with their files, and imported trajectories one by one. */
export class DataTree implements vscode.TreeDataProvider<DataNode> {
  readonly onDidChangeTreeData: vscode.Event<DataNode | undefined>;
  private readonly index: DataIndex;
  private readonly files: OpenTrajectories;

  constructor(index: DataIndex, files: OpenTrajectories) {
    this.index = index;
    this.files = files;
    const changed = new vscode.EventEmitter<DataNode | undefined>();
    this.onDidChangeTreeData = changed.event;
    index.onDidChange(() => {
      changed.fire(undefined);
    });
  }

  async getChildren(node?: DataNode): Promise<DataNode[]> {
    if (node === undefined) return (await this.index.records()).map((data) => ({ kind: 'data', data }));
    if (node.kind === 'dataPage') return this.trajectories(node.path, node.group, node.from, node.to);
    if (node.kind !== 'data' || node.data.kind === 'broken') return [];
    const { data } = node;
    if (data.kind === 'dataset')
      return [
        {
          kind: 'dataFile',
          path: join(data.folder, 'questions.jsonl'),
          title: vscode.l10n.t('Questions'),
          detail: String(data.questions),
        },
        {
          kind: 'dataFile',
          path: join(data.folder, 'documents.jsonl'),
          title: vscode.l10n.t('Documents'),
          detail: String(data.documents),
        },
        {
          kind: 'dataFile',
          path: join(data.folder, 'dataset.json'),
          title: vscode.l10n.t('Report'),
          detail: vscode.l10n.t('what was read and refused'),
        },
      ];
    return this.groups(trajectoriesOf(data.folder));
  }

  getTreeItem(node: DataNode): vscode.TreeItem {
    switch (node.kind) {
      case 'data':
        return this.dataItem(node.data);
      case 'dataFile': {
        const item = new vscode.TreeItem(node.title);
        item.description = node.detail;
        item.resourceUri = vscode.Uri.file(node.path);
        item.iconPath = vscode.ThemeIcon.File;
        item.command = command('vscode.open', vscode.l10n.t('Open'), item.resourceUri);
        return item;
      }
      case 'dataPage': {
        const item = new vscode.TreeItem(visibleLine(node.title, 80), vscode.TreeItemCollapsibleState.Collapsed);
        item.id = `dataPage:${node.path}:${node.group ?? ''}:${node.from}`;
        item.description = node.detail;
        item.iconPath = new vscode.ThemeIcon('list-ordered');
        item.contextValue = treeContext.more;
        return item;
      }
      case 'dataTrajectory': {
        const { summary } = node;
        const item = new vscode.TreeItem(visibleLine(summary.title === '' ? summary.id : summary.title, 80));
        item.id = `dataTrajectory:${node.path}:${node.line}`;
        const outcome = outcomeName(summary.outcome);
        item.description = summary.remark === '' ? outcome : `${outcome}, ${visibleLine(summary.remark, 80)}`;
        item.tooltip = visibleLine(`${summary.id}: ${summary.title}`, 400);
        item.iconPath = icons[summary.outcome];
        item.contextValue = treeContext.storedTrajectory;
        item.command = command('vscode.open', vscode.l10n.t('Open Trace'), fileTraceUri(node.path, node.line));
        item.accessibilityInformation = { label: vscode.l10n.t('Trajectory {0}, {1}', summary.id, item.description) };
        return item;
      }
    }
  }

  private dataItem(data: DataRecord): vscode.TreeItem {
    const item = new vscode.TreeItem(visibleLine(data.name, 80), vscode.TreeItemCollapsibleState.Collapsed);
    item.id = `data:${data.folder}`;
    item.tooltip = vscode.workspace.asRelativePath(data.folder);
    if (data.kind === 'broken') {
      item.collapsibleState = vscode.TreeItemCollapsibleState.None;
      item.iconPath = new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground'));
      item.description = vscode.l10n.t('cannot be read');
      item.tooltip = data.problem;
    } else if (data.kind === 'dataset') {
      item.iconPath = new vscode.ThemeIcon('database');
      item.description = `${visibleLine(data.format, 20)}, ${counted.questions(data.questions)}`;
    } else {
      item.iconPath = new vscode.ThemeIcon('list-tree');
      item.description = counted.trajectories(data.rows);
      item.contextValue = treeContext.importedTrajectories;
      item.tooltip = vscode.l10n.t(
        '{0}\nfrom {1}',
        vscode.workspace.asRelativePath(data.folder),
        data.files.map((file) => visibleLine(file, 80)).join(', '),
      );
    }
    item.accessibilityInformation = {
      label:
        data.kind === 'dataset'
          ? vscode.l10n.t('Data set {0}, {1}', data.name, item.description)
          : vscode.l10n.t('Imported {0}, {1}', data.name, item.description),
    };
    return item;
  }

  private async groups(path: string): Promise<DataNode[]> {
    const { rows } = await this.files.open(path);
    const groups = new Map<string, number>();
    for (const { summary } of rows) groups.set(summary.group, (groups.get(summary.group) ?? 0) + 1);
    if (groups.size <= 1) return this.pages(path, undefined, rows.length);
    const made: DataNode[] = [];
    for (const [group, count] of groups) made.push(...(await this.pages(path, group, count)));
    return made;
  }

  private async pages(path: string, group: string | undefined, count: number): Promise<DataNode[]> {
    if (group === undefined && count <= pageSize) return this.trajectories(path, undefined, 0, count);
    return Array.from({ length: Math.ceil(count / pageSize) }, (_, page): DataNode => {
      const from = page * pageSize;
      const to = Math.min(count, from + pageSize);
      const range = count <= pageSize ? '' : vscode.l10n.t('{0} to {1}', from + 1, to);
      const title = group ?? range;
      const detail = group === undefined ? '' : range === '' ? counted.trajectories(count) : range;
      return { kind: 'dataPage', path, group, from, to, title, detail };
    });
  }

  private async trajectories(path: string, group: string | undefined, from: number, to: number): Promise<DataNode[]> {
    const { rows } = await this.files.open(path);
    const own = group === undefined ? rows : rows.filter(({ summary }) => summary.group === group);
    return own.slice(from, to).map(({ line, summary }) => ({ kind: 'dataTrajectory', path, line, summary }));
  }
}
