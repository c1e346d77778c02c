import { restorePrompts, type AnswerEntry, type LogEntry, type NoteEntry } from '../run/log.ts';
import type { Method, Request } from '../run/request.ts';

/**
 * A generator that asks what a log says was asked, whatever method or stage that was. It cannot react to other answers
 * than the recorded ones; it is what is debugged when the method cannot be started again.
 */
export function* recordedMethod(entries: readonly LogEntry[]): Method<unknown> {
  const prompts = restorePrompts(entries);
  const turns = new Map<number, { readonly list: boolean; readonly requests: Request[] }>();
  let result: unknown;
  for (const entry of entries) {
    if ('result' in entry) result = entry.result;
    if (!('i' in entry)) continue;
    const [turn = '', part] = entry.i.split('.');
    const known = turns.get(Number(turn)) ?? { list: part !== undefined, requests: [] };
    known.requests.push(requestOf(entry, prompts));
    turns.set(Number(turn), known);
  }
  for (const [, { list, requests }] of [...turns].sort(([a], [b]) => a - b)) {
    const [first] = requests;
    if (list) yield requests;
    else if (first !== undefined) yield first;
  }
  return result;
}

function requestOf(entry: AnswerEntry | NoteEntry, prompts: ReadonlyMap<string, string>): Request {
  if ('note' in entry) return { kind: 'note', note: entry.note };
  const { asked } = entry;
  if ('tool' in asked) return { kind: 'tool', tool: asked.tool, argument: asked.argument, state: {} };
  return {
    kind: 'complete',
    role: asked.role,
    purpose: entry.label,
    prompt: prompts.get(entry.i) ?? '',
    stop: [],
    maxTokens: 0,
    sampling: { temperature: asked.temperature, topP: 1, topK: 0, seed: asked.seed },
  };
}
