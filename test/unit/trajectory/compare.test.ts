import assert from 'node:assert/strict';
import test from 'node:test';
import type { TraceNote } from '../../../src/core/run/request.ts';
import { alignSteps, compareTraces } from '../../../src/core/trajectory/compareTraces.ts';
import { withDisagreement } from '../../../src/core/trajectory/disagreement.ts';
import { addEntry, empty, groupOfItem } from '../../../src/core/trajectory/summary.ts';
import { traceDetails } from '../../../src/core/trajectory/traceDetails.ts';
import { parseTrajectoryQuery } from '../../../src/core/trajectory/trajectoryQuery.ts';
import { wonLost } from '../../../src/core/trajectory/wonLost.ts';

const key = (tool: string, argument = ''): { agent: string; tool: string; argument: string } => ({
  agent: 'plan',
  tool,
  argument,
});
const act = (step: number, tool: string, argument: string): TraceNote[] => [
  { step, role: 'plan', kind: 'thought', text: `thought of ${argument}` },
  { step, role: 'plan', kind: 'action', text: `${tool}[${argument}]`, tool, argument },
  { step, role: 'environment', kind: 'observation', text: `about ${argument}` },
];

test('steps are paired by what they do, not by their number', () => {
  const left = [key('Search', 'a'), key('Retrieve', 'b'), key('Finish', 'c')];
  assert.deepEqual(alignSteps(left, left), [
    [0, 0],
    [1, 1],
    [2, 2],
  ]);
  assert.deepEqual(alignSteps(left, [key('Retrieve', 'b'), key('Finish', 'x')]), [
    [0, undefined],
    [1, 0],
    [2, 1],
  ]);
  // The same argument is worth more than an earlier step with the same tool.
  assert.deepEqual(alignSteps([key('Search', 'a')], [key('Search', 'z'), key('Search', 'a')]), [
    [undefined, 0],
    [0, 1],
  ]);
  assert.deepEqual(alignSteps([], [key('Search')]), [[undefined, 0]]);
});

test('the two texts of a comparison have the same headings in the same order', () => {
  const end = { state: 'finished' } as const;
  const { left, right } = compareTraces(
    {
      header: { run: 'r', item: 'a', question: 'q' },
      notes: [...act(1, 'Search', 'x'), ...act(2, 'Finish', 'y')],
      end,
    },
    {
      header: { run: '', item: 'b' },
      notes: [...act(1, 'Retrieve', 'p'), ...act(2, 'Search', 'x'), ...act(3, 'Finish', 'z')],
      end,
    },
  );
  const headings = (text: string): string[] => text.split('\n').filter((line) => line.startsWith('==='));
  assert.deepEqual(headings(left), headings(right));
  assert.deepEqual(headings(left), [
    '=== Step 1, only on the right',
    '=== Step 1, on the right 2',
    '=== Step 2, on the right 3',
    '=== End',
  ]);
  assert.equal(
    left.split('\n').indexOf('=== Step 1, only on the right'),
    right.split('\n').indexOf('=== Step 1, only on the right'),
  );
  assert.match(left, /\(no such step\)/);
});

const row = (group: string, question: string, reward: number | null, answer = '') => ({
  ...empty(`${group}/${question}`, group),
  question,
  reward,
  answer,
  level: question.startsWith('h') ? 'hard' : 'easy',
  outcome: 'right' as const,
});

test('won and lost are counted a question, by level, with a test', () => {
  const first = [row('a', 'e1', 1), row('a', 'e2', 1), row('a', 'h1', 1), row('a', 'h2', 0), row('a', 'only', 1)];
  const second = [row('b', 'e1', 1), row('b', 'e2', 0.4), row('b', 'h1', 0), row('b', 'h2', 1)];
  const { rows, unpaired, cells } = wonLost(first, second);
  assert.equal(unpaired, 1);
  assert.deepEqual(
    rows.map(({ level, bothRight, onlyFirst, onlySecond, bothWrong }) => [
      level,
      bothRight,
      onlyFirst,
      onlySecond,
      bothWrong,
    ]),
    [
      ['easy', 1, 1, 0, 0],
      ['hard', 0, 1, 1, 0],
      ['all', 1, 2, 1, 0],
    ],
  );
  assert.ok(Math.abs((rows.at(-1)?.p ?? 0) - 1) < 1e-9);
  assert.equal(cells.get('h2'), 'onlySecond');
  // Three samples of a question are one question, right when most of them are.
  const samples = wonLost([row('a', 'e1', 1), row('a', 'e1', 1), row('a', 'e1', 0)], [row('b', 'e1', 0)]);
  assert.deepEqual(samples.rows.at(-1)?.onlyFirst, 1);
});

