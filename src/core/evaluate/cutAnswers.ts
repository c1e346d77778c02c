import * as z from 'zod';
import { mean } from './describe.ts';
import type { GradedQuestion } from './questionScores.ts';

/**
 * Answers on whose way a completion ended at its token limit. Such a completion is parsed as far as it goes and its step
 * is marked; how many there are says whether the limit was too low for a fair comparison.
 */
export const CutAnswers = z.object({
  /** Completions that ended so. */
  completions: z.number(),
  /** Answers with at least one of them, and their mean score. */
  answers: z.number(),
  score: z.number().nullable(),
  /** All answers. */
  of: z.number(),
});
export type CutAnswers = z.infer<typeof CutAnswers>;

/** @returns undefined where the rows do not say it, as predictions from elsewhere do not */
export function cutAnswers(questions: readonly GradedQuestion[]): CutAnswers | undefined {
  const answers = questions.flatMap((question) => question.answers);
  if (answers.some(({ row }) => row.cut === undefined)) return undefined;
  const cut = answers.filter(({ row }) => (row.cut ?? 0) > 0);
  return {
    completions: cut.reduce((sum, { row }) => sum + (row.cut ?? 0), 0),
    answers: cut.length,
    score: mean(cut.map(({ figures }) => figures.score)) ?? null,
    of: answers.length,
  };
}
