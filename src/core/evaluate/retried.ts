import * as z from 'zod';
import { mean } from './describe.ts';
import { stratifiedBootstrap, type BootstrapOptions } from './intervals.ts';
import type { GradedQuestion } from './questionScores.ts';
import { IntervalRecord } from './summarise.ts';

const Group = z.object({
  answers: z.number(),
  /** Questions with such an answer: the n of the score and of its interval. */
  n: z.number(),
  score: z.number().nullable(),
  interval: IntervalRecord.nullable(),
});

/**
 * Answers for which something was asked again (a try failed, or the item did and was resumed) beside those that came at
 * once. Asking again draws again: where failing has to do with what is asked, the two differ, and a score moves with
 * how often servers fail.
 */
export const RetriedScores = z.object({ again: Group, atOnce: Group });
export type RetriedScores = z.infer<typeof RetriedScores>;

/** @returns undefined where the rows do not say how often was asked, as predictions from elsewhere do not */
export function retriedScores(
  questions: readonly GradedQuestion[],
  options: BootstrapOptions,
): RetriedScores | undefined {
  const told = questions.flatMap(({ answers }) => answers).every(({ row }) => row.retries !== undefined);
  if (!told) return undefined;
  const group = (again: boolean): z.infer<typeof Group> => {
    // One value a question, so that several answers to it do not count as independent evidence.
    const own = questions.map(({ answers }) =>
      answers.filter(({ row }) => (row.retries ?? 0) > 0 === again).map(({ figures }) => figures.score),
    );
    const values = own.flatMap((scores) => mean(scores) ?? []);
    return {
      answers: own.flat().length,
      n: values.length,
      score: mean(values) ?? null,
      interval: stratifiedBootstrap([values], options).overall ?? null,
    };
  };
  return { again: group(true), atOnce: group(false) };
}
