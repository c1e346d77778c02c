import type { ServerResponse } from 'node:http';
import { ApiError } from './apiError.ts';

/** One HTTP answer: JSON, or server-sent events; knows when the client has gone. */
export class Reply {
  readonly id: string;
  readonly signal: AbortSignal;
  private readonly response: ServerResponse;
  constructor(response: ServerResponse, id: string) {
    this.response = response;
    this.id = id;
    const controller = new AbortController();
    this.signal = controller.signal;
    response.on('close', () => {
      if (!response.writableEnded) controller.abort(new Error('the client closed the connection'));
    });
  }

  json(value: unknown, status = 200): void {
    const body = JSON.stringify(value);
    this.response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
    this.response.end(body);
  }

  event(value: unknown): void {
    if (this.signal.aborted) return;
    if (!this.response.headersSent)
      this.response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    this.response.write(`data: ${JSON.stringify(value)}\n\n`);
  }

  done(): void {
    if (this.signal.aborted) return;
    this.response.end('data: [DONE]\n\n');
  }

  error(error: unknown): void {
    if (this.signal.aborted) return;
    const shown =
      error instanceof ApiError ? error : new ApiError(500, error instanceof Error ? error.message : String(error));
    if (this.response.headersSent) {
      // Too late for a status: OpenAI's clients raise an error event of a stream.
      this.response.end(`data: ${shown.body()}\n\n`);
      return;
    }
    const body = shown.body();
    this.response.writeHead(shown.status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      ...(shown.status === 401 && { 'www-authenticate': 'Bearer' }),
    });
    this.response.end(body);
  }
}
