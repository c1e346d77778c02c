import type { TraceNote } from '../run/request.ts';
import { visibleLine } from './visible.ts';

/** Where a text occurs in a trajectory. */
export interface TextHit {
  readonly note: number;
  readonly step: number;
  readonly kind: TraceNote['kind'];
  /** Some words around it, safe to show. */
  readonly snippet: string;
}

const around = 40;

/** The first note that holds the text, whatever its case. An empty text is found nowhere. */
export function findInNotes(notes: readonly TraceNote[], text: string): TextHit | undefined {
  if (text === '') return undefined;
  for (const [index, note] of notes.entries()) {
    const where = `${note.text}${note.argument === undefined ? '' : ` ${note.tool ?? ''}[${note.argument}]`}`;
    const at = where.toLowerCase().indexOf(text);
    if (at >= 0) return { note: index, step: note.step, kind: note.kind, snippet: snippetOf(where, at, text.length) };
  }
  return undefined;
}

export function snippetOf(text: string, at: number, length: number): string {
  const start = Math.max(0, at - around);
  const end = Math.min(text.length, at + length + around);
  return visibleLine(`${start > 0 ? '…' : ''}${text.slice(start, end)}${end < text.length ? '…' : ''}`, 300);
}
