import { quantileSorted } from './describe.ts';

/** Where random numbers in [0, 1) come from: a stream of core's seeded random, passed in. */
export interface RandomSource {
  next(): number;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
  /** `wilson` where all values are 0 or all are 1, so that resampling them cannot show any uncertainty. */
  readonly method: 'bootstrap' | 'wilson';
}

export interface BootstrapOptions {
  readonly random: RandomSource;
  /** Default 10,000. */
  readonly resamples?: number;
  /** Default 0.95. */
  readonly confidence?: number;
}

export interface StratifiedInterval {
  /** Undefined for fewer than two values: one value says nothing about spread. */
  readonly overall: Interval | undefined;
  readonly strata: readonly (Interval | undefined)[];
}

/**
 * Percentile bootstrap of the mean over questions, resampled within each stratum (level), so that every resample has
 * the composition of the question set (methods 5.2). Give one value a question, its mean over runs: then the runs stay
 * nested in the question and are not counted as independent evidence. A stratum where every value is the same adds no
 * spread to the overall interval, which is then a little narrow.
 */
export function stratifiedBootstrap(
  strata: readonly (readonly number[])[],
  options: BootstrapOptions,
): StratifiedInterval {
  return resampleMeans(strata, options, constantInterval);
}

/**
 * Bootstrap of the mean difference of two systems on the same questions; the pairing is kept because whole differences
 * are resampled. Systems that never differ give [0, 0].
 */
export function pairedBootstrap(strata: readonly (readonly number[])[], options: BootstrapOptions): StratifiedInterval {
  return resampleMeans(strata, options, () => undefined);
}

function resampleMeans(
  strata: readonly (readonly number[])[],
  { random, resamples = 10_000, confidence = 0.95 }: BootstrapOptions,
  fallback: (values: readonly number[], confidence: number) => Interval | undefined,
): StratifiedInterval {
  const total = strata.reduce((sum, values) => sum + values.length, 0);
  const overall = new Float64Array(resamples);
  const summarise = (values: readonly number[], means: Float64Array): Interval | undefined => {
    if (values.length < 2) return undefined;
    const tail = (1 - confidence) / 2;
    means.sort();
    const low = quantileSorted(means, tail) as number;
    const high = quantileSorted(means, 1 - tail) as number;
    return fallback(values, confidence) ?? { low, high, method: 'bootstrap' };
  };
  const intervals = strata.map((stratum) => {
    const values = Float64Array.from(stratum);
    const n = values.length;
    const means = new Float64Array(resamples);
    for (let resample = 0; resample < resamples; resample += 1) {
      let sum = 0;
      for (let draw = 0; draw < n; draw += 1) sum += values[Math.floor(random.next() * n)] as number;
      means[resample] = sum / n;
      overall[resample] = (overall[resample] as number) + sum / total;
    }
    return summarise(stratum, means);
  });
  return { overall: summarise(strata.flat(), overall), strata: intervals };
}

function constantInterval(values: readonly number[], confidence: number): Interval | undefined {
  if (values.every((value) => value === 0)) return wilson(0, values.length, confidence);
  if (values.every((value) => value === 1)) return wilson(values.length, values.length, confidence);
  return undefined;
}

/** Wilson's score interval of a proportion, without continuity correction. */
export function wilson(successes: number, n: number, confidence = 0.95): Interval {
  const z = normalQuantile(1 - (1 - confidence) / 2);
  const p = successes / n;
  const centre = (p + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z / (1 + (z * z) / n)) * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n));
  return {
    low: successes === 0 ? 0 : Math.max(0, centre - half),
    high: successes === n ? 1 : Math.min(1, centre + half),
    method: 'wilson',
  };
}

/**
 * Quantile of the standard normal distribution, p in (0, 1): bisection on the distribution function, whose error
 * function is the series 2/sqrt(pi) * sum (-1)^k x^(2k+1) / (k! (2k+1)); to about 1e-9 for |z| < 4.
 */
export function normalQuantile(p: number): number {
  const below = (z: number): number => {
    const x = z / Math.SQRT2;
    let term = x;
    let sum = x;
    for (let k = 1; k < 120; k += 1) {
      term *= (-x * x) / k;
      sum += term / (2 * k + 1);
    }
    return 0.5 + sum / Math.sqrt(Math.PI);
  };
  let low = -4;
  let high = 4;
  for (let i = 0; i < 60; i += 1) {
    const middle = (low + high) / 2;
    if (below(middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
