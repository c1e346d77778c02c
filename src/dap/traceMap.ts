import type { Player } from '../core/debug/player.ts';
import type { TraceNote } from '../core/run/request.ts';
import type { ShownSpan } from '../core/debug/launch.ts';
import { renderTrace, type TraceHeader, type TraceSpan, type TraceText } from '../core/trajectory/traceText.ts';

/** Lines of a trace's document, counting from 0, and the notes that stand in them. */
export interface TraceMap {
  readonly text: string;
  readonly spans: readonly TraceSpan[];
  readonly notes: readonly TraceNote[];
  /** First line of the note with this index; the last line when it is not there yet. */
  lineOf(note: number): number;
  /** Heading of a step; the document's first line when it has none. */
  lineOfStep(step: number): number;
}

/** @param shown where the parts stand in the document that is shown, where that is not this text */
export function mapTrace(header: TraceHeader, notes: readonly TraceNote[], shown?: readonly ShownSpan[]): TraceMap {
  const rendered: TraceText = renderTrace(header, notes, { state: 'live' });
  const spans = shown === undefined ? rendered.spans : placed(rendered.spans, shown);
  const first = new Map<number, number>();
  for (const span of spans) if (!first.has(span.note)) first.set(span.note, span.line);
  const steps = new Map<number, number>();
  // Above the first part of a step stand its heading and its agent's.
  for (const { step, line } of spans) if (!steps.has(step)) steps.set(step, Math.max(0, line - 2));
  // The text ends with a line feed, so its last line is the one before.
  const last = shown === undefined ? rendered.text.split('\n').length - 2 : (shown.at(-1)?.endLine ?? -1) + 1;
  return {
    text: rendered.text,
    spans,
    notes,
    lineOf: (note) => first.get(note) ?? last,
    lineOfStep: (step) => steps.get(step) ?? 0,
  };
}

/**
 * The spans of the notes, at the lines of the document that is shown. A part that it does not show (a stored trajectory
 * leaves out what says the same twice) stands where the next part of its step does, or else where the one before does.
 */
function placed(spans: readonly TraceSpan[], shown: readonly ShownSpan[]): TraceSpan[] {
  const keyOf = ({ step, agent, kind }: ShownSpan): string => `${step} ${kind} ${agent}`;
  const waiting = new Map<string, ShownSpan[]>();
  for (const one of shown) waiting.set(keyOf(one), [...(waiting.get(keyOf(one)) ?? []), one]);
  const found = spans.map((span) => waiting.get(keyOf(span))?.shift());
  return spans.map((span, i) => {
    const inStep = (at: number): ShownSpan | undefined => (spans[at]?.step === span.step ? found[at] : undefined);
    let place = found[i];
    for (let away = 1; place === undefined && away < spans.length; away++) place = inStep(i + away) ?? inStep(i - away);
    place ??= shown.findLast(({ step }) => step <= span.step);
    return { ...span, line: place?.line ?? 0, endLine: place?.endLine ?? 0 };
  });
}

/** The line at which a player stands: a model is asked for the next note, a tool by the last action. */
export function lineNow(player: Player, map: TraceMap): number {
  const { site, noteIndex } = player;
  if (site.phase === 'end') return map.lineOf(Number.MAX_SAFE_INTEGER);
  const requests = site.phase === 'answered' ? site.parts.map(({ request }) => request) : [];
  const [request] = site.phase === 'asked' ? site.requests : requests;
  if (request?.kind === 'tool' && noteIndex > 0) return map.lineOf(noteIndex - 1);
  return map.lineOf(noteIndex);
}
