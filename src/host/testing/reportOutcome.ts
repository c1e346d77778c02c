import * as vscode from 'vscode';
import { outlineTrace } from '../../core/trajectory/traceOutline.ts';
import { visibleLine } from '../../core/trajectory/visible.ts';
import type { RunRecord } from '../runs/runRecord.ts';
import { traceUri } from '../traces/traceUri.ts';
import type { Outcome } from './recordedAnswers.ts';

/** Gives an outcome to VS Code: on the item, and in the run with what was expected and where to look. */
export function report(
  run: vscode.TestRun,
  item: vscode.TestItem,
  outcome: Outcome,
  record: RunRecord,
  stack?: vscode.TestMessageStackFrame[],
): void {
  item.description = outcome.state === 'errored' ? vscode.l10n.t('error') : Number(outcome.score.toFixed(2)).toString();
  switch (outcome.state) {
    case 'passed':
      run.passed(item, outcome.ms);
      break;
    case 'errored':
      run.errored(item, new vscode.TestMessage(outcome.message));
      break;
    case 'failed': {
      const message = vscode.TestMessage.diff(outcome.message, outcome.expected, outcome.actual);
      if (stack !== undefined && stack.length > 0) message.stackTrace = stack;
      message.location = new vscode.Location(traceUri(record.id, outcome.trajectory), new vscode.Position(0, 0));
      run.failed(item, message, outcome.ms);
    }
  }
}

/** What the answers of a task's newest run come to, in a line for the results of a test run. */
export function summaryOf(
  task: string,
  { passed, failed, errored }: Readonly<Record<Outcome['state'], number>>,
  of: number,
  run: RunRecord | undefined,
): string {
  const name = visibleLine(task, 80);
  if (run === undefined)
    return vscode.l10n.t('{0}: no run has answered its questions yet. Start one from the AutoAct view.', name);
  const open = of - passed - failed - errored;
  const text = vscode.l10n.t(
    '{0}, recorded by {1}: {2} right, {3} wrong, {4} failed, {5} not answered.',
    name,
    run.id,
    passed,
    failed,
    errored,
    open,
  );
  return failed === 0 ? text : `${text} ${vscode.l10n.t('A wrong answer’s message leads to its trace.')}`;
}

/** The steps of a trajectory, the last first, each with its place in the trace. */
export async function stackOf(run: RunRecord, trajectory: string): Promise<vscode.TestMessageStackFrame[] | undefined> {
  const uri = traceUri(run.id, trajectory);
  try {
    const document = await vscode.workspace.openTextDocument(uri);
    return outlineTrace(document.getText())
      .filter(({ kind }) => kind === 'step')
      .reverse()
      .map((step) => {
        const notes = step.children.flatMap(({ children }) => children);
        const action = notes.find(({ title }) => title === 'Action')?.detail ?? '';
        return new vscode.TestMessageStackFrame(`${step.title}: ${action}`, uri, new vscode.Position(step.line, 0));
      });
  } catch {
    return undefined; // the trace is not in the log of this run
  }
}
