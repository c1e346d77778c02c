import { restorePrompts } from '../run/log.ts';
import type { LogEntry } from '../run/log.ts';

/** What stands behind a note of a trace: the requests that were answered before it was written. */
export interface RequestDetail {
  /** Index of the request in its item, as the log has it. */
  readonly i: string;
  /** Milliseconds. */
  readonly ms: number;
  /** Raw, as it came back. */
  readonly answer: string;
  readonly asked:
    | {
        readonly kind: 'completion';
        readonly purpose: string;
        readonly role: string;
        readonly model: string | undefined;
        readonly temperature: number;
        readonly seed: number;
        readonly prompt: string;
        readonly promptTokens: number;
        readonly completionTokens: number;
        readonly finish: string;
      }
    | { readonly kind: 'tool'; readonly tool: string; readonly argument: string; readonly outcome: string };
}

export interface StepCost {
  readonly calls: number;
  readonly tokens: number;
  readonly ms: number;
}

export interface TraceDetails {
  /** By the note's index among the item's notes. */
  readonly ofNote: readonly (readonly RequestDetail[])[];
  readonly ofStep: ReadonlyMap<number, StepCost>;
  readonly total: StepCost;
}

/** Reads an item's entries in log order. */
export function traceDetails(entries: readonly LogEntry[]): TraceDetails {
  const prompts = restorePrompts(entries);
  const ofNote: RequestDetail[][] = [];
  const ofStep = new Map<number, StepCost>();
  let total: StepCost = { calls: 0, tokens: 0, ms: 0 };
  let pending: RequestDetail[] = [];
  for (const entry of entries) {
    if ('note' in entry) {
      ofNote.push(pending);
      const before = ofStep.get(entry.note.step);
      const cost = pending.reduce(addCost, before ?? { calls: 0, tokens: 0, ms: 0 });
      if (before !== undefined || pending.length > 0) ofStep.set(entry.note.step, cost);
      total = pending.reduce(addCost, total);
      pending = [];
    } else if ('answer' in entry) {
      const { asked, answer } = entry;
      const common = { i: entry.i, ms: entry.ms, answer: answer.text };
      if ('tool' in asked)
        pending.push({
          ...common,
          asked: { kind: 'tool', ...asked, outcome: 'outcome' in answer ? answer.outcome : 'unknown' },
        });
      else
        pending.push({
          ...common,
          asked: {
            kind: 'completion',
            purpose: entry.label,
            role: asked.role,
            model: asked.model,
            temperature: asked.temperature,
            seed: asked.seed,
            prompt: prompts.get(entry.i) ?? '',
            promptTokens: 'usage' in answer ? answer.usage.promptTokens : 0,
            completionTokens: 'usage' in answer ? answer.usage.completionTokens : 0,
            finish: 'finish' in answer ? answer.finish : 'unknown',
          },
        });
    }
  }
  return { ofNote, ofStep, total };
}

function addCost(cost: StepCost, { ms, asked }: RequestDetail): StepCost {
  const tokens = asked.kind === 'completion' ? asked.promptTokens + asked.completionTokens : 0;
  return { calls: cost.calls + 1, tokens: cost.tokens + tokens, ms: cost.ms + ms };
}

/** `3 calls, 1,240 tokens, 0.42 s` */
export function costText({ calls, tokens, ms }: StepCost): string {
  const parts = [`${calls} ${calls === 1 ? 'call' : 'calls'}`];
  if (tokens > 0) parts.push(`${tokens.toLocaleString('en-US')} tokens`);
  parts.push(ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);
  return parts.join(', ');
}
