import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

/** An answer of the size of a book is no completion. */
export const largestBody = 64 * 2 ** 20;

/** What the body of a larger answer is refused with. */
export class BodyTooLarge extends Error {
  override readonly name = 'BodyTooLarge';
}

/** A response whose body has been read; no stream is made of it, which would cost more than all the rest of a call. */
class ReadResponse extends Response {
  readonly #bytes: Buffer;

  constructor(bytes: Buffer, init: ResponseInit) {
    super(null, init);
    this.#bytes = bytes;
  }

  override readonly bytes = () => Promise.resolve(new Uint8Array(this.#bytes));
  override readonly text = () => Promise.resolve(this.#bytes.toString('utf8'));
  override readonly json = () => this.text().then((text) => JSON.parse(text) as unknown);
}

/** Connections are kept for the next request; how many are open is decided by who asks. */
const agents = { keepAlive: true, scheduling: 'lifo' } as const;

/**
 * `fetch` for a client of model servers, over Node's own HTTP: a third of the processor time of the built-in one, which
 * besides gives up on an answer that takes more than 300 seconds to begin. The whole body is read before it resolves, so
 * the signal covers it. Redirects are not followed: a key goes to the address that was named and to no other.
 * @returns the fetch, and what closes its connections
 */
export function httpFetch(): { readonly fetch: typeof globalThis.fetch; close(): void } {
  const http = new HttpAgent(agents);
  const https = new HttpsAgent(agents);
  const send = (url: URL, options: RequestOptions, body: string | undefined, again: boolean): Promise<Response> =>
    new Promise((resolve, reject) => {
      const secure = url.protocol === 'https:';
      const request = (secure ? httpsRequest : httpRequest)(
        url,
        { ...options, agent: secure ? https : http },
        (response) => {
          readAll(response).then(
            (bytes) => {
              resolve(toResponse(bytes, response));
            },
            (error: unknown) => {
              request.destroy();
              reject(error instanceof Error ? error : new Error(String(error)));
            },
          );
        },
      );
      request.on('error', (error) => {
        // The server closed a kept connection just as it was used again: it has not seen the request.
        if (again && request.reusedSocket && 'code' in error && error.code === 'ECONNRESET')
          send(url, options, body, false).then(resolve, reject);
        else reject(error);
      });
      request.end(body);
    });
  return {
    fetch: (input, init = {}) => {
      if (input instanceof Request || (init.body !== undefined && init.body !== null && typeof init.body !== 'string'))
        return Promise.reject(new TypeError('Only an address and text can be sent.'));
      const { method = 'GET', headers, signal, body } = init;
      if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
      const options: RequestOptions = {
        method,
        headers: plainHeaders(headers, body ?? undefined),
        ...(signal === undefined || signal === null ? {} : { signal }),
      };
      return send(new URL(input), options, body ?? undefined, true);
    },
    close: () => {
      http.destroy();
      https.destroy();
    },
  };
}

function plainHeaders(headers: RequestInit['headers'], body: string | undefined): Record<string, string> {
  const plain: Record<string, string> = {};
  for (const [name, value] of new Headers(headers)) plain[name] = value;
  // Known before, the length goes out with the head in one write.
  if (body !== undefined) plain['content-length'] = String(Buffer.byteLength(body));
  // What is compressed has to be unpacked again, and a completion is short.
  plain['accept-encoding'] = 'identity';
  return plain;
}

async function readAll(response: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    response.on('data', (part: Buffer) => {
      size += part.length;
      if (size > largestBody) reject(new BodyTooLarge(`its body is larger than ${largestBody / 2 ** 20} MB`));
      else parts.push(part);
    });
    response.on('end', () => {
      resolve(parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts));
    });
    response.on('error', reject);
    response.on('aborted', () => {
      reject(new Error('The connection was lost within the answer.'));
    });
  });
}

function toResponse(bytes: Buffer, { statusCode = 502, statusMessage = '', headers }: IncomingMessage): Response {
  const kept = new Headers();
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined) kept.set(name, Array.isArray(value) ? value.join(', ') : value);
  // A status that no response can have is a server that fails.
  const status = statusCode >= 200 && statusCode <= 599 ? statusCode : 502;
  return new ReadResponse(bytes, {
    status,
    statusText: /^[\t\x20-\x7e]*$/.test(statusMessage) ? statusMessage : '',
    headers: kept,
  });
}
