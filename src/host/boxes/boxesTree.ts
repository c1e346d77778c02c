import * as vscode from 'vscode';
import { BoxError } from '../../node/box/boxErrors.ts';
import { commandTitle } from '../commandTitle.ts';
import type { BoxesNode } from './boxesModel.ts';
import { childrenOf, itemOf } from './boxesModel.ts';
import type { BoxService } from './boxService.ts';

/** Boxes with their jobs and what is served from them. */
export class BoxesTree implements vscode.TreeDataProvider<BoxesNode> {
  private readonly service: BoxService;
  private readonly changed = new vscode.EventEmitter<BoxesNode | undefined>();
  readonly onDidChangeTreeData = this.changed.event;

  constructor(service: BoxService) {
    this.service = service;
    service.onDidChange(() => this.changed.fire(undefined));
  }

  getChildren(node?: BoxesNode): BoxesNode[] {
    try {
      if (node === undefined) this.service.watchLocal();
      return [...childrenOf(this.service.boxes(), node)];
    } catch (error) {
      if (!BoxError.is(error)) throw error;
      return node === undefined ? [{ kind: 'problem', message: error.message }] : [];
    }
  }

  getTreeItem(node: BoxesNode): vscode.TreeItem {
    const { id, label, description, tooltip, icon, colour, context, open } = itemOf(node);
    const states = { leaf: 'None', closed: 'Collapsed', open: 'Expanded' } as const;
    const item = new vscode.TreeItem(label, vscode.TreeItemCollapsibleState[states[open]]);
    item.id = id;
    item.description = description;
    item.tooltip = tooltip;
    item.iconPath = new vscode.ThemeIcon(icon, colour === undefined ? undefined : new vscode.ThemeColor(colour));
    if (context !== undefined) item.contextValue = context;
    if (node.kind === 'job') {
      item.command = { command: 'autoact.openJob', title: commandTitle('autoact.openJob'), arguments: [node] };
    }
    item.accessibilityInformation = { label: `${label}, ${description}` };
    return item;
  }
}
