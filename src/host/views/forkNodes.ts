import { join } from 'node:path';
import * as vscode from 'vscode';
import type { CommandId } from '../../contrib/commands.ts';
import { treeContext } from '../../contrib/ids.ts';
import { visibleLine } from '../../core/trajectory/visible.ts';
import { forkFiles, readFork } from '../../node/debug/forkFiles.ts';
import type { RunRecord } from '../runs/runRecord.ts';
import { forkUri } from '../debug/debugUri.ts';

/** A fork that was made in the debugger, beneath the trajectory that it comes from. */
export interface ForkNode {
  readonly kind: 'fork';
  readonly run: RunRecord;
  readonly file: string;
  readonly id: string;
  /** What was changed, e.g. `step 2, argument`. */
  readonly change: string;
}

/** The forks of runs, by the trajectory that they come from. */
export class RunForks {
  private readonly known = new Map<string, ReadonlyMap<string, readonly ForkNode[]>>();

  of(run: RunRecord, trajectory: string): ForkNode[] {
    return [...(this.known.get(run.folder)?.get(trajectory) ?? [])];
  }

  /** Looks at the folder of forks again. */
  read(run: RunRecord): void {
    const found = new Map<string, ForkNode[]>();
    for (const file of forkFiles(join(run.folder, 'forks'))) {
      try {
        const { id, root, edits } = readFork(file).record;
        const last = edits.at(-1);
        const change = last === undefined ? '' : vscode.l10n.t('step {0}, {1}', last.step, last.field);
        found.set(root, [...(found.get(root) ?? []), { kind: 'fork', run, file, id, change }]);
      } catch {
        // It is being written, or is no fork.
      }
    }
    this.known.set(run.folder, found);
  }
}

export function forkItem(node: ForkNode): vscode.TreeItem {
  const item = new vscode.TreeItem(visibleLine(node.id.split('/').at(-1) ?? node.id, 80));
  item.id = `fork:${node.file}`;
  item.description = visibleLine(node.change, 80);
  item.iconPath = new vscode.ThemeIcon('repo-forked');
  item.contextValue = treeContext.fork;
  const uri = forkUri(node.file);
  item.tooltip = `${visibleLine(node.id, 200)}\n${vscode.l10n.t('Made in the debugger; never training data.')}`;
  item.command = {
    command: 'autoact.openTrace' satisfies CommandId,
    title: vscode.l10n.t('Open Fork'),
    arguments: [uri],
  };
  item.accessibilityInformation = { label: vscode.l10n.t('Fork {0}, changed at {1}', node.id, node.change) };
  return item;
}
