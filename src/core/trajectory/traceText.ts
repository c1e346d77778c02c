import type { TraceNote } from '../run/request.ts';
import { cutLine, visible, visibleLine } from './visible.ts';

/**
 * A trajectory as a text document. Debugging, search, folding, outline, diff and screen readers all work on this text,
 * so it obeys three rules: a heading stands at column 0 and nothing else that comes from a model or a tool ever does;
 * who acts is said in words, never by colour alone; and the document only grows at its end (its last line, which says
 * whether the run goes on, is the one exception).
 */

export interface TraceHeader {
  /** The run that it belongs to; empty for a stored trajectory, which has a file instead. */
  readonly run: string;
  /** Name and line of the file that it is stored in. */
  readonly file?: string;
  /** The item's key in the log, which is the trajectory's id. */
  readonly item: string;
  readonly task?: string;
  readonly question?: string;
}

/** How far the trajectory has come. */
export type TraceEnd =
  | { readonly state: 'live' }
  | { readonly state: 'stopped' }
  /** A fork that has not come to its end. */
  | { readonly state: 'paused' }
  | { readonly state: 'finished'; readonly summary?: string }
  | { readonly state: 'failed'; readonly reason: string; readonly message: string };

/** Where a note, or one agent's part of it, stands in the text. Lines count from 0. */
export interface TraceSpan {
  /** Index of the note in the list that was rendered. */
  readonly note: number;
  readonly step: number;
  readonly agent: string;
  readonly kind: TraceNote['kind'];
  readonly line: number;
  readonly endLine: number;
}

export interface TraceText {
  readonly text: string;
  readonly spans: readonly TraceSpan[];
}

export const agentTitles: Readonly<Record<string, string>> = {
  plan: 'Plan agent',
  tool: 'Tool agent',
  reflect: 'Reflect agent',
  meta: 'Meta agent',
  judge: 'Judge agent',
  environment: 'Environment',
};

const labels: Readonly<Record<TraceNote['kind'], string>> = {
  thought: 'Thought',
  action: 'Action',
  observation: 'Observation',
  reflection: 'Reflection',
  verdict: 'Verdict',
  answer: 'Answer',
  halt: 'Halted',
  plan: 'Plan',
  message: 'Message',
  accepted: 'Accepted',
  dropped: 'Dropped',
  selected: 'Selected',
};

/** Name of a role as the trace shows it. Roles are open (critics, voters, …), so unknown ones are spelled out. */
export function agentTitle(role: string): string {
  const known = Object.hasOwn(agentTitles, role) ? agentTitles[role] : undefined;
  if (known !== undefined) return known;
  // Cut without a word about it, which would not read as a heading.
  const name = Array.from(visibleLine(role.trim() || 'unnamed'))
    .slice(0, 40)
    .join('')
    .trim();
  return `${name.charAt(0).toUpperCase()}${name.slice(1)} agent`;
}

function remark(note: TraceNote): string {
  const parts: string[] = [];
  if (note.parse === 'repaired') parts.push('repaired');
  if (note.parse === 'failed') parts.push('not readable');
  if (note.reason !== undefined && note.reason !== '') parts.push(visibleLine(note.reason, 200));
  // The outline finds a remark's end by its bracket.
  return parts.length === 0 ? '' : ` (${parts.join(': ').replaceAll('(', '[').replaceAll(')', ']')})`;
}

function body(note: TraceNote): string {
  if (note.text !== '' || note.tool === undefined) return note.text;
  return note.argument === undefined ? note.tool : `${note.tool}[${note.argument}]`;
}

/** One agent's part of a note. */
interface Part {
  readonly role: string;
  readonly label: string;
  readonly text: string;
}

/**
 * In group planning the plan agent names the tool and the tool agent writes its argument (paper section 2.4), which the
 * method notes as one action; a reader should see who did what.
 */
function partsOf(note: TraceNote): Part[] {
  if (note.kind === 'action' && note.role === 'plan' && note.tool !== undefined && note.argument !== undefined) {
    const remarked = remark(note);
    return [
      { role: 'plan', label: `Action${remarked}`, text: note.tool },
      { role: 'tool', label: 'Argument', text: note.argument },
    ];
  }
  return [{ role: note.role, label: `${labels[note.kind]}${remark(note)}`, text: body(note) }];
}

/** More lines than this of one text are not shown: a page of a million lines would freeze what shows it. */
const maxLines = 5000;

function partLines(part: Part): string[] {
  const texts = visible(part.text).split('\n');
  const first = texts[0] ?? '';
  const lines = [cutLine(`  ${part.label}:${first === '' ? '' : ` ${first}`}`)];
  for (const text of texts.slice(1, maxLines)) lines.push(cutLine(`    ${text}`));
  if (texts.length > maxLines)
    lines.push(`     … [cut here: ${(texts.length - maxLines).toLocaleString('en-US')} more lines]`);
  return lines;
}

export function endLine(end: TraceEnd): string {
  switch (end.state) {
    case 'live':
      return '... running: the next answer is pending';
    case 'stopped':
      return '... the run stopped here; resume it to go on';
    case 'paused':
      return '... the plan stands here; it goes on in the debugger';
    case 'finished':
      return end.summary === undefined ? '=== End' : `=== End: ${visibleLine(end.summary, 400)}`;
    case 'failed':
      return `=== Not finished (${visibleLine(end.reason, 80)}): ${visibleLine(end.message, 400)}`;
  }
}

export function headerLines(header: TraceHeader): string[] {
  const lines = [`AutoAct trace: ${visibleLine(header.item, 400)}`];
  if (header.run !== '') lines.push(`Run: ${visibleLine(header.run, 200)}`);
  if (header.file !== undefined) lines.push(`File: ${visibleLine(header.file, 400)}`);
  if (header.task !== undefined) lines.push(`Task: ${visibleLine(header.task, 200)}`);
  if (header.question !== undefined) lines.push(`Question: ${visibleLine(header.question)}`);
  return lines;
}

/**
 * Appends a note's lines, with a heading where another agent than `role` acts.
 * @returns the role that acted last
 */
export function pushNote(
  lines: string[],
  spans: TraceSpan[],
  note: TraceNote,
  index: number,
  role: string | undefined,
): string | undefined {
  let last = role;
  for (const part of partsOf(note)) {
    if (part.role !== last) {
      last = part.role;
      lines.push(agentTitle(part.role));
    }
    const line = lines.length;
    lines.push(...partLines(part));
    spans.push({
      note: index,
      step: note.step,
      agent: agentTitle(part.role),
      kind: note.kind,
      line,
      endLine: lines.length - 1,
    });
  }
  return last;
}

/**
 * Renders a trajectory from its notes in order. Pure: the same notes give the same bytes, and more notes give a text
 * that begins with the shorter one up to its last line.
 */
export function renderTrace(header: TraceHeader, notes: readonly TraceNote[], end: TraceEnd): TraceText {
  const lines = [...headerLines(header), ''];
  const spans: TraceSpan[] = [];
  let step: number | undefined;
  let role: string | undefined;
  notes.forEach((note, index) => {
    if (note.step !== step) {
      step = note.step;
      role = undefined;
      if (step > 0) lines.push(`=== Step ${step}`);
    }
    role = pushNote(lines, spans, note, index, role);
  });
  lines.push(endLine(end), '');
  return { text: lines.join('\n'), spans };
}
