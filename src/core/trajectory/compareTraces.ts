import type { TraceNote } from '../run/request.ts';
import { endLine, headerLines, pushNote } from './traceText.ts';
import type { TraceEnd, TraceHeader } from './traceText.ts';

/**
 * Two trajectories of one question as a pair of texts whose steps stand beside each other, for a text diff to show what
 * differs within them. A step is the same when agent, tool and argument are; where only the tool is, the steps still
 * stand side by side; a step that one of the two lacks is said to be missing there.
 */
export interface TraceSide {
  readonly header: TraceHeader;
  readonly notes: readonly TraceNote[];
  readonly end: TraceEnd;
}

/** Indexes into the lists of steps; undefined where a side has no such step. */
export type StepPair = readonly [left: number | undefined, right: number | undefined];

export interface StepKey {
  readonly agent: string;
  readonly tool: string;
  readonly argument: string;
}

/** Beyond this product of lengths, steps are paired by number: the table would be larger than it is worth. */
const maxCells = 4_000_000;

/** The alignment with the most agreement: 3 for the same step, 1 for the same tool. Ties favour earlier steps. */
export function alignSteps(left: readonly StepKey[], right: readonly StepKey[]): StepPair[] {
  const n = left.length;
  const m = right.length;
  if ((n + 1) * (m + 1) > maxCells)
    return Array.from({ length: Math.max(n, m) }, (_, i) => [i < n ? i : undefined, i < m ? i : undefined] as const);
  const width = m + 1;
  const best = new Int32Array((n + 1) * width);
  const at = (i: number, j: number): number => best[i * width + j] ?? 0;
  const worth = (i: number, j: number): number => agreement(left[i], right[j]);
  for (let i = n - 1; i >= 0; i--)
    for (let j = m - 1; j >= 0; j--) {
      const own = worth(i, j);
      const paired = own === 0 ? -1 : own + at(i + 1, j + 1);
      best[i * width + j] = Math.max(paired, at(i + 1, j), at(i, j + 1));
    }
  const pairs: StepPair[] = [];
  let i = 0;
  let j = 0;
  while (i < n && j < m) {
    const own = worth(i, j);
    if (own > 0 && at(i, j) === own + at(i + 1, j + 1)) pairs.push([i++, j++]);
    else if (at(i, j) === at(i + 1, j)) pairs.push([i++, undefined]);
    else pairs.push([undefined, j++]);
  }
  while (i < n) pairs.push([i++, undefined]);
  while (j < m) pairs.push([undefined, j++]);
  return pairs;
}

function agreement(a: StepKey | undefined, b: StepKey | undefined): number {
  if (a === undefined || b === undefined || a.agent !== b.agent || a.tool !== b.tool) return 0;
  return a.argument === b.argument ? 3 : 1;
}

interface StepNotes {
  readonly step: number;
  readonly notes: TraceNote[];
}

function steps(notes: readonly TraceNote[]): { readonly before: TraceNote[]; readonly steps: StepNotes[] } {
  const before: TraceNote[] = [];
  const found: StepNotes[] = [];
  for (const note of notes) {
    if (note.step <= 0) before.push(note);
    else if (found.at(-1)?.step === note.step) found.at(-1)?.notes.push(note);
    else found.push({ step: note.step, notes: [note] });
  }
  return { before, steps: found };
}

function keyOf({ notes }: StepNotes): StepKey {
  const action = notes.find(({ kind }) => kind === 'action');
  const verdict = notes.find(({ kind }) => kind === 'verdict');
  return {
    agent: verdict === undefined ? 'plan' : 'reflect',
    tool: verdict === undefined ? (action?.tool ?? action?.text ?? '') : 'Reflect',
    argument: (verdict?.text ?? action?.argument ?? '').trim().replace(/\s+/g, ' ').toLowerCase(),
  };
}

export function compareTraces(left: TraceSide, right: TraceSide): { readonly left: string; readonly right: string } {
  const a = steps(left.notes);
  const b = steps(right.notes);
  const texts: [string[], string[]] = [
    [...headerLines(left.header), ''],
    [...headerLines(right.header), ''],
  ];
  // Headers differ in length when one side is a file: the steps begin on one line all the same.
  while (texts[0].length < texts[1].length) texts[0].splice(-1, 0, '');
  while (texts[1].length < texts[0].length) texts[1].splice(-1, 0, '');
  pushNotes(texts[0], a.before);
  pushNotes(texts[1], b.before);
  for (const [i, j] of alignSteps(a.steps.map(keyOf), b.steps.map(keyOf))) {
    const own = i === undefined ? undefined : a.steps[i];
    const other = j === undefined ? undefined : b.steps[j];
    const heading = headingOf(own?.step, other?.step);
    for (const [lines, step] of [
      [texts[0], own],
      [texts[1], other],
    ] as const) {
      lines.push(heading);
      if (step === undefined) lines.push('  (no such step)');
      else pushNotes(lines, step.notes);
    }
  }
  texts[0].push(endLine(left.end), '');
  texts[1].push(endLine(right.end), '');
  return { left: texts[0].join('\n'), right: texts[1].join('\n') };
}

/** The same on both sides, so that a diff of lines finds the steps again. */
function headingOf(left: number | undefined, right: number | undefined): string {
  if (left === undefined) return `=== Step ${right ?? 0}, only on the right`;
  if (right === undefined) return `=== Step ${left}, only on the left`;
  return left === right ? `=== Step ${left}` : `=== Step ${left}, on the right ${right}`;
}

function pushNotes(lines: string[], notes: readonly TraceNote[]): void {
  let role: string | undefined;
  for (const [index, note] of notes.entries()) role = pushNote(lines, [], note, index, role);
}
