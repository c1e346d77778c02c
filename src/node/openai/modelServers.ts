import type { Settings } from '../../core/pipeline/settings.ts';
import { ServerError, type Models, type ModelTarget } from '../../core/ports/models.ts';
import type { Capabilities } from '../../core/run/capabilities.ts';
import type { EditorModels } from '../../core/run/editorModels.ts';
import type { Ledger } from '../../core/run/ledger.ts';
import type { CompletionAnswer, CompletionRequest } from '../../core/run/request.ts';
import type { ServerState } from './breaker.ts';
import { cacheKey, type CompletionCache } from './completionCache.ts';
import { HttpEndpoint } from './endpoint.ts';
import { withoutCredentials } from './failures.ts';
import { InFlight } from './inFlight.ts';
import { ModelServer, ServerDown } from './modelServer.ts';
import { openServer, type OpenServer } from './openServer.ts';

/** What is kept is the answer; how often it was asked for belongs to the run that asked. */
function firstTry({ retries: _, ...answer }: CompletionAnswer): CompletionAnswer {
  return answer;
}

/** The embedded engine, as far as a client needs to know it. */
export interface EmbeddedEndpoint {
  readonly baseURL: string;
  readonly apiKey: string;
}

export interface ModelServersOptions {
  readonly servers: Settings['servers'];
  readonly pools?: Settings['pools'];
  /** Starts the embedded engine on first need; the same engine afterwards. */
  readonly embedded: (signal: AbortSignal) => Promise<EmbeddedEndpoint>;
  readonly embeddedConcurrency: number;
  /** Reads a key by the name of its environment variable. */
  readonly secret: (variable: string) => string | undefined;
  /** The editor that started this process, for servers of kind `vscode`. */
  readonly editor?: EditorModels | undefined;
  /** What the run's earlier sessions found out: how a server is asked must not change within a run. */
  readonly known?: Readonly<Record<string, Capabilities>>;
  readonly onCapabilities?: (server: string, capabilities: Capabilities) => void;
  readonly onState?: (state: ServerState) => void;
  readonly ledger?: Ledger;
  /** Left out, every request is asked. */
  readonly cache?: CompletionCache;
}

/**
 * Routes completions to the servers of the settings map; the embedded engine is one of them. What asks twice for the
 * same is answered once: from the workspace's cache, or together with whoever asked first.
 */
export class ModelServers implements Models {
  readonly #options: ModelServersOptions;
  readonly #servers = new Map<string, Promise<OpenServer>>();
  /** Those that are open. */
  readonly #up = new Map<string, ModelServer>();
  readonly #engines = new Map<string, ModelServer>();
  readonly #inFlight = new InFlight<CompletionAnswer>();
  readonly #lifetime = new AbortController();
  /** Trajectories at each server that shares its roles. */
  readonly #trajectories = new Map<string, number>();
  /** The server of a pool that a trajectory began with, where its prefix is; by pool. */
  readonly #chosen = new Map<string, Map<string, string>>();

  constructor(options: ModelServersOptions) {
    this.#options = options;
  }

  async complete(
    target: ModelTarget,
    request: CompletionRequest,
    signal: AbortSignal,
    item?: string,
  ): Promise<CompletionAnswer> {
    const { ledger } = this.#options;
    if (target.server === 'embedded') {
      const answer = await (await this.#embedded(signal)).complete(target.model, request, signal);
      ledger?.answered(target.server, target.model, answer.usage);
      return answer;
    }
    for (;;) {
      const opened = await this.#member(target, item, signal);
      try {
        return await this.#ask(opened, target, request, signal, item);
      } catch (error) {
        if (!(error instanceof ServerDown)) throw error;
      }
    }
  }

  async #ask(
    opened: OpenServer,
    target: ModelTarget,
    request: CompletionRequest,
    signal: AbortSignal,
    item: string | undefined,
  ): Promise<CompletionAnswer> {
    const { ledger, cache } = this.#options;
    const { server } = opened;
    const members = this.#members(target.server);
    const key = cacheKey(
      {
        addresses: members.map((name) => this.#address(name)),
        model: target.model,
        revision: opened.revision(target.model),
      },
      request,
      server.dialect,
    );
    const had = cache?.get(key);
    if (had !== undefined) {
      ledger?.reused();
      return had;
    }
    // Let in before it may wait for another's answer, lest the one that is waited for is not let in for its sake.
    if (item !== undefined) await server.admit(item, signal);
    const { value, shared } = await this.#inFlight.share(key, signal, async () => {
      ledger?.check();
      const elsewhere = (): boolean => members.some((name) => this.#up.get(name)?.down === false);
      const answer = await server.complete(target.model, request, signal, item, elsewhere);
      ledger?.answered(server.name, target.model, answer.usage);
      return answer;
    });
    if (shared) ledger?.shared();
    else cache?.put(key, firstTry(value));
    return value;
  }

