import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { encodeGguf, type GgufTensor } from '../../src/node/embedded/lora/gguf.ts';
import { startEngine, type EngineOptions, type RunningEngine } from '../../src/node/embedded/engine.ts';
import { randomStream } from './tinyModel.ts';

export const ENTRY = resolve(import.meta.dirname, '../../src/node/embedded/engineMain.ts');

export function temporaryFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'autoact-engine-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export function start(options: Partial<EngineOptions> & { modelPath: string }): Promise<RunningEngine> {
  return startEngine({ entry: ENTRY, contextSize: 512, parallel: 8, startTimeoutMs: 60_000, ...options });
}

export interface TestChoice {
  readonly index: number;
  readonly text: string;
  readonly finish_reason: string;
  readonly message: { readonly content: string };
  readonly logprobs: {
    readonly tokens: readonly string[];
    readonly token_logprobs: readonly number[];
    readonly top_logprobs: readonly Readonly<Record<string, number>>[];
    readonly text_offset: readonly number[];
    readonly content: readonly { readonly logprob: number }[];
  };
}

/** The fields of OpenAI's bodies that tests look at; which of them are there depends on the call. */
export interface TestBody {
  readonly object: string;
  readonly choices: readonly [TestChoice, ...TestChoice[]];
  readonly usage: {
    readonly prompt_tokens: number;
    readonly completion_tokens: number;
    readonly total_tokens: number;
    readonly prompt_tokens_details: { readonly cached_tokens: number };
  };
  readonly error: { readonly code: string; readonly param: string; readonly message: string };
}

export interface Answer {
  readonly status: number;
  readonly body: TestBody;
}

export async function call(engine: RunningEngine, path: string, body?: unknown, key = engine.apiKey): Promise<Answer> {
  const response = await fetch(`${engine.baseURL}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as TestBody };
}

/** A random adapter on all attention and feed-forward weights of a {@link tinyModel} with the default shape. */
export function writeTinyAdapter(
  path: string,
  options: { seed?: number; architecture?: string; width?: number; scale?: number } = {},
): string {
  const { seed = 1, architecture = 'llama', width = 64, scale = 0.3 } = options;
  const random = randomStream(seed);
  const rank = 4;
  const tensor = (name: string, shape: [number, number]): GgufTensor => ({
    name,
    shape,
    dtype: 'f32',
    data: new Uint8Array(Float32Array.from({ length: shape[0] * shape[1] }, () => (random() - 0.5) * scale).buffer),
  });
  const outputs: [string, number, number][] = [['attn_q', width, width], ['attn_k', width, width / 2], ['attn_v', width, width / 2], ['ffn_up', width, width * 2]]; // prettier-ignore
  const tensors = [0, 1].flatMap((layer) =>
    outputs.flatMap(([name, input, output]) => [
      tensor(`blk.${String(layer)}.${name}.weight.lora_a`, [input, rank]),
      tensor(`blk.${String(layer)}.${name}.weight.lora_b`, [rank, output]),
    ]),
  );
  writeFileSync(
    path,
    encodeGguf(
      new Map([
        ['general.architecture', { type: 'string', value: architecture }],
        ['general.type', { type: 'string', value: 'adapter' }],
        ['adapter.type', { type: 'string', value: 'lora' }],
        ['adapter.lora.alpha', { type: 'float32', value: 16 }],
      ]),
      tensors,
    ),
  );
  return path;
}
