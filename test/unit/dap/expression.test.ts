import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExpressionError, isTrue, parseExpression, parseHits, parseMessage } from '../../../src/dap/expression.ts';

const names = ['tool', 'step', 'argument', 'reward', 'thought'];
const facts = { tool: 'Retrieve', step: 3, argument: 'Mira Torvel', reward: null, thought: 'I look.' };
const value = (text: string) => parseExpression(text, names).evaluate(facts);

for (const [text, expected] of [
  ['tool == "Retrieve"', true],
  ["tool == 'Search'", false],
  ['step >= 3 && tool != "Search"', true],
  ['step > 3 || contains(argument, "Torvel")', true],
  ['!(step == 3)', false],
  ['step % 2 == 1', true],
  ['step * 2 + 1', 7],
  ['-step < 0', true],
  ['argument.length > 5', true],
  ['length(argument) == 11', true],
  ['startsWith(lower(tool), "retr") && endsWith(thought, "look.")', true],
  ['reward < 1', false],
  ['reward == null', true],
  ['"3" == step', true],
] as const)
  test(`${text} is ${String(expected)}`, () => assert.equal(value(text), expected));

for (const text of [
  'process.exit()',
  'constructor',
  'tool.constructor',
  'tool["length"]',
  'this',
  'globalThis',
  'tool = "x"',
  'contains.call(1)',
  '[1,2]',
  'tool ? 1 : 2',
  'a; b',
  'eval("1")',
  '/x/',
  'new Date()',
  'tool ==',
  '`${tool}`',
  '__proto__',
  'toString()',
  `"${'x'.repeat(3000)}"`,
])
  test(`${text.slice(0, 40)} is refused`, () =>
    assert.throws(() => parseExpression(text, names).evaluate(facts), ExpressionError));

test('an unknown name is told with those that there are', () => {
  assert.throws(() => parseExpression('tol == 1', names), /There is no "tol"; there are tool, step/);
});

test('hit counts', () => {
  const hits = (text: string) => [1, 2, 3, 4, 5, 6].filter(parseHits(text));
  assert.deepEqual(hits('3'), [3, 4, 5, 6]);
  assert.deepEqual(hits('== 3'), [3]);
  assert.deepEqual(hits('> 4'), [5, 6]);
  assert.deepEqual(hits('<= 2'), [1, 2]);
  assert.deepEqual(hits('% 2'), [2, 4, 6]);
  for (const bad of ['', 'three', '% 0', '3 times', '-1']) assert.throws(() => parseHits(bad), ExpressionError, bad);
});

test('log messages hold expressions in braces', () => {
  assert.equal(parseMessage('{step}: {tool}[{argument}] {reward}.', names)(facts), '3: Retrieve[Mira Torvel] .');
  assert.throws(() => parseMessage('{nothing}', names), ExpressionError);
});

test('what is true', () => {
  assert.deepEqual([true, 'x', 1, 0, '', null, false].map(isTrue), [true, true, true, false, false, false, false]);
});