  ended(item: string): void {
    const chosen = new Set(this.#chosen.get(item)?.values());
    this.#chosen.delete(item);
    for (const server of this.#up.values()) {
      if (chosen.has(server.name)) this.#leave(item, server);
      else server.ended(item);
    }
  }

  async check(target: ModelTarget, signal: AbortSignal): Promise<void> {
    for (const name of this.#members(target.server)) {
      const { capabilities } = await this.#open(name, target.model, signal);
      if (capabilities.models.length > 0 && !capabilities.models.includes(target.model)) {
        throw new ServerError(
          'no-model',
          `Server "${name}" does not know the model "${target.model}".`,
          `It serves ${capabilities.models.slice(0, 20).join(', ')}. Name one of them under roles.`,
        );
      }
    }
  }

  /** What each server of a target can do. @throws ServerError */
  async capabilities(target: ModelTarget, signal: AbortSignal): Promise<ReadonlyMap<string, Capabilities>> {
    const found = new Map<string, Capabilities>();
    for (const name of this.#members(target.server))
      found.set(name, (await this.#open(name, target.model, signal)).capabilities);
    return found;
  }

  /** Trajectories that all servers asked so far take at once. */
  atOnce(): number {
    const sizes = [...this.#up.values()].map(({ size }) => size);
    return sizes.length === 0 ? this.#options.embeddedConcurrency : Math.ceil(sizes.reduce((a, b) => a + b));
  }

  /** Ends everything that waits. */
  close(): void {
    this.#lifetime.abort(new Error('The client was closed.'));
  }

  #members(name: string): readonly string[] {
    return this.#options.pools?.[name] ?? [name];
  }

  #address(name: string): string {
    const settings = this.#options.servers[name];
    return settings?.kind === 'vscode' ? 'vscode' : withoutCredentials(settings?.baseURL ?? '');
  }

  /** Of servers that share a role, the one where the trajectory is; else the one with the most room that answers. */
  async #member({ server, model }: ModelTarget, item: string | undefined, signal: AbortSignal): Promise<OpenServer> {
    const members = this.#members(server);
    if (members.length === 1) return this.#open(members[0] as string, model, signal);
    const opened = await this.#reachable(members, model, signal);
    const chosen = item === undefined ? undefined : this.#chosen.get(item);
    const stays = opened.find(({ server: one }) => one.name === chosen?.get(server));
    if (stays !== undefined && !stays.server.down) return stays;
    const up = opened.filter(({ server: one }) => !one.down);
    const load = ({ server: one }: OpenServer): number => (this.#trajectories.get(one.name) ?? 0) / one.size;
    const best = (up.length > 0 ? up : opened).reduce((a, b) => (load(b) < load(a) ? b : a));
    if (item !== undefined && best !== stays) {
      if (stays !== undefined) this.#leave(item, stays.server);
      this.#chosen.set(item, (chosen ?? new Map<string, string>()).set(server, best.server.name));
      this.#trajectories.set(best.server.name, (this.#trajectories.get(best.server.name) ?? 0) + 1);
    }
    return best;
  }

  #leave(item: string, server: ModelServer): void {
    server.ended(item);
    this.#trajectories.set(server.name, Math.max(0, (this.#trajectories.get(server.name) ?? 0) - 1));
  }

  /** Those of a pool that could be opened; one that is not there does not hold up the others. */
  async #reachable(members: readonly string[], model: string, signal: AbortSignal): Promise<OpenServer[]> {
    const tried = await Promise.allSettled(members.map((name) => this.#open(name, model, signal)));
    signal.throwIfAborted();
    const opened = tried.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const failed = tried.find((one) => one.status === 'rejected');
    if (opened.length === 0) throw failed?.reason;
    return opened;
  }

  /** The engine may have been started anew, at another address, since the last call. */
  async #embedded(signal: AbortSignal): Promise<ModelServer> {
    const { baseURL, apiKey } = await this.#options.embedded(signal);
    let server = this.#engines.get(baseURL);
    if (server === undefined) {
      server = new ModelServer({
        name: 'embedded',
        endpoint: new HttpEndpoint({ name: 'embedded', baseURL, apiKey, timeoutSeconds: 600 }),
        dialect: { api: 'completions', topK: true, seed: true, limit: 'max_tokens', prefill: 'none' },
        concurrency: this.#options.embeddedConcurrency,
        plain: true,
      });
      this.#engines.set(baseURL, server);
    }
    return server;
  }

  async #open(name: string, model: string, signal: AbortSignal): Promise<OpenServer> {
    let opening = this.#servers.get(name);
    if (opening === undefined) {
      opening = openServer(name, model, this.#options, this.#lifetime.signal, signal);
      this.#servers.set(name, opening);
      opening.then(({ server }) => this.#up.set(name, server)).catch(() => undefined);
      // What could not be opened is opened anew by the next who needs it.
      opening.catch(() => this.#servers.delete(name));
    }
    return opening;
  }
}
