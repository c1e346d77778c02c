import type { Answer, CompletionRequest, Request, TraceNote } from './request.ts';

/** One line of `log.jsonl`; see ARCHITECTURE.md for the format. `t` is milliseconds since 1970. */
export type LogEntry = AnswerEntry | NoteEntry | FailureEntry | ResultEntry | EventEntry;

export interface AnswerEntry {
  readonly t: number;
  readonly item: string;
  readonly i: string;
  readonly hash: string;
  /** A completion's purpose, or the tool that was called. */
  readonly label: string;
  /** Milliseconds that the server or tool took. */
  readonly ms: number;
  /** What was asked: for a completion, how much of the item's previous prompt it keeps and what it adds. */
  readonly asked: AskedCompletion | AskedTool;
  readonly answer: Exclude<Answer, { kind: 'noted' }>;
  /** In the log of a fork: where the answer came from, when it is not the recording that was forked. */
  readonly origin?: 'edited' | 'given' | 'cached' | 'live' | 'resampled';
}
export interface AskedCompletion {
  readonly role: string;
  readonly model?: string;
  readonly keep: number;
  readonly tail: string;
  readonly seed: number;
  readonly temperature: number;
}
export interface AskedTool {
  readonly tool: string;
  readonly argument: string;
}
export interface NoteEntry {
  readonly t: number;
  readonly item: string;
  readonly i: string;
  readonly hash: string;
  readonly label: string;
  readonly note: TraceNote;
}
export interface FailureEntry {
  readonly t: number;
  readonly item: string;
  readonly failed: { readonly reason: string; readonly message: string };
}
export interface ResultEntry {
  readonly t: number;
  readonly item: string;
  readonly result: unknown;
}
/** Something that happened to the run as a whole: started, resumed, cancelled, a stage done. */
export interface EventEntry {
  readonly t: number;
  readonly item: 'run';
  readonly event: string;
  readonly detail?: unknown;
}

export function isAnswer(entry: LogEntry): entry is AnswerEntry | NoteEntry {
  return 'answer' in entry || 'note' in entry;
}

/**
 * What makes a request the same request. The seed is part of it, so that two samples never share an answer; the role is,
 * the server's address is not, so that a run can go on when its server has moved.
 */
export function requestIdentity(request: Request): string {
  switch (request.kind) {
    case 'complete': {
      const s = request.sampling;
      return JSON.stringify([
        'complete',
        request.role,
        request.prompt,
        request.stop,
        request.maxTokens,
        s.temperature,
        s.topP,
        s.topK,
        s.seed,
      ]);
    }
    case 'tool':
      return JSON.stringify(['tool', request.tool, request.argument, request.state]);
    case 'note':
      return JSON.stringify(['note', request.note]);
  }
}

/** Describes a completion request relative to the item's previous prompt, so that a log grows with new text only. */
export function describeAsked(request: CompletionRequest, previousPrompt: string): AskedCompletion {
  const limit = Math.min(previousPrompt.length, request.prompt.length);
  let keep = 0;
  while (keep < limit && previousPrompt.charCodeAt(keep) === request.prompt.charCodeAt(keep)) keep++;
  return {
    role: request.role,
    keep,
    tail: request.prompt.slice(keep),
    seed: request.sampling.seed,
    temperature: request.sampling.temperature,
  };
}

/** Restores the full prompts of an item's completions from its entries in log order, keyed by entry index. */
export function restorePrompts(entries: readonly LogEntry[]): Map<string, string> {
  const prompts = new Map<string, string>();
  let previous = '';
  for (const entry of entries) {
    if (!('asked' in entry) || !('keep' in entry.asked)) continue;
    previous = previous.slice(0, entry.asked.keep) + entry.asked.tail;
    prompts.set(entry.i, previous);
  }
  return prompts;
}
