import type { RandomSource } from './intervals.ts';

/**
 * McNemar's exact test, two-sided: of the questions where exactly one of two systems is right, how surprising is this
 * split under a fair coin?
 * @param onlyFirst questions that only the first system got right
 * @param onlySecond questions that only the second got right
 */
export function mcnemarExact(onlyFirst: number, onlySecond: number): number {
  const n = onlyFirst + onlySecond;
  const fewer = Math.min(onlyFirst, onlySecond);
  if (n === 0 || onlyFirst === onlySecond) return 1;
  // Log of C(n, fewer) / 2^n, then the smaller terms of the tail relative to it: no overflow for any n.
  let logTerm = -n * Math.LN2;
  for (let i = 1; i <= fewer; i += 1) logTerm += Math.log(n - fewer + i) - Math.log(i);
  let relative = 1;
  let sum = 1;
  for (let i = fewer; i >= 1; i -= 1) {
    relative *= i / (n - i + 1);
    sum += relative;
  }
  return Math.min(1, 2 * Math.exp(logTerm + Math.log(sum)));
}

export interface PermutationResult {
  readonly p: number;
  /** All sign patterns were counted, rather than a sample of them. */
  readonly exact: boolean;
}

/**
 * Sign-flip permutation test of paired differences, two-sided: if the two systems were exchangeable, each difference
 * could as well have the other sign. Differences of zero change nothing and are left out. All patterns are counted
 * when there are at most `resamples` of them; otherwise the observed pattern is counted among the sampled ones, so that
 * p is never zero (Phipson and Smyth 2010).
 */
export function signFlipTest(
  differences: readonly number[],
  options: { readonly random: RandomSource; readonly resamples?: number },
): PermutationResult {
  const { random, resamples = 10_000 } = options;
  const values = Float64Array.from(differences.filter((value) => value !== 0));
  const m = values.length;
  if (m === 0) return { p: 1, exact: true };
  let observed = 0;
  let scale = 0;
  for (const value of values) {
    observed += value;
    scale += Math.abs(value);
  }
  // Sums that are equal on paper may differ in their last bits.
  const threshold = Math.abs(observed) - scale * 1e-12;

  if (m < 31 && 2 ** m <= resamples) {
    let extreme = 0;
    for (let pattern = 0; pattern < 2 ** m; pattern += 1) {
      let sum = 0;
      for (let i = 0; i < m; i += 1) sum += (pattern >>> i) & 1 ? -(values[i] as number) : (values[i] as number);
      if (Math.abs(sum) >= threshold) extreme += 1;
    }
    return { p: extreme / 2 ** m, exact: true };
  }

  let extreme = 1;
  for (let resample = 0; resample < resamples; resample += 1) {
    let sum = 0;
    let bits = 0;
    for (let i = 0; i < m; i += 1) {
      if (i % 30 === 0) bits = Math.floor(random.next() * 0x40000000);
      sum += bits & 1 ? -(values[i] as number) : (values[i] as number);
      bits >>>= 1;
    }
    if (Math.abs(sum) >= threshold) extreme += 1;
  }
  return { p: extreme / (resamples + 1), exact: false };
}

/**
 * Holm's step-down correction for a family of tests: adjusted p-values in the given order. Undefined entries are tests
 * that could not be made; they stay undefined and do not enlarge the family.
 */
export function holm(pValues: readonly (number | undefined)[]): (number | undefined)[] {
  const present = pValues.flatMap((p, index) => (p === undefined ? [] : [{ p, index }])).sort((a, b) => a.p - b.p);
  const adjusted: (number | undefined)[] = pValues.map(() => undefined);
  let floor = 0;
  present.forEach(({ p, index }, rank) => {
    floor = Math.max(floor, Math.min(1, p * (present.length - rank)));
    adjusted[index] = floor;
  });
  return adjusted;
}
