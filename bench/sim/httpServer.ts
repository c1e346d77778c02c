/**
 * The simulated server over HTTP, in a process of its own: `node bench/sim/httpServer.ts`, told by its parent's message
 * which preset to play. OpenAI's completions and chat, `/metrics` in vLLM's names, `/props` and `/slots` in llama.cpp's,
 * `/tokenize`; faults as W4 has them. A step that comes late is made up for, so that a busy machine does not slow the
 * model down; a run in which it had to do that for long is void, see {@link Report}.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRandom } from '../../src/core/run/random.ts';
import { SimEngine, tokensOf, type Done, type EngineClock } from './engine.ts';
import { presets, type Preset } from './presets.ts';
import { RateLimit } from './rateLimit.ts';

/** Shares of requests, and one outage, in milliseconds after the first request. */
export interface Faults {
  readonly unavailable: number;
  readonly hang: number;
  readonly torn: number;
  readonly outage?: { readonly from: number; readonly until: number };
}

export interface Start {
  readonly preset: string;
  readonly faults?: Faults;
}

/** What the server says at the end, at GET /report. */
export interface Report {
  readonly calls: number;
  readonly prefilled: number;
  readonly decoded: number;
  readonly cpuMs: number;
  /** Milliseconds by which the latest step was late. */
  readonly latest: number;
}

class RealClock implements EngineClock {
  latest = 0;
  #nominal: number | undefined;

  now(): number {
    return this.#nominal ?? performance.now();
  }

  at(time: number, go: () => void): void {
    const run = (): void => {
      this.latest = Math.max(this.latest, performance.now() - time);
      this.#nominal = time;
      try {
        go();
      } finally {
        this.#nominal = undefined;
      }
    };
    const wait = time - performance.now();
    if (wait <= 0) setImmediate(run);
    else setTimeout(run, wait);
  }
}

if (process.send !== undefined && process.argv[1] === import.meta.filename)
  process.once('message', (message) => serve(message as Start));

function serve({ preset: name, faults }: Start): void {
  const preset = presets[name] as Preset;
  const clock = new RealClock();
  const engine = new SimEngine(preset.engine, clock);
  const random = createRandom('faults');
  const limit =
    preset.requestsPerMinute === undefined
      ? undefined
      : new RateLimit(preset.requestsPerMinute, { now: () => performance.now() });
  let first: number | undefined;
  const cpu = process.cpuUsage();

  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    void answer(request, response).catch(() => response.destroy());
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const json = (status: number, body: unknown, headers: Record<string, string> = {}): void => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
    };
    if (first !== undefined && inOutage(performance.now() - first)) {
      request.socket.destroy();
      return;
    }
    if (request.method === 'GET') {
      const page = pageOf(request.url ?? '');
      if (page === undefined) json(404, { error: { message: 'not found' } });
      else response.end(page);
      return;
    }
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = JSON.parse(Buffer.concat(parts).toString()) as Record<string, unknown>;
    if (request.url === '/tokenize') {
      json(200, { count: tokensOf(String(body['prompt'])) });
      return;
    }
    first ??= performance.now();
    const chance = faults === undefined ? 1 : random.next();
    const { unavailable = 0, hang = 0, torn = 0 } = faults ?? {};
    if (chance < unavailable) {
      json(503, { error: { message: 'overloaded' } });
      return;
    }
    if (chance < unavailable + hang) return;
    const wait = limit?.take() ?? 0;
    if (wait > 0) {
      json(429, { error: { message: 'rate limit' } }, { 'retry-after-ms': String(wait) });
      return;
    }
    const chat = request.url === '/v1/chat/completions';
    const messages = body['messages'] as { content: string }[] | undefined;
    const prompt = chat ? (messages ?? []).map((m) => m.content).join('') : String(body['prompt']);
    const n = Number(body['n'] ?? 1);
    const gone = { is: false };
    response.on('close', () => (gone.is = true));
    const model = String(body['model']);
    const done = await Promise.all(
      Array.from({ length: n }, (_, i) =>
        engine.ask(model, prompt, Number(body['max_tokens'] ?? 16), Number(body['seed'] ?? 0) + i, () => gone.is),
      ),
    );
    const text = JSON.stringify(reply(model, done, chat));
    response.setHeader('content-type', 'application/json');
    if (chance < unavailable + hang + torn) response.end(text.slice(0, text.length / 2));
    else response.end(text);
  }

  function inOutage(sinceFirst: number): boolean {
    const outage = faults?.outage;
    return outage !== undefined && sinceFirst >= outage.from && sinceFirst < outage.until;
  }

  function pageOf(url: string): string | undefined {
    if (url === '/v1/models')
      return JSON.stringify({
        object: 'list',
        data: ['base', 'plan', 'tool', 'reflect'].map((id) => ({
          id,
          object: 'model',
          ...(id === 'base' ? {} : { parent: 'base' }),
        })),
      });
    if (url === '/metrics' && preset.tells.kvTokens !== undefined)
      return [
        `vllm:cache_config_info{block_size="16",num_gpu_blocks="${preset.tells.kvTokens / 16}"} 1.0`,
        `vllm:num_requests_running ${engine.running}`,
        `vllm:num_requests_waiting ${engine.waiting}`,
        `vllm:kv_cache_usage_perc ${engine.usage}`,
        '',
      ].join('\n');
    if (url === '/props' && preset.tells.slots !== undefined)
      return JSON.stringify({ total_slots: preset.tells.slots, default_generation_settings: { n_ctx: 4096 } });
    if (url === '/report') {
      const { user, system } = process.cpuUsage(cpu);
      const report: Report = {
        calls: engine.calls,
        prefilled: engine.prefilled,
        decoded: engine.decoded,
        cpuMs: (user + system) / 1000,
        latest: clock.latest,
      };
      return JSON.stringify(report);
    }
    return undefined;
  }

  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
}

function reply(model: string, done: readonly Done[], chat: boolean): unknown {
  const sum = (part: 'promptTokens' | 'cachedTokens' | 'completionTokens'): number =>
    done.reduce((all, one) => all + one[part], 0);
  return {
    id: 'sim',
    object: chat ? 'chat.completion' : 'text_completion',
    created: 0,
    model,
    choices: done.map(({ text }, index) => ({
      index,
      ...(chat ? { message: { role: 'assistant', content: text } } : { text }),
      finish_reason: 'length',
    })),
    usage: {
      prompt_tokens: done[0]?.promptTokens ?? 0,
      completion_tokens: sum('completionTokens'),
      total_tokens: (done[0]?.promptTokens ?? 0) + sum('completionTokens'),
      prompt_tokens_details: { cached_tokens: done[0]?.cachedTokens ?? 0 },
    },
  };
}
