import assert from 'node:assert/strict';
import test from 'node:test';
import { empty } from '../../../src/core/trajectory/summary.ts';
import { groupId, TableModel } from '../../../src/host/trajectories/tableModel.ts';
import type { ModelRow } from '../../../src/host/trajectories/tableModel.ts';
import type { TableView } from '../../../src/protocol/trajectories.ts';

const row = (source: string, group: string, question: string, part: Partial<ModelRow> = {}): ModelRow => ({
  ...empty(`${group}/${question}`, group),
  question,
  title: question,
  source,
  outcome: 'wrong',
  reward: 0,
  answer: group,
  ...part,
});
const right = { outcome: 'right', reward: 1 } as const;
const rows = [
  row('run-1', 'autoact', 'a', { ...right, level: 'hard', steps: 3, tokens: 900 }),
  row('run-1', 'autoact', 'b', { level: 'easy', steps: 9 }),
  row('run-1', 'base', 'a', { level: 'hard', steps: 5, tokens: 400 }),
  row('run-2', 'base', 'b', { ...right, steps: 1 }),
];
const model = new TableModel(rows);
const view = (part: Partial<TableView> = {}): TableView => ({ query: '', sort: 'order', descending: false, ...part });
const idOf = (index: number): string => groupId(rows[index] ?? row('', '', ''));

test('groups are told apart by their source, and empty columns are left out', () => {
  assert.deepEqual(
    model.groups().map(({ title, count }) => [title, count]),
    [
      ['autoact (run-1)', 2],
      ['base (run-1)', 1],
      ['base (run-2)', 1],
    ],
  );
  assert.deepEqual(model.levels(), ['easy', 'hard']);
  assert.deepEqual(model.outcomes(), ['right', 'wrong']);
  assert.ok(!model.columns().includes('ms') && model.columns().includes('tokens'));
});

test('rows are sorted, with empty values last in either direction', () => {
  assert.deepEqual(model.select(view({ sort: 'steps' }), undefined), [3, 0, 2, 1]);
  assert.deepEqual(model.select(view({ sort: 'tokens' }), undefined), [2, 0, 1, 3]);
  assert.deepEqual(model.select(view({ sort: 'tokens', descending: true }), undefined), [0, 2, 1, 3]);
  assert.deepEqual(model.select(view({ descending: true }), undefined), [3, 2, 1, 0]);
});

test('a query, hits of a text and a cell of the matrix narrow down together', () => {
  assert.deepEqual(model.select(view({ query: 'outcome:right' }), undefined), [0, 3]);
  assert.deepEqual(model.select(view({ query: 'words outcome:right' }), new Set([1, 3])), [3]);
  assert.deepEqual(model.select(view({ query: 'disagreement>0' }), undefined), [0, 1, 2, 3]);
  const cell = { first: idOf(0), second: idOf(2), cell: 'onlyFirst', level: 'all' } as const;
  assert.deepEqual(model.select(view({ cell }), undefined), [0, 2]);
  assert.deepEqual(model.select(view({ cell: { ...cell, level: 'easy' } }), undefined), []);
});

test('won and lost across runs, and the row that a comparison opens', () => {
  const { rows: matrix } = model.matrix(idOf(0), idOf(3));
  assert.deepEqual(
    matrix.map(({ level, onlySecond }) => [level, onlySecond]),
    [
      ['easy', 1],
      ['all', 1],
    ],
  );
  assert.deepEqual(model.counterparts(0, idOf(2)), [2]);
  assert.deepEqual(model.counterparts(0, idOf(3)), []);
});
