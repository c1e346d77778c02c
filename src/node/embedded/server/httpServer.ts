import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { EngineError } from '../engineErrors.ts';
import type { ModelHost } from '../inference/modelHost.ts';
import { ApiError } from './apiError.ts';
import { chat, type ChatFormat } from './chat.ts';
import { complete } from './completions.ts';
import { parseChat, parseCompletion, parseLoadAdapter, parseTokenize, parseUnloadAdapter } from './parameters.ts';
import { Reply } from './reply.ts';

const LARGEST_BODY = 32 * 2 ** 20;

export interface ServerOptions {
  readonly host: ModelHost;
  readonly chatFormat: ChatFormat;
  readonly apiKey: string;
}

/** The HTTP face of a loaded model; the caller makes it listen. */
export function createApiServer({ host, chatFormat, apiKey }: ServerOptions): Server {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const expected = digest(`Bearer ${apiKey}`);
  const authorize = (request: IncomingMessage): void => {
    // Digests have one length, so the comparison takes the same time whatever was sent.
    if (!timingSafeEqual(digest(request.headers.authorization ?? ''), expected))
      throw new ApiError(
        401,
        'Incorrect API key provided: send the key that the embedded server was started with as a Bearer token.',
        { code: 'invalid_api_key' },
      );
  };
  const server = createServer({ keepAliveTimeout: 600_000, noDelay: true }, (request, response) => {
    const reply = new Reply(response, randomUUID());
    route(request, reply).catch((error: unknown) => reply.error(error));
  });

  async function route(request: IncomingMessage, reply: Reply): Promise<void> {
    const path = (request.url ?? '').split('?')[0];
    const method = request.method ?? '';
    if (method === 'GET' && path === '/health') {
      reply.json({ status: 'ok' });
      return;
    }
    authorize(request);
    switch (`${method} ${path ?? ''}`) {
      case 'GET /v1/models': {
        reply.json({ object: 'list', data: host.names.map((id) => modelCard(host, id)) });
        return;
      }
      case 'POST /v1/completions':
        return complete(host, parseCompletion(await readJson(request)), reply);
      case 'POST /v1/chat/completions':
        return chat(host, chatFormat, parseChat(await readJson(request)), reply);
      case 'POST /tokenize': {
        const body = parseTokenize(await readJson(request));
        const tokens = host.tokenize(body.prompt, body.add_special_tokens ?? true);
        reply.json({ tokens, count: tokens.length, max_model_len: host.contextSize });
        return;
      }
      case 'POST /v1/load_lora_adapter': {
        const { lora_name: name, lora_path: file } = parseLoadAdapter(await readJson(request));
        try {
          await host.addAdapter(name, file);
        } catch (error) {
          if (EngineError.is(error)) throw new ApiError(400, error.message, { code: error.reason });
          throw error;
        }
        reply.json({ status: 'ok', message: `LoRA adapter '${name}' added.` });
        return;
      }
      case 'POST /v1/unload_lora_adapter': {
        const { lora_name: name } = parseUnloadAdapter(await readJson(request));
        if (!(await host.removeAdapter(name)))
          throw new ApiError(404, `There is no LoRA adapter '${name}'; served: ${host.names.join(', ')}.`, {
            code: 'model_not_found',
          });
        reply.json({ status: 'ok', message: `LoRA adapter '${name}' removed.` });
        return;
      }
      default:
        throw new ApiError(404, `Unknown request ${method} ${path ?? ''}.`, { code: 'unknown_url' });
    }
  }
  return server;
}

function modelCard(host: ModelHost, id: string): Record<string, unknown> {
  const adapter = host.adapterPath(id);
  return {
    id,
    object: 'model',
    created: 0,
    owned_by: 'autoact',
    max_model_len: host.contextSize,
    ...(adapter !== undefined && { root: adapter }),
  };
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    parts.push(part as Buffer);
    size += (part as Buffer).length;
    if (size > LARGEST_BODY) throw new ApiError(413, `The request body exceeds ${String(LARGEST_BODY)} bytes.`);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch {
    throw new ApiError(400, 'The request body is not valid JSON.');
  }
}
