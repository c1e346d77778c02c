import * as vscode from 'vscode';
import { debugType } from '../../contrib/ids.ts';
import { mean } from '../../core/evaluate/describe.ts';
import type { GoldQuestion } from '../../core/task/question.ts';
import { counted } from '../counted.ts';
import type { DebugService } from '../debug/debugService.ts';
import type { RunRecord } from '../runs/runRecord.ts';
import { failed } from './recordedAnswers.ts';
import { report } from './reportOutcome.ts';
import { questionId } from './testItems.ts';

export interface LiveQuestions {
  readonly run: vscode.TestRun;
  /** Its models and tools are asked. */
  readonly record: RunRecord;
  readonly questions: ReadonlyMap<string, GoldQuestion>;
  readonly system: string;
  readonly items: readonly vscode.TestItem[];
}

/** Lets a system answer questions side by side in one debug session without stops, and reports each as it ends. */
export async function askTogether(
  { run, record, questions, system, items }: LiveQuestions,
  debug: DebugService,
  token: vscode.CancellationToken,
): Promise<void> {
  const byKey = new Map(items.map((item) => [`evaluation/${system}/${questionId(item)}/0`, item]));
  for (const item of items) run.started(item);
  const began = Date.now();
  const open = new Set(byKey.keys());
  const name = vscode.l10n.t('Live: {0}, {1}', counted.questions(byKey.size), system);
  const config = {
    type: debugType,
    request: 'launch',
    name,
    mode: 'live',
    fresh: true,
    run: record.id,
    trajectory: [...open],
    documents: {},
  };
  const ended = debug.onDidEndPlan(({ trajectory, reward, answer, problem }) => {
    const item = byKey.get(trajectory);
    if (item === undefined || !open.delete(trajectory)) return;
    const gold = questions.get(questionId(item))?.answer ?? '';
    const ms = Date.now() - began;
    report(
      run,
      item,
      problem !== undefined
        ? { state: 'errored', trajectory, message: problem }
        : reward === undefined
          ? { state: 'errored', trajectory, message: vscode.l10n.t('The answer could not be scored.') }
          : reward >= 1
            ? { state: 'passed', score: reward, ms, trajectory }
            : failed(reward, answer ?? '', gold, trajectory, undefined, ms),
      record,
    );
  });
  try {
    const over = new Promise<void>((resolve) => {
      const listener = vscode.debug.onDidTerminateDebugSession((session) => {
        if (session.name !== name) return;
        listener.dispose();
        resolve();
      });
      token.onCancellationRequested(() => {
        void vscode.debug.stopDebugging(vscode.debug.activeDebugSession);
      });
    });
    const started = await vscode.debug.startDebugging(undefined, config, { noDebug: true, testRun: run });
    if (started) await over;
    for (const key of open) {
      const item = byKey.get(key);
      if (item !== undefined)
        run.errored(item, new vscode.TestMessage(vscode.l10n.t('The session ended before this question.')));
    }
  } finally {
    ended.dispose();
  }
}

/** @param recorded tokens of each answer on disk, by which the cost is estimated */
export async function agreesToCost(recorded: readonly number[], count: number, system: string): Promise<boolean> {
  const tokens = mean(recorded);
  const estimate =
    tokens === undefined
      ? vscode.l10n.t('What it takes is not known yet.')
      : vscode.l10n.t(
          'By the recorded answers that takes about {0} tokens.',
          Math.round(tokens * count).toLocaleString('en-US'),
        );
  const ask = vscode.l10n.t('Ask');
  const chosen = await vscode.window.showWarningMessage(
    vscode.l10n.t('AutoAct: ask {0} of {1}? {2}', counted.questions(count), system, estimate),
    { modal: true },
    ask,
  );
  return chosen === ask;
}
