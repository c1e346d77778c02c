import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import * as peer from 'simple-statistics';
import { mean, quantileSorted, standardDeviation } from '../../../src/core/evaluate/describe.ts';
import { normalQuantile, pairedBootstrap, stratifiedBootstrap, wilson } from '../../../src/core/evaluate/intervals.ts';
import { holm, mcnemarExact, signFlipTest } from '../../../src/core/evaluate/significance.ts';
import { majorityIndex, oracleBestOf } from '../../../src/core/evaluate/repeatedAnswers.ts';
import { createRandom } from '../../../src/core/run/random.ts';

interface Figures {
  mcnemar: { first: number; second: number; p: number }[];
  wilson: { k: number; n: number; confidence: number; low: number; high: number }[];
  normal: { p: number; z: number }[];
  holm: { p: number[]; adjusted: number[] }[];
  signFlip: { differences: number[]; exact: boolean; p: number }[];
  bootstrap: { values: number[]; low: number; high: number }[];
  quantile: { values: number[]; at: { p: number; value: number }[] };
}
/** Computed with scipy, statsmodels and NumPy by statistics_peer.py. */
const scipy = JSON.parse(readFileSync(join(import.meta.dirname, 'peers/statistics.json'), 'utf8')) as Figures;

const near = (actual: number | undefined, expected: number, tolerance: number, what: string): void => {
  assert.ok(
    actual !== undefined && Math.abs(actual - expected) <= tolerance,
    `${what}: ${actual} instead of ${expected}`,
  );
};

test('mean, standard deviation and quantile against simple-statistics and NumPy', () => {
  const values = fc.array(fc.double({ min: -100, max: 100, noNaN: true }), { minLength: 2, maxLength: 50 });
  fc.assert(
    fc.property(values, (list) => {
      near(mean(list), peer.mean(list), 1e-9, 'mean');
      near(standardDeviation(list), peer.sampleStandardDeviation(list), 1e-9, 'standard deviation');
    }),
  );
  const sorted = [...scipy.quantile.values].sort((a, b) => a - b);
  for (const { p, value } of scipy.quantile.at) near(quantileSorted(sorted, p), value, 1e-12, `quantile ${p}`);
  assert.equal(mean([]), undefined);
  assert.equal(standardDeviation([1]), undefined);
  assert.equal(quantileSorted([], 0.5), undefined);
});

test('McNemar’s exact test against scipy', () => {
  for (const { first, second, p } of scipy.mcnemar)
    near(mcnemarExact(first, second) / p, 1, 1e-9, `McNemar ${first}/${second}`);
  assert.equal(mcnemarExact(0, 0), 1);
  assert.equal(mcnemarExact(3, 9), mcnemarExact(9, 3));
});

test('Wilson’s interval against statsmodels, the normal quantile against scipy', () => {
  for (const { k, n, confidence, low, high } of scipy.wilson) {
    const own = wilson(k, n, confidence);
    near(own.low, low, 1e-7, `Wilson ${k}/${n} low`);
    near(own.high, high, 1e-7, `Wilson ${k}/${n} high`);
  }
  for (const { p, z } of scipy.normal) near(normalQuantile(p), z, 1e-9, `normal quantile ${p}`);
});

test('Holm’s correction against statsmodels; tests that were not made do not enlarge the family', () => {
  for (const { p, adjusted } of scipy.holm)
    holm(p).forEach((value, i) => near(value, adjusted[i] as number, 1e-12, `Holm ${p.join(' ')}`));
  assert.deepEqual(holm([0.04, undefined, 0.01]), [0.04, undefined, 0.02]);
  assert.deepEqual(holm([]), []);
});

test('the sign-flip test against scipy: exact when few, within sampling error when many', () => {
  for (const { differences, exact, p } of scipy.signFlip) {
    const own = signFlipTest(differences, { random: createRandom('flip'), resamples: exact ? 10_000 : 40_000 });
    assert.equal(own.exact, exact);
    // Four standard errors of both Monte Carlo estimates together.
    const tolerance = exact ? 1e-12 : 4 * Math.sqrt((p * (1 - p)) / 40_000 + (p * (1 - p)) / 400_000) + 1 / 40_000;
    near(own.p, p, tolerance, `sign flip of ${differences.length}`);
  }
  assert.deepEqual(signFlipTest([0, 0, 0], { random: createRandom(1) }), { p: 1, exact: true });
});

test('on plain right and wrong the exact sign-flip test is McNemar’s', () => {
  fc.assert(
    fc.property(fc.nat(6), fc.nat(6), (better, worse) => {
      const differences = [
        ...Array.from({ length: better }, () => 1),
        ...Array.from({ length: worse }, () => -1),
        0,
        0,
      ];
      near(
        signFlipTest(differences, { random: createRandom(1) }).p,
        mcnemarExact(better, worse),
        1e-12,
        `${better}/${worse}`,
      );
    }),
  );
});

test('a sampled sign-flip test never gives p = 0', () => {
  const p = signFlipTest(
    Array.from({ length: 200 }, () => 1),
    { random: createRandom(1), resamples: 1000 },
  ).p;
  assert.equal(p, 1 / 1001);
});

