import OpenAI, { APIConnectionError, APIConnectionTimeoutError, APIError, APIUserAbortError } from 'openai';
import pLimit from 'p-limit';
import { ServerError } from '../../core/ports/models.ts';
import type { CompletionAnswer, CompletionRequest } from '../../core/run/request.ts';

export interface ModelServerOptions {
  /** As the user calls it, for messages. */
  readonly name: string;
  readonly baseURL: string;
  /** Never logged, never part of an error message. */
  readonly apiKey: string;
  readonly api: 'completions' | 'chat';
  readonly concurrency: number;
  readonly timeoutSeconds: number;
  readonly sendTopK: boolean;
  /** Tries after the first, for transient trouble; the package waits with jitter and honours Retry-After. */
  readonly retries?: number;
}

/** One OpenAI-compatible server: vLLM, SGLang, llama.cpp, Ollama, hosted, or the embedded engine. */
export class ModelServer {
  readonly #options: ModelServerOptions;
  readonly #client: OpenAI;
  readonly #limit: ReturnType<typeof pLimit>;

  constructor(options: ModelServerOptions) {
    this.#options = options;
    this.#limit = pLimit(options.concurrency);
    this.#client = new OpenAI({
      baseURL: options.baseURL,
      apiKey: options.apiKey === '' ? 'none' : options.apiKey,
      timeout: options.timeoutSeconds * 1000,
      maxRetries: options.retries ?? 4,
    });
  }

  /** @throws ServerError */
  complete(model: string, request: CompletionRequest, signal: AbortSignal): Promise<CompletionAnswer> {
    return this.#limit(async () => {
      signal.throwIfAborted();
      try {
        return this.#options.api === 'completions'
          ? await this.#completions(model, request, signal)
          : await this.#chat(model, request, signal);
      } catch (error) {
        throw this.#explain(error, model, signal);
      }
    });
  }

  /** Names of the models that the server lists. @throws ServerError */
  async models(signal: AbortSignal): Promise<string[]> {
    try {
      const page = await this.#client.models.list({ signal, maxRetries: 1 });
      return page.data.map((m) => m.id);
    } catch (error) {
      throw this.#explain(error, '', signal);
    }
  }

  async #completions(model: string, request: CompletionRequest, signal: AbortSignal): Promise<CompletionAnswer> {
    const response: unknown = await this.#client.completions.create(
      { model, prompt: request.prompt, stream: false, ...this.#sampling(request) },
      { signal },
    );
    return readAnswer(this.#options.name, response, (choice) => choice['text']);
  }

  /** Chat servers get the whole text as one message; they often go on past the stop, so the answer is cut here too. */
  async #chat(model: string, request: CompletionRequest, signal: AbortSignal): Promise<CompletionAnswer> {
    // A chat model starts its answer on a line of its own; a stop at a line's end would end it before it began.
    const stop = request.stop.filter((s) => !s.startsWith('\n'));
    const response: unknown = await this.#client.chat.completions.create(
      {
        model,
        messages: [{ role: 'user', content: request.prompt }],
        stream: false,
        ...this.#sampling({ ...request, stop }),
      },
      { signal },
    );
    const answer = readAnswer(this.#options.name, response, (choice) =>
      isRecord(choice['message']) ? choice['message']['content'] : undefined,
    );
    return { ...answer, text: cutAtStops(answer.text.replace(/^\s+/, ''), request.stop) };
  }

  #sampling(request: CompletionRequest) {
    const { temperature, topP, topK, seed } = request.sampling;
    return {
      max_tokens: request.maxTokens,
      ...(request.stop.length === 0 ? {} : { stop: [...request.stop] }),
      temperature,
      top_p: topP,
      seed,
      ...(this.#options.sendTopK && topK > 0 ? { top_k: topK } : {}),
    };
  }

  #explain(error: unknown, model: string, signal: AbortSignal): unknown {
    if (signal.aborted || error instanceof APIUserAbortError) return signal.reason ?? error;
    if (error instanceof ServerError) return error;
    const { name, baseURL, timeoutSeconds } = this.#options;
    const where = `Server "${name}" (${withoutCredentials(baseURL)})`;
    if (error instanceof APIConnectionTimeoutError)
      return new ServerError(
        'timeout',
        `${where} did not answer within ${timeoutSeconds} s, after retries.`,
        'Raise its timeoutSeconds, or lower its concurrency.',
      );
    if (error instanceof APIConnectionError && name === 'embedded')
      return new ServerError(
        'engine',
        'The embedded engine stopped while it was answering.',
        'Resume the run: the engine is started anew, and nothing that was answered is lost.',
      );
    if (error instanceof APIConnectionError)
      return new ServerError(
        'unreachable',
        `${where} cannot be reached.`,
        'Start it, or correct its address in the settings, then resume the run.',
      );
    if (error instanceof APIError) return this.#explainStatus(error as APIError, where, model);
    return new ServerError(
      'bad-response',
      `${where} sent an answer that cannot be read: ${error instanceof Error ? error.message.slice(0, 200) : 'unknown'}.`,
      'Check that the address ends in /v1 and belongs to an OpenAI-compatible server.',
    );
  }

  #explainStatus(error: APIError, where: string, model: string): ServerError {
    const status: number | undefined = error.status;
    // Bodies can echo the request with its key: only a short text without the key is shown.
    const detail = error.message
      .replaceAll(this.#options.apiKey === '' ? '\u0000' : this.#options.apiKey, '…')
      .slice(0, 300);
    if (status === 401 || status === 403)
      return new ServerError('auth', `${where} refuses the key (${status}).`, 'Set the right key for this server.');
    if (status === 404)
      return new ServerError(
        'no-model',
        `${where} does not know the model "${model}" or has no completions (404): ${detail}`,
        'List its models with: autoact doctor. For a chat-only server set "api": "chat".',
      );
    if (status === 429)
      return new ServerError(
        'rate-limit',
        `${where} still limits the rate after retries.`,
        'Lower its concurrency, then resume the run.',
      );
    if (error.code === 'context_length_exceeded' || /context.{0,20}(length|size|window)/i.test(detail))
      return new ServerError(
        'context-length',
        `${where}: the prompt does not fit the context: ${detail}`,
        'Lower maxPromptChars, or serve the model with a longer context.',
      );
    if (status !== undefined && status >= 500)
      return new ServerError('server', `${where} failed ${status} after retries: ${detail}`);
    return new ServerError('bad-request', `${where} refuses the request (${status ?? 'no status'}): ${detail}`);
  }
}

