import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { fleissKappa, krippendorffAlpha, masiDistance, withInterval } from '../../../src/core/annotate/agreement.ts';
import { analyseStudy, type StudyAnalysis } from '../../../src/core/annotate/analyse.ts';
import { binomialTail, chiSquareTail, evenWinsTest } from '../../../src/core/annotate/distributions.ts';
import { decide } from '../../../src/core/annotate/votes.ts';
import { createRandom } from '../../../src/core/run/random.ts';
import { labelled, methods, prepared } from './studyFixture.ts';

interface Figures {
  fleiss: { ratings: number[][]; kappa: number }[];
  nominal: { ratings: (number | null)[][]; alpha: number }[];
  sets: { ratings: (number[] | null)[][]; alpha: number }[];
  chiSquare: { x: number; df: number; p: number }[];
  binomial: { k: number; n: number; chance: number; p: number }[];
  study: {
    ratings: number[][];
    decided: number;
    wins: number[];
    rates: number[];
    low: number[];
    high: number[];
    plurality: number[];
    evenP: number;
    signTests: { first: number; second: number; p: number }[];
    mild: { wins: number[]; p: number };
  };
}
/** Computed with krippendorff, statsmodels, nltk and scipy by agreement_peer.py. */
const peers = JSON.parse(readFileSync(join(import.meta.dirname, 'peers/agreement.json'), 'utf8')) as Figures;

const near = (actual: number | undefined, expected: number, tolerance: number, what: string): void => {
  assert.ok(actual !== undefined && Math.abs(actual - expected) <= tolerance, `${what}: ${actual}, not ${expected}`);
};
const named = (label: number): string[] => [`m${label}`];

test('Fleiss’ kappa against statsmodels', () => {
  for (const { ratings, kappa } of peers.fleiss)
    near(fleissKappa(ratings.map((row) => row.map(named))).value, kappa, 1e-12, 'kappa');
});

test('Fleiss’ kappa by hand, and where it has no meaning', () => {
  // Three items, three raters: AAA, AAB, ABB. P = (1 + 1/3 + 1/3) / 3 = 5/9; A 6/9, B 3/9: Pe = 5/9. So kappa is 0.
  const items = [
    [['A'], ['A'], ['A']],
    [['A'], ['A'], ['B']],
    [['A'], ['B'], ['B']],
  ];
  near(fleissKappa(items).value, 0, 1e-12, 'kappa');
  assert.equal(fleissKappa([[['A'], ['A']]]).value, undefined, 'one category only');
  // A tie and a missing rater leave their items out, and it says so.
  assert.equal(fleissKappa([...items, [['A'], ['A', 'B'], ['B']], [['A'], ['B']]]).items, 3);
  assert.equal(fleissKappa([]).value, undefined);
});

test('Krippendorff’s alpha against krippendorff, with missing ratings', () => {
  for (const { ratings, alpha } of peers.nominal) {
    const items = ratings.map((row) => row.filter((r) => r !== null).map(named));
    near(krippendorffAlpha(items).value, alpha, 1e-12, 'alpha');
  }
});

test('alpha over sets of labels (MASI) against nltk', () => {
  for (const { ratings, alpha } of peers.sets) {
    const items = ratings.map((row) => row.filter((r) => r !== null).map((labels) => labels.flatMap(named)));
    near(krippendorffAlpha(items).value, alpha, 1e-12, 'alpha');
  }
  assert.equal(masiDistance(['a'], ['a']), 0);
  assert.equal(masiDistance(['a'], ['b']), 1);
  near(masiDistance(['a'], ['a', 'b']), 1 - (1 / 2) * (2 / 3), 1e-12, 'one holds the other');
  near(masiDistance(['a', 'b'], ['b', 'c']), 1 - (1 / 3) * (1 / 3), 1e-12, 'they overlap');
});

test('the interval of alpha holds alpha, and narrows with the number of items', () => {
  const [few, many] = [20, 320].map((n) => {
    const items = Array.from({ length: n }, (_unused, i) => [named(i % 3), named(i % 3), named((i * 7) % 4)]);
    return withInterval(items, krippendorffAlpha, createRandom('ci'), 400);
  });
  for (const found of [few, many])
    assert.ok(found?.value !== undefined && (found.low ?? 1) < found.value && found.value < (found.high ?? 0));
  assert.ok((many?.high ?? 1) - (many?.low ?? 0) < ((few?.high ?? 0) - (few?.low ?? 1)) / 2);
});

