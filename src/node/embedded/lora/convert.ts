import { access, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { encodeGguf, type GgufField, type GgufTensor } from './gguf.ts';
import { LoraConversionError } from './loraConversionError.ts';
import { floatToHalf, readSafetensors, type SafeTensor } from './safetensors.ts';

/**
 * A PEFT LoRA adapter (adapter_config.json, adapter_model.safetensors) as the GGUF that llama.cpp loads: the same
 * tensors, names and order as its convert_lora_to_gguf.py, with what that script leaves out (rsLoRA, per-module ranks
 * and alphas) folded in, and what a LoRA file cannot express refused. See the research notes, section 5.2.
 */

/** Hugging Face `model_type` to GGUF architecture. `rotatesHalves`: the GGUF stores q and k in another row order. */
const ARCHITECTURES: Readonly<Record<string, { readonly gguf: string; readonly rotatesHalves: boolean }>> = {
  llama: { gguf: 'llama', rotatesHalves: true },
  mistral: { gguf: 'llama', rotatesHalves: true },
  qwen2: { gguf: 'qwen2', rotatesHalves: false },
  qwen3: { gguf: 'qwen3', rotatesHalves: false },
};

const MODULES: Readonly<Record<string, string>> = {
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
};

/** The base model's config.json, as far as it matters here. */
export const BaseModelConfig = z.object({
  model_type: z.string(),
  num_attention_heads: z.number().int().positive(),
  num_key_value_heads: z.number().int().positive().nullish(),
});
export type BaseModelConfig = z.infer<typeof BaseModelConfig>;

const AdapterConfig = z.object({
  peft_type: z.string(),
  r: z.number().int().positive(),
  lora_alpha: z.number(),
  use_rslora: z.boolean().nullish(),
  use_dora: z.boolean().nullish(),
  fan_in_fan_out: z.boolean().nullish(),
  bias: z.string().nullish(),
  lora_bias: z.boolean().nullish(),
  modules_to_save: z.array(z.string()).nullish(),
  trainable_token_indices: z.unknown().optional(),
  alora_invocation_tokens: z.array(z.number()).nullish(),
  rank_pattern: z.record(z.string(), z.number().int().positive()).nullish(),
  alpha_pattern: z.record(z.string(), z.number()).nullish(),
});
type AdapterConfig = z.infer<typeof AdapterConfig>;

export interface ConvertLoraOptions {
  readonly adapterDir: string;
  /** The base model's config.json: its path, or its parsed content. */
  readonly baseConfig: unknown;
  /** Written atomically. */
  readonly out: string;
  readonly dtype?: 'f16' | 'f32';
}

export interface ConvertedLora {
  readonly architecture: string;
  readonly tensors: number;
  readonly bytes: number;
  /** As written: llama.cpp scales by alpha / rank. */
  readonly alpha: number;
}

/** @throws LoraConversionError */
export async function convertLora({
  adapterDir,
  baseConfig,
  out,
  dtype = 'f16',
}: ConvertLoraOptions): Promise<ConvertedLora> {
  const content = typeof baseConfig === 'string' ? json(await read(baseConfig), baseConfig) : baseConfig;
  const base = parse(BaseModelConfig, content, 'The base model config.json');
  const architecture = ARCHITECTURES[base.model_type];
  if (architecture === undefined)
    throw new LoraConversionError(
      'unsupported-architecture',
      `Adapters for ${base.model_type} cannot be converted here (only ${Object.keys(ARCHITECTURES).join(', ')}): use llama.cpp's convert_lora_to_gguf.py.`,
    );
  const config = parse(
    AdapterConfig,
    json(await read(join(adapterDir, 'adapter_config.json')), 'adapter_config.json'),
    'adapter_config.json',
  );
  refuseUnsupported(config);
  const weights = join(adapterDir, 'adapter_model.safetensors');
  await mustExist(weights);
  const tensors = pairUp(await readSafetensors(weights));

  const alpha = effectiveAlpha(config.lora_alpha, config.r, config.use_rslora === true);
  const written: GgufTensor[] = [];
  for (const [module, { layer, target, a, b }] of tensors) {
    const rank = a.shape[0] ?? 0;
    if (a.shape.length !== 2 || b.shape.length !== 2 || b.shape[1] !== rank)
      throw new LoraConversionError(
        'shape-mismatch',
        `${module}: lora_A is ${a.shape.join('x')}, lora_B ${b.shape.join('x')}: they do not belong together.`,
      );
    const expectedRank = patterned(config.rank_pattern, module) ?? config.r;
    if (rank !== expectedRank)
      throw new LoraConversionError(
        'shape-mismatch',
        `${module} has rank ${String(rank)}, adapter_config.json says ${String(expectedRank)}: the files belong to different trainings.`,
      );
    // The file has one alpha, and the loader divides it by this module's own rank: B takes up the difference.
    const own = effectiveAlpha(
      patterned(config.alpha_pattern, module) ?? config.lora_alpha,
      rank,
      config.use_rslora === true,
    );
    let up = scaled(b.values, own / alpha);
    if (architecture.rotatesHalves && (target === 'attn_q' || target === 'attn_k')) {
      const heads =
        target === 'attn_q' ? base.num_attention_heads : (base.num_key_value_heads ?? base.num_attention_heads);
      up = permuteRows(up, b.shape[0] ?? 0, rank, heads, module);
    }
    const name = `blk.${String(layer)}.${target}.weight`;
    written.push(tensor(`${name}.lora_a`, a.shape, a.values, dtype), tensor(`${name}.lora_b`, b.shape, up, dtype));
  }
  const fields = new Map<string, GgufField>([
    ['general.architecture', { type: 'string', value: architecture.gguf }],
    ['general.type', { type: 'string', value: 'adapter' }],
    ['adapter.type', { type: 'string', value: 'lora' }],
    ['adapter.lora.alpha', { type: 'float32', value: alpha }],
  ]);
  const bytes = encodeGguf(fields, written);
  await mkdir(dirname(out), { recursive: true });
  await writeFile(`${out}.partial`, bytes);
  await rename(`${out}.partial`, out);
  return { architecture: architecture.gguf, tensors: written.length, bytes: bytes.length, alpha };
}

/** PEFT scales by alpha / r, rsLoRA by alpha / sqrt(r); llama.cpp always divides by r. */
function effectiveAlpha(alpha: number, rank: number, rslora: boolean): number {
  return rslora ? alpha * Math.sqrt(rank) : alpha;
}

function refuseUnsupported(config: AdapterConfig): void {
  const refuse = (what: string): never => {
    throw new LoraConversionError(
      'unsupported-feature',
      `The adapter uses ${what}, which a LoRA file for llama.cpp cannot hold: train without it, or merge the adapter into the base model.`,
    );
  };
  if (config.peft_type !== 'LORA') refuse(`the PEFT method ${config.peft_type}`);
  if (config.use_dora === true) refuse('DoRA');
  if ((config.modules_to_save ?? []).length > 0)
    refuse(`modules_to_save (${(config.modules_to_save ?? []).join(', ')})`);
  if ((config.bias ?? 'none') !== 'none' || config.lora_bias === true) refuse('trained biases');
  if (config.fan_in_fan_out === true) refuse('fan_in_fan_out');
  if (config.trainable_token_indices !== undefined && config.trainable_token_indices !== null)
    refuse('trainable_token_indices');
  if ((config.alora_invocation_tokens ?? []).length > 0) refuse('alora_invocation_tokens');
}

interface Pair {
  readonly layer: number;
  readonly target: string;
  readonly a: SafeTensor;
  readonly b: SafeTensor;
}

function pairUp(tensors: readonly SafeTensor[]): Map<string, Pair> {
  const halves = new Map<string, { layer: number; target: string; a?: SafeTensor; b?: SafeTensor }>();
  for (const found of tensors) {
    const match = /^base_model\.model\.(?:model\.)?(layers\.(\d+)\.(.+))\.lora_([AB])(?:\.default)?\.weight$/.exec(
      found.name,
    );
    const target = MODULES[match?.[3] ?? ''];
    if (match === null || target === undefined)
      throw new LoraConversionError(
        'unsupported-module',
        `The adapter trains ${found.name}, which cannot be converted (only ${Object.keys(MODULES).join(', ')}): train those modules.`,
      );
    const module = match[1] ?? '';
    const half = halves.get(module) ?? { layer: Number(match[2]), target };
    if (match[4] === 'A') half.a = found;
    else half.b = found;
    halves.set(module, half);
  }
  const pairs = new Map<string, Pair>();
  for (const [module, { layer, target, a, b }] of halves) {
    if (a === undefined || b === undefined)
      throw new LoraConversionError(
        'shape-mismatch',
        `${module} has only one of lora_A and lora_B: copy the adapter again.`,
      );
    pairs.set(module, { layer, target, a, b });
  }
  if (pairs.size === 0)
    throw new LoraConversionError('bad-safetensors', 'The adapter holds no LoRA tensors: copy it again.');
  return pairs;
}

/** PEFT's rule (`get_pattern_key`): the first key that matches the whole module name or its end behind a dot. */
function patterned(patterns: Readonly<Record<string, number>> | null | undefined, module: string): number | undefined {
  for (const [pattern, value] of Object.entries(patterns ?? {}))
    if (new RegExp(`^(?:.*\\.)?(?:${pattern.replace(/^\^/, '')})$`).test(`model.${module}`)) return value;
  return undefined;
}

function scaled(values: Float32Array, factor: number): Float32Array {
  return factor === 1 ? values : values.map((value) => value * factor);
}

/**
 * The row order that GGUF's llama uses for rotary positions: within each head, rows (i, i + half) become neighbours.
 * It concerns the output rows of the weight, hence B only.
 */
function permuteRows(values: Float32Array, rows: number, columns: number, heads: number, module: string): Float32Array {
  const half = rows / heads / 2;
  if (!Number.isInteger(half))
    throw new LoraConversionError(
      'shape-mismatch',
      `${module} has ${String(rows)} rows, which ${String(heads)} heads do not divide: the base config.json belongs to another model.`,
    );
  const out = new Float32Array(values.length);
  for (let head = 0; head < heads; head++)
    for (let part = 0; part < 2; part++)
      for (let i = 0; i < half; i++) {
        const from = (head * 2 * half + part * half + i) * columns;
        out.set(values.subarray(from, from + columns), (head * 2 * half + i * 2 + part) * columns);
      }
  return out;
}

function tensor(name: string, shape: readonly number[], values: Float32Array, dtype: 'f16' | 'f32'): GgufTensor {
  const data = new Uint8Array(values.length * (dtype === 'f16' ? 2 : 4));
  const view = new DataView(data.buffer);
  for (const [i, value] of values.entries()) {
    if (dtype === 'f16') view.setUint16(i * 2, floatToHalf(value), true);
    else view.setFloat32(i * 4, value, true);
  }
  return { name, shape: [...shape].reverse(), dtype, data };
}

function parse<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new LoraConversionError(
    'bad-config',
    `${what} is not what is expected (${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}).`,
  );
}

function json(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new LoraConversionError('bad-config', `${what} is not valid JSON: copy it again.`, { cause: error });
  }
}

async function mustExist(path: string): Promise<void> {
  try {
    await access(path);
  } catch (error) {
    throw new LoraConversionError(
      'missing-file',
      `${path} is missing: an adapter folder holds adapter_config.json and adapter_model.safetensors.`,
      { cause: error },
    );
  }
}

async function read(path: string): Promise<string> {
  await mustExist(path);
  return readFile(path, 'utf8');
}
