import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { convertLora } from '../../../src/node/embedded/lora/convert.ts';
import { readGgufHeader } from '../../../src/node/embedded/lora/gguf.ts';
import { floatToHalf, halfToFloat, readSafetensors } from '../../../src/node/embedded/lora/safetensors.ts';

const root = mkdtempSync(join(tmpdir(), 'autoact-lora-'));
after(() => rmSync(root, { recursive: true, force: true }));

type Tensors = Record<string, { shape: number[]; values: number[]; dtype?: string }>;

function safetensors(tensors: Tensors): Buffer {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  const parts: Buffer[] = [];
  let offset = 0;
  for (const [name, { shape, values, dtype = 'F32' }] of Object.entries(tensors)) {
    const bytes = Buffer.alloc(values.length * (dtype === 'F32' ? 4 : 2));
    for (const [i, value] of values.entries()) {
      if (dtype === 'F32') bytes.writeFloatLE(value, i * 4);
      else if (dtype === 'F16') bytes.writeUInt16LE(floatToHalf(value), i * 2);
      else {
        const float = Buffer.alloc(4);
        float.writeFloatLE(value);
        bytes.writeUInt16LE(float.readUInt16LE(2), i * 2);
      }
    }
    header[name] = { dtype, shape, data_offsets: [offset, offset + bytes.length] };
    offset += bytes.length;
    parts.push(bytes);
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, ...parts]);
}

const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const name = (module: string, half: string): string => `base_model.model.model.layers.0.${module}.lora_${half}.weight`;
const qPair: Tensors = {
  [name('self_attn.q_proj', 'A')]: { shape: [1, 8], values: count(8) },
  [name('self_attn.q_proj', 'B')]: { shape: [8, 1], values: count(8) },
};
const base = { model_type: 'llama', num_attention_heads: 2, num_key_value_heads: 1 };
const config = { peft_type: 'LORA', r: 1, lora_alpha: 16, bias: 'none' };

let folders = 0;
function adapter(options: { config?: Record<string, unknown>; tensors?: Tensors } = {}): string {
  const folder = join(root, String(folders++));
  mkdirSync(folder);
  writeFileSync(join(folder, 'adapter_config.json'), JSON.stringify({ ...config, ...options.config }));
  writeFileSync(join(folder, 'adapter_model.safetensors'), safetensors(options.tensors ?? qPair));
  return folder;
}

/** The values of the last tensor of a file written in f32. */
async function lastTensor(path: string, length: number): Promise<number[]> {
  const bytes = readFileSync(path);
  const padded = Math.ceil((length * 4) / 32) * 32;
  return Array.from({ length }, (_, i) => bytes.readFloatLE(bytes.length - padded + i * 4));
}

