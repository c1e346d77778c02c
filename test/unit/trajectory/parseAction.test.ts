import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  cleanThought,
  parseAction,
  parseVerdict,
  readArgument,
  resolveToolName,
} from '../../../src/core/trajectory/parseAction.ts';
import { finishTool, lookupTools } from '../../../src/core/tools/library.ts';

const tools = [...lookupTools, finishTool];

// Every kind of malformed completion in methods 1.3.
const cases: readonly (readonly [string, string, string, 'ok' | 'repaired' | 'failed'])[] = [
  [' Retrieve[Mount Arel]', 'Retrieve', 'Mount Arel', 'ok'],
  ['Retrieve[Mount Arel].', 'Retrieve', 'Mount Arel', 'ok'],
  ['retrieve[Mount Arel]', 'Retrieve', 'Mount Arel', 'repaired'],
  ['Retrieve [Mount Arel]', 'Retrieve', 'Mount Arel', 'repaired'],
  ['`Finish[yes]`', 'Finish', 'yes', 'ok'],
  ['"Search"[x y]', 'Search', 'x y', 'repaired'],
  ['BingSearch[x]', 'Search', 'x', 'repaired'],
  ['Finish[a [nested] title]', 'Finish', 'a [nested] title', 'ok'],
  ['Finish[no end', 'Finish', 'no end', 'repaired'],
  ['Finish[42] and then more', 'Finish', '42', 'repaired'],
  ['Finish[42]\nObservation: invented\nThought: more', 'Finish', '42', 'ok'],
  ['Finish[]', 'Finish', '', 'failed'],
  ['Finish', 'Finish', '', 'failed'],
  ['I should look it up', 'I should look it up', '', 'failed'],
  ['Teleport[home]', 'Teleport', 'home', 'failed'],
  ['[x]', '', 'x', 'failed'],
  ['', '', '', 'failed'],
  ['\n\n  Finish[late]', 'Finish', 'late', 'ok'],
];

for (const [raw, tool, argument, parse] of cases) {
  test(`reads ${JSON.stringify(raw)} as ${parse}`, () => {
    const parsed = parseAction(raw, tools);
    assert.deepEqual([parsed.tool, parsed.argument, parsed.parse], [tool, argument, parse]);
  });
}

test('property: any text is read without a throw, and a written action is read back', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      parseAction(text, tools);
      parseVerdict(text);
      cleanThought(text, true);
    }),
    { numRuns: 3000 },
  );
  const argument = fc
    .string({ minLength: 1, unit: fc.constantFrom(...'abc [],.Ä'.split('')) })
    .filter((s) => s.trim() === s && s !== '' && balanced(s));
  fc.assert(fc.property(argument, (text) => assert.equal(parseAction(`Finish[${text}]`, tools).argument, text)));
});

function balanced(text: string): boolean {
  let depth = 0;
  for (const c of text) {
    if (c === '[') depth++;
    if (c === ']' && --depth < 0) return false;
  }
  return depth === 0;
}

test('an argument ends at its own bracket', () => {
  assert.deepEqual(readArgument('Arden] and so on'), { argument: 'Arden', rule: 'text after the bracket' });
  assert.deepEqual(readArgument('Arden'), { argument: 'Arden', rule: 'bracket not closed' });
});

test('verdicts: only the word right accepts', () => {
  for (const raw of ['Reflect[right]', ' reflect[Right]', 'right', 'right.'])
    assert.equal(parseVerdict(raw).right, true, raw);
  for (const raw of ['Reflect[wrong]', 'Reflect[rightly]', 'Reflect[]', 'yes', '', 'the answer is right'])
    assert.equal(parseVerdict(raw).right, false, raw);
});

test('thoughts are one line; reference mode cuts at label words and fixed mode does not', () => {
  const raw = ' An Action film. \nAction: x';
  assert.equal(cleanThought(raw, false), 'An Action film.');
  assert.equal(cleanThought(raw, true), 'An');
  assert.equal(cleanThought(' Thought: again', false), 'again');
});

test('tool names resolve by case and alias, not by guess', () => {
  assert.equal(resolveToolName('wikipedia', tools)?.name, 'Retrieve');
  assert.equal(resolveToolName('Ret', tools), undefined);
});
