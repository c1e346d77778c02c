import type { Server } from '../../core/pipeline/settings.ts';
import { ServerError } from '../../core/ports/models.ts';
import type { Capabilities } from '../../core/run/capabilities.ts';
import { probeCapabilities } from './capabilities.ts';
import { realClock } from './clock.ts';
import { EditorEndpoint, needEditor } from './editorEndpoint.ts';
import { HttpEndpoint, type Endpoint } from './endpoint.ts';
import { TryFailure } from './failures.ts';
import { ModelServer, triesOfABody } from './modelServer.ts';
import type { ModelServersOptions } from './modelServers.ts';

/** A server of the settings that has been asked what it can do. */
export interface OpenServer {
  readonly server: ModelServer;
  readonly capabilities: Capabilities;
  /** What tells a model from another one under the same name, as far as the server says. */
  revision(model: string): string;
}

const secondsBetweenTries = 1;

/** Makes the client of a server that the settings define, and probes it. @throws ServerError */
export async function openServer(
  name: string,
  model: string,
  options: ModelServersOptions,
  lifetime: AbortSignal,
  signal: AbortSignal,
): Promise<OpenServer> {
  const settings = settingsOf(name, options);
  const known = options.known?.[name];
  const { endpoint, capabilities } = await reached(name, model, settings, options, known, signal);
  options.onCapabilities?.(name, capabilities);
  const { dialect, capacity } = capabilities;
  const server = new ModelServer({
    name,
    endpoint,
    dialect,
    capacity: {
      ...(capacity.kvTokens === undefined ? {} : { kvTokens: capacity.kvTokens }),
      ...(capacity.slots === undefined ? {} : { slots: capacity.slots }),
    },
    ...(settings.concurrency === undefined ? {} : { concurrency: settings.concurrency }),
    ...(settings.requestsPerMinute === undefined ? {} : { requestsPerMinute: settings.requestsPerMinute }),
    outageMinutes: settings.outageMinutes,
    reached: true,
    lifetime,
    ...(options.onState === undefined ? {} : { onState: options.onState }),
    onWarmUp: (id, usage) => options.ledger?.answered(name, id, usage),
    onRetry: (reason) => options.ledger?.retried(reason),
  });
  const revisions = new Map(capabilities.revisions.map(({ model: id, revision }) => [id, revision]));
  return { server, capabilities, revision: (id) => revisions.get(id) ?? '' };
}

/** Where it is, and what it can do. @throws ServerError */
async function reached(
  name: string,
  model: string,
  settings: Server,
  options: ModelServersOptions,
  known: Capabilities | undefined,
  signal: AbortSignal,
): Promise<{ endpoint: Endpoint; capabilities: Capabilities }> {
  const { timeoutSeconds, baseURL } = settings;
  if (settings.kind === 'vscode') {
    const endpoint = new EditorEndpoint(name, needEditor(name, options.editor), timeoutSeconds);
    return { endpoint, capabilities: await endpoint.capabilities(signal) };
  }
  const endpoint = new HttpEndpoint({ name, baseURL, apiKey: keyOf(name, settings, options), timeoutSeconds });
  return { endpoint, capabilities: await probed(endpoint, model, settings, known, signal) };
}

function settingsOf(name: string, options: ModelServersOptions): Server {
  const settings = options.servers[name];
  if (settings !== undefined) return settings;
  const known = ['embedded', ...Object.keys(options.servers), ...Object.keys(options.pools ?? {})].join(', ');
  throw new ServerError(
    'unreachable',
    `A role uses the server "${name}", which the settings do not define.`,
    `Define it under servers, or use one of ${known}.`,
  );
}

function keyOf(name: string, { apiKeyVariable }: Server, options: ModelServersOptions): string {
  const key = apiKeyVariable === undefined ? '' : options.secret(apiKeyVariable);
  if (key === undefined)
    throw new ServerError(
      'auth',
      `The key of server "${name}" is not set.`,
      `Set the environment variable ${apiKeyVariable ?? ''}, or enter the key in the editor.`,
    );
  return key;
}

async function probed(
  endpoint: HttpEndpoint,
  model: string,
  settings: Server,
  known: Capabilities | undefined,
  signal: AbortSignal,
): Promise<Capabilities> {
  const api = known?.dialect.api ?? (settings.api === 'auto' ? undefined : settings.api);
  const { kvTokens, slots } = settings;
  for (let tries = 1; ; tries++) {
    try {
      const found = await probeCapabilities(endpoint, {
        model,
        signal,
        ...(api === undefined ? {} : { api }),
        topK: settings.topK,
        ...(kvTokens === undefined && slots === undefined
          ? {}
          : {
              capacity: {
                ...(kvTokens === undefined ? {} : { kvTokens }),
                ...(slots === undefined ? {} : { slots }),
              },
            }),
      });
      return known === undefined ? found : { ...found, dialect: known.dialect };
    } catch (error) {
      if (!(error instanceof TryFailure)) throw error;
      // What does not answer the first time is more likely a wrong address than an outage.
      if (error.kind === 'final' || error.kind === 'outage' || tries >= triesOfABody) throw error.error;
      await realClock.sleep(error.retryAfterMs ?? secondsBetweenTries * 1000, signal);
    }
  }
}
