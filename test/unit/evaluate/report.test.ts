import assert from 'node:assert/strict';
import test from 'node:test';
import { EvaluationError } from '../../../src/core/evaluate/evaluationError.ts';
import { Judge } from '../../../src/core/evaluate/judge.ts';
import { renderRepeats, summariseRepeats } from '../../../src/core/evaluate/repeats.ts';
import { Report, buildReport } from '../../../src/core/evaluate/report.ts';
import { renderReport } from '../../../src/core/evaluate/reportMarkdown.ts';
import { renderReportTable } from '../../../src/core/evaluate/reportTable.ts';
import { systemScores } from '../../../src/core/evaluate/systemScores.ts';
import { expectedFromPaper, systemTable } from '../../../src/core/methods/systems.ts';
import { toPublic } from '../../../src/core/task/question.ts';
import { createRandom } from '../../../src/core/run/random.ts';
import { SystemScore } from '../../../src/core/run/status.ts';
import { assertGolden } from '../../golden/golden.ts';
import { questionSet, simulate } from './rows.ts';
import type { ReportInput } from '../../../src/core/evaluate/report.ts';

const questions = questionSet(100);

function input(change: Partial<ReportInput> = {}): ReportInput {
  return {
    title: 'AutoAct on the starter world',
    task: 'Encyclopedia questions',
    protocol: 'mean@k',
    samples: 1,
    questions: questions.map(toPublic),
    judge: new Judge('f1', questions),
    systems: [
      { id: 'zero-shot', title: 'zero-shot', rows: simulate(questions, 'zero-shot', [0.6, 0.3, 0.1]) },
      {
        id: 'autoact',
        title: 'AutoAct',
        expected: 'Higher than zero-shot.',
        rows: simulate(questions, 'autoact', [0.9, 0.7, 0.4]),
      },
    ],
    reference: 'zero-shot',
    provenance: {
      machine: '2 cores, no GPU',
      mode: 'fixed',
      models: [{ role: 'plan', server: 'embedded', model: 'starter', hash: 'sha256 0123' }],
      prompts: 'sha256 4567',
      seeds: [7],
      questions: 'world 1, 300 held-out questions',
    },
    statisticsSeed: 7,
    random: (purpose) => createRandom(`7/${purpose}`),
    resamples: 2000,
    ...change,
  };
}

/** Three systems, two samples, an outage and a missing row: everything that a report can show. */
function rich(): ReportInput {
  const none = systemTable['no-reflection'];
  const answers = (system: string, rates: number[]) => simulate(questions, system, rates, 2);
  const autoact = answers('autoact', [0.9, 0.7, 0.4]).map((row, i) =>
    i < 3
      ? { ...row, prediction: '', finished: false, error: { reason: 'server', message: 'connection refused' } }
      : i % 50 === 0
        ? { ...row, finished: false, halted: 'step limit' }
        : row,
  );
  return input({
    samples: 2,
    systems: [
      { id: 'autoact', title: 'AutoAct', rows: autoact },
      {
        id: none.id,
        title: none.title,
        expected: expectedFromPaper(none.id)!,
        rows: answers(none.id, [0.85, 0.65, 0.4]),
      },
      { id: 'zero-shot', title: 'zero-shot | base_model', rows: answers('zero-shot', [0.6, 0.3, 0.1]).slice(0, -2) },
    ],
    reference: 'autoact',
    notes: ['A note of the run.'],
  });
}

test('the same inputs give the same report, and it is what its schema says', () => {
  const report = buildReport(input());
  assert.deepEqual(Report.parse(JSON.parse(JSON.stringify(report))), report);
  assert.equal(JSON.stringify(buildReport(input())), JSON.stringify(report));
});

test('report.md and the terminal table (golden)', () => {
  const report = buildReport(input());
  assertGolden('report.md', renderReport(report));
  assertGolden('report.json', `${JSON.stringify(report, null, 2)}\n`);
  assertGolden('report.txt', renderReportTable(report, { colour: false }));
  const full = buildReport(rich());
  assertGolden('report-ablations.md', renderReport(full));
  assertGolden('report-ablations.txt', renderReportTable(full, { colour: false }));
});

test('figures in the report are those of the rows', () => {
  const report = buildReport(input());
  const judge = new Judge('f1', questions);
  const rows = simulate(questions, 'autoact', [0.9, 0.7, 0.4]);
  const expected = rows.reduce((sum, row) => sum + judge.score(row.questionId, row.prediction).f1, 0) / 300;
  const all = report.systems[1]?.cells.at(-1);
  assert.ok(Math.abs((all?.score ?? 0) - expected) < 1e-12);
  const comparison = report.systems[1]?.comparisons?.at(-1);
  assert.equal(comparison?.test, 'sign-flip');
  assert.equal(report.systems[1]?.exactMatch?.test, 'McNemar exact');
  assert.ok((comparison.holm ?? 1) < 0.001);
  assert.equal(report.systems[0]?.comparisons, undefined);
});

