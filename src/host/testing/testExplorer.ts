import { basename } from 'node:path';
import * as vscode from 'vscode';
import { debugType, testsMeasure } from '../../contrib/ids.ts';
import { systemTable } from '../../core/methods/systems.ts';
import type { GoldQuestion } from '../../core/task/question.ts';
import { loadTaskCard, loadTaskQuestions } from '../../node/store/taskFile.ts';
import type { DebugService } from '../debug/debugService.ts';
import type { RunRecord, TaskRecord } from '../runs/runRecord.ts';
import type { Services } from '../services.ts';
import { agreesToCost, askTogether } from './askLive.ts';
import { outcomeOf, readAnswers, systemsOf, type Answers } from './recordedAnswers.ts';
import { report, stackOf, summaryOf } from './reportOutcome.ts';
import { levelItems, questionId } from './testItems.ts';

type TestServices = Pick<Services, 'runs' | 'log'>;

/** Failures of a run whose steps are shown as a stack; reading them costs a look into the log each. */
const mostStacks = 40;
/** Questions that are asked live without a question back. */
const askedFreely = 3;
/** Plans that one live session works on at once. */
const sideBySide = 16;

interface Dataset {
  readonly task: TaskRecord;
  readonly questions: ReadonlyMap<string, GoldQuestion>;
}

/**
 * Questions in the Testing view: dataset, level, question. Replaying what a run has recorded is free, and is what "run all"
 * does; asking again and debugging are profiles of their own. Gold is looked at here to say what was expected, and goes
 * to nobody who answers.
 */
export class TestExplorer implements vscode.Disposable {
  private readonly controller: vscode.TestController;
  private readonly services: TestServices;
  private readonly debug: DebugService;
  private readonly datasets = new Map<string, Dataset>();
  private readonly owned: vscode.Disposable[] = [];
  private shown = new Map<string, string>();

  constructor(controller: vscode.TestController, services: TestServices, debug: DebugService) {
    this.controller = controller;
    this.services = services;
    this.debug = debug;
    controller.refreshHandler = () => this.refresh();
    for (const { id, title } of Object.values(systemTable))
      this.owned.push(
        vscode.Disposable.from(
          controller.createRunProfile(
            vscode.l10n.t('Ask live: {0}', title),
            vscode.TestRunProfileKind.Run,
            (request, token) => this.askLive(request, id, token),
          ),
        ),
      );
    this.owned.push(
      services.runs.onDidChange(() => {
        void this.showStored();
      }),
    );
  }

  dispose(): void {
    for (const one of this.owned) one.dispose();
  }

  async refresh(): Promise<void> {
    this.datasets.clear();
    this.shown.clear();
    await this.services.runs.refresh();
    await this.resolve(undefined);
  }

  /** The datasets, and with the first look at one its levels and questions. */
  async resolve(item: vscode.TestItem | undefined): Promise<void> {
    await this.services.runs.ready();
    if (item === undefined) {
      const tasks = this.services.runs.tasks().filter(({ problem }) => problem === undefined);
      this.controller.items.replace(
        tasks.map((task) => {
          const made = this.controller.createTestItem(task.file, task.name, vscode.Uri.file(task.file));
          made.canResolveChildren = true;
          made.description = basename(task.file);
          return made;
        }),
      );
      return;
    }
    const task = this.services.runs.task(item.id);
    if (task !== undefined && !this.datasets.has(task.file)) await this.addQuestions(item, task);
  }

  /** The free profile: what the newest run has on disk, with the steps of what failed. */
  replay(request: vscode.TestRunRequest): Promise<void> {
    return this.showAnswers(request, { persist: true, mostStacks });
  }

  private async showAnswers(
    request: vscode.TestRunRequest,
    options: { readonly persist: boolean; readonly mostStacks: number },
  ): Promise<void> {
    const wanted = await this.questionsOf(request);
    const run = this.controller.createTestRun(request, vscode.l10n.t('Recorded answers'), options.persist);
    let stacks = 0;
    for (const [file, items] of wanted) {
      const dataset = this.datasets.get(file);
      const stored = dataset === undefined ? undefined : await this.stored(dataset);
      const counts = { passed: 0, failed: 0, errored: 0 };
      for (const item of items) {
        const question = dataset?.questions.get(questionId(item));
        const answer = question === undefined ? undefined : stored?.answers.get(question.id);
        if (question === undefined || stored === undefined || answer === undefined) {
          run.skipped(item);
          continue;
        }
        const outcome = outcomeOf(answer, question);
        counts[outcome.state]++;
        const stack =
          outcome.state === 'failed' && stacks++ < options.mostStacks
            ? await stackOf(stored.run, outcome.trajectory)
            : undefined;
        report(run, item, outcome, stored.run, stack);
      }
      if (options.persist) run.appendOutput(`${summaryOf(basename(file), counts, items.length, stored?.run)}\r\n`);
    }
    run.end();
  }

  /** Steps through the recorded answer of a question. */
  async debugRecorded(request: vscode.TestRunRequest, token: vscode.CancellationToken): Promise<void> {
    const run = this.controller.createTestRun(request, vscode.l10n.t('Debug'), true);
    try {
      for (const [file, items] of await this.questionsOf(request)) {
        const dataset = this.datasets.get(file);
        const stored = dataset === undefined ? undefined : await this.stored(dataset);
        // One after another would be a queue of sessions: the first question is what was meant.
        const [item] = items;
        const answer = item === undefined ? undefined : stored?.answers.get(questionId(item));
        if (item === undefined || stored === undefined || answer === undefined || token.isCancellationRequested)
          continue;
        run.started(item);
        const name = vscode.l10n.t('Replay {0}', answer.row.trajectory);
        const config = {
          type: debugType,
          request: 'launch',
          name,
          mode: 'replay',
          run: stored.run.id,
          trajectory: answer.row.trajectory,
        };
        await vscode.debug.startDebugging(vscode.workspace.getWorkspaceFolder(vscode.Uri.file(file)), config, {
          testRun: run,
        });
        return;
      }
      run.appendOutput(`${vscode.l10n.t('None of these questions has a recorded answer that could be debugged.')}\r\n`);
    } finally {
      run.end();
    }
  }

