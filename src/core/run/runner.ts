import type {
  Answer,
  CompletionAnswer,
  CompletionRequest,
  Method,
  Request,
  ToolAnswer,
  ToolRequest,
} from './request.ts';
import { describeAsked, isAnswer, requestIdentity, type AnswerEntry, type LogEntry, type NoteEntry } from './log.ts';
import { isThenable, RunError } from './runError.ts';

/** Work on one question, instance or round. `key` names it for good: resume finds its answers by it. */
export interface Item<R> {
  readonly key: string;
  start(): Method<R>;
}

/** Who answers. Both reject with an error that has a `reason`; `fatal` in it stops the whole stage. */
export interface Drivers {
  complete(
    request: CompletionRequest,
    signal: AbortSignal,
    item: string,
  ): Promise<CompletionAnswer & { readonly model?: string }>;
  call(request: ToolRequest, signal: AbortSignal): Promise<ToolAnswer>;
  /** The item is over, however it ended, and asks nothing more. */
  ended?(item: string): void;
}

/** The run's log as the runner needs it. `append` resolves when the entry is written; nothing is used before. */
export interface RunLog {
  entries(item: string): readonly LogEntry[];
  append(entry: LogEntry): Promise<void> | void;
}

export type Outcome<R> =
  | { readonly state: 'done'; readonly result: R; readonly replayed: boolean }
  | { readonly state: 'failed'; readonly reason: string; readonly message: string };

export interface RunnerOptions<R> {
  readonly items: readonly Item<R>[];
  readonly drivers: Drivers;
  readonly log: RunLog;
  /** Items that are under way at once. */
  readonly concurrency: number;
  readonly signal: AbortSignal;
  readonly now: () => number;
  /** SHA-256 in hexadecimal. */
  readonly hash: (text: string) => string;
  readonly onOutcome?: (key: string, outcome: Outcome<R>) => void;
}

/**
 * Drives many generators at once. An item whose answers are in the log is fed from there first and goes on live where
 * the log ends, so nothing is asked twice.
 * @throws the signal's reason when cancelled; the first fatal driver error; RunError `log-mismatch` when a logged answer
 * belongs to another request (prompts or settings were changed under the run).
 */
export async function runItems<R>(options: RunnerOptions<R>): Promise<Map<string, Outcome<R>>> {
  const outcomes = new Map<string, Outcome<R>>();
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  let next = 0;
  let fatal: { readonly error: unknown } | undefined;
  const worker = async (): Promise<void> => {
    for (;;) {
      const item = options.items[next++];
      if (item === undefined || signal.aborted) return;
      try {
        const outcome = await runItem(item, options, signal);
        outcomes.set(item.key, outcome);
        options.onOutcome?.(item.key, outcome);
      } catch (error) {
        fatal ??= { error };
        stop.abort(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.concurrency, options.items.length) }, worker));
  options.signal.throwIfAborted();
  if (fatal !== undefined) throw fatal.error instanceof Error ? fatal.error : new Error(String(fatal.error));
  return outcomes;
}

async function runItem<R>(item: Item<R>, options: RunnerOptions<R>, signal: AbortSignal): Promise<Outcome<R>> {
  const logged = options.log.entries(item.key);
  const recorded = new Map<string, AnswerEntry | NoteEntry>();
  let previousPrompt = '';
  let finished = false;
  for (const entry of logged) {
    if (isAnswer(entry)) recorded.set(entry.i, entry);
    else if ('result' in entry) finished = true;
    if ('asked' in entry && 'keep' in entry.asked)
      previousPrompt = previousPrompt.slice(0, entry.asked.keep) + entry.asked.tail;
  }
  const method = item.start();

  const answerOne = (request: Request, i: string): Answer | Promise<Answer> => {
    const hash = options.hash(requestIdentity(request));
    const known = recorded.get(i);
    if (known !== undefined) {
      if (known.hash !== hash) {
        throw new RunError(
          'log-mismatch',
          `The log of "${item.key}" does not fit request ${i}: the prompts, the task or the settings have changed since it was written. Start a new run, or restore them.`,
        );
      }
      return 'answer' in known ? known.answer : { kind: 'noted' };
    }
    if (request.kind === 'note') {
      const written = options.log.append({
        t: options.now(),
        item: item.key,
        i,
        hash,
        label: request.note.kind,
        note: request.note,
      });
      return isThenable(written) ? written.then(() => ({ kind: 'noted' })) : { kind: 'noted' };
    }
    return askLive(request, i, hash);
  };

  const askLive = async (request: CompletionRequest | ToolRequest, i: string, hash: string): Promise<Answer> => {
    signal.throwIfAborted();
    const began = options.now();
    if (request.kind === 'tool') {
      const answer = await options.drivers.call(request, signal);
      const asked = { tool: request.tool, argument: request.argument };
      const t = options.now();
      await options.log.append({ t, item: item.key, i, hash, label: request.tool, ms: t - began, asked, answer });
      return answer;
    }
    const { model, ...answer } = await options.drivers.complete(request, signal, item.key);
    const t = options.now();
    const asked = { ...describeAsked(request, previousPrompt), ...(model === undefined ? {} : { model }) };
    previousPrompt = request.prompt;
    await options.log.append({ t, item: item.key, i, hash, label: request.purpose, ms: t - began, asked, answer });
    return answer;
  };

  try {
    let index = 0;
    let turn = method.next();
    while (!turn.done) {
      const request = turn.value;
      const i = String(index++);
      let answer: Answer | readonly Answer[];
      if (isRequestList(request)) {
        answer = await Promise.all(request.map(async (part, k) => answerOne(part, `${i}.${k}`)));
      } else {
        const one = answerOne(request, i);
        answer = isThenable(one) ? await one : one;
      }
      turn = method.next(answer);
    }
    if (!finished) await options.log.append({ t: options.now(), item: item.key, result: turn.value });
    return { state: 'done', result: turn.value, replayed: finished };
  } catch (error) {
    method.return(undefined as never);
    if (signal.aborted || RunError.is(error, 'log-mismatch') || isFatal(error)) throw error;
    const failed = { reason: reasonOf(error), message: error instanceof Error ? error.message : String(error) };
    await options.log.append({ t: options.now(), item: item.key, failed });
    return { state: 'failed', ...failed };
  } finally {
    options.drivers.ended?.(item.key);
  }
}

export function isRequestList(request: Request | readonly Request[]): request is readonly Request[] {
  return Array.isArray(request);
}

function isFatal(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'fatal' in error && error.fatal === true;
}

function reasonOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'reason' in error && typeof error.reason === 'string')
    return error.reason;
  return 'internal';
}