test('the bootstrap interval against scipy', () => {
  for (const { values, low, high } of scipy.bootstrap) {
    const own = stratifiedBootstrap([values], { random: createRandom('interval'), resamples: 40_000 });
    near(own.overall?.low, low, 0.002, 'low');
    near(own.overall?.high, high, 0.002, 'high');
    assert.deepEqual(own.strata[0], own.overall);
  }
});

test('strata keep their size: differences between levels are no sampling noise', () => {
  const level = (share: number): number[] => Array.from({ length: 100 }, (_unused, i) => (i < share ? 1 : 0));
  const random = createRandom(3);
  const stratified = stratifiedBootstrap([level(98), level(2)], { random }).overall;
  const pooled = stratifiedBootstrap([[...level(98), ...level(2)]], { random }).overall;
  assert.ok(stratified && pooled);
  assert.ok(pooled.high - pooled.low > 3 * (stratified.high - stratified.low));
});

test('levels of one kind only get Wilson’s interval, a single question none', () => {
  const { strata, overall } = stratifiedBootstrap([[0, 0, 0, 0], [1, 1, 1, 1], [1]], {
    random: createRandom(1),
    resamples: 100,
  });
  assert.equal(strata[0]?.method, 'wilson');
  near(strata[0].high, 0.4899, 1e-4, 'upper bound of 0/4');
  near(strata[1]?.low, 1 - 0.4899, 1e-4, 'lower bound of 4/4');
  assert.equal(strata[2], undefined);
  assert.equal(overall?.method, 'bootstrap');
  assert.deepEqual(pairedBootstrap([[0, 0, 0]], { random: createRandom(1), resamples: 10 }).overall, {
    low: 0,
    high: 0,
    method: 'bootstrap',
  });
  assert.equal(stratifiedBootstrap([], { random: createRandom(1), resamples: 10 }).overall, undefined);
});

test('the 95 % interval covers the truth about 95 times of 100', () => {
  const random = createRandom('coverage');
  const rates = [0.6, 0.4, 0.2];
  const truth = 0.4;
  const trials = 400;
  let covered = 0;
  for (let trial = 0; trial < trials; trial += 1) {
    const strata = rates.map((rate) => Array.from({ length: 40 }, () => (random.next() < rate ? 1 : 0)));
    const interval = stratifiedBootstrap(strata, { random, resamples: 400 }).overall;
    if (interval && interval.low <= truth && truth <= interval.high) covered += 1;
  }
  // Four standard errors below, and not absurdly wide either.
  assert.ok(covered / trials > 0.95 - 4 * Math.sqrt((0.95 * 0.05) / trials), `covered ${covered} of ${trials}`);
  assert.ok(covered / trials < 0.99, `covered ${covered} of ${trials}`);
});

test('under no difference the paired tests reject about one time in twenty', () => {
  const random = createRandom('size');
  const trials = 600;
  let rejected = 0;
  for (let trial = 0; trial < trials; trial += 1) {
    const differences = Array.from({ length: 40 }, () => random.next() - random.next());
    if (signFlipTest(differences, { random, resamples: 400 }).p < 0.05) rejected += 1;
  }
  const error = Math.sqrt((0.05 * 0.95) / trials);
  assert.ok(Math.abs(rejected / trials - 0.05) < 4 * error, `rejected ${rejected} of ${trials}`);
});

test('the oracle’s best of k is the expected maximum of k draws', () => {
  assert.equal(oracleBestOf([0.2, 0.9], 2), 0.9);
  assert.equal(oracleBestOf([1], 2), undefined);
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 6 }),
      (scores, k) => {
        const own = oracleBestOf(scores, k);
        if (k > scores.length) {
          assert.equal(own, undefined);
          return;
        }
        const draws = peer.combinations(
          scores.map((_score, i) => i),
          k,
        );
        near(
          own,
          peer.mean(draws.map((draw) => Math.max(...draw.map((i) => scores[i] as number)))),
          1e-9,
          `best of ${k}`,
        );
      },
    ),
  );
});

test('the majority is the commonest answer, the earliest of equals, and never silence', () => {
  assert.equal(majorityIndex(['a', 'b', 'b']), 1);
  assert.equal(majorityIndex(['a', 'b']), 0);
  assert.equal(majorityIndex(['', '', 'b']), 2);
  assert.equal(majorityIndex(['', '']), 0);
  assert.equal(majorityIndex([]), undefined);
});

test('10,000 resamples of 300 questions for five systems take well under a second', () => {
  const random = createRandom('speed');
  const strata = [0.6, 0.4, 0.2].map((rate) => Array.from({ length: 100 }, () => (random.next() < rate ? 1 : 0)));
  const before = process.cpuUsage();
  for (let system = 0; system < 5; system += 1) stratifiedBootstrap(strata, { random });
  const { user, system: kernel } = process.cpuUsage(before);
  const milliseconds = (user + kernel) / 1000;
  // Processor time, since the machine may be busy with other things; measured 0.3 s.
  assert.ok(milliseconds < 1000, `${Math.round(milliseconds)} ms of processor time`);
});
