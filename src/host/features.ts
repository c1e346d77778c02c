import './setLanguage.ts';
import * as vscode from 'vscode';
import { commandSpec } from '../contrib/commands.ts';
import type { CommandId } from '../contrib/commands.ts';
import { annotateView, walkthrough } from '../contrib/ids.ts';
import { cancel, moveRunToBin, openDashboard, openResults, resume, runLoop, runStage } from './commands/runCommands.ts';
import { approveTool } from './commands/approveTool.ts';
import { doctor } from './commands/doctor.ts';
import {
  addBoxFromEditor,
  checkBox,
  connectBox,
  disconnectBox,
  fetchJob,
  openJob,
  openJobLog,
  removeBoxFromEditor,
  resumeJob,
  serveJob,
  stopJob,
  useAdapters,
} from './commands/boxCommands.ts';
import { newTaskCard, openStarterTask, overridePrompt, showPrompts } from './commands/taskCommands.ts';
import { AnnotateService } from './annotate/annotateService.ts';
import { AnnotateView } from './annotate/annotateView.ts';
import { QueueTree } from './annotate/queueTree.ts';
import { newStudy } from './annotate/newStudy.ts';
import { exportLabels, importLabels, useLabels } from './annotate/labelCommands.ts';
import { analyseLabels, prepare, revealKey, startLabelling } from './annotate/studyCommands.ts';
import { StudyIndex } from './annotate/studyIndex.ts';
import { TraceComments } from './annotate/traceComments.ts';
import { compareTrajectories } from './commands/compareCommands.ts';
import { setApiKey, setToolKey } from './commands/keyCommands.ts';
import { openTable, searchTrajectories } from './commands/searchCommands.ts';
import {
  copyLink,
  goToNeighbour,
  openTrace,
  showProvenance,
  showRequests,
  whyDropped,
} from './commands/traceCommands.ts';
import { DataDrop } from './data/dataDrop.ts';
import { DataIndex } from './data/dataIndex.ts';
import { DataTree } from './data/dataTree.ts';
import { debugFile, debugTrajectory, DebugLenses, resampleStep } from './debug/debugCommands.ts';
import { DebugService } from './debug/debugService.ts';
import { DebugTraces } from './debug/debugTraces.ts';
import { BoxPrompts } from './boxes/boxPrompts.ts';
import { BoxService } from './boxes/boxService.ts';
import { BoxesTree } from './boxes/boxesTree.ts';
import { JobPanels } from './jobs/jobPanels.ts';
import { DashboardPanels } from './dashboard/panels.ts';
import { commandTitle } from './commandTitle.ts';
import { describeError, showProblem, UserError } from './notify.ts';
import { ApiKeys } from './runs/apiKeys.ts';
import { Configurations } from './runs/configurations.ts';
import { RunIndex } from './runs/runIndex.ts';
import { RunnerService } from './runs/runnerService.ts';
import { RunWatch } from './runs/runWatch.ts';
import { vscodeModels } from './runs/vscodeModels.ts';
import type { Layout, Services } from './services.ts';
import { Documents } from './traces/documents.ts';
import { openLink } from './traces/deepLinks.ts';
import { ItemLinks, TraceFolding, TraceSymbols } from './traces/languageFeatures.ts';
import { TraceLenses } from './traces/lenses.ts';
import { TraceDecorations } from './traces/traceDecorations.ts';
import { TestExplorer } from './testing/testExplorer.ts';
import { TraceFiles } from './traces/traceFiles.ts';
import { TraceHover } from './traces/traceHover.ts';
import { TraceLoader } from './traces/traceLoader.ts';
import { OpenTrajectories } from './trajectories/openTrajectories.ts';
import { TrajectoryPanels } from './trajectories/panels.ts';
import { RunsTree } from './views/runsTree.ts';

/**
 * Everything behind the extension's registrations. It is a bundle of its own that is loaded on first use, so that
 * activation costs a window nothing (measured in the host tests).
 */
export interface Features {
  readonly tree: RunsTree;
  readonly boxes: BoxesTree;
  readonly data: DataTree;
  readonly drop: DataDrop;
  readonly tables: TrajectoryPanels;
  readonly hover: TraceHover;
  readonly traces: TraceFiles;
  readonly documents: Documents;
  readonly folding: TraceFolding;
  readonly symbols: TraceSymbols;
  readonly lenses: TraceLenses;
  readonly links: ItemLinks;
  readonly annotate: AnnotateView;
  readonly queue: QueueTree;
  readonly debug: DebugService;
  readonly debugTraces: DebugTraces;
  readonly debugLenses: DebugLenses;
  readonly tests: TestExplorer;
  execute(id: CommandId, args: readonly unknown[]): Promise<unknown>;
  restoreDashboard(panel: vscode.WebviewPanel, state: unknown): void;
  openLink(uri: vscode.Uri): Promise<void>;
  restoreJob(panel: vscode.WebviewPanel, state: unknown): void;
}