  /** Lets a system answer anew, with models and tools of the newest run. What it costs is said before. */
  private async askLive(
    request: vscode.TestRunRequest,
    system: string,
    token: vscode.CancellationToken,
  ): Promise<void> {
    const wanted = await this.questionsOf(request);
    const count = wanted.reduce((sum, [, items]) => sum + items.length, 0);
    const run = this.controller.createTestRun(request, vscode.l10n.t('Live: {0}', system), true);
    try {
      if (!vscode.workspace.isTrusted) {
        run.appendOutput(`${vscode.l10n.t('Models and tools are asked in trusted workspaces only.')}\r\n`);
        return;
      }
      if (count > askedFreely && !(await agreesToCost(await this.recordedTokens(wanted), count, system))) return;
      for (const [file, items] of wanted) {
        const dataset = this.datasets.get(file);
        const latest = dataset === undefined ? undefined : this.services.runs.runsOf(dataset.task)[0];
        if (dataset === undefined || latest === undefined) {
          for (const item of items) run.skipped(item);
          run.appendOutput(
            `${vscode.l10n.t('There is no run of this task whose models could be asked; start one first.')}\r\n`,
          );
          continue;
        }
        for (let at = 0; at < items.length && !token.isCancellationRequested; at += sideBySide)
          await askTogether(
            { run, record: latest, questions: dataset.questions, system, items: items.slice(at, at + sideBySide) },
            this.debug,
            token,
          );
      }
    } finally {
      run.end();
    }
  }

  /** Tokens of each answer that is on disk for these datasets. */
  private async recordedTokens(wanted: readonly (readonly [string, readonly vscode.TestItem[]])[]): Promise<number[]> {
    const tokens: number[] = [];
    for (const [file] of wanted) {
      const dataset = this.datasets.get(file);
      const stored = dataset === undefined ? undefined : await this.stored(dataset);
      for (const { row } of stored?.answers.values() ?? []) tokens.push(row.promptTokens + row.completionTokens);
    }
    return tokens;
  }

  private async addQuestions(item: vscode.TestItem, task: TaskRecord): Promise<void> {
    item.busy = true;
    const start = performance.now();
    try {
      const questions = loadTaskQuestions(loadTaskCard(task.file), task.file);
      const dataset: Dataset = { task, questions: new Map(questions.map((question) => [question.id, question])) };
      this.datasets.set(task.file, dataset);
      item.children.replace(levelItems(this.controller, task, questions));
      await this.showStoredOf(item, dataset);
    } catch (error) {
      item.error = error instanceof Error ? error.message : String(error);
    } finally {
      item.busy = false;
      performance.measure(testsMeasure, { start });
    }
  }

  /**
   * Shows what is on disk without adding to the history of test runs. Nobody has asked for a failure's steps yet: its
   * message leads to its trace, and a run of it reads them.
   */
  private async showStoredOf(item: vscode.TestItem, dataset: Dataset): Promise<void> {
    const stored = await this.stored(dataset);
    if (stored === undefined) return;
    const mark = `${stored.run.id} ${stored.run.status.updatedAt} ${stored.answers.size}`;
    if (this.shown.get(dataset.task.file) === mark) return;
    this.shown.set(dataset.task.file, mark);
    await this.showAnswers(new vscode.TestRunRequest([item]), { persist: false, mostStacks: 0 });
  }

  private async showStored(): Promise<void> {
    for (const [file, dataset] of this.datasets) {
      const item = this.controller.items.get(file);
      if (item !== undefined) await this.showStoredOf(item, dataset);
    }
  }

  /** The newest run of the dataset's task with answers, and those of its trained group, or else of what it has. */
  private async stored({ task }: Dataset): Promise<{ run: RunRecord; system: string; answers: Answers } | undefined> {
    for (const run of this.services.runs.runsOf(task)) {
      const [system] = await systemsOf(run.folder);
      if (system !== undefined) return { run, system, answers: await readAnswers(run.folder, system) };
    }
    return undefined;
  }

  /** Questions of a request by their dataset's file. */
  private async questionsOf(request: vscode.TestRunRequest): Promise<[string, vscode.TestItem[]][]> {
    const asked: vscode.TestItem[] = [];
    if (request.include === undefined) {
      if (this.controller.items.size === 0) await this.resolve(undefined);
      this.controller.items.forEach((item) => asked.push(item));
    } else asked.push(...request.include);
    const excluded = new Set(request.exclude?.map(({ id }) => id));
    const found = new Map<string, vscode.TestItem[]>();
    const visit = async (item: vscode.TestItem): Promise<void> => {
      if (excluded.has(item.id)) return;
      if (item.canResolveChildren) await this.resolve(item);
      if (item.children.size === 0 && item.parent?.parent !== undefined) {
        const file = item.parent.parent.id;
        found.set(file, [...(found.get(file) ?? []), item]);
      }
      const children: vscode.TestItem[] = [];
      item.children.forEach((child) => children.push(child));
      for (const child of children) await visit(child);
    };
    for (const item of asked) await visit(item);
    return [...found];
  }
}
