import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as l10n from '@vscode/l10n';
import { AnswerRow, ScoredRow } from '../../core/evaluate/results.ts';
import type { GoldQuestion } from '../../core/task/question.ts';
import { visibleLine } from '../../core/trajectory/visible.ts';
import { readRows } from '../provenance/products.ts';

/** How a question came out, as the Testing view shows it. */
export type Outcome =
  | { readonly state: 'passed'; readonly score: number; readonly ms: number | undefined; readonly trajectory: string }
  | {
      readonly state: 'failed';
      readonly score: number;
      readonly ms: number | undefined;
      readonly trajectory: string;
      readonly message: string;
      /** What would have been right, and what was said. */
      readonly expected: string;
      readonly actual: string;
    }
  | { readonly state: 'errored'; readonly trajectory: string; readonly message: string };

/** A system's recorded answers by question; of several samples the first. */
export type Answers = ReadonlyMap<string, AnsweredQuestion>;
export interface AnsweredQuestion {
  readonly row: AnswerRow;
  readonly score: number | undefined;
}

/** Systems of a run that have answers on disk, the trained group first. */
export async function systemsOf(runFolder: string): Promise<string[]> {
  const names = await readdir(join(runFolder, 'evaluation')).catch(() => []);
  const systems = names
    .filter((name) => name.endsWith('.jsonl') && !name.endsWith('.scores.jsonl'))
    .map((name) => name.slice(0, -'.jsonl'.length));
  return systems.sort((a, b) => Number(b === 'autoact') - Number(a === 'autoact') || a.localeCompare(b));
}

export async function readAnswers(runFolder: string, system: string): Promise<Answers> {
  const file = join(runFolder, 'evaluation', system);
  const [rows, scored] = await Promise.all([readRows(`${file}.jsonl`), readRows(`${file}.scores.jsonl`)]);
  const scores = new Map<string, number>();
  for (const value of scored) {
    const parsed = ScoredRow.safeParse(value);
    if (parsed.success && parsed.data.sample === 0) scores.set(parsed.data.questionId, parsed.data.score);
  }
  const answers = new Map<string, AnsweredQuestion>();
  for (const value of rows) {
    const parsed = AnswerRow.safeParse(value);
    if (parsed.success && parsed.data.sample === 0)
      answers.set(parsed.data.questionId, { row: parsed.data, score: scores.get(parsed.data.questionId) });
  }
  return answers;
}

/**
 * A wrong answer is a failure, and so is an action that nobody can read: that is the plan's own doing. A server or tool
 * that failed is an error: it says nothing of the plan, and no accuracy may count it.
 */
export function outcomeOf({ row, score }: AnsweredQuestion, gold: Pick<GoldQuestion, 'answer'>): Outcome {
  const { trajectory, error, prediction, halted } = row;
  if (error !== undefined)
    return { state: 'errored', trajectory, message: visibleLine(`${error.reason}: ${error.message}`, 2000) };
  if (score === undefined)
    return {
      state: 'errored',
      trajectory,
      message: l10n.t('This answer was not scored; run the report stage of its run.'),
    };
  if (score >= 1) return { state: 'passed', score, ms: row.milliseconds, trajectory };
  return failed(score, prediction, gold.answer, trajectory, halted, row.milliseconds);
}

export function failed(
  score: number,
  prediction: string,
  gold: string,
  trajectory: string,
  halted?: string,
  ms?: number,
): Outcome {
  const said = prediction === '' ? l10n.t('No answer') : score > 0 ? l10n.t('Partly right') : l10n.t('Wrong answer');
  const why = halted === undefined ? said : l10n.t('{0}, halted ({1})', said, visibleLine(halted, 80));
  return {
    state: 'failed',
    score,
    ms,
    trajectory,
    message: l10n.t('{0}; score {1}', why, Number(score.toFixed(3))),
    expected: visibleLine(gold, 2000),
    actual: visibleLine(prediction === '' ? l10n.t('(none)') : prediction, 2000),
  };
}
