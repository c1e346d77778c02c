import type { Capabilities } from '../../core/run/capabilities.ts';
import type { Capacity } from './admission.ts';
import type { Dialect } from './dialect.ts';
import type { HttpEndpoint, ListedModel } from './endpoint.ts';
import { mendedDialect } from './dialect.ts';
import { TryFailure } from './failures.ts';
import { measureParallel, probeText } from './measureParallel.ts';
import { isRecord } from './readAnswer.ts';

export interface ProbeOptions {
  readonly model: string;
  /** What the settings, or an earlier session of the run, say; left out, it is found out. */
  readonly api?: Dialect['api'];
  readonly topK?: boolean;
  readonly capacity?: Capacity;
  readonly signal: AbortSignal;
}

/** Finds out what a server can do, with a few small requests. @throws TryFailure when it cannot be used at all */
export async function probeCapabilities(endpoint: HttpEndpoint, options: ProbeOptions): Promise<Capabilities> {
  const { signal, model } = options;
  const models = await listed(endpoint, signal);
  const [metrics, props, slots, ollama] = await Promise.all(
    ['/metrics', '/props', '/slots', '/api/version'].map((path) => endpoint.page(path, signal)),
  );
  const kind = kindOf(models, { metrics, props, slots, ollama });
  const shown = await tryOut(endpoint, { ...options, kind });
  const read = options.capacity ?? readCapacity(kind, { metrics, props, slots });
  const capacity: Capabilities['capacity'] =
    options.capacity !== undefined
      ? { ...options.capacity, from: 'the settings' }
      : (read ?? (await measureParallel(endpoint, model, shown.dialect, signal)) ?? {});
  return {
    kind,
    ...shown,
    models: models.map((m) => m.id),
    adapters: models.filter(isAdapter).map((m) => m.id),
    revisions: models.flatMap(({ id, card }) => {
      const revision = ['root', 'parent', 'max_model_len'].flatMap((part) =>
        card[part] === null || card[part] === undefined ? [] : [card[part]],
      );
      return revision.length === 0 ? [] : [{ model: id, revision: revision.map(String).join(' ').slice(0, 300) }];
    }),
    capacity,
  };
}

/** A server without a list of models can be used all the same. */
async function listed(endpoint: HttpEndpoint, signal: AbortSignal): Promise<ListedModel[]> {
  try {
    return await endpoint.models(signal);
  } catch (error) {
    if (error instanceof TryFailure && (error.error.reason === 'no-model' || error.kind === 'garbled')) return [];
    throw error;
  }
}

interface Pages {
  readonly metrics: string | undefined;
  readonly props: string | undefined;
  readonly slots: string | undefined;
  readonly ollama?: string | undefined;
}

function kindOf(models: readonly ListedModel[], pages: Pages): Capabilities['kind'] {
  const owner = models[0]?.card['owned_by'];
  if (owner === 'vllm' || pages.metrics?.includes('vllm:') === true) return 'vllm';
  if (owner === 'sglang' || pages.metrics?.includes('sglang:') === true) return 'sglang';
  if (owner === 'llamacpp' || isRecord(json(pages.props)?.['default_generation_settings'])) return 'llama.cpp';
  if (typeof json(pages.ollama)?.['version'] === 'string') return 'ollama';
  return 'unknown';
}

/** Ollama decodes few sequences together by default and does not say how many; more wait in its queue. */
const ollamaSlots = 4;

function readCapacity(kind: Capabilities['kind'], pages: Pages): Capabilities['capacity'] | undefined {
  const vllm = /^vllm:cache_config_info\{([^}]*)\}/m.exec(pages.metrics ?? '')?.[1];
  if (vllm !== undefined) {
    const value = (name: string): number => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(vllm)?.[1]);
    const kvTokens = value('num_gpu_blocks') * value('block_size');
    if (Number.isFinite(kvTokens) && kvTokens > 0) return { kvTokens, from: '/metrics' };
  }
  const sglang = Number(/^sglang:max_total_num_tokens(?:\{[^}]*\})? ([\d.e+]+)/m.exec(pages.metrics ?? '')?.[1]);
  if (Number.isFinite(sglang) && sglang > 0) return { kvTokens: sglang, from: '/metrics' };
  const total = json(pages.props)?.['total_slots'];
  if (typeof total === 'number' && total > 0) return { slots: total, from: '/props' };
  const list: unknown = parse(pages.slots);
  if (Array.isArray(list) && list.length > 0) return { slots: list.length, from: '/slots' };
  return kind === 'ollama' ? { slots: ollamaSlots, from: 'what Ollama does by default' } : undefined;
}