test('disagreement is the share of pairs with different answers', () => {
  const rows = withDisagreement([
    row('a', 'q', 1, 'The Harth.'),
    row('b', 'q', 1, 'harth'),
    row('c', 'q', 0, 'Lodos'),
    row('a', 'alone', 1, 'x'),
  ]);
  assert.deepEqual(
    rows.map(({ disagreement }) => disagreement?.toFixed(6) ?? null),
    ['0.666667', '0.666667', '0.666667', null],
  );
});

test('a query is words and conditions', () => {
  const own = {
    ...row('autoact', 'h1', 0),
    tools: ['Retrieve'],
    steps: 6,
    tokens: 2400,
    ms: 31_000,
    outcome: 'wrong' as const,
    disagreement: null,
  };
  const accepts = (query: string): boolean => parseTrajectoryQuery(query).accepts(own);
  for (const query of [
    'outcome:wrong',
    'outcome:w',
    'tool:retr',
    'steps>5 tokens>=2400',
    'time>30',
    '-level:easy',
    'group=autoact',
    'reward<1',
    'just words',
  ])
    assert.equal(accepts(query), true, query);
  for (const query of ['outcome:right', 'tool:search', 'steps<6', 'disagreement>0', '-level:hard', 'group=auto'])
    assert.equal(accepts(query), false, query);
  assert.equal(parseTrajectoryQuery('born in "New York" level:hard http://x').text, 'born in new york http://x');
  assert.deepEqual(parseTrajectoryQuery('steps>many outcome:lost').problems, [
    'steps is compared with a number',
    'outcome is one of right, partly right, wrong, not scored, failed, open, unreadable',
  ]);
});

test('a run’s entries add up to a summary, and to what each note and step cost', () => {
  const item = 'evaluation/autoact/q/0';
  const base = { t: 1, item, i: '0', hash: '' };
  const asked = { role: 'plan', model: 'm', keep: 0, tail: 'prompt', seed: 7, temperature: 0.5 };
  const usage = { promptTokens: 100, completionTokens: 20 };
  const entries = [
    {
      ...base,
      label: 'thought',
      ms: 30,
      asked,
      answer: { kind: 'completion' as const, text: ' I think', finish: 'stop' as const, usage },
    },
    { ...base, label: 'thought', note: { step: 1, role: 'plan', kind: 'thought' as const, text: 'I think' } },
    {
      ...base,
      label: 'Retrieve',
      ms: 5,
      asked: { tool: 'Retrieve', argument: 'x' },
      answer: { kind: 'observation' as const, text: 'seen', outcome: 'hit' as const, state: {} },
    },
    {
      ...base,
      label: 'action',
      note: { step: 1, role: 'plan', kind: 'action' as const, text: '', tool: 'Retrieve', argument: 'x' },
    },
    { ...base, label: 'answer', note: { step: 2, role: 'plan', kind: 'answer' as const, text: 'Harth' } },
    { t: 1, item, result: {} },
  ];
  const summary = empty(item, groupOfItem(item) ?? '');
  for (const entry of entries) addEntry(summary, entry);
  assert.deepEqual(
    [summary.group, summary.steps, summary.tools, summary.tokens, summary.ms, summary.answer, summary.outcome],
    ['autoact', 2, ['Retrieve'], 120, 35, 'Harth', 'not scored'],
  );
  const details = traceDetails(entries);
  assert.deepEqual(
    details.ofNote.map((requests) => requests.length),
    [1, 1, 0],
  );
  assert.deepEqual(details.ofStep.get(1), { calls: 2, tokens: 120, ms: 35 });
  const first = details.ofNote[0]?.[0]?.asked;
  assert.equal(first?.kind === 'completion' ? first.prompt : '', 'prompt');
});
