import type {
  Answer,
  CompletionAnswer,
  CompletionRequest,
  Method,
  NoteRequest,
  Request,
  ToolAnswer,
  ToolRequest,
  TraceNote,
} from './request.ts';

/**
 * Typed ways for a method to yield. `const answer = yield* ask({...})` gives a CompletionAnswer; the driver that
 * answers with another kind has a fault, and says so at the request.
 */
type Yielded<R> = Generator<Request | readonly Request[], R, Answer | readonly Answer[]>;

export function* ask(request: Omit<CompletionRequest, 'kind'>): Yielded<CompletionAnswer> {
  return expectCompletion(yield { kind: 'complete', ...request });
}

/** Asks several completions together; the answers come in the same order. */
export function* askAll(requests: readonly Omit<CompletionRequest, 'kind'>[]): Yielded<CompletionAnswer[]> {
  if (requests.length === 0) return [];
  const answers = yield requests.map((request) => ({ kind: 'complete' as const, ...request }));
  if (!Array.isArray(answers)) throw new TypeError('The driver answered a list of requests with one answer.');
  return (answers as readonly Answer[]).map(expectCompletion);
}

export function* call(request: Omit<ToolRequest, 'kind'>): Yielded<ToolAnswer> {
  const answer = yield { kind: 'tool', ...request };
  if (!('kind' in answer) || answer.kind !== 'observation')
    throw new TypeError(`The driver gave no observation for ${request.tool}.`);
  return answer;
}

export function* note(trace: TraceNote): Yielded<void> {
  const request: NoteRequest = { kind: 'note', note: trace };
  yield request;
}

function expectCompletion(answer: Answer | readonly Answer[]): CompletionAnswer {
  if (!('kind' in answer) || answer.kind !== 'completion')
    throw new TypeError('The driver gave no completion for a completion request.');
  return answer;
}

export type { Method };