test('tails of chi-square and binomial against scipy', () => {
  for (const { x, df, p } of peers.chiSquare) near(chiSquareTail(x, df) / p, 1, 1e-10, `chi-square ${x}/${df}`);
  for (const { k, n, chance, p } of peers.binomial) near(binomialTail(k, n, chance) / p, 1, 1e-9, `binomial ${k}/${n}`);
});

test('the winner of a unit: majority, plurality, and each policy for ties', () => {
  const vote = (...best: string[]) => ({ rater: 'x', best });
  const clear = decide(['a', 'b'], [vote('a'), vote('a'), vote('b')], 'none');
  assert.deepEqual([clear.majority, clear.plurality, [...clear.wins]], ['a', 'a', [['a', 1]]]);
  const split = [vote('a'), vote('a'), vote('b'), vote('c'), vote()];
  assert.deepEqual(
    [decide(['a', 'b', 'c'], split, 'none').majority, decide(['a', 'b', 'c'], split, 'none').plurality],
    [undefined, 'a'],
  );
  assert.equal(decide(['a', 'b', 'c'], split, 'none').wins.size, 0);
  assert.deepEqual(
    [...decide(['a', 'b', 'c'], split, 'split').wins],
    [
      ['a', 0.5],
      ['b', 0.25],
      ['c', 0.25],
    ],
  );
  const ruled = decide(['a', 'b', 'c'], split, 'adjudicate', ['c']);
  assert.deepEqual([[...ruled.wins], ruled.decidedBy], [[['c', 1]], 'adjudicator']);
  assert.equal(decide(['a', 'b', 'c'], split, 'adjudicate').decidedBy, 'nobody');
  // Half is no majority; ties share a vote: a has 1 + 1/2 of three.
  assert.equal(decide(['a', 'b'], [vote('a'), vote('b')], 'none').majority, undefined);
  const tied = decide(['a', 'b'], [vote('a'), vote('a', 'b'), vote('b', 'a')], 'none');
  assert.deepEqual([tied.votes.get('a'), tied.majority], [2, 'a']);
  assert.equal(decide(['a', 'b'], [vote(), vote(), vote()], 'split').wins.size, 0);
});

function analysisOf(ratings: readonly (readonly number[])[]): StudyAnalysis {
  const made = prepared(ratings.length);
  const numberOf = (question: string): number => Number(/\d+/.exec(question)?.[0]);
  const labels = labelled(made, (rater, question) => {
    const at = made.plan.raters.findIndex((r) => r.name === rater);
    return [methods[ratings[numberOf(question)]?.[at] ?? 0] ?? ''];
  });
  const random = createRandom('analysis');
  return analyseStudy({
    plan: made.plan,
    key: made.key,
    ties: 'none',
    labels,
    random: (p) => random.fork(p),
    resamples: 20_000,
  });
}

test('win rates, intervals and tests of a whole study against scipy and NumPy', () => {
  const { study } = peers;
  const [aspect] = analysisOf(study.ratings).aspects;
  assert.ok(aspect);
  assert.equal(aspect.decided, study.decided);
  assert.deepEqual(
    aspect.winRates.map((r) => [r.wins, r.plurality]),
    study.wins.map((w, i) => [w, study.plurality[i]]),
  );
  aspect.winRates.forEach((rate, i) => {
    near(rate.rate, study.rates[i] ?? NaN, 1e-12, 'rate');
    near(rate.low, study.low[i] ?? NaN, 0.02, 'low');
    near(rate.high, study.high[i] ?? NaN, 0.02, 'high');
    near(rate.rateOfAll, (study.wins[i] ?? NaN) / study.ratings.length, 1e-12, 'of all');
  });
  near(aspect.evenP, study.evenP, 0.01, 'even');
  assert.equal(aspect.pairs.length, study.signTests.length);
  aspect.pairs.forEach((pair, i) => {
    near(pair.p, study.signTests[i]?.p ?? NaN, 1e-9, `${pair.first} : ${pair.second}`);
    assert.ok((pair.holm ?? 0) >= pair.p);
  });
  const mild = new Map(study.mild.wins.map((wins, i) => [methods[i] ?? '', wins]));
  const units = Array.from({ length: 32 }, () => methods);
  near(evenWinsTest(mild, units, createRandom('even'), 40_000), study.mild.p, 0.012, 'even, mild');
});

