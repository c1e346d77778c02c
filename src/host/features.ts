import * as vscode from 'vscode';
import { commandSpec } from '../contrib/commands.ts';
import type { CommandId } from '../contrib/commands.ts';
import { walkthrough } from '../contrib/ids.ts';
import { cancel, moveRunToBin, openDashboard, openResults, resume, runLoop, runStage } from './commands/runCommands.ts';
import { doctor } from './commands/doctor.ts';
import { importData } from './commands/importData.ts';
import {
  addBoxFromEditor,
  checkBox,
  connectBox,
  disconnectBox,
  openJobLog,
  removeBoxFromEditor,
  serveJob,
  stopJob,
  useAdapters,
} from './commands/boxCommands.ts';
import { newTaskCard, openStarterTask, overridePrompt, showPrompts } from './commands/taskCommands.ts';
import { goToNeighbour, openTrace, showProvenance, showRequests, whyDropped } from './commands/traceCommands.ts';
import { BoxPrompts } from './boxes/boxPrompts.ts';
import { BoxService } from './boxes/boxService.ts';
import { BoxesTree } from './boxes/boxesTree.ts';
import { DashboardPanels } from './dashboard/panels.ts';
import { describeError, showProblem, UserError } from './notify.ts';
import { ApiKeys, isKeyVariable } from './runs/apiKeys.ts';
import { Configurations } from './runs/configurations.ts';
import { RunIndex } from './runs/runIndex.ts';
import { RunnerService } from './runs/runnerService.ts';
import type { Layout, Services } from './services.ts';
import { Documents } from './traces/documents.ts';
import { ItemLinks, TraceFolding, TraceLenses, TraceSymbols } from './traces/languageFeatures.ts';
import { TraceFiles } from './traces/traceFiles.ts';
import { RunsTree } from './views/runsTree.ts';

/**
 * Everything behind the extension's registrations. It is a bundle of its own that is loaded on first use, so that
 * activation costs a window nothing (measured in the host tests).
 */
export interface Features {
  readonly tree: RunsTree;
  readonly boxes: BoxesTree;
  readonly traces: TraceFiles;
  readonly documents: Documents;
  readonly folding: TraceFolding;
  readonly symbols: TraceSymbols;
  readonly lenses: TraceLenses;
  readonly links: ItemLinks;
  execute(id: CommandId, args: readonly unknown[]): Promise<unknown>;
  restoreDashboard(panel: vscode.WebviewPanel, state: unknown): void;
}

