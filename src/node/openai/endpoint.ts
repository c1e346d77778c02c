import OpenAI, { APIUserAbortError } from 'openai';
import type { CompletionAnswer, CompletionRequest } from '../../core/run/request.ts';
import { asCompletion, requestBody, type Dialect } from './dialect.ts';
import { describeFailure, TryFailure, type Whose } from './failures.ts';
import { httpFetch } from './httpFetch.ts';
import { isRecord, readAnswer, readJson } from './readAnswer.ts';

/** What a hosted service says about its rate limit beside an answer. */
export interface RateNote {
  /** Requests that are left, and milliseconds until there are more. */
  readonly remaining: number;
  readonly resetMs: number;
}

/** One address that is asked once a call; policies (waiting, asking again, holding back) are the caller's. */
export interface Endpoint {
  /** @throws TryFailure; the signal's reason when cancelled */
  ask(model: string, request: CompletionRequest, dialect: Dialect, signal: AbortSignal): Promise<Told>;
  /** Whether the server answers at all, whatever it says. Never rejects unless cancelled. */
  alive(signal: AbortSignal): Promise<boolean>;
}

export interface Told {
  readonly answer: CompletionAnswer;
  readonly rate?: RateNote;
}

export interface ListedModel {
  readonly id: string;
  /** What the server says beside the name: `root`, `max_model_len`, `owned_by`. */
  readonly card: Readonly<Record<string, unknown>>;
}

/** One for all servers: its connections are by address. */
const http = httpFetch();

const aliveTimeoutMs = 5000;
const largestPage = 4 * 2 ** 20;

/** An OpenAI-compatible server over HTTP, through the `openai` package. */
export class HttpEndpoint implements Endpoint {
  readonly whose: Whose;
  readonly #client: OpenAI;

  constructor(whose: Whose) {
    this.whose = whose;
    this.#client = new OpenAI({
      baseURL: whose.baseURL,
      apiKey: whose.apiKey === '' ? 'none' : whose.apiKey,
      timeout: whose.timeoutSeconds * 1000,
      maxRetries: 0,
      fetch: http.fetch,
    });
  }

  async ask(model: string, request: CompletionRequest, dialect: Dialect, signal: AbortSignal): Promise<Told> {
    signal.throwIfAborted();
    const { path, body } = requestBody(model, request, dialect);
    // The package's own timeout ends with the headers; a body that never ends must not hold up a run either.
    const inTime = AbortSignal.timeout(this.whose.timeoutSeconds * 1000);
    try {
      const response = await this.#client.post(path, { body, signal: AbortSignal.any([signal, inTime]) }).asResponse();
      const answer = asCompletion(readAnswer(await readJson(response), dialect.api), request, dialect);
      const rate = rateNote(response.headers);
      return rate === undefined ? { answer } : { answer, rate };
    } catch (error) {
      throw this.#failure(error, model, signal, inTime);
    }
  }

  /** Any request of the protocol, with what was answered as it came. @throws TryFailure */
  async post(path: string, body: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<unknown> {
    const inTime = AbortSignal.timeout(this.whose.timeoutSeconds * 1000);
    try {
      return await readJson(
        await this.#client.post(path, { body, signal: AbortSignal.any([signal, inTime]) }).asResponse(),
      );
    } catch (error) {
      throw this.#failure(error, typeof body['model'] === 'string' ? body['model'] : '', signal, inTime);
    }
  }

  /** A page of the server beside the protocol: `/metrics`, `/props`; undefined where there is none. */
  async page(path: string, signal: AbortSignal): Promise<string | undefined> {
    signal.throwIfAborted();
    try {
      const root = this.whose.baseURL.replace(/\/+$/, '').replace(/\/v1$/, '');
      const response = await fetch(`${root}${path}`, {
        headers: { authorization: `Bearer ${this.whose.apiKey}` },
        redirect: 'error',
        signal: AbortSignal.any([signal, AbortSignal.timeout(aliveTimeoutMs)]),
      });
      if (response.ok) return await beginning(response, largestPage);
      await response.body?.cancel();
    } catch {
      signal.throwIfAborted();
    }
    return undefined;
  }

  async alive(signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    try {
      const inTime = AbortSignal.any([signal, AbortSignal.timeout(aliveTimeoutMs)]);
      const response = await fetch(`${this.whose.baseURL.replace(/\/+$/, '')}/models`, {
        headers: { authorization: `Bearer ${this.whose.apiKey}` },
        signal: inTime,
      });
      await response.body?.cancel();
      return response.status < 500;
    } catch {
      signal.throwIfAborted();
      return false;
    }
  }

  /** Models that the server lists. @throws TryFailure */
  async models(signal: AbortSignal): Promise<ListedModel[]> {
    const inTime = AbortSignal.timeout(Math.min(this.whose.timeoutSeconds, 30) * 1000);
    try {
      const response = await this.#client.get('/models', { signal: AbortSignal.any([signal, inTime]) }).asResponse();
      const page = await readJson(response);
      const data: unknown = isRecord(page) ? page['data'] : undefined;
      return (Array.isArray(data) ? (data as unknown[]) : []).flatMap((card) =>
        isRecord(card) && typeof card['id'] === 'string' ? [{ id: card['id'], card }] : [],
      );
    } catch (error) {
      throw this.#failure(error, '', signal, inTime);
    }
  }

  #failure(error: unknown, model: string, signal: AbortSignal, inTime: AbortSignal): unknown {
    if (signal.aborted) return signal.reason;
    if (error instanceof TryFailure) return error;
    if (inTime.aborted) return describeFailure(inTime.reason, model, this.whose);
    return error instanceof APIUserAbortError ? (signal.reason ?? error) : describeFailure(error, model, this.whose);
  }
}

/** The rest is neither waited for nor unpacked: a page may have no end, or weigh far less than what it unpacks to. */
async function beginning(response: Response, bytes: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    parts.push(part);
    size += part.length;
    if (size >= bytes) break;
  }
  return Buffer.concat(parts).subarray(0, bytes).toString('utf8');
}

function rateNote(headers: Headers): RateNote | undefined {
  const remaining = headers.get('x-ratelimit-remaining-requests');
  const reset = headers.get('x-ratelimit-reset-requests');
  if (remaining === null || reset === null) return undefined;
  const left = Number(remaining);
  const resetMs = durationMs(reset);
  return Number.isFinite(left) && resetMs !== undefined ? { remaining: left, resetMs } : undefined;
}

/** Reads "1m30s", "250ms", "0.5" (seconds) as hosted services write them. */
function durationMs(text: string): number | undefined {
  const plain = Number(text);
  if (Number.isFinite(plain)) return plain * 1000;
  const factor = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
  let total = 0;
  let matched = 0;
  for (const part of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
    total += Number(part[1]) * factor[part[2] as keyof typeof factor];
    matched += part[0].length;
  }
  return matched === text.length && matched > 0 ? total : undefined;
}
