import { setTimeout as sleep } from 'node:timers/promises';
import { ToolError } from '../../core/tools/toolError.ts';

/** How a tool asks a server that its configuration names. No other host is ever asked. */
export interface WebRequest {
  /** What the server is called in messages. */
  readonly name: string;
  readonly url: URL;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutSeconds: number;
  readonly maxBytes?: number;
  /** Wait before the second try, in milliseconds; doubled for the third. */
  readonly retryDelayMs?: number;
}

export interface WebAnswer {
  readonly contentType: string;
  readonly body: Buffer;
}

const defaultMaxBytes = 4 * 2 ** 20;
const maxRedirects = 3;
const attempts = 3;
const longestWaitMs = 30_000;

/**
 * Asks with a time limit, a size limit and a few tries for what passes by itself (busy, unavailable, no connection).
 * Redirects are followed within the host alone, so that neither a key nor a request can be led elsewhere.
 * @throws ToolError
 */
export async function askWeb(request: WebRequest, signal: AbortSignal): Promise<WebAnswer> {
  let delay = request.retryDelayMs ?? 500;
  for (let attempt = 1; ; attempt++) {
    try {
      return await once(request, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Passing) || attempt === attempts) throw error instanceof Passing ? error.error : error;
      await sleep(Math.min(error.waitMs ?? delay, longestWaitMs), undefined, { signal });
      delay *= 2;
    }
  }
}

/** The same for JSON. @throws ToolError `bad-response` when it is none */
export async function askJson(request: WebRequest, signal: AbortSignal): Promise<unknown> {
  const { body, contentType } = await askWeb(
    { ...request, headers: { accept: 'application/json', ...request.headers } },
    signal,
  );
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    throw new ToolError(
      'bad-response',
      `${request.name} answered no JSON but ${contentType === '' ? 'something unnamed' : contentType}.`,
      'See whether its address in the task card is that of its API.',
    );
  }
}

/** Worth another try. */
class Passing extends Error {
  readonly error: ToolError;
  readonly waitMs: number | undefined;

  constructor(error: ToolError, waitMs?: number) {
    super(error.message);
    this.error = error;
    this.waitMs = waitMs;
  }
}

async function once(request: WebRequest, signal: AbortSignal): Promise<WebAnswer> {
  const limit = AbortSignal.timeout(request.timeoutSeconds * 1000);
  const both = AbortSignal.any([signal, limit]);
  try {
    let url = request.url;
    for (let hops = 0; ; hops++) {
      const response = await fetch(url, {
        method: request.method ?? 'GET',
        ...(request.headers === undefined ? {} : { headers: request.headers }),
        ...(request.body === undefined ? {} : { body: request.body }),
        redirect: 'manual',
        signal: both,
      });
      if (response.status < 300 || response.status >= 400) return await read(request, response);
      await response.body?.cancel();
      url = redirectOf(request, url, response, hops);
    }
  } catch (error) {
    if (error instanceof ToolError || error instanceof Passing || signal.aborted) throw error;
    if (limit.aborted)
      throw new ToolError(
        'timeout',
        `${request.name} did not answer within ${request.timeoutSeconds} s.`,
        'Raise timeoutSeconds of the tool, or resume the run later.',
      );
    throw new Passing(
      new ToolError(
        'unreachable',
        `${request.name} at ${request.url.host} cannot be reached: ${causeOf(error)}.`,
        'Start it, or correct its address in the task card; then resume the run.',
        { cause: error },
      ),
    );
  }
}

function redirectOf(request: WebRequest, from: URL, response: Response, hops: number): URL {
  const refuse = (why: string): ToolError =>
    new ToolError('bad-response', `${request.name} ${why}.`, 'Correct its address in the task card.');
  const location = response.headers.get('location');
  if (location === null || !URL.canParse(location, from.href)) throw refuse('redirects nowhere');
  if (hops >= maxRedirects) throw refuse(`redirects more than ${maxRedirects} times`);
  if ((request.method ?? 'GET') !== 'GET') throw refuse('redirects a request that may only be sent once');
  const to = new URL(location, from.href);
  if (to.origin !== request.url.origin) throw refuse(`redirects to ${to.origin}, which the task card does not name`);
  return to;
}

async function read(request: WebRequest, response: Response): Promise<WebAnswer> {
  if (!response.ok) {
    await response.body?.cancel();
    throw statusError(request, response);
  }
  const limit = request.maxBytes ?? defaultMaxBytes;
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += part.length;
    if (size > limit)
      throw new ToolError('bad-response', `${request.name} answered more than ${limit} bytes.`, 'Ask for less.');
    parts.push(part);
  }
  return { contentType: response.headers.get('content-type') ?? '', body: Buffer.concat(parts) };
}

function statusError(request: WebRequest, { status, headers }: Response): ToolError | Passing {
  const said = `${request.name} answered ${status}`;
  if (status === 401 || status === 403)
    return new ToolError('auth', `${said}: it does not take the key.`, 'Set the key that the task card names.');
  if (status === 429)
    return new Passing(
      new ToolError('rate-limit', `${said}: too many requests.`, 'Lower the concurrency, or resume the run later.'),
      retryAfterMs(headers),
    );
  if (status >= 500)
    return new Passing(
      new ToolError('unreachable', `${said} several times.`, 'Resume the run when it is up again.'),
      retryAfterMs(headers),
    );
  return new ToolError('bad-response', `${said}.`, 'See whether its address and options in the task card are right.');
}

/** Seconds or a date, as HTTP has it. */
function retryAfterMs(headers: Headers): number | undefined {
  const text = headers.get('retry-after');
  if (text === null) return undefined;
  const seconds = Number(text);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(text) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}
