import * as vscode from 'vscode';
import type { CommandId } from '../../contrib/commands.ts';
import { treeContext } from '../../contrib/ids.ts';
import { partlyDone } from '../../core/run/partlyDone.ts';
import type { RunStatus } from '../../core/run/status.ts';
import type { RunRecord } from '../runs/runRecord.ts';
import { isLive, isResumable, progressOf } from '../runs/runRecord.ts';
import { runStateName } from '../../protocol/words.ts';
import type { RunsNode } from './runsTree.ts';

const runIcons: Readonly<Record<RunStatus['state'], vscode.ThemeIcon>> = {
  pending: new vscode.ThemeIcon('clock'),
  running: new vscode.ThemeIcon('loading~spin'),
  done: new vscode.ThemeIcon('pass', new vscode.ThemeColor('testing.iconPassed')),
  failed: new vscode.ThemeIcon('error', new vscode.ThemeColor('testing.iconFailed')),
  cancelled: new vscode.ThemeIcon('circle-slash'),
  interrupted: new vscode.ThemeIcon('debug-disconnect', new vscode.ThemeColor('list.warningForeground')),
};

/** A run: its state, how far it is and, when it is done, its score. */
export function runItem(run: RunRecord): vscode.TreeItem {
  const { status } = run;
  const item = new vscode.TreeItem(
    run.id,
    isLive(status) ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.Collapsed,
  );
  item.id = `run:${run.folder}`;
  const isPart = partlyDone(status) !== undefined;
  item.iconPath = isPart ? new vscode.ThemeIcon('debug-pause') : runIcons[status.state];
  const percent = `${Math.floor(progressOf(status) * 100)} %`;
  const reference = status.results.at(-1)?.levels.find((level) => level.level === 'all');
  item.description =
    status.state === 'done' && !isPart && reference !== undefined
      ? vscode.l10n.t('done, {0} % (seed {1})', (reference.score * 100).toFixed(1), status.seed)
      : status.state === 'done'
        ? vscode.l10n.t('{0} (seed {1})', runStateName(status), status.seed)
        : vscode.l10n.t('{0}, {1} (seed {2})', runStateName(status), percent, status.seed);
  item.contextValue = isLive(status)
    ? treeContext.runLive
    : isResumable(status)
      ? treeContext.runResumable
      : treeContext.runDone;
  item.tooltip = [
    vscode.l10n.t('Run {0}', run.id),
    vscode.l10n.t('{0} mode, seed {1}', status.mode, status.seed),
    vscode.l10n.t('Started {0}', new Date(status.startedAt).toLocaleString()),
    ...(isPart ? [vscode.l10n.t('Resume it to go on with the stages that wait.')] : []),
    ...(status.state === 'interrupted'
      ? [vscode.l10n.t('Its process is gone. Resume it: nothing that was answered is lost.')]
      : []),
  ].join('\n');
  item.command = {
    command: 'autoact.openDashboard' satisfies CommandId,
    title: vscode.l10n.t('Open Dashboard'),
    arguments: [{ kind: 'run', run } satisfies RunsNode],
  };
  item.accessibilityInformation = { label: vscode.l10n.t('Run {0}, {1}', run.id, item.description) };
  return item;
}
