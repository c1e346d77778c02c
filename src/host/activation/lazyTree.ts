import * as vscode from 'vscode';

/** What a tree view needs of its provider. */
export interface Tree<T> {
  readonly onDidChangeTreeData: vscode.Event<T | undefined>;
  getChildren(node?: T): vscode.ProviderResult<T[]>;
  getTreeItem(node: T): vscode.TreeItem | Thenable<vscode.TreeItem>;
  /** Needed where {@link onDidMove} is: the node's way up. */
  getParent?(node: T): vscode.ProviderResult<T>;
  /** A node that the view should scroll to. */
  readonly onDidMove?: vscode.Event<T>;
}

/** A view whose tree is loaded when it is first shown. */
export function lazyTree<T>(
  view: string,
  tree: () => Tree<T>,
  options: Omit<vscode.TreeViewOptions<T>, 'treeDataProvider'> = {},
): vscode.Disposable {
  const changed = new vscode.EventEmitter<T | undefined>();
  let connected = false;
  const load = (): Tree<T> => {
    const loaded = tree();
    if (!connected) {
      connected = true;
      loaded.onDidChangeTreeData((node) => {
        changed.fire(node);
      });
      loaded.onDidMove?.((node) => {
        // To reveal would open a view that is closed. A node that has gone by then is not revealed.
        if (shown.visible) shown.reveal(node, { select: true, focus: false }).then(undefined, () => undefined);
      });
    }
    return loaded;
  };
  const shown = vscode.window.createTreeView<T>(view, {
    ...options,
    treeDataProvider: {
      onDidChangeTreeData: changed.event,
      getChildren: (node) => load().getChildren(node),
      getTreeItem: (node) => load().getTreeItem(node),
      getParent: (node) => load().getParent?.(node),
    },
  });
  return vscode.Disposable.from(changed, shown);
}
