import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { parse } from 'csv-parse/sync';
import { winRateFigure } from '../../../src/core/annotate/figure.ts';
import { analyseStudy } from '../../../src/core/annotate/analyse.ts';
import { fromArgilla, toArgilla } from '../../../src/core/annotate/exchange/argilla.ts';
import { fromCsv, toCsv } from '../../../src/core/annotate/exchange/csv.ts';
import type { Imported } from '../../../src/core/annotate/exchange/imported.ts';
import { fromLabelStudio, labelStudioConfig, toLabelStudio } from '../../../src/core/annotate/exchange/labelStudio.ts';
import { foldLabels, type Labels } from '../../../src/core/annotate/labels.ts';
import { renderStudyReport } from '../../../src/core/annotate/studyReport.ts';
import { StudyError } from '../../../src/core/annotate/study.ts';
import { createRandom } from '../../../src/core/run/random.ts';
import { sha256 } from '../../../src/node/annotate/studyFolder.ts';
import { labelled, methods, prepared } from './studyFixture.ts';

const made = prepared(12, {
  aspects: ['rounds', 'coherence'].map((id) => ({ id, title: id, rubric: 'As it should be.' })),
});
const labels = labelled(made, (rater, question) =>
  question.length % 3 === 0 && rater === 'ben'
    ? []
    : rater === 'ann'
      ? ['alpha', 'beta']
      : [methods[rater.length % 4] ?? ''],
);
const input = { plan: made.plan, items: made.items, labels };

const choices = (all: ReadonlyMap<string, Labels>): string[] =>
  [...all]
    .flatMap(([rater, own]) =>
      [...own.choices].flatMap(([presentation, byAspect]) =>
        [...byAspect.values()].map((c) =>
          [rater, presentation, c.aspect, [...c.best].sort().join(), c.reason ?? ''].join('|'),
        ),
      ),
    )
    .sort();

function folded(imported: Imported): Map<string, Labels> {
  return new Map([...imported.records].map(([rater, records]) => [rater, foldLabels(records, 'demo')]));
}

for (const [format, again] of [
  ['CSV', () => fromCsv(made.plan, parse(toCsv(input), { columns: true }), 7, sha256)],
  ['Label Studio', () => fromLabelStudio(made.plan, JSON.parse(JSON.stringify(toLabelStudio(input))), 7, sha256)],
  ['Argilla', () => fromArgilla(made.plan, JSON.parse(JSON.stringify(toArgilla(input))), 7, sha256)],
] as const)
  test(`${format}: what is exported and imported again is the same, ties and “none” too, and its items are finished`, () => {
    const imported = again();
    assert.deepEqual(choices(folded(imported)), choices(labels));
    assert.equal(imported.refused.size, 0);
    assert.equal(folded(imported).get('eve')?.done.size, 12);
    // Imported twice, the records have the same ids and so count once.
    assert.deepEqual(
      [...again().records.values()].flat().map((r) => r.id),
      [...imported.records.values()].flat().map((r) => r.id),
    );
  });

test('what Argilla’s own package reads of an export, and writes again, comes back the same', () => {
  // Written by exchange_peer.py, which also lets Label Studio's package validate every annotation of its export.
  const theirs = JSON.parse(readFileSync(join(import.meta.dirname, 'peers/argilla.json'), 'utf8')) as unknown;
  const imported = fromArgilla(made.plan, theirs, 7, sha256);
  assert.deepEqual(choices(folded(imported)), choices(labels));
  assert.equal(imported.refused.size, 0);
});

test('what fits no rater, item, aspect or candidate is left out with its reason, and what is no file of the kind is refused', () => {
  const [p] = made.plan.raters[0]?.presentations ?? [];
  const row = { rater: 'ann', unit: p?.unit ?? '', aspect: 'rounds', best: p?.order[0] ?? '' };
  const { refused, choices: kept } = fromCsv(
    made.plan,
    [
      row,
      { ...row, rater: 'zoe' },
      { ...row, unit: 'q999' },
      { ...row, aspect: 'style' },
      { ...row, best: 't-xxxxxx' },
    ],
    0,
    sha256,
  );
  assert.deepEqual([kept, [...refused.values()]], [1, [1, 1, 1, 1]]);
  assert.throws(() => fromCsv(made.plan, [{ name: 'x' }], 0, sha256), StudyError);
  assert.throws(() => fromLabelStudio(made.plan, { tasks: 1 }, 0, sha256), StudyError);
  assert.throws(() => fromArgilla(made.plan, 'x', 0, sha256), StudyError);
});

test('exported files are blind', () => {
  const text = [
    toCsv(input),
    JSON.stringify(toLabelStudio(input)),
    JSON.stringify(toArgilla(input)),
    labelStudioConfig(made.plan),
  ].join('\n');
  for (const method of methods) assert.ok(!text.includes(method), method);
});

test('report and figure: hostile names are text, and every method and aspect is there', () => {
  const random = createRandom(1);
  const hostile = '<script>alert(1)</script>|`x`';
  const key = { ...made.key, methods: made.key.methods.map((m, i) => (i === 0 ? { ...m, title: hostile } : m)) };
  const analysis = analyseStudy({
    plan: made.plan,
    key,
    ties: 'split',
    labels,
    random: (p) => random.fork(p),
    resamples: 200,
  });
  const figure = winRateFigure(analysis);
  assert.ok(!figure.includes('<script') && figure.includes('&#60;script'));
  assert.equal((figure.match(/<rect /g) ?? []).length, 1 + 4 + 8);
  const report = renderStudyReport(analysis, { blindness: ['ok'], figure: 'figure-6.svg' });
  assert.ok(!report.includes('<script>') && report.includes('\\<script\\>'));
  for (const heading of [
    '## Win rates',
    '### rounds',
    '### coherence',
    '## Agreement of the annotators',
    '## Blindness',
  ])
    assert.ok(report.includes(heading), heading);
});