/** Reads what came back as hostile input. @throws ServerError `bad-response` */
function readAnswer(
  server: string,
  response: unknown,
  text: (choice: Record<string, unknown>) => unknown,
): CompletionAnswer {
  const choices = isRecord(response) ? response['choices'] : undefined;
  const choice: unknown = Array.isArray(choices) ? choices[0] : undefined;
  const value = isRecord(choice) ? text(choice) : undefined;
  if (!isRecord(response) || !isRecord(choice) || typeof value !== 'string') {
    throw new ServerError(
      'bad-response',
      `Server "${server}" sent no completion in its answer.`,
      'Check that the address ends in /v1 and belongs to an OpenAI-compatible server.',
    );
  }
  const usage = isRecord(response['usage']) ? response['usage'] : {};
  return {
    kind: 'completion',
    text: value,
    finish: choice['finish_reason'] === 'length' ? 'length' : 'stop',
    usage: { promptTokens: count(usage['prompt_tokens']), completionTokens: count(usage['completion_tokens']) },
  };
}

export function cutAtStops(text: string, stop: readonly string[]): string {
  const ends = stop.map((s) => text.indexOf(s)).filter((at) => at >= 0);
  return ends.length === 0 ? text : text.slice(0, Math.min(...ends));
}

function withoutCredentials(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//');
}

function count(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
