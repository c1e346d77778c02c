import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HttpAsked {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface HttpReply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is when it is text or bytes, else as JSON. */
  readonly body?: unknown;
  /** Accept the request and never answer. */
  readonly hang?: boolean;
}

/** A web server for tests: answers from a function and remembers what it was asked. */
export class JsonServer {
  readonly asked: HttpAsked[] = [];
  readonly #server: Server;

  constructor(reply: (asked: HttpAsked, count: number) => HttpReply) {
    this.#server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const url = new URL(request.url ?? '/', 'http://double');
        const asked: HttpAsked = {
          method: request.method ?? '',
          path: url.pathname,
          query: Object.fromEntries(url.searchParams),
          headers: request.headers,
          body: Buffer.concat(parts).toString('utf8'),
        };
        this.asked.push(asked);
        const { status = 200, headers = {}, body = '', hang = false } = reply(asked, this.asked.length);
        if (hang) return;
        const raw = typeof body === 'string' || Buffer.isBuffer(body);
        response.writeHead(status, { 'content-type': raw ? 'text/html' : 'application/json', ...headers });
        response.end(raw ? body : JSON.stringify(body));
      });
    });
  }

  /** Resolves with the server's origin, such as `http://127.0.0.1:40123`. */
  async start(): Promise<string> {
    await new Promise<void>((ready) => this.#server.listen(0, '127.0.0.1', ready));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }
}