function isAdapter({ card }: ListedModel): boolean {
  return typeof card['parent'] === 'string' && card['parent'] !== '';
}

type Shown = Pick<Capabilities, 'dialect' | 'logprobs' | 'cachedTokens'>;

/** Asks for one token with everything that we may want, and leaves out what is refused. */
async function tryOut(
  endpoint: HttpEndpoint,
  options: ProbeOptions & { readonly kind: Capabilities['kind'] },
): Promise<Shown> {
  let dialect: Dialect = {
    api: options.api ?? 'completions',
    topK: options.topK ?? true,
    seed: true,
    limit: 'max_tokens',
    prefill: 'none',
  };
  let logprobs = true;
  for (;;) {
    const { path, body } = tinyRequest(options.model, dialect, logprobs);
    try {
      const said = await endpoint.post(path, body, options.signal);
      const usage = isRecord(said) && isRecord(said['usage']) ? said['usage'] : {};
      const choice: unknown = isRecord(said) && Array.isArray(said['choices']) ? said['choices'][0] : undefined;
      const shown = {
        logprobs: logprobs && isRecord(choice) && isRecord(choice['logprobs']),
        cachedTokens:
          isRecord(usage['prompt_tokens_details']) &&
          typeof usage['prompt_tokens_details']['cached_tokens'] === 'number',
      };
      return { ...shown, dialect: dialect.api === 'chat' ? await withPrefill(endpoint, options, dialect) : dialect };
    } catch (error) {
      if (!(error instanceof TryFailure) || error.kind !== 'final') throw error;
      const complaint = error.complaint ?? '';
      const mended = mendedDialect(dialect, complaint);
      if (mended !== undefined) dialect = mended;
      else if (logprobs && /logprobs/.test(complaint)) logprobs = false;
      else if (options.api === undefined && dialect.api === 'completions' && error.error.reason !== 'auth')
        dialect = { ...dialect, api: 'chat' };
      else throw error;
    }
  }
}

function tinyRequest(
  model: string,
  dialect: Dialect,
  logprobs: boolean,
): { path: string; body: Record<string, unknown> } {
  const common = {
    model,
    [dialect.limit]: 1,
    temperature: 0,
    ...(dialect.seed ? { seed: 1 } : {}),
    ...(dialect.topK ? { top_k: 40 } : {}),
  };
  return dialect.api === 'completions'
    ? { path: '/completions', body: { ...common, prompt: probeText, ...(logprobs ? { logprobs: 1 } : {}) } }
    : {
        path: '/chat/completions',
        body: { ...common, messages: [{ role: 'user', content: probeText }], ...(logprobs ? { logprobs: true } : {}) },
      };
}

/** Whether an answer that was begun is gone on with: the next letter comes, and not a sentence of its own. */
async function withPrefill(
  endpoint: HttpEndpoint,
  { model, kind, signal }: ProbeOptions & { readonly kind: Capabilities['kind'] },
  dialect: Dialect,
): Promise<Dialect> {
  const prefill = kind === 'vllm' || kind === 'sglang' ? 'continue' : 'plain';
  const body = {
    model,
    messages: [
      { role: 'user', content: 'Write down the letters of the alphabet, with commas between them.' },
      { role: 'assistant', content: 'A, B, C, D,' },
    ],
    ...(prefill === 'continue' ? { add_generation_prompt: false, continue_final_message: true } : {}),
    [dialect.limit]: 6,
    temperature: 0,
  };
  try {
    const said = await endpoint.post('/chat/completions', body, signal);
    const choice: unknown = isRecord(said) && Array.isArray(said['choices']) ? said['choices'][0] : undefined;
    const message = isRecord(choice) ? choice['message'] : undefined;
    const text = isRecord(message) && typeof message['content'] === 'string' ? message['content'] : '';
    return /^\s*E\b/.test(text) ? { ...dialect, prefill } : dialect;
  } catch (error) {
    if (error instanceof TryFailure) return dialect;
    throw error;
  }
}

function json(text: string | undefined): Record<string, unknown> | undefined {
  const value = parse(text);
  return isRecord(value) ? value : undefined;
}

function parse(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}
