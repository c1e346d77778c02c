import { createRequire } from 'node:module';
import * as vscode from 'vscode';
import { commandIds } from './contrib/commands.ts';
import {
  activationMeasure,
  annotateView,
  boxesView,
  dashboardPanel,
  dataView,
  documentScheme,
  queueView,
  forkScheme,
  jobPanel,
  runsView,
  traceScheme,
  trajectoriesEditor,
  trajectoriesPanel,
  walkthrough,
} from './contrib/ids.ts';
import { registerDebugging, registerTests } from './host/activation/debugging.ts';
import { lazyFileSystem } from './host/activation/lazyFileSystem.ts';
import { lazyTree } from './host/activation/lazyTree.ts';
import { traceLanguageFeatures } from './host/activation/traceLanguage.ts';
import type * as FeaturesModule from './host/features.ts';

/**
 * Registers what the extension offers, and loads what is behind it (a bundle of its own) when something is first used.
 */
export function activate(context: vscode.ExtensionContext): void {
  const start = performance.now();
  const log = vscode.window.createOutputChannel('AutoAct', { log: true });
  const at = (...path: string[]): vscode.Uri => vscode.Uri.joinPath(context.extensionUri, ...path);
  const lazyRequire = createRequire(__filename);
  let loaded: FeaturesModule.Features | undefined;
  const features = (): FeaturesModule.Features => {
    if (loaded !== undefined) return loaded;
    const { createFeatures } = lazyRequire('./features.js') as typeof FeaturesModule;
    const layout = {
      root: context.extensionUri,
      cli: at('dist', 'cli.js').fsPath,
      prompts: at('prompts'),
      starter: at('starter', 'starter.task.json'),
      webview: at('dist', 'webview'),
    };
    const made = createFeatures(context, log, layout, tests);
    loaded = made;
    return made;
  };

  const { subscriptions } = context;
  const tests = registerTests(features);
  subscriptions.push(log, tests);
  for (const id of commandIds)
    subscriptions.push(vscode.commands.registerCommand(id, (...args: unknown[]) => features().execute(id, args)));

  // Files of data are dropped onto either view.
  const dropTarget: vscode.TreeDragAndDropController<unknown> = {
    dropMimeTypes: ['text/uri-list', 'files'],
    dragMimeTypes: [],
    handleDrop: (_target, transfer, token) => features().drop.handleDrop(transfer, token),
  };
  subscriptions.push(
    lazyTree(runsView, () => features().tree, { showCollapseAll: true, dragAndDropController: dropTarget }),
    lazyTree(dataView, () => features().data, { showCollapseAll: true, dragAndDropController: dropTarget }),
    lazyTree(boxesView, () => features().boxes),
    lazyTree(queueView, () => features().queue),
    vscode.window.registerWebviewViewProvider(annotateView, {
      resolveWebviewView: (view) => {
        features().annotate.resolveWebviewView(view);
      },
    }),
    vscode.window.registerCustomEditorProvider(
      trajectoriesEditor,
      {
        openCustomDocument: (uri) => ({ uri, dispose: () => undefined }),
        resolveCustomEditor: (document, panel) => {
          features().tables.resolve(document, panel);
        },
      },
      { supportsMultipleEditorsPerDocument: true },
    ),
    vscode.window.registerWebviewPanelSerializer(trajectoriesPanel, {
      deserializeWebviewPanel: (panel, state) => {
        features().tables.restore(panel, state);
        return Promise.resolve();
      },
    }),
    vscode.window.registerUriHandler({ handleUri: (uri) => features().openLink(uri) }),
    vscode.window.registerWebviewPanelSerializer(dashboardPanel, {
      deserializeWebviewPanel: (panel, state) => {
        features().restoreDashboard(panel, state);
        return Promise.resolve();
      },
    }),
    lazyFileSystem(traceScheme, () => features().traces),
    lazyFileSystem(documentScheme, () => features().documents),
    lazyFileSystem(forkScheme, () => features().debugTraces),
    ...registerDebugging(features),
    vscode.window.registerWebviewPanelSerializer(jobPanel, {
      deserializeWebviewPanel: (panel, state) => {
        features().restoreJob(panel, state);
        return Promise.resolve();
      },
    }),
  );

  subscriptions.push(...traceLanguageFeatures(features));

  openWalkthroughOnce(context);
  performance.measure(activationMeasure, { start });
}

/** Opens the walkthrough in the first window in which its steps can be done. */
function openWalkthroughOnce(context: vscode.ExtensionContext): void {
  const seen = 'autoact.walkthroughShown';
  if (context.globalState.get<boolean>(seen, false) || context.extensionMode === vscode.ExtensionMode.Test) return;
  // Whoever annotates somebody else's folder, which need not be trusted, is not shown how to run things.
  if (!vscode.workspace.isTrusted) return;
  void context.globalState.update(seen, true);
  void vscode.commands.executeCommand(
    'workbench.action.openWalkthrough',
    `${context.extension.id}#${walkthrough}`,
    // Who reads a file when the extension starts goes on reading; the walkthrough is a tab beside it.
    { inactive: vscode.window.activeTextEditor !== undefined },
  );
}
