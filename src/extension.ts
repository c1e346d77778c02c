import { createRequire } from 'node:module';
import * as vscode from 'vscode';
import { commandIds } from './contrib/commands.ts';
import {
  boxesView,
  dashboardPanel,
  documentScheme,
  runsView,
  traceLanguage,
  traceScheme,
  walkthrough,
} from './contrib/ids.ts';
import type { BoxesNode } from './host/boxes/boxesModel.ts';
import type * as FeaturesModule from './host/features.ts';
import type { RunsNode } from './host/views/runsTree.ts';

/**
 * Registers what the extension offers, and loads what is behind it (a bundle of its own) when something is first used.
 */
export function activate(context: vscode.ExtensionContext): void {
  const log = vscode.window.createOutputChannel('AutoAct', { log: true });
  const at = (...path: string[]): vscode.Uri => vscode.Uri.joinPath(context.extensionUri, ...path);
  const treeChanged = new vscode.EventEmitter<RunsNode | undefined>();
  const boxesChanged = new vscode.EventEmitter<BoxesNode | undefined>();
  const lazyRequire = createRequire(__filename);
  let loaded: FeaturesModule.Features | undefined;
  const features = (): FeaturesModule.Features => {
    if (loaded !== undefined) return loaded;
    const { createFeatures } = lazyRequire('./features.js') as typeof FeaturesModule;
    const made = createFeatures(context, log, {
      root: context.extensionUri,
      cli: at('dist', 'cli.js').fsPath,
      prompts: at('prompts'),
      starter: at('starter', 'starter.task.json'),
      webview: at('dist', 'webview'),
    });
    loaded = made;
    made.tree.onDidChangeTreeData((node) => {
      treeChanged.fire(node);
    });
    made.boxes.onDidChangeTreeData((node) => {
      boxesChanged.fire(node);
    });
    return made;
  };

  const { subscriptions } = context;
  subscriptions.push(log, treeChanged, boxesChanged);
  for (const id of commandIds)
    subscriptions.push(vscode.commands.registerCommand(id, (...args: unknown[]) => features().execute(id, args)));

  subscriptions.push(
    vscode.window.createTreeView<RunsNode>(runsView, {
      showCollapseAll: true,
      treeDataProvider: {
        onDidChangeTreeData: treeChanged.event,
        getChildren: (node) => features().tree.getChildren(node),
        getTreeItem: (node) => features().tree.getTreeItem(node),
      },
    }),
    vscode.window.createTreeView<BoxesNode>(boxesView, {
      treeDataProvider: {
        onDidChangeTreeData: boxesChanged.event,
        getChildren: (node) => features().boxes.getChildren(node),
        getTreeItem: (node) => features().boxes.getTreeItem(node),
      },
    }),
    vscode.window.registerWebviewPanelSerializer(dashboardPanel, {
      deserializeWebviewPanel: (panel, state) => {
        features().restoreDashboard(panel, state);
        return Promise.resolve();
      },
    }),
    readOnly(traceScheme, () => features().traces),
    readOnly(documentScheme, () => features().documents),
  );

  const traces: vscode.DocumentSelector = { language: traceLanguage };
  subscriptions.push(
    vscode.languages.registerFoldingRangeProvider(traces, {
      provideFoldingRanges: (document) => features().folding.provideFoldingRanges(document),
    }),
    vscode.languages.registerDocumentSymbolProvider(
      traces,
      { provideDocumentSymbols: (document) => features().symbols.provideDocumentSymbols(document) },
      { label: 'AutoAct trace' },
    ),
    vscode.languages.registerCodeLensProvider(traces, {
      provideCodeLenses: (document) => features().lenses.provideCodeLenses(document),
    }),
    vscode.languages.registerDocumentLinkProvider(
      { scheme: documentScheme },
      { provideDocumentLinks: (document) => features().links.provideDocumentLinks(document) },
    ),
  );

  const seen = 'autoact.walkthroughShown';
  if (!context.globalState.get<boolean>(seen, false) && context.extensionMode !== vscode.ExtensionMode.Test) {
    void context.globalState.update(seen, true);
    void vscode.commands.executeCommand(
      'workbench.action.openWalkthrough',
      `${context.extension.id}#${walkthrough}`,
      false,
    );
  }
}

/** A read-only file system whose provider is loaded when a file of it is first wanted. */
function readOnly(scheme: string, provider: () => vscode.FileSystemProvider): vscode.Disposable {
  const changed = new vscode.EventEmitter<vscode.FileChangeEvent[]>();
  let connected = false;
  const load = (): vscode.FileSystemProvider => {
    const loaded = provider();
    if (!connected) {
      connected = true;
      loaded.onDidChangeFile((events) => {
        changed.fire(events);
      });
    }
    return loaded;
  };
  const refuse = (uri: vscode.Uri): never => {
    throw vscode.FileSystemError.NoPermissions(uri);
  };
  return vscode.Disposable.from(
    changed,
    vscode.workspace.registerFileSystemProvider(
      scheme,
      {
        onDidChangeFile: changed.event,
        watch: (uri, options) => load().watch(uri, options),
        stat: (uri) => load().stat(uri),
        readFile: (uri) => load().readFile(uri),
        readDirectory: () => [],
        createDirectory: refuse,
        writeFile: refuse,
        delete: refuse,
        rename: refuse,
      },
      { isCaseSensitive: true, isReadonly: true },
    ),
  );
}
