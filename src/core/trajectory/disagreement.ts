import { normaliseAnswer } from '../evaluate/normalise.ts';
import type { QueryRow } from './trajectoryQuery.ts';
import type { TrajectorySummary } from './summary.ts';

/**
 * For each question, the share of pairs of its trajectories whose answers differ after normalisation; null for a
 * question with one trajectory. Trajectories that failed or are under way have no say.
 */
export function withDisagreement<T extends TrajectorySummary>(rows: readonly T[]): (T & QueryRow)[] {
  const byQuestion = new Map<string, Map<string, number>>();
  for (const row of rows) {
    if (!hasAnswered(row)) continue;
    let answers = byQuestion.get(row.question);
    if (answers === undefined) {
      answers = new Map<string, number>();
      byQuestion.set(row.question, answers);
    }
    const answer = normaliseAnswer(row.answer ?? '');
    answers.set(answer, (answers.get(answer) ?? 0) + 1);
  }
  const shares = new Map<string, number>();
  for (const [question, answers] of byQuestion) {
    const counts = [...answers.values()];
    const n = counts.reduce((sum, count) => sum + count, 0);
    if (n < 2) continue;
    const same = counts.reduce((sum, count) => sum + count * (count - 1), 0);
    shares.set(question, 1 - same / (n * (n - 1)));
  }
  return rows.map((row) => ({
    ...row,
    disagreement: (hasAnswered(row) ? shares.get(row.question) : undefined) ?? null,
  }));
}

function hasAnswered({ question, outcome }: TrajectorySummary): boolean {
  return question !== '' && outcome !== 'open' && outcome !== 'failed' && outcome !== 'unreadable';
}
