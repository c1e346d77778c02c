import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { TraceNote } from '../../../src/core/run/request.ts';
import { outlineTrace } from '../../../src/core/trajectory/traceOutline.ts';
import { agentTitle, renderTrace } from '../../../src/core/trajectory/traceText.ts';
import { cutLine, maxLineLength, visible, visibleLine } from '../../../src/core/trajectory/visible.ts';
import { hostileText, trajectoryNotes } from '../../fixtures/runFolder.ts';

const header = { run: 'run-1', item: 'evaluation/autoact/q-0001/0', task: 'Archive questions' };

const anyNote: fc.Arbitrary<TraceNote> = fc.record(
  {
    step: fc.integer({ min: 0, max: 4 }),
    role: fc.oneof(fc.constantFrom('plan', 'tool', 'reflect', 'meta', 'environment'), fc.string({ unit: 'binary' })),
    kind: fc.constantFrom('thought', 'action', 'observation', 'verdict', 'answer', 'halt', 'dropped', 'message'),
    text: fc.string({ unit: 'binary', maxLength: 80 }),
    parse: fc.constantFrom('ok', 'repaired', 'failed'),
    tool: fc.string({ unit: 'binary', maxLength: 10 }),
    argument: fc.string({ unit: 'binary', maxLength: 10 }),
    reason: fc.string({ unit: 'binary', maxLength: 20 }),
  },
  { requiredKeys: ['step', 'role', 'kind', 'text'] },
);

describe('a trace as text', () => {
  it('names who acts in words, and splits an action between plan and tool agent', () => {
    const { text } = renderTrace(header, trajectoryNotes(1), { state: 'live' });
    const lines = text.split('\n');
    const from = lines.indexOf('=== Step 1');
    assert.deepEqual(lines.slice(from, from + 8), [
      '=== Step 1',
      'Plan agent',
      '  Thought: The question is about Brohak Vovoski; I need the page first.',
      '  Action: Retrieve',
      'Tool agent',
      '  Argument: Brohak Vovoski',
      'Environment',
      '  Observation: Brohak Vovoski was born in Lodos.',
    ]);
    assert.ok(lines.includes('Reflect agent'));
    assert.equal(lines.at(-2), '... running: the next answer is pending');
  });

  it('only grows at its end while the run goes on', () => {
    const body = (notes: readonly TraceNote[]): string =>
      renderTrace(header, notes, { state: 'live' }).text.split('\n').slice(0, -2).join('\n');
    fc.assert(
      fc.property(fc.array(anyNote, { maxLength: 12 }), fc.nat(12), (notes, cut) => {
        assert.ok(body(notes).startsWith(body(notes.slice(0, cut))));
      }),
      { numRuns: 200 },
    );
  });

  it('lets no text from outside stand at the start of a line', () => {
    const headings =
      /^(?:AutoAct trace: |Run: |Task: |=== Step \d+$|=== End|=== Not finished|\.\.\. |\S.* agent$|Environment$|$)/;
    fc.assert(
      fc.property(fc.array(anyNote, { maxLength: 12 }), (notes) => {
        const titles = new Set(notes.flatMap((note) => [agentTitle(note.role), 'Tool agent']));
        for (const line of renderTrace(header, notes, { state: 'stopped' }).text.split('\n')) {
          if (line.startsWith('  ')) continue;
          assert.match(line, headings);
          if (line.endsWith(' agent')) assert.ok(titles.has(line), line);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('says where each note stands', () => {
    const notes = trajectoryNotes(2);
    const { text, spans } = renderTrace(header, notes, { state: 'finished', summary: 'right' });
    const lines = text.split('\n');
    const observation = spans.find((span) => span.note === 2);
    assert.ok(observation);
    assert.match(lines[observation.line] ?? '', /^ {2}Observation: /);
    assert.equal(observation.endLine - observation.line, 1);
    assert.equal(lines.at(-2), '=== End: right');
  });

  it('shows hostile text as text', () => {
    const { text } = renderTrace(header, trajectoryNotes(3, 'plan', hostileText), { state: 'live' });

    assert.doesNotMatch(text, /[\u0000-\u0008\u000b-\u001f\u202a-\u202e]/);
    assert.match(text, /\\u\{001B\}\[31mred/);
    assert.match(text, /\\u\{202E\}tfel/);
    assert.ok(text.includes('\n    Plan agent\n'));
    assert.ok(text.includes('\n    === Step 99\n'));
    const steps = outlineTrace(text).map((section) => section.title);
    assert.deepEqual(steps, ['Step 1', 'Step 2', 'Step 3']);
  });
});

describe('visible text', () => {
  it('leaves ordinary text of any script alone', () => {
    for (const text of ['Zürich, 東京, Δελφοί', 'tab\tand\nline', '👩‍🔬'.replace('\u200d', ''), 'café'])
      assert.equal(visible(text), text);
  });
  it('shows every invisible character', () => {
    for (const char of [
      '\u0000',
      '\u001b',
      '\u007f',
      '\u200b',
      '\u202e',
      '\u2066',
      '\ufeff',
      '\u00ad',
      '\u{e0041}',
      '\ud800',
    ])
      assert.match(visible(char), /^\\u\{[0-9A-F]{4,6}\}$/, JSON.stringify(char));
  });
  it('cuts long lines and says by how much, not in the middle of a character', () => {
    const cut = cutLine('a'.repeat(maxLineLength + 1234));
    assert.ok(cut.endsWith('… [cut here: 1,234 more characters]'));
    assert.doesNotMatch(cutLine('😀'.repeat(10), 3), /[\ud800-\udbff](?![\udc00-\udfff])/);
    assert.equal(visibleLine('a\nb'), 'a ⏎ b');
  });
});

describe('outline of a trace', () => {
  it('reads back what was rendered', () => {
    const { text, spans } = renderTrace(header, trajectoryNotes(0), { state: 'finished' });
    const roots = outlineTrace(text);
    const notes = roots.flatMap((step) =>
      step.children.flatMap((agent) =>
        agent.children.map((note) => ({ agent: agent.title, line: note.line, endLine: note.endLine })),
      ),
    );
    assert.deepEqual(
      notes,
      spans.map(({ agent, line, endLine }) => ({ agent, line, endLine })),
    );
  });
  it('finds notes whatever remark they carry', () => {
    fc.assert(
      fc.property(
        fc.array(
          anyNote.filter((note) => !/[\r\n]/.test(note.text)),
          { minLength: 1, maxLength: 6 },
        ),
        (notes) => {
          const rendered = renderTrace(header, notes, { state: 'live' });
          const flat: number[] = [];
          const visit = (sections: ReturnType<typeof outlineTrace>): void => {
            for (const section of sections) {
              if (section.kind === 'note') flat.push(section.line);
              visit(section.children);
            }
          };
          visit(outlineTrace(rendered.text));
          assert.deepEqual(
            flat.sort((a, b) => a - b),
            rendered.spans.map((span) => span.line),
          );
        },
      ),
      { numRuns: 300 },
    );
  });
});