test('a study by hand: three questions, five annotators', () => {
  // Question 0: 4 for alpha. Question 1: 3 for beta. Question 2: 2, 2, 1: nobody.
  const analysis = analysisOf([
    [0, 0, 0, 0, 1],
    [1, 1, 1, 0, 2],
    [0, 0, 1, 1, 2],
  ]);
  const [aspect] = analysis.aspects;
  assert.ok(aspect);
  assert.deepEqual(
    aspect.winRates.map((r) => [r.wins, r.decided, r.rate, r.plurality]),
    [
      [1, 2, 0.5, 1],
      [1, 2, 0.5, 1],
      [0, 2, 0, 0],
      [0, 2, 0, 0],
    ],
  );
  assert.equal(aspect.undecided, 1);
  assert.deepEqual(
    analysis.disagreements.map((d) => Object.values(d.votes).sort().reverse()),
    [[2, 2, 1, 0]],
  );
  // P = mean of (12 + 0)/20, (6 + 0)/20, (2 + 2)/20 = 22/60; shares 7/15, 6/15, 2/15: Pe = 89/225.
  near(aspect.kappa.value, (22 / 60 - 89 / 225) / (1 - 89 / 225), 1e-12, 'kappa');
  assert.deepEqual(
    analysis.raters.map((r) => [r.done, r.paceMs]),
    Array(5).fill([3, 5000]),
  );
});

test('strata of the automatic score: win rates where all compared trajectories were right', () => {
  const made = prepared(6, { methods: ['alpha', 'gamma'].map((id) => ({ id, run: 'r', system: id })) });
  const correct = made.items.filter((item) =>
    item.candidates.every((c) => made.key.candidates[c.id]?.correct === true),
  );
  const labels = labelled(made, () => ['alpha']);
  const random = createRandom(1);
  const [aspect] = analyseStudy({
    plan: made.plan,
    key: made.key,
    ties: 'none',
    labels,
    random: (p) => random.fork(p),
    resamples: 100,
  }).aspects;
  assert.equal(aspect?.allCorrect?.units, correct.length);
  assert.equal(aspect.allCorrect.winRates[0]?.wins, correct.length);
});

test('position bias, repeat consistency and the blinding audit count what they should', () => {
  const made = prepared(40, { repeats: 0.1, audit: { items: 4, method: 'beta' } });
  const labels = labelled(made, (rater, question, repeat) =>
    // Ben changes his mind on every repeat.
    [rater === 'ben' && repeat ? 'delta' : (methods[question.length % 4] ?? '')],
  );
  const [ann] = made.plan.raters;
  assert.ok(ann);
  // Ann guesses right each time.
  const guesses = new Map(
    ann.guesses.map((p) => {
      const candidate = p.order.find((c) => made.key.candidates[c]?.method === 'beta') ?? '';
      return [
        p.id,
        {
          v: 1 as const,
          id: p.id,
          t: 1,
          rater: 'ann',
          kind: 'guess' as const,
          study: 'demo',
          presentation: p.id,
          candidate,
        },
      ];
    }),
  );
  const before = labels.get('ann');
  assert.ok(before);
  labels.set('ann', { ...before, guesses });
  const random = createRandom(1);
  const analysis = analyseStudy({
    plan: made.plan,
    key: made.key,
    ties: 'none',
    labels,
    random: (p) => random.fork(p),
    resamples: 100,
  });
  assert.deepEqual(
    analysis.consistency.byRater.map((r) => [r.rater, r.repeats, r.same]),
    [
      ['ann', 4, 4],
      ['ben', 4, 0],
      ['cleo', 4, 4],
      ['dan', 4, 4],
      ['eve', 4, 4],
    ],
  );
  assert.deepEqual([analysis.audit.right, analysis.audit.guesses, analysis.audit.chance], [4, 4, 0.25]);
  near(analysis.audit.p, 0.25 ** 4, 1e-12, 'audit');
  // Whoever always takes the best method, wherever it stands, has no bias: Latin squares spread it over positions.
  for (const bias of analysis.positions) assert.ok((bias.p ?? 1) > 0.05, JSON.stringify(bias));
});