describe('LoRA conversion', () => {
  const out = join(root, 'out.gguf');
  const convert = (folder: string, baseConfig: unknown = base): ReturnType<typeof convertLora> =>
    convertLora({ adapterDir: folder, baseConfig, out, dtype: 'f32' });

  it('orders the rows of q by head for llama and mistral, and leaves qwen alone', async () => {
    await convert(adapter());
    // Two heads of four rows: (0, 2), (1, 3) become neighbours.
    assert.deepEqual(await lastTensor(out, 8), [0, 2, 1, 3, 4, 6, 5, 7]);
    await convert(adapter(), { ...base, model_type: 'mistral' });
    assert.deepEqual(await lastTensor(out, 8), [0, 2, 1, 3, 4, 6, 5, 7]);
    assert.equal((await readGgufHeader(out)).metadata.get('general.architecture'), 'llama');
    await convert(adapter(), { ...base, model_type: 'qwen2' });
    assert.deepEqual(await lastTensor(out, 8), count(8));
  });

  it('orders k by its own number of heads', async () => {
    const tensors: Tensors = {
      [name('self_attn.k_proj', 'A')]: { shape: [1, 8], values: count(8) },
      [name('self_attn.k_proj', 'B')]: { shape: [4, 1], values: count(4) },
    };
    await convert(adapter({ tensors }));
    assert.deepEqual(await lastTensor(out, 4), [0, 2, 1, 3]);
  });

  it('writes what the loader checks, and names and shapes in its order', async () => {
    const result = await convert(adapter());
    const { metadata, tensors } = await readGgufHeader(out);
    assert.deepEqual(
      [metadata.get('general.type'), metadata.get('adapter.type'), metadata.get('adapter.lora.alpha')],
      ['adapter', 'lora', 16],
    );
    assert.deepEqual(
      tensors.map((tensor) => [tensor.name, tensor.shape]),
      [
        ['blk.0.attn_q.weight.lora_a', [8, 1]],
        ['blk.0.attn_q.weight.lora_b', [1, 8]],
      ],
    );
    assert.equal(result.tensors, 2);
  });

  it('folds rsLoRA into alpha, and patterns into B', async () => {
    const four: Tensors = {
      [name('self_attn.v_proj', 'A')]: { shape: [4, 2], values: count(8) },
      [name('self_attn.v_proj', 'B')]: { shape: [2, 4], values: [1, 1, 1, 1, 1, 1, 1, 1] },
    };
    assert.equal((await convert(adapter({ tensors: four, config: { r: 4, use_rslora: true } }))).alpha, 32);
    await convert(
      adapter({
        tensors: four,
        config: { r: 8, rank_pattern: { v_proj: 4 }, alpha_pattern: { 'self_attn.v_proj': 8 } },
      }),
    );
    // PEFT scales by 8 / 4; the file's alpha 16 over rank 4 gives 4: B is halved.
    assert.deepEqual(await lastTensor(out, 8), [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]);
  });

  for (const [what, options, baseConfig, reason] of [
    ['another architecture', {}, { ...base, model_type: 'gemma3' }, 'unsupported-architecture'],
    ['DoRA', { config: { use_dora: true } }, base, 'unsupported-feature'],
    ['modules_to_save', { config: { modules_to_save: ['lm_head'] } }, base, 'unsupported-feature'],
    ['biases', { config: { bias: 'all' } }, base, 'unsupported-feature'],
    ['fan_in_fan_out', { config: { fan_in_fan_out: true } }, base, 'unsupported-feature'],
    ['another method', { config: { peft_type: 'IA3' } }, base, 'unsupported-feature'],
    [
      'embeddings',
      { tensors: { 'base_model.model.model.embed_tokens.lora_embedding_A': { shape: [1, 1], values: [0] } } },
      base,
      'unsupported-module',
    ],
    [
      'half a pair',
      { tensors: { [name('self_attn.q_proj', 'A')]: { shape: [1, 8], values: count(8) } } },
      base,
      'shape-mismatch',
    ],
    ['a rank that the config denies', { config: { r: 4 } }, base, 'shape-mismatch'],
    ['heads that do not divide the rows', {}, { ...base, num_attention_heads: 3 }, 'shape-mismatch'],
    ['a wrong config', { config: { r: 'eight' } }, base, 'bad-config'],
  ] as const)
    it(`refuses ${what}`, async () => {
      await assert.rejects(convert(adapter(options as Parameters<typeof adapter>[0]), baseConfig), {
        name: 'LoraConversionError',
        reason,
      });
    });

  it('refuses a missing or damaged file', async () => {
    await assert.rejects(convert(join(root, 'nowhere')), { reason: 'missing-file' });
    const damaged = adapter();
    writeFileSync(join(damaged, 'adapter_model.safetensors'), safetensors(qPair).subarray(0, -4));
    await assert.rejects(convert(damaged), { reason: 'bad-safetensors' });
    writeFileSync(join(damaged, 'adapter_model.safetensors'), 'no tensors here');
    await assert.rejects(convert(damaged), { reason: 'bad-safetensors' });
  });

  it('reads every stored precision', async () => {
    const path = join(root, 'precisions.safetensors');
    writeFileSync(
      path,
      safetensors({
        a: { shape: [2], values: [1.5, -2] },
        b: { shape: [2], values: [1.5, -2], dtype: 'F16' },
        c: { shape: [2], values: [1.5, -2], dtype: 'BF16' },
      }),
    );
    for (const tensor of await readSafetensors(path)) assert.deepEqual([...tensor.values], [1.5, -2]);
  });

  it('rounds to half precision as the platform does', () => {
    const Half = (
      globalThis as unknown as {
        Float16Array?: new (values: number[]) => { [index: number]: number; buffer: ArrayBuffer };
      }
    ).Float16Array;
    const edges = [
      0,
      -0,
      65504,
      65519.9,
      65520,
      1e9,
      2 ** -24,
      2 ** -25,
      2 ** -25 * 1.0001,
      2 ** -14,
      2 ** -14 - 2 ** -25,
      1 + 2 ** -11,
      1 + 3 * 2 ** -11,
      Infinity,
      -Infinity,
    ];
    for (let bits = 0; bits < 65536; bits++) {
      const value = halfToFloat(bits);
      if (!Number.isNaN(value)) assert.equal(floatToHalf(value), bits);
    }
    if (Half === undefined) return;
    const check = (value: number): void => {
      const single = Math.fround(value);
      assert.equal(floatToHalf(single), new Uint16Array(new Half([single]).buffer)[0], String(value));
    };
    edges.forEach(check);
    fc.assert(fc.property(fc.float({ noNaN: true }), check), { numRuns: 2000 });
    fc.assert(fc.property(fc.float({ noNaN: true, min: Math.fround(-1e-4), max: Math.fround(1e-4) }), check), {
      numRuns: 2000,
    });
  });
});
