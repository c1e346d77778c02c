import type { EngineParameters } from './engine.ts';

/** A server as the client meets it. */
export interface Preset {
  readonly title: string;
  readonly engine: EngineParameters;
  /** What the client learns of its capacity. */
  readonly tells: { readonly kvTokens?: number; readonly slots?: number };
  /** Requests a minute; 429 with Retry-After above. */
  readonly requestsPerMinute?: number;
}

const step = { t0: 8, td: 0.03, tp: 0.03, maxSequences: 256, stepTokens: 8192 };

/**
 * Latencies of evals-traces-speed 2.3: t0 8 ms a step, td 0.03 ms a decoding sequence, tp 0.03 ms a prefilled token.
 * KV sizes of 2.5; 48 k and 96 k are where admission matters.
 */
export const presets: Readonly<Record<string, Preset>> = {
  'kv-48k': {
    title: 'small KV cache, 48 k tokens',
    engine: { ...step, kvTokens: 48_000 },
    tells: { kvTokens: 48_000 },
  },
  'kv-96k': {
    title: '13B with three adapters on one GPU, 96 k tokens',
    engine: { ...step, kvTokens: 96_000 },
    tells: { kvTokens: 96_000 },
  },
  'kv-192k': { title: '192 k tokens', engine: { ...step, kvTokens: 192_000 }, tells: { kvTokens: 192_000 } },
  'kv-480k': {
    title: '8B on one 80 GB GPU, 480 k tokens',
    engine: { ...step, kvTokens: 480_000 },
    tells: { kvTokens: 480_000 },
  },
  'llama.cpp': {
    title: 'llama.cpp, 4 slots',
    engine: { t0: 12, td: 1, tp: 0.4, maxSequences: 4, stepTokens: 2048, kvTokens: 4 * 8192 },
    tells: { slots: 4 },
  },
  ollama: {
    title: 'Ollama, one slot and a queue',
    engine: { t0: 12, td: 1, tp: 0.4, maxSequences: 1, stepTokens: 2048, kvTokens: 8192 },
    tells: { slots: 4 }, // What the client takes Ollama to do, which does not say.
  },
  hosted: {
    title: 'hosted, 5,000 requests a minute, 429 above',
    engine: { ...step, maxSequences: 4096, kvTokens: 40_000_000 },
    tells: {},
    requestsPerMinute: 5000,
  },
};