export function createFeatures(
  context: vscode.ExtensionContext,
  log: vscode.LogOutputChannel,
  layout: Layout,
  testController: vscode.TestController,
): Features {
  const runs = new RunIndex(log);
  const keys = new ApiKeys(context);
  const prompts = new BoxPrompts(context.secrets);
  const models = vscodeModels(context, log);
  const runner = new RunnerService(layout.cli, runs, keys, prompts, models, log);
  const boxes = new BoxService(layout.cli, prompts, log);
  const jobLog = vscode.window.createOutputChannel(vscode.l10n.t('AutoAct Jobs'), 'log');
  const trajectories = new OpenTrajectories(context.globalStorageUri.fsPath);
  const loader = new TraceLoader(runs, trajectories);
  const data = new DataIndex();
  const tables = new TrajectoryPanels();
  const documents = new Documents(runs, loader, layout.prompts);
  const dashboards = new DashboardPanels();
  const jobs = new JobPanels();
  const services: Services = {
    context,
    log,
    layout,
    runs,
    runner,
    configurations: new Configurations(context, log),
    keys,
    models,
    documents,
    trajectories,
    loader,
    data,
    tables,
    dashboards,
    boxes,
    jobs,
    jobLog,
  };
  dashboards.connect(services);
  const studies = new StudyIndex();
  const annotate = new AnnotateService(context, runs, studies, log);
  const comments = new TraceComments(annotate, runs);
  context.subscriptions.push(studies, annotate, comments);
  tables.connect(services);
  const debugTraces = new DebugTraces();
  const debug = new DebugService(services, debugTraces, loader);
  const tests = new TestExplorer(testController, services, debug);
  context.subscriptions.push(
    runs,
    runner,
    dashboards,
    boxes,
    jobs,
    jobLog,
    data,
    tables,
    new TraceDecorations(loader),
    debug,
    tests,
  );
  jobs.connect(services);
  context.subscriptions.push(new RunWatch(runs, runner, log));
  // A run that trains here has jobs here.
  context.subscriptions.push(runs.onDidChange(() => boxes.noticeLocal()));
  const handlers: { readonly [K in CommandId]: (...args: unknown[]) => unknown } = {
    'autoact.newTask': () => newTaskCard(services),
    'autoact.openStarterTask': () => openStarterTask(services),
    // Its readers are a third of this bundle, and most windows import nothing.
    'autoact.importData': async () => (await import('./commands/importData.ts')).importData(services),
    'autoact.run': (arg) => runLoop(services, arg),
    'autoact.runStage': (arg) => runStage(services, arg),
    'autoact.resume': (arg) => resume(services, arg),
    'autoact.cancel': (arg) => cancel(services, arg),
    'autoact.openDashboard': (arg) => openDashboard(services, arg),
    'autoact.openResults': (arg) => openResults(services, arg),
    'autoact.openTrace': (arg) => openTrace(services, arg),
    'autoact.openTrajectories': (arg) => openTable(services, arg),
    'autoact.searchTrajectories': (arg) => searchTrajectories(services, arg),
    'autoact.compareTrajectories': (arg, other) => compareTrajectories(services, arg, other),
    'autoact.copyLink': (arg) => copyLink(services, arg),
    'autoact.nextTrajectory': (arg) => goToNeighbour(services, arg, 1),
    'autoact.previousTrajectory': (arg) => goToNeighbour(services, arg, -1),
    'autoact.showProvenance': (arg) => showProvenance(services, arg),
    'autoact.whyDropped': (arg) => whyDropped(services, arg),
    'autoact.showRequests': (arg, step) => showRequests(services, arg, step),
    'autoact.showPrompts': () => showPrompts(services),
    'autoact.overridePrompt': (arg) => overridePrompt(services, arg),
    'autoact.doctor': (arg) => doctor(services, arg),
    'autoact.showLog': () => {
      log.show(true);
    },
    'autoact.refresh': async () => {
      data.invalidate();
      await runs.refresh();
      const [cards, found] = [runs.tasks().length, runs.runs().length];
      vscode.window.setStatusBarMessage(
        vscode.l10n.t('AutoAct: read anew: task cards {0}, runs {1}.', cards, found),
        3000,
      );
    },
    'autoact.moveRunToBin': (arg) => moveRunToBin(services, arg),
    'autoact.openWalkthrough': () =>
      vscode.commands.executeCommand(
        'workbench.action.openWalkthrough',
        `${context.extension.id}#${walkthrough}`,
        false,
      ),
    'autoact.setApiKey': () => setApiKey(services),
    'autoact.setToolKey': () => setToolKey(services),
    'autoact.approveTool': (arg) => approveTool(services, arg),
    'autoact.addBox': () => addBoxFromEditor(services),
    'autoact.connectBox': (arg) => connectBox(services, arg),
    'autoact.disconnectBox': (arg) => disconnectBox(services, arg),
    'autoact.checkBox': (arg) => checkBox(services, arg),
    'autoact.removeBox': (arg) => removeBoxFromEditor(services, arg),
    'autoact.serveJob': (arg) => serveJob(services, arg),
    'autoact.useAdapters': (arg) => useAdapters(services, arg),
    'autoact.openJob': (arg) => openJob(services, arg),
    'autoact.resumeJob': (arg) => resumeJob(services, arg),
    'autoact.fetchJob': (arg) => fetchJob(services, arg),
    'autoact.stopJob': (arg) => stopJob(services, arg),
    'autoact.openJobLog': (arg) => openJobLog(services, arg),
    'autoact.startLabelling': (arg) => startLabelling(annotate, arg),
    'autoact.judgeTrace': (arg) => judgeTrace(annotate, arg),
    'autoact.newStudy': () => newStudy(services, annotate),
    'autoact.prepareStudy': (arg) => prepare(services, annotate, arg),
    'autoact.analyseStudy': (arg) => analyseLabels(annotate, arg),
    'autoact.revealStudy': (arg) => revealKey(annotate, arg),
    'autoact.exportLabels': (arg) => exportLabels(annotate, arg),
    'autoact.importLabels': (arg) => importLabels(annotate, arg),
    'autoact.useLabels': (arg) => useLabels(annotate, arg),
    'autoact.addComment': (reply) => comments.add(reply),
    'autoact.removeComment': (comment) => comments.remove(comment),
    'autoact.debugTrajectory': (arg, line) => debugTrajectory(services, debug, arg, 'replay', line),
    'autoact.debugLive': (arg) => debugTrajectory(services, debug, arg, 'live'),
    'autoact.debugFile': (arg) => debugFile(arg),
    'autoact.compareFork': (arg) => debug.compare(arg),
    'autoact.resampleStep': (uri, step) => resampleStep(debug, uri, step),
  };

  return {
    tree: new RunsTree(runs, debug.onDidEndPlan),
    boxes: new BoxesTree(boxes),
    data: new DataTree(data, trajectories),
    drop: new DataDrop(services),
    tables,
    hover: new TraceHover(loader),
    traces: new TraceFiles(runs, loader),
    documents,
    folding: new TraceFolding(),
    symbols: new TraceSymbols(),
    lenses: new TraceLenses(),
    links: new ItemLinks(),
    annotate: new AnnotateView(annotate, layout, log),
    queue: new QueueTree(annotate),
    debug,
    debugTraces,
    debugLenses: new DebugLenses(),
    tests,
    restoreDashboard: (panel, state) => {
      dashboards.restore(panel, state);
    },
    openLink: (uri) =>
      openLink(services, uri).catch((error: unknown) => {
        void showProblem(log, describeError(error));
      }),
    restoreJob: (panel, state) => {
      jobs.restore(panel, state);
    },
    execute: async (id, args) => {
      try {
        if (commandSpec(id).needsTrust === true && !vscode.workspace.isTrusted) {
          throw new UserError(
            vscode.l10n.t('"{0}" is switched off in a workspace that is not trusted.', commandTitle(id)),
            vscode.l10n.t('Runs, traces and results can be read; to run things, trust the workspace.'),
          );
        }
        return await handlers[id](...args);
      } catch (error) {
        if (error instanceof vscode.CancellationError) return undefined;
        const trust = {
          title: vscode.l10n.t('Manage Trust'),
          run: () => vscode.commands.executeCommand('workbench.trust.manage'),
        };
        void showProblem(log, describeError(error), vscode.workspace.isTrusted ? [] : [trust]);
        if (!(error instanceof UserError))
          log.debug(error instanceof Error ? (error.stack ?? error.message) : String(error));
        return undefined;
      }
    },
  };
}

async function judgeTrace(annotate: AnnotateService, arg: unknown): Promise<void> {
  await annotate.judgeTrace(arg instanceof vscode.Uri ? arg : vscode.window.activeTextEditor?.document.uri);
  await vscode.commands.executeCommand(`${annotateView}.focus`);
}
