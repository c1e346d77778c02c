import { open } from 'node:fs/promises';
import { LoraConversionError } from './loraConversionError.ts';

/** One tensor of a safetensors file, as float32 whatever it was stored as. */
export interface SafeTensor {
  readonly name: string;
  /** Row-major, slowest dimension first (PyTorch's order). */
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

const WIDTH: Readonly<Record<string, number>> = { F32: 4, F16: 2, BF16: 2, F64: 8 };

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

function isEntry(value: unknown): value is Entry {
  const entry = value as { dtype?: unknown; shape?: unknown; data_offsets?: unknown } | null;
  return (
    typeof entry?.dtype === 'string' &&
    Array.isArray(entry.shape) &&
    Array.isArray(entry.data_offsets) &&
    entry.data_offsets.length === 2
  );
}

/**
 * Read a whole safetensors file (an 8-byte header length, a JSON header, raw little-endian data).
 * @throws LoraConversionError `bad-safetensors`; file system errors pass through
 */
export async function readSafetensors(path: string): Promise<SafeTensor[]> {
  const bad = (what: string): LoraConversionError =>
    new LoraConversionError('bad-safetensors', `${path} ${what}: copy the adapter again.`);
  const file = await open(path, 'r');
  let bytes: Buffer;
  try {
    bytes = await file.readFile();
  } finally {
    await file.close();
  }
  if (bytes.length < 8) throw bad('is not a safetensors file (shorter than its header)');
  const headerLength = Number(bytes.readBigUInt64LE());
  if (headerLength > bytes.length - 8) throw bad('is truncated, or is not a safetensors file');
  let header: Record<string, unknown>;
  try {
    header = JSON.parse(bytes.toString('utf8', 8, 8 + headerLength)) as Record<string, unknown>;
  } catch {
    throw bad('is not a safetensors file (its header is not JSON)');
  }
  const data = bytes.subarray(8 + headerLength);
  return Object.entries(header)
    .filter(([name]) => name !== '__metadata__')
    .map(([name, entry]) => {
      if (!isEntry(entry)) throw bad(`describes tensor ${name} wrongly`);
      const width = WIDTH[entry.dtype];
      if (width === undefined) throw bad(`stores ${name} as ${entry.dtype}, which LoRA adapters do not use`);
      const [from, to] = entry.data_offsets;
      const count = entry.shape.reduce((a, b) => a * b, 1);
      if (to - from !== count * width) throw bad(`gives ${name} the wrong size`);
      if (to > data.length) throw bad(`is truncated inside ${name}`);
      return { name, shape: entry.shape, values: toFloat32(data.subarray(from, to), entry.dtype, count) };
    });
}

function toFloat32(bytes: Buffer, dtype: string, count: number): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++)
    values[i] =
      dtype === 'F32'
        ? view.getFloat32(i * 4, true)
        : dtype === 'F64'
          ? view.getFloat64(i * 8, true)
          : dtype === 'F16'
            ? halfToFloat(view.getUint16(i * 2, true))
            : bfloatToFloat(view.getUint16(i * 2, true));
  return values;
}

const scratch = new DataView(new ArrayBuffer(4));

function bfloatToFloat(bits: number): number {
  scratch.setUint32(0, (bits << 16) >>> 0);
  return scratch.getFloat32(0);
}

export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** IEEE half precision, rounded to nearest, ties to even. (`Float16Array` is missing from the editor's Node.) */
export function floatToHalf(value: number): number {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude >= 0x7f800000) return sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00);
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // rounds beyond 65504
  if (magnitude < 0x38800000) {
    // Subnormal: a multiple of 2^-24. The product is exact, so one rounding decides.
    const scaled = Math.abs(scratch.getFloat32(0)) * 2 ** 24;
    const below = Math.floor(scaled);
    const rest = scaled - below;
    return sign | (rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below);
  }
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
  return sign | ((rounded - 0x38000000) >>> 13);
}
