import type { ModelServerOptions } from '../../src/node/openai/modelServer.ts';
import { ModelServer } from '../../src/node/openai/modelServer.ts';
import type { Dialect } from '../../src/node/openai/dialect.ts';
import { HttpEndpoint } from '../../src/node/openai/endpoint.ts';

export const completionsDialect: Dialect = {
  api: 'completions',
  topK: true,
  seed: true,
  limit: 'max_tokens',
  prefill: 'none',
};

export interface ClientOptions extends Partial<Omit<ModelServerOptions, 'endpoint' | 'dialect'>> {
  readonly baseURL: string;
  readonly apiKey?: string;
  readonly timeoutSeconds?: number;
  readonly dialect?: Partial<Dialect>;
}

/** The product's client for one address, without the probe. */
export function clientAt({ baseURL, apiKey, timeoutSeconds, dialect, ...options }: ClientOptions): ModelServer {
  const name = options.name ?? 'mine';
  return new ModelServer({
    ...options,
    name,
    endpoint: new HttpEndpoint({ name, baseURL, apiKey: apiKey ?? '', timeoutSeconds: timeoutSeconds ?? 20 }),
    dialect: { ...completionsDialect, ...dialect },
  });
}