export function createFeatures(
  context: vscode.ExtensionContext,
  log: vscode.LogOutputChannel,
  layout: Layout,
): Features {
  const runs = new RunIndex(log);
  const keys = new ApiKeys(context);
  const prompts = new BoxPrompts(context.secrets);
  const runner = new RunnerService(layout.cli, runs, keys, prompts, log);
  const boxes = new BoxService(layout.cli, prompts, log);
  const jobLog = vscode.window.createOutputChannel('AutoAct Jobs', 'log');
  const documents = new Documents(runs, layout.prompts);
  const dashboards = new DashboardPanels();
  const services: Services = {
    context,
    log,
    layout,
    runs,
    runner,
    configurations: new Configurations(context, log),
    keys,
    documents,
    dashboards,
    boxes,
    jobLog,
  };
  dashboards.connect(services);
  context.subscriptions.push(runs, runner, dashboards, boxes, jobLog);
  runner.onDidFail(({ session, problem }) => {
    const actions =
      session.run === undefined
        ? []
        : [
            {
              title: 'Resume',
              run: () =>
                vscode.commands.executeCommand('autoact.resume', { kind: 'run', run: runs.find(session.run ?? '') }),
            },
          ];
    void showProblem(log, problem, actions);
  });
  runner.onDidEnd((session) => {
    const run = session.run === undefined ? undefined : runs.find(session.run);
    if (run?.status.state !== 'done') return;
    const title = 'Open Results';
    void vscode.window.showInformationMessage(`AutoAct: run ${run.id} is done.`, title).then(async (chosen) => {
      if (chosen === title) await vscode.commands.executeCommand('autoact.openResults', { kind: 'run', run });
    });
  });

  const handlers: { readonly [K in CommandId]: (...args: unknown[]) => unknown } = {
    'autoact.newTask': () => newTaskCard(services),
    'autoact.openStarterTask': () => openStarterTask(services),
    'autoact.importData': () => importData(services),
    'autoact.run': (arg) => runLoop(services, arg),
    'autoact.runStage': (arg) => runStage(services, arg),
    'autoact.resume': (arg) => resume(services, arg),
    'autoact.cancel': (arg) => cancel(services, arg),
    'autoact.openDashboard': (arg) => openDashboard(services, arg),
    'autoact.openResults': (arg) => openResults(services, arg),
    'autoact.openTrace': (arg) => openTrace(services, arg),
    'autoact.nextTrajectory': (arg) => goToNeighbour(services, arg, 1),
    'autoact.previousTrajectory': (arg) => goToNeighbour(services, arg, -1),
    'autoact.showProvenance': (arg) => showProvenance(services, arg),
    'autoact.whyDropped': (arg) => whyDropped(services, arg),
    'autoact.showRequests': (arg, step) => showRequests(services, arg, step),
    'autoact.showPrompts': () => showPrompts(services),
    'autoact.overridePrompt': (arg) => overridePrompt(services, arg),
    'autoact.doctor': () => doctor(services),
    'autoact.showLog': () => {
      log.show(true);
    },
    'autoact.refresh': () => runs.refresh(),
    'autoact.moveRunToBin': (arg) => moveRunToBin(services, arg),
    'autoact.openWalkthrough': () =>
      vscode.commands.executeCommand(
        'workbench.action.openWalkthrough',
        `${context.extension.id}#${walkthrough}`,
        false,
      ),
    'autoact.setApiKey': () => setApiKey(services),
    'autoact.setToolKey': () => setToolKey(services),
    'autoact.addBox': () => addBoxFromEditor(services),
    'autoact.connectBox': (arg) => connectBox(services, arg),
    'autoact.disconnectBox': (arg) => disconnectBox(services, arg),
    'autoact.checkBox': (arg) => checkBox(services, arg),
    'autoact.removeBox': (arg) => removeBoxFromEditor(services, arg),
    'autoact.serveJob': (arg) => serveJob(services, arg),
    'autoact.useAdapters': (arg) => useAdapters(services, arg),
    'autoact.stopJob': (arg) => stopJob(services, arg),
    'autoact.openJobLog': (arg) => openJobLog(services, arg),
  };

  return {
    tree: new RunsTree(runs),
    boxes: new BoxesTree(boxes),
    traces: new TraceFiles(runs),
    documents,
    folding: new TraceFolding(),
    symbols: new TraceSymbols(),
    lenses: new TraceLenses(),
    links: new ItemLinks(),
    restoreDashboard: (panel, state) => {
      dashboards.restore(panel, state);
    },
    execute: async (id, args) => {
      try {
        if (commandSpec(id).needsTrust === true && !vscode.workspace.isTrusted) {
          throw new UserError(
            `"${commandSpec(id).title}" is switched off in a workspace that is not trusted.`,
            'Runs, traces and results can be read; to run things, trust the workspace.',
          );
        }
        return await handlers[id](...args);
      } catch (error) {
        if (error instanceof vscode.CancellationError) return undefined;
        const trust = { title: 'Manage Trust', run: () => vscode.commands.executeCommand('workbench.trust.manage') };
        void showProblem(log, describeError(error), vscode.workspace.isTrusted ? [] : [trust]);
        if (!(error instanceof UserError))
          log.debug(error instanceof Error ? (error.stack ?? error.message) : String(error));
        return undefined;
      }
    },
  };
}

async function setApiKey(services: Services): Promise<void> {
  const configured = Object.values(
    vscode.workspace.getConfiguration('autoact').get<Record<string, { url?: unknown }>>('servers', {}),
  ).map((server) => (typeof server.url === 'string' ? server.url : ''));
  const known = [...new Set([...configured, ...services.keys.urls()])].filter((url) => url !== '');
  const other = 'Another server…';
  const chosen =
    known.length === 0
      ? other
      : await vscode.window.showQuickPick([...known, other], { title: 'API key of which server?' });
  const url =
    chosen === other
      ? await vscode.window.showInputBox({
          title: 'Base URL of the server',
          placeHolder: 'https://api.example.com/v1',
          ignoreFocusOut: true,
        })
      : chosen;
  if (url !== undefined && url.trim() !== '') await services.keys.ask(url);
}

/** A tool's key is known by the variable that task cards name as `apiKeyVariable`. */
async function setToolKey(services: Services): Promise<void> {
  const other = 'Another tool…';
  const chosen = await vscode.window.showQuickPick(
    [
      { label: 'BRAVE_API_KEY', description: 'Search by Brave' },
      { label: 'TAVILY_API_KEY', description: 'Search by Tavily' },
      { label: 'SERPER_API_KEY', description: 'Search by Serper' },
      { label: other, description: 'the variable that its entry in the task card names' },
    ],
    { title: 'API key of which tool?' },
  );
  const variable =
    chosen?.label === other
      ? await vscode.window.showInputBox({
          title: 'Variable that the task card names as apiKeyVariable',
          placeHolder: 'VISION_API_KEY',
          ignoreFocusOut: true,
          validateInput: (text) => (isKeyVariable(text) ? undefined : 'Capital letters, ending in _API_KEY'),
        })
      : chosen?.label;
  if (variable !== undefined) await services.keys.ask(variable);
}