test('Holm’s correction runs over the comparisons over all questions, and apart from it over those by level', () => {
  const report = buildReport(rich());
  const others = report.systems.filter(({ comparisons }) => comparisons !== undefined);
  const overall = others.map(({ comparisons }) => comparisons!.at(-1)!);
  const [smaller, larger] = [...overall].sort((a, b) => a.p - b.p);
  assert.equal(smaller?.holm, Math.min(1, smaller!.p * 2));
  assert.equal(larger?.holm, Math.max(smaller.holm, larger!.p));
  const levels = others.flatMap(({ comparisons }) => comparisons!.slice(0, -1));
  assert.equal(Math.min(...levels.map(({ holm }) => holm!)), Math.min(...levels.map(({ p }) => p)) * levels.length);
});

test('errors and missing answers are shown, and give a second comparison', () => {
  const report = buildReport(rich());
  assert.deepEqual(
    report.systems.map(({ cells }) => [cells.at(-1)?.errors, cells.at(-1)?.missing]),
    [
      [3, 0],
      [0, 0],
      [0, 2],
    ],
  );
  assert.ok(report.systems[2]?.missingWrong);
  const table = renderReportTable(report, { colour: false });
  assert.match(table, /missing = wrong/);
  assert.equal(buildReport(input()).systems[1]?.missingWrong, undefined);
});

test('an unknown reference and a repeated id are refused', () => {
  assert.throws(
    () => buildReport(input({ reference: 'other' })),
    (error) => EvaluationError.is(error, 'bad-request'),
  );
  const twice = input().systems[0]!;
  assert.throws(
    () => buildReport(input({ systems: [twice, twice] })),
    (error) => EvaluationError.is(error, 'bad-request'),
  );
});

test('names cannot break the table, and colour is only there when asked for', () => {
  const evil = input();
  const report = buildReport({
    ...evil,
    title: 'x\n# y <img src=z>',
    systems: evil.systems.map((system) => ({ ...system, title: `${system.title}\u001b[31m|\n` })),
  });
  const markdown = renderReport(report);
  const rows = markdown.split('\n').filter((line) => line.startsWith('| zero-shot'));
  assert.ok(rows.length > 0 && rows.every((row) => row.includes('\\|')));
  assert.doesNotMatch(markdown, /(?<!\\)<[a-z]/);
  assert.equal(renderReportTable(report, { colour: false }).includes('\u001b'), false);
  assert.equal(renderReportTable(report, { colour: true }).includes('\u001b[32m'), true);
});

test('a narrow terminal keeps the interval that matters', () => {
  const report = buildReport(input());
  const wide = renderReportTable(report, { colour: false, width: 200 });
  const narrow = renderReportTable(report, { colour: false, width: 100 });
  assert.equal(wide, renderReportTable(report, { colour: false }));
  assert.ok(
    narrow
      .split('\n')
      .filter((line) => /^(─|zero|AutoAct {2})/.test(line))
      .every((line) => line.length <= 100),
  );
  assert.equal(narrow.match(/\[/g)?.length, 3);
});

test('the explanation in brackets after a title is left out where it would not fit', () => {
  const report = buildReport(input());
  const explained = {
    ...report,
    systems: report.systems.map((system) => ({ ...system, title: `${system.title} (base model in all roles)` })),
  };
  assert.match(
    renderReportTable(explained, { colour: false, width: 200 }),
    /zero-shot \(base model in all roles\) .*\n/,
  );
  const narrow = renderReportTable(explained, { colour: false, width: 80 });
  assert.doesNotMatch(narrow, /base model/);
  assert.ok(
    narrow.split('\n').every((line) => /^[A-Z]\S+ [a-z]/.test(line) || line.length <= 80),
    narrow,
  );
});

test('figures for the run’s status', () => {
  const scores = systemScores(buildReport(input())).map((score) => SystemScore.parse(score));
  assert.deepEqual(
    scores.map(({ levels }) => levels.map(({ level }) => level)),
    [
      ['easy', 'medium', 'hard', 'all'],
      ['easy', 'medium', 'hard', 'all'],
    ],
  );
  assert.equal(scores[0]?.paired, undefined);
  assert.ok((scores[1]?.paired?.difference ?? 0) > 0.2);
});

test('repetitions are judged one by one', () => {
  const report = buildReport(input());
  const equal = buildReport(
    input({ systems: input().systems.map((system) => ({ ...system, rows: input().systems[0]!.rows })) }),
  );
  const summary = summariseRepeats(
    [
      { label: 'seed 1', report },
      { label: 'seed 2', report: equal },
    ],
    'autoact',
    0.2,
  );
  assert.equal(summary.repeats.length, 2);
  assert.equal(summary.holding, 1);
  assert.equal(summary.smallest, 0);
  assert.match(renderRepeats(summary), /in 1 of 2/);
  assert.deepEqual(summariseRepeats([], 'autoact', 0.2).repeats, []);
});

test('a report of five systems on 300 questions with 10,000 resamples is quick', () => {
  const systems = ['a', 'b', 'c', 'd', 'e'].map((id, i) => ({
    id,
    title: id,
    rows: simulate(questions, id, [0.9 - i / 10, 0.6, 0.3]),
  }));
  const { resamples: _default, ...base } = input({ systems, reference: 'a' });
  const before = process.cpuUsage();
  buildReport(base);
  const { user, system } = process.cpuUsage(before);
  const milliseconds = (user + system) / 1000;
  // Processor time for 5 summaries and 8 comparisons; measured 1.0 s.
  assert.ok(milliseconds < 3000, `${Math.round(milliseconds)} ms of processor time`);
});
