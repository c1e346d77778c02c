import { APIConnectionError, APIConnectionTimeoutError, APIError } from 'openai';
import { ServerError } from '../../core/ports/models.ts';
import { BodyTooLarge } from './httpFetch.ts';
import { UnreadableBody } from './readAnswer.ts';

/** What a failed try says about the server, which decides what is done about it. */
export type FailureKind =
  /** Too much was asked of it: wait as it says, ask less. */
  | 'busy'
  /** No connection, a lost one, no answer in time, or a 5xx: the server may be down, or this request may be its ruin. */
  | 'outage'
  /** It answered, and the answer cannot be used. */
  | 'garbled'
  /** Asking again is pointless. */
  | 'final';

/** One try that failed. `error` is what the caller is told when there is no other try. */
export class TryFailure extends Error {
  override readonly name = 'TryFailure';
  readonly kind: FailureKind;
  readonly error: ServerError;
  readonly retryAfterMs: number | undefined;
  /** Text with which a server refused the request (400 and 422). */
  readonly complaint: string | undefined;

  constructor(kind: FailureKind, error: ServerError, more: { retryAfterMs?: number; complaint?: string } = {}) {
    super(error.message, { cause: error });
    this.kind = kind;
    this.error = error;
    this.retryAfterMs = more.retryAfterMs;
    this.complaint = more.complaint;
  }
}

export interface Whose {
  /** As the user calls it, for messages. */
  readonly name: string;
  readonly baseURL: string;
  /** Never logged, never part of a message. */
  readonly apiKey: string;
  readonly timeoutSeconds: number;
}

export function describeFailure(error: unknown, model: string, whose: Whose): TryFailure {
  const where = `Server "${whose.name}" (${withoutCredentials(whose.baseURL)})`;
  if (error instanceof APIConnectionTimeoutError || (error instanceof DOMException && error.name === 'TimeoutError'))
    return new TryFailure(
      'outage',
      new ServerError(
        'timeout',
        `${where} did not answer within ${whose.timeoutSeconds} s.`,
        'Raise its timeoutSeconds, or lower its concurrency.',
      ),
    );
  const unreadable = bodyProblem(error);
  if (unreadable !== undefined)
    return new TryFailure(
      'garbled',
      new ServerError(
        'bad-response',
        `${where} sent an answer that cannot be read: ${unreadable}.`,
        'Check that the address ends in /v1 and belongs to an OpenAI-compatible server.',
      ),
    );
  if (error instanceof APIError && !(error instanceof APIConnectionError))
    return describeStatus(error as APIError, where, model, whose.apiKey);
  return new TryFailure(
    'outage',
    new ServerError(
      'unreachable',
      `${where} cannot be reached.`,
      'Start it, or correct its address in the settings, then resume the run.',
    ),
  );
}

/** The package hands on what its fetch threw as a cause. */
function bodyProblem(error: unknown): string | undefined {
  const cause = error instanceof APIConnectionError ? error.cause : error;
  return cause instanceof UnreadableBody || cause instanceof BodyTooLarge ? cause.message : undefined;
}

function describeStatus(error: APIError, where: string, model: string, key: string): TryFailure {
  const status: number | undefined = error.status;
  // Bodies can echo the request with its key: only a short text without the key is shown.
  const detail = error.message.replaceAll(key === '' ? '\u0000' : key, '…').slice(0, 300);
  const final = (reason: ServerError['reason'], message: string, remedy?: string): TryFailure =>
    new TryFailure('final', new ServerError(reason, message, remedy), { complaint: detail });
  const wait = retryAfter(error.headers);
  const more = wait === undefined ? {} : { retryAfterMs: wait };
  if (status === 401 || status === 403)
    return final('auth', `${where} refuses the key (${status}).`, 'Set the right key for this server.');
  if (status === 404 || status === 405)
    return final(
      'no-model',
      `${where} does not know the model "${model}" or has no completions (${status}): ${detail}`,
      'List its models with: autoact doctor. For a chat-only server set "api": "chat".',
    );
  if (status === 429 && error.code === 'insufficient_quota')
    return final('auth', `${where} says that the quota of this key is used up.`, 'Add credit, then resume the run.');
  if (status === 429)
    return new TryFailure(
      'busy',
      new ServerError('rate-limit', `${where} limits the rate (429).`, 'Lower its concurrency, then resume the run.'),
      more,
    );
  if (error.code === 'context_length_exceeded' || /context.{0,20}(length|size|window)/i.test(detail))
    return final(
      'context-length',
      `${where}: the prompt does not fit the context: ${detail}`,
      'Lower maxPromptChars, or serve the model with a longer context.',
    );
  if (status === 503)
    return new TryFailure('busy', new ServerError('server', `${where} is overloaded (503): ${detail}`), more);
  if (status === 408 || status === 409 || (status !== undefined && status >= 500))
    return new TryFailure('outage', new ServerError('server', `${where} failed ${status}: ${detail}`), more);
  if (status !== undefined && status >= 300 && status < 400)
    return final(
      'no-model',
      `${where} redirects to another address (${status}).`,
      'Give that address as its baseURL: a key is sent to no other than the one that was named.',
    );
  return final('bad-request', `${where} refuses the request (${status ?? 'no status'}): ${detail}`);
}

/** `Retry-After` in seconds or as a date, or the finer `retry-after-ms`, in milliseconds. */
export function retryAfter(headers: Headers | undefined): number | undefined {
  const ms = Number.parseFloat(headers?.get('retry-after-ms') ?? '');
  if (Number.isFinite(ms)) return clampWait(ms);
  const text = headers?.get('retry-after');
  if (text === null || text === undefined || text.trim() === '') return undefined;
  const seconds = Number(text);
  if (Number.isFinite(seconds)) return clampWait(seconds * 1000);
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : clampWait(date - Date.now());
}

/** A server may ask for patience, not for a day of it. */
const longestWaitMs = 120_000;
function clampWait(ms: number): number {
  return Math.min(Math.max(ms, 0), longestWaitMs);
}

export function withoutCredentials(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//');
}
