import type { Settings } from '../../core/pipeline/settings.ts';
import { ServerError, type Models, type ModelTarget } from '../../core/ports/models.ts';
import type { CompletionAnswer, CompletionRequest } from '../../core/run/request.ts';
import { ModelServer } from './modelServer.ts';

/** The embedded engine, as far as a client needs to know it. */
export interface EmbeddedEndpoint {
  readonly baseURL: string;
  readonly apiKey: string;
}

export interface ModelServersOptions {
  readonly servers: Settings['servers'];
  /** Starts the embedded engine on first need; the same engine afterwards. */
  readonly embedded: (signal: AbortSignal) => Promise<EmbeddedEndpoint>;
  readonly embeddedConcurrency: number;
  /** Reads a key by the name of its environment variable. */
  readonly secret: (variable: string) => string | undefined;
}

/** Routes completions to the servers of the settings map; the embedded engine is one of them. */
export class ModelServers implements Models {
  readonly #options: ModelServersOptions;
  readonly #servers = new Map<string, ModelServer>();

  constructor(options: ModelServersOptions) {
    this.#options = options;
  }

  async complete(target: ModelTarget, request: CompletionRequest, signal: AbortSignal): Promise<CompletionAnswer> {
    const server = await this.#server(target.server, signal);
    return server.complete(target.model, request, signal);
  }

  async check(target: ModelTarget, signal: AbortSignal): Promise<void> {
    const server = await this.#server(target.server, signal);
    const names = await server.models(signal);
    if (names.length > 0 && !names.includes(target.model)) {
      throw new ServerError(
        'no-model',
        `Server "${target.server}" does not know the model "${target.model}".`,
        `It serves ${names.slice(0, 20).join(', ')}. Name one of them under roles.`,
      );
    }
  }

  async #server(name: string, signal: AbortSignal): Promise<ModelServer> {
    if (name === 'embedded') return this.#embedded(signal);
    let server = this.#servers.get(name);
    if (server === undefined) {
      server = this.#open(name);
      this.#servers.set(name, server);
    }
    return server;
  }

  /** The engine may have been started anew, at another address, since the last call. */
  async #embedded(signal: AbortSignal): Promise<ModelServer> {
    const { baseURL, apiKey } = await this.#options.embedded(signal);
    let server = this.#servers.get(baseURL);
    if (server === undefined) {
      server = new ModelServer({
        name: 'embedded',
        baseURL,
        apiKey,
        api: 'completions',
        concurrency: this.#options.embeddedConcurrency,
        timeoutSeconds: 600,
        sendTopK: true,
        retries: 0,
      });
      this.#servers.set(baseURL, server);
    }
    return server;
  }

  #open(name: string): ModelServer {
    const settings = this.#options.servers[name];
    if (settings === undefined) {
      const known = ['embedded', ...Object.keys(this.#options.servers)].join(', ');
      throw new ServerError(
        'unreachable',
        `A role uses the server "${name}", which the settings do not define.`,
        `Define it under servers, or use one of ${known}.`,
      );
    }
    const apiKey = settings.apiKeyVariable === undefined ? '' : this.#options.secret(settings.apiKeyVariable);
    if (apiKey === undefined)
      throw new ServerError(
        'auth',
        `The key of server "${name}" is not set.`,
        `Set the environment variable ${settings.apiKeyVariable ?? ''}, or enter the key in the editor.`,
      );
    return new ModelServer({
      name,
      baseURL: settings.baseURL,
      apiKey,
      api: settings.api,
      concurrency: settings.concurrency,
      timeoutSeconds: settings.timeoutSeconds,
      sendTopK: settings.topK,
    });
  }
}
