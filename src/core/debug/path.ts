import { describeAsked, requestIdentity, type LogEntry } from '../run/log.ts';
import type { Answer, Request, TraceNote } from '../run/request.ts';
import type { Fit, Take } from './tape.ts';

export type Call = Exclude<Request, { kind: 'note' }>;

/** A part of a turn that has been answered; a note has no take. */
export interface Part {
  readonly i: string;
  readonly request: Request;
  readonly take?: Take;
  /** Whether the answer was given to this very request. */
  readonly fit?: Fit;
}

/** What a method asked at one point and what it was answered: one request, or several together. */
export interface Moment {
  readonly parts: readonly Part[];
  readonly list: boolean;
}

/** What waits at a position: a note that was just made, a question before and after it is answered, or the end. */
export type Site =
  | { readonly phase: 'note'; readonly position: number; readonly note: TraceNote }
  | { readonly phase: 'asked'; readonly position: number; readonly requests: readonly Request[] }
  | { readonly phase: 'answered'; readonly position: number; readonly parts: readonly Part[] }
  | { readonly phase: 'end'; readonly position: number; readonly result: unknown };

export function indexOf(position: number, list: boolean, part: number): string {
  return list ? `${position}.${part}` : String(position);
}

export function answerTo(part: Part): Answer {
  return part.take === undefined ? { kind: 'noted' } : part.take.answer;
}

export function notesOf(parts: readonly Pick<Part, 'request'>[]): TraceNote[] {
  return parts.flatMap(({ request }) => (request.kind === 'note' ? [request.note] : []));
}

/** How many notes were made before a position. */
export function notesBefore(moments: readonly Moment[], position: number): number {
  let count = 0;
  for (const { parts } of moments.slice(0, position))
    for (const { request } of parts) if (request.kind === 'note') count++;
  return count;
}

/** Writes moments as a run's log has them, so that a fork is read, shown and replayed like any trajectory. */
export class EntryWriter {
  #prompt = '';
  readonly #item: string;
  readonly #now: () => number;
  readonly #hash: (text: string) => string;

  constructor(item: string, now: () => number, hash: (text: string) => string) {
    this.#item = item;
    this.#now = now;
    this.#hash = hash;
  }

  entries(parts: readonly Part[]): LogEntry[] {
    return parts.map((part) => this.#entry(part));
  }

  #entry({ i, request, take }: Part): LogEntry {
    const base = { t: this.#now(), item: this.#item, i };
    const hash = this.#hash(requestIdentity(request));
    if (request.kind === 'note') return { ...base, hash, label: request.note.kind, note: request.note };
    if (take === undefined) throw new TypeError(`Request ${i} has no answer.`);
    const { answer, ms, model } = take;
    const origin = take.origin === 'recorded' ? {} : { origin: take.origin };
    if (request.kind === 'tool') {
      const asked = { tool: request.tool, argument: request.argument };
      return { ...base, hash, label: request.tool, ms, asked, answer, ...origin };
    }
    const asked = { ...describeAsked(request, this.#prompt), ...(model === undefined ? {} : { model }) };
    this.#prompt = request.prompt;
    return { ...base, hash, label: request.purpose, ms, asked, answer, ...origin };
  }
}

export function callText(request: Request): string {
  switch (request.kind) {
    case 'tool':
      return `${request.tool}[${request.argument}]`;
    case 'complete':
      return `${request.role} (${request.purpose})`;
    case 'note':
      return request.note.kind;
  }
}
