import { writeFile } from 'node:fs/promises';
import { encodeGguf, type GgufField, type GgufTensor } from '../../src/node/embedded/lora/gguf.ts';

/** A Llama with random weights and a byte-level vocabulary: real inference, no meaning, no download. */
export interface TinyModelShape {
  readonly vocab?: number;
  readonly width?: number;
  readonly layers?: number;
  readonly heads?: number;
  readonly kvHeads?: number;
  readonly feedForward?: number;
  readonly context?: number;
  readonly seed?: number;
  readonly chatTemplate?: string;
  readonly dtype?: 'f32' | 'f16';
}

/** mulberry32; the weights only need to differ between seeds. */
export function randomStream(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** GPT-2's printable stand-ins for the 256 bytes. */
export function byteSymbols(): string[] {
  const printable = new Set<number>();
  for (const [from, to] of [
    [33, 126],
    [161, 172],
    [174, 255],
  ] as const)
    for (let b = from; b <= to; b++) printable.add(b);
  let next = 256;
  return Array.from({ length: 256 }, (_, b) => String.fromCodePoint(printable.has(b) ? b : next++));
}

/** Tokens as the file spells them, their types and merges, and the text each stands for (bytes above 127 left out). */
export function vocabularyOf(size: number): { tokens: string[]; types: number[]; merges: string[]; texts: string[] } {
  const made = vocabulary(size);
  const symbols = byteSymbols();
  const texts = made.tokens.map((token, id) =>
    id < 2
      ? ''
      : Array.from(token)
          .map((symbol) => {
            const byte = symbols.indexOf(symbol);
            return byte < 128 ? String.fromCharCode(byte) : '';
          })
          .join(''),
  );
  return { ...made, texts };
}

function vocabulary(size: number): { tokens: string[]; types: number[]; merges: string[] } {
  const tokens = ['<s>', '</s>', ...byteSymbols()];
  const types = [3, 3, ...Array.from({ length: 256 }, () => 1)];
  const merges: string[] = [];
  // Pairs of lower-case letters, then triples, until the vocabulary is as large as asked.
  const letters = 'etaoinshrdlcumwfgypbvk';
  const grow = function* (): Generator<[string, string]> {
    for (const a of letters) for (const b of letters) yield [a, b];
    for (const a of letters) for (const b of letters) for (const c of letters) yield [a + b, c];
  };
  for (const [a, b] of grow()) {
    if (tokens.length >= size) break;
    merges.push(`${a} ${b}`);
    tokens.push(a + b);
    types.push(1);
  }
  return { tokens, types, merges };
}

export function tinyModel(shape: TinyModelShape = {}): Uint8Array {
  const {
    vocab = 400,
    width = 64,
    layers = 2,
    heads = 4,
    kvHeads = 2,
    feedForward = 128,
    context = 2048,
    seed = 1,
    dtype = 'f32',
  } = shape;
  const random = randomStream(seed);
  const { tokens, types, merges } = vocabulary(vocab);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const matrix = (name: string, columns: number, rows: number, scale: number): GgufTensor => {
    const values = Float32Array.from({ length: columns * rows }, () => normal() * scale);
    if (dtype === 'f32') return { name, shape: [columns, rows], dtype, data: new Uint8Array(values.buffer) };
    const Half = (globalThis as unknown as { Float16Array: new (from: Float32Array) => { buffer: ArrayBuffer } })
      .Float16Array;
    return { name, shape: [columns, rows], dtype, data: new Uint8Array(new Half(values).buffer) };
  };
  const ones = (name: string): GgufTensor => ({
    name,
    shape: [width],
    dtype: 'f32',
    data: new Uint8Array(new Float32Array(width).fill(1).buffer),
  });
  const head = width / heads;
  const tensors: GgufTensor[] = [matrix('token_embd.weight', width, tokens.length, 1), ones('output_norm.weight')];
  for (let i = 0; i < layers; i++) {
    const scale = 1.5 / Math.sqrt(width);
    tensors.push(
      ones(`blk.${String(i)}.attn_norm.weight`),
      matrix(`blk.${String(i)}.attn_q.weight`, width, width, scale),
      matrix(`blk.${String(i)}.attn_k.weight`, width, head * kvHeads, scale),
      matrix(`blk.${String(i)}.attn_v.weight`, width, head * kvHeads, scale),
      matrix(`blk.${String(i)}.attn_output.weight`, width, width, scale),
      ones(`blk.${String(i)}.ffn_norm.weight`),
      matrix(`blk.${String(i)}.ffn_gate.weight`, width, feedForward, scale),
      matrix(`blk.${String(i)}.ffn_up.weight`, width, feedForward, scale),
      matrix(`blk.${String(i)}.ffn_down.weight`, feedForward, width, 1.5 / Math.sqrt(feedForward)),
    );
  }
  tensors.push(matrix('output.weight', width, tokens.length, 1.5 / Math.sqrt(width)));
  const u32 = (value: number): GgufField => ({ type: 'uint32', value });
  const fields = new Map<string, GgufField>([
    ['general.architecture', { type: 'string', value: 'llama' }],
    ['general.name', { type: 'string', value: 'random weights' }],
    ['llama.context_length', u32(context)],
    ['llama.embedding_length', u32(width)],
    ['llama.block_count', u32(layers)],
    ['llama.feed_forward_length', u32(feedForward)],
    ['llama.attention.head_count', u32(heads)],
    ['llama.attention.head_count_kv', u32(kvHeads)],
    ['llama.attention.layer_norm_rms_epsilon', { type: 'float32', value: 1e-5 }],
    ['llama.rope.dimension_count', u32(head)],
    ['llama.rope.freq_base', { type: 'float32', value: 10000 }],
    ['llama.vocab_size', u32(tokens.length)],
    ['tokenizer.ggml.model', { type: 'string', value: 'gpt2' }],
    ['tokenizer.ggml.pre', { type: 'string', value: 'gpt-2' }],
    ['tokenizer.ggml.tokens', { type: 'array', of: 'string', value: tokens }],
    ['tokenizer.ggml.token_type', { type: 'array', of: 'int32', value: types }],
    ['tokenizer.ggml.merges', { type: 'array', of: 'string', value: merges }],
    ['tokenizer.ggml.bos_token_id', u32(0)],
    ['tokenizer.ggml.eos_token_id', u32(1)],
    ['tokenizer.ggml.add_bos_token', { type: 'bool', value: true }],
  ]);
  if (shape.chatTemplate !== undefined)
    fields.set('tokenizer.chat_template', { type: 'string', value: shape.chatTemplate });
  return encodeGguf(fields, tensors);
}

export async function writeTinyModel(path: string, shape: TinyModelShape = {}): Promise<string> {
  await writeFile(path, tinyModel(shape));
  return path;
}

/** The shape of the starter model, about 4 million parameters. */
export const STARTER_SIZE: TinyModelShape = {
  vocab: 5120,
  width: 192,
  layers: 5,
  heads: 3,
  kvHeads: 3,
  feedForward: 512,
  context: 2048,
  dtype: 'f16',
};
