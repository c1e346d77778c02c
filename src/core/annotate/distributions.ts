import type { RandomSource } from '../evaluate/intervals.ts';

/** Tail probabilities that the analysis of a study needs. */

/** log of the gamma function, Lanczos' approximation (g = 7, nine terms); to about 1e-14 for x >= 0.5. */
function logGamma(x: number): number {
  const terms = [
    0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
    12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
  ];
  const y = x - 1;
  const t = y + 7.5;
  const sum = terms.slice(1).reduce((s, term, i) => s + term / (y + i + 1), terms[0] as number);
  return 0.5 * Math.log(2 * Math.PI) + (y + 0.5) * Math.log(t) - t + Math.log(sum);
}

/** Probability that chi-square with `df` degrees of freedom is at least `x`: the upper incomplete gamma ratio. */
export function chiSquareTail(x: number, df: number): number {
  const [a, z] = [df / 2, x / 2];
  if (z <= 0) return 1;
  const scale = Math.exp(a * Math.log(z) - z - logGamma(a));
  if (z < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let n = 1; n < 500 && term > sum * 1e-16; n++) {
      term *= z / (a + n);
      sum += term;
    }
    return Math.max(0, 1 - scale * sum);
  }
  // Lentz's continued fraction.
  let b = z + 1 - a;
  let c = 1e300;
  let d = 1 / b;
  let h = d;
  for (let i = 1; i < 500; i++) {
    const an = -i * (i - a);
    b += 2;
    d = 1 / (an * d + b || 1e-300);
    c = b + an / c || 1e-300;
    const delta = d * c;
    h *= delta;
    if (Math.abs(delta - 1) < 1e-15) break;
  }
  return scale * h;
}

/** Probability of at least `k` successes in `n` trials with chance `p`. */
export function binomialTail(k: number, n: number, p: number): number {
  if (k <= 0) return 1;
  let sum = 0;
  for (let i = k; i <= n; i++)
    sum += Math.exp(
      logGamma(n + 1) - logGamma(i + 1) - logGamma(n - i + 1) + i * Math.log(p) + (n - i) * Math.log1p(-p),
    );
  return Math.min(1, sum);
}

/**
 * Are wins spread as if each unit's winner were drawn among its candidates by chance? Monte Carlo over the chi-square
 * distance from equal shares; the observed table is counted among the sampled ones, so that p is never zero.
 * @param units for each decided unit the methods that were compared
 */
export function evenWinsTest(
  wins: ReadonlyMap<string, number>,
  units: readonly (readonly string[])[],
  random: RandomSource,
  resamples = 10_000,
): number | undefined {
  if (units.length === 0) return undefined;
  const expected = new Map<string, number>();
  for (const methods of units)
    for (const method of methods) expected.set(method, (expected.get(method) ?? 0) + 1 / methods.length);
  const distance = (table: ReadonlyMap<string, number>): number => {
    let sum = 0;
    for (const [method, mean] of expected) sum += ((table.get(method) ?? 0) - mean) ** 2 / mean;
    return sum;
  };
  const observed = distance(wins) * (1 - 1e-12);
  let extreme = 1;
  for (let i = 0; i < resamples; i++) {
    const table = new Map<string, number>();
    for (const methods of units) {
      const winner = methods[Math.floor(random.next() * methods.length)] as string;
      table.set(winner, (table.get(winner) ?? 0) + 1);
    }
    if (distance(table) >= observed) extreme++;
  }
  return extreme / (resamples + 1);
}
