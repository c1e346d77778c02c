import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cutAtStops } from '../../src/node/openai/dialect.ts';

export interface Asked {
  readonly prompt: string;
  readonly seed: number;
  readonly model: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface RawReply {
  readonly status: number;
  readonly body: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}
/** Text is a completion; a reset closes the connection, a hang never answers, what stalls never ends its answer. */
export type Reply = string | RawReply | { readonly fault: 'reset' | 'hang' | 'stalled' };
export const reset: Reply = { fault: 'reset' };
export const hang: Reply = { fault: 'hang' };
export const stalled: Reply = { fault: 'stalled' };

/** An OpenAI-compatible server for tests: answers from a function, counts what it is asked. */
export class CompletionServer {
  readonly asked: Asked[] = [];
  models: readonly Readonly<Record<string, unknown>>[] = [{ id: 'base' }];
  /** What it says beside the protocol: /metrics, /props, … */
  chatOnly = false;
  /** Loses every connection. */
  down = false;
  pages: Readonly<Record<string, string>> = {};
  readonly #server: Server;
  #delayMs = 0;

  constructor(reply: (asked: Asked, count: number) => Reply) {
    this.#server = createServer((request, response) => {
      void this.#serve(request, response, reply);
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((ready) => this.#server.listen(0, '127.0.0.1', ready));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  delay(ms: number): this {
    this.#delayMs = ms;
    return this;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  async #serve(
    request: IncomingMessage,
    response: ServerResponse,
    reply: (asked: Asked, count: number) => Reply,
  ): Promise<void> {
    if (this.down) {
      request.socket.destroy();
      return;
    }
    if (request.url === '/v1/models') {
      response
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify({ object: 'list', data: this.models.map((card) => ({ object: 'model', ...card })) }));
      return;
    }
    if (request.method === 'GET') {
      const page = this.pages[request.url ?? ''];
      response.writeHead(page === undefined ? 404 : 200).end(page ?? '{}');
      return;
    }
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const body = JSON.parse(text) as {
      prompt?: string;
      messages?: { content: string }[];
      seed: number;
      model: string;
      stop?: string[];
    };
    if (this.chatOnly && body.messages === undefined) {
      response.writeHead(404).end('{"error":{"message":"no such path"}}');
      return;
    }
    const asked: Asked = {
      prompt: body.prompt ?? body.messages?.[0]?.content ?? '',
      seed: body.seed,
      model: body.model,
      body,
    };
    this.asked.push(asked);
    const answer = reply(asked, this.asked.length);
    if (this.#delayMs > 0) await new Promise((go) => setTimeout(go, this.#delayMs));
    if (typeof answer === 'object' && 'fault' in answer) {
      if (answer.fault === 'reset') request.socket.destroy();
      else if (answer.fault === 'stalled') response.writeHead(200).write('{"choices":[{"text":"');
      return;
    }
    if (typeof answer !== 'string') {
      response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers }).end(answer.body);
      return;
    }
    const said = body.messages === undefined ? cutAtStops(answer, body.stop ?? []) : answer;
    const choice =
      body.messages === undefined
        ? { index: 0, text: said, finish_reason: 'stop' }
        : { index: 0, message: { role: 'assistant', content: said }, finish_reason: 'stop' };
    response.setHeader('content-type', 'application/json').end(
      JSON.stringify({
        id: 'c',
        object: 'text_completion',
        created: 0,
        model: body.model,
        choices: [choice],
        usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
      }),
    );
  }
}

/** Answers group planning so that every question takes two steps. */
export function plannerReply({ prompt }: Asked): string {
  const history = prompt.slice(prompt.lastIndexOf('Question:'));
  if (/Thought:$/.test(prompt)) return ' I think about it.';
  if (/Action: \w+\[$/.test(prompt)) return 'Mira Torvel]';
  if (history.includes('The answer is noted. Judge')) return ' Reflect[right]';
  return history.includes('Observation:') ? ' Finish' : ' Retrieve';
}
