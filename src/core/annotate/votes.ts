import type { TiePolicy } from './study.ts';

/** From the ratings of a unit to its winner (research: methods 5.3). */

export interface Vote {
  readonly rater: string;
  /** Methods that the rater held for the best; several for a tie, none where none was acceptable. */
  readonly best: readonly string[];
}

export interface Outcome {
  /** Votes by method; a tie shares one vote equally. */
  readonly votes: ReadonlyMap<string, number>;
  readonly raters: number;
  /** More than half of the raters. */
  readonly majority: string | undefined;
  /** More votes than any other. */
  readonly plurality: string | undefined;
  /** What each method wins of this unit under the tie policy; sums to 1 where it is decided, to 0 where not. */
  readonly wins: ReadonlyMap<string, number>;
  readonly decidedBy: 'majority' | 'adjudicator' | 'split' | 'nobody';
}

const slack = 1e-9;

/** @param adjudication what the adjudicator said of this unit, where it was asked */
export function decide(
  methods: readonly string[],
  ratings: readonly Vote[],
  policy: TiePolicy,
  adjudication?: readonly string[],
): Outcome {
  const votes = new Map(methods.map((method) => [method, 0]));
  for (const { best } of ratings)
    for (const method of best) votes.set(method, (votes.get(method) ?? 0) + 1 / best.length);
  const ranked = [...votes].sort((a, b) => b[1] - a[1]);
  const [first, second] = ranked;
  const majority = first !== undefined && first[1] > ratings.length / 2 + slack ? first[0] : undefined;
  const plurality =
    first !== undefined && first[1] > slack && first[1] > (second?.[1] ?? 0) + slack ? first[0] : undefined;
  const base = { votes, raters: ratings.length, majority, plurality };
  if (majority !== undefined) return { ...base, wins: new Map([[majority, 1]]), decidedBy: 'majority' };
  if (policy === 'adjudicate' && adjudication !== undefined && adjudication.length === 1)
    return { ...base, wins: new Map([[adjudication[0] ?? '', 1]]), decidedBy: 'adjudicator' };
  const sum = [...votes.values()].reduce((a, b) => a + b, 0);
  if (policy === 'split' && sum > slack)
    return {
      ...base,
      wins: new Map([...votes].filter(([, n]) => n > 0).map(([method, n]) => [method, n / sum])),
      decidedBy: 'split',
    };
  return { ...base, wins: new Map(), decidedBy: 'nobody' };
}
