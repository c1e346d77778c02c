import type { TraceNote } from '../run/request.ts';
import { DebugError } from './debugError.ts';
import type { Call, Moment } from './path.ts';
import type { Origin, Take } from './tape.ts';

/** What of a step can be edited. `answer` is the raw answer of a model or a tool, while the method waits for it. */
export const editableFields = ['text', 'tool', 'argument', 'answer'] as const;
export type EditableField = (typeof editableFields)[number];

export interface Producer {
  readonly position: number;
  readonly part: number;
}

/**
 * Finds the answer that a note was made from. A method is not asked how it reads answers: among those since the last
 * note, the one that has the text in it is taken.
 * @throws DebugError `not-editable` when the loop itself has written the note
 */
export function producerOf(passed: readonly Moment[], note: TraceNote, field: EditableField): Producer {
  const wanted = note.kind === 'observation' ? 'tool' : 'complete';
  const found: (Producer & { readonly text: string })[] = [];
  for (let position = passed.length - 1; position >= 0; position--) {
    const parts = passed[position]?.parts ?? [];
    if (parts.some(({ request }) => request.kind === 'note') && (found.length > 0 || wanted === 'tool')) break;
    for (const [part, { request, take }] of parts.entries())
      if (request.kind === wanted && take !== undefined) found.push({ position, part, text: take.answer.text });
  }
  const old = oldText(note, field);
  // The tool is named before its argument is written.
  const ordered = field === 'tool' ? found.reverse() : found;
  const producer = ordered.find(({ text }) => old !== '' && text.includes(old)) ?? ordered[0];
  if (producer === undefined)
    throw new DebugError(
      'not-editable',
      `The loop itself has written this ${note.kind}; edit the thought or the action before it.`,
    );
  return producer;
}

function oldText(note: TraceNote, field: EditableField): string {
  if (field === 'tool') return note.tool ?? '';
  if (field === 'argument') return note.argument ?? '';
  return note.text;
}

/** The raw answer with one thing in it replaced. */
export function completionEdit(raw: string, field: EditableField, note: TraceNote, value: string): string {
  const old = oldText(note, field);
  const at = field === 'tool' ? raw.indexOf(old) : raw.lastIndexOf(old);
  if (old !== '' && at >= 0) return raw.slice(0, at) + value + raw.slice(at + old.length);
  if (note.kind === 'observation') return value;
  const bracket = raw.indexOf('[');
  if (field === 'tool') return ` ${value}${bracket < 0 ? '' : raw.slice(bracket)}`;
  if (field === 'argument') return bracket < 0 ? `${value}]` : `${raw.slice(0, bracket + 1)}${value}]`;
  return ` ${value}`;
}

/** The answer that a person gives instead of one that was known, or where none was. */
export function changedTake(request: Call, known: Take | undefined, text: string, hash: string): Take {
  const origin: Origin = known === undefined ? 'given' : 'edited';
  const answer: Take['answer'] =
    request.kind === 'tool'
      ? ({ kind: 'observation', outcome: 'hit', state: request.state, ...known?.answer, text } as Take['answer'])
      : ({
          kind: 'completion',
          finish: 'stop',
          usage: { promptTokens: 0, completionTokens: 0 },
          ...known?.answer,
          text,
        } as Take['answer']);
  return {
    answer,
    hash,
    label: request.kind === 'tool' ? request.tool : request.purpose,
    role: request.kind === 'tool' ? undefined : request.role,
    argument: request.kind === 'tool' ? request.argument : undefined,
    ms: known?.ms ?? 0,
    model: known?.model,
    origin,
  };
}
