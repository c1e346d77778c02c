import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { analyseStudy } from '../../../src/core/annotate/analyse.ts';
import { luceStrengths, type Choices } from '../../../src/core/annotate/ranking.ts';
import { renderStudyReport } from '../../../src/core/annotate/studyReport.ts';
import { createRandom } from '../../../src/core/run/random.ts';
import { labelled, methods, prepared } from './studyFixture.ts';

interface Figures {
  cases: { count: number; prior: number; choices: [number, ...number[]][]; strengths: number[] }[];
}
/** Computed with choix by ranking_peer.py. */
const peers = JSON.parse(readFileSync(join(import.meta.dirname, 'peers/ranking.json'), 'utf8')) as Figures;

const near = (actual: number | undefined, expected: number, tolerance: number): void => {
  assert.ok(actual !== undefined && Math.abs(actual - expected) <= tolerance, `${actual}, not ${expected}`);
};

test('strengths against choix: pairs and larger sets, with and without a prior', () => {
  for (const { count, prior, choices, strengths } of peers.cases) {
    const found = luceStrengths(
      count,
      choices.map((set) => ({ set, winner: set[0], weight: 1 })),
      { prior, tolerance: 1e-13 },
    );
    for (const [i, expected] of strengths.entries()) near(found?.[i], expected, 1e-7);
  }
});

test('strengths by hand: three wins of four are three quarters; a tie is half a win for each', () => {
  const pair = (winner: number, weight = 1): Choices => ({ set: [0, 1], winner, weight });
  near(luceStrengths(2, [pair(0), pair(0), pair(0), pair(1)], { prior: 0 })?.[0], 0.75, 1e-9);
  near(luceStrengths(2, [pair(0), pair(0, 0.5), pair(1, 0.5)], { prior: 0 })?.[0], 0.75, 1e-9);
  assert.equal(luceStrengths(2, [pair(0)], { prior: 0 }), undefined, 'no end');
  const always = luceStrengths(2, [pair(0)])?.[0] ?? 0;
  assert.ok(always > 0.8 && always < 1);
  assert.equal(luceStrengths(3, []), undefined);
});

test('a study in pairs is ranked over all of its pairs, with an interval, and the report says so', () => {
  const made = prepared(24, { design: 'pairwise', audit: { items: 0 } });
  // Whoever comes first in the list of methods is the better one, but for every fifth question.
  const labels = labelled(made, () => methods);
  const strict = new Map(
    [...labels].map(([rater, own]) => [
      rater,
      {
        ...own,
        choices: new Map(
          [...own.choices].map(([presentation, byAspect]) => [
            presentation,
            new Map(
              [...byAspect].map(([aspect, choice]) => {
                const method = (c: string): number => methods.indexOf(made.key.candidates[c]?.method ?? '');
                const sorted = [...choice.best].sort((a, b) => method(a) - method(b));
                const upset = Number(choice.unit.slice(1, 4)) % 5 === 0;
                return [aspect, { ...choice, best: upset ? sorted.slice(-1) : sorted.slice(0, 1) }] as const;
              }),
            ),
          ]),
        ),
      },
    ]),
  );
  const random = createRandom(3);
  const analysis = analyseStudy({
    plan: made.plan,
    key: made.key,
    ties: 'none',
    labels: strict,
    random: (p) => random.fork(p),
    resamples: 200,
  });
  const rates = analysis.aspects[0]?.winRates ?? [];
  const ranked = [...rates].sort((a, b) => (b.strength?.value ?? 0) - (a.strength?.value ?? 0)).map((r) => r.method);
  assert.deepEqual(ranked, methods);
  near(
    rates.reduce((sum, r) => sum + (r.strength?.value ?? 0), 0),
    1,
    1e-9,
  );
  for (const { strength } of rates)
    assert.ok(
      strength !== undefined && (strength.low ?? 1) <= strength.value && strength.value <= (strength.high ?? 0),
    );
  const report = renderStudyReport(analysis, { blindness: [], figure: 'f.svg' });
  assert.match(report, /\| Strength \|/);
  assert.match(report, /Bradley–Terry/);
});
