import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forkMarks } from '../../../src/core/trajectory/forkMarks.ts';
import type { TraceNote } from '../../../src/core/run/request.ts';
import { renderTrace } from '../../../src/core/trajectory/traceText.ts';

const notes: TraceNote[] = [
  { kind: 'thought', role: 'plan', step: 1, text: 'I look for the harbour.' },
  {
    kind: 'action',
    role: 'plan',
    step: 1,
    text: 'Search[map of the coast]',
    tool: 'Search',
    argument: 'map of the coast',
  },
  { kind: 'observation', role: 'environment', step: 1, text: 'Sarn lies at the sea.' },
];
const { text } = renderTrace({ run: 'r', item: 'a/fork-1' }, notes, { state: 'paused' });
const lines = text.split('\n');
const edit = (field: string, before: string, after: string, step = 1) => ({ i: '0', step, field, before, after });
const marked = (...edits: ReturnType<typeof edit>[]): [string | undefined, string][] =>
  forkMarks(text, edits).map(({ line, before }) => [lines[line]?.trim(), before]);

test('an edit is marked at the line that says the new value, with the old one', () => {
  assert.deepEqual(
    marked(
      edit('text', ' I look for Sarn.', ' I look for the harbour.'),
      edit('argument', 'harbour of Orvale]', 'map of the coast]'),
    ),
    [
      ['Thought: I look for the harbour.', 'I look for Sarn.'],
      ['Argument: map of the coast', 'harbour of Orvale'],
    ],
  );
});

test('a tool is marked at its action, an answer at the observation', () => {
  assert.deepEqual(
    marked(
      edit('tool', ' Retrieve[map of the coast]', ' Search[map of the coast]'),
      edit('answer', '', 'Sarn lies at the sea.'),
    ),
    [
      ['Action: Search', 'Retrieve[map of the coast]'],
      ['Observation: Sarn lies at the sea.', ''],
    ],
  );
});

test('an answer that no line says is marked at its step, and of a step that is not there nothing is', () => {
  assert.deepEqual(marked(edit('answer', 'old', 'unheard'), edit('text', 'x', 'y', 7)), [['=== Step 1', 'old']]);
});

test('what was before is one plain line', () => {
  const [[, before] = ['', '']] = marked(
    edit('text', `a\u001b[31m\u202e\n${'x'.repeat(5000)}`, 'I look for the harbour.'),
  );
  assert.doesNotMatch(before, /[\u001b\u202e\n]/);
  assert.ok(before.length < 200, String(before.length));
});
