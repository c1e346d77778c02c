import * as z from 'zod';
import { mean } from './describe.ts';
import { pairedBootstrap } from './intervals.ts';
import { questionFigures } from './questionScores.ts';
import { mcnemarExact, signFlipTest } from './significance.ts';
import { IntervalRecord, byLevel, overallLevel } from './summarise.ts';
import type { BootstrapOptions } from './intervals.ts';
import type { ErrorTreatment, Figures, GradedQuestion, Protocol } from './questionScores.ts';

export const pairedTests = ['McNemar exact', 'sign-flip exact', 'sign-flip'] as const;

/** A system against a reference on identical questions, at one level or over all. Differences are system - reference. */
export const Comparison = z.object({
  level: z.string(),
  /** Questions that both systems have a score for. */
  n: z.number(),
  /** Questions left out because one of the two has no score. */
  unpaired: z.number(),
  difference: z.number(),
  interval: IntervalRecord.nullable(),
  better: z.number(),
  worse: z.number(),
  p: z.number(),
  test: z.enum(pairedTests),
  /** After Holm's correction over the family that the report names. */
  holm: z.number().nullable(),
});
export type Comparison = z.infer<typeof Comparison>;

export interface CompareOptions extends BootstrapOptions {
  readonly protocol: Protocol;
  /** Which figure is compared. Default `score`, the task's metric. */
  readonly measure?: keyof Figures;
  readonly errors?: ErrorTreatment;
}

/**
 * Paired comparison by level, then over all. McNemar's exact test where every question is plainly right or wrong for
 * both systems and the measure is no F1; a sign-flip permutation of the differences otherwise. Questions are paired by
 * id; the two lists need not have one order.
 */
export function compareSystems(
  system: readonly GradedQuestion[],
  reference: readonly GradedQuestion[],
  options: CompareOptions & { readonly binary?: boolean },
): Comparison[] {
  const { protocol, measure = 'score', errors = 'exclude' } = options;
  const others = new Map(reference.map((question) => [question.questionId, question]));
  const pairs = system.map((question) => {
    const other = others.get(question.questionId);
    const own = questionFigures(question, protocol, errors)?.[measure];
    const theirs = other && questionFigures(other, protocol, errors)?.[measure];
    return {
      level: question.level,
      pair: own === undefined || theirs === undefined ? undefined : ([own, theirs] as const),
    };
  });
  const groups = byLevel(pairs);
  const differencesOf = (members: typeof pairs): number[] =>
    members.flatMap(({ pair }) => (pair === undefined ? [] : [pair[0] - pair[1]]));
  const intervals = pairedBootstrap(
    groups.map(({ members }) => differencesOf(members)),
    options,
  );
  const binary = options.binary ?? measure === 'em';

  const compare = (level: string, members: typeof pairs, interval: Comparison['interval'] | undefined): Comparison => {
    const differences = differencesOf(members);
    const better = differences.filter((difference) => difference > 0).length;
    const worse = differences.filter((difference) => difference < 0).length;
    const plain =
      binary && members.every(({ pair }) => pair === undefined || pair.every((value) => value === 0 || value === 1));
    const test = plain
      ? { p: mcnemarExact(better, worse), test: 'McNemar exact' as const }
      : permutation(differences, options);
    return {
      level,
      n: differences.length,
      unpaired: members.length - differences.length,
      difference: mean(differences) ?? 0,
      interval: interval ?? null,
      better,
      worse,
      ...test,
      holm: null,
    };
  };
  return [
    ...groups
      .filter(({ level }) => level !== overallLevel)
      .map(({ level, members }, index) => compare(level, members, intervals.strata[index])),
    compare(overallLevel, pairs, intervals.overall),
  ];
}

function permutation(differences: readonly number[], options: BootstrapOptions): Pick<Comparison, 'p' | 'test'> {
  const { random, resamples } = options;
  const { p, exact } = signFlipTest(differences, { random, ...(resamples === undefined ? {} : { resamples }) });
  return { p, test: exact ? 'sign-flip exact' : 'sign-flip' };
}
