import * as vscode from 'vscode';
import { trajectoriesPanel } from '../../contrib/ids.ts';
import { TableState } from '../../protocol/trajectories.ts';
import type { TableSource } from '../../protocol/trajectories.ts';
import { OpenPanels } from '../openPanels.ts';
import type { Services } from '../services.ts';
import { TablePanel } from './tablePanel.ts';

/** A file of trajectories that is open in the table editor; its text is never loaded as a document. */
export interface TableDocument extends vscode.CustomDocument {
  readonly uri: vscode.Uri;
}

/**
 * The open tables: panels over a run or a file, and the read-only editor of a file. VS Code hands no document of more
 * than 50 MB to an extension, so the editor reads the file by itself.
 */
export class TrajectoryPanels extends OpenPanels<TablePanel, TableState> {
  protected override readonly kept = { name: vscode.l10n.t('A table'), state: TableState };
  /** Editors, which VS Code names by their file. */
  private readonly editors = new WeakSet<vscode.WebviewPanel>();

  override connect(services: Services): void {
    super.connect(services);
    this.owned.add(
      services.runs.onDidChange(() => {
        for (const panel of this.open) panel.update();
      }),
    );
  }

  show(source: TableSource, query?: string): void {
    if (query === undefined && this.reveal((panel) => panel.shows(source)) !== undefined) return;
    const webview = vscode.window.createWebviewPanel(
      trajectoriesPanel,
      vscode.l10n.t('Trajectories'),
      vscode.ViewColumn.Active,
      {},
    );
    this.adopt(webview, stateOf(source, query));
  }

  /** The editor of a file. */
  resolve(document: TableDocument, webview: vscode.WebviewPanel): void {
    this.editors.add(webview);
    this.adopt(webview, stateOf({ kind: 'file', path: document.uri.fsPath }));
  }

  protected override make(services: Services, webview: vscode.WebviewPanel, state: TableState): TablePanel {
    return new TablePanel(services, webview, state, !this.editors.has(webview));
  }
}

function stateOf(source: TableSource, query = ''): TableState {
  return { sources: [source], query, sort: 'order', descending: false, first: '', second: '' };
}
