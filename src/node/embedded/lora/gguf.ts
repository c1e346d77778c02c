import { open, type FileHandle } from 'node:fs/promises';

/**
 * GGUF, version 3 (ggml's docs/gguf.md): enough to write adapters and small models, and to read the header of any
 * file so that a bad one is refused with a reason before the native loader sees it.
 */

export type GgufErrorReason = 'not-gguf' | 'unsupported-version' | 'truncated' | 'corrupt';

export class GgufError extends Error {
  readonly reason: GgufErrorReason;
  constructor(reason: GgufErrorReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'GgufError';
    this.reason = reason;
  }
  static is(error: unknown, reason?: GgufErrorReason): error is GgufError {
    return error instanceof GgufError && (reason === undefined || error.reason === reason);
  }
}

const SCALARS = {
  uint8: 0,
  int8: 1,
  uint16: 2,
  int16: 3,
  uint32: 4,
  int32: 5,
  float32: 6,
  bool: 7,
  string: 8,
  uint64: 10,
  int64: 11,
  float64: 12,
} as const;
const ARRAY = 9;
type ScalarType = keyof typeof SCALARS;
type WritableElement = 'string' | 'int32' | 'uint32' | 'float32';

export type GgufField =
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'uint32' | 'int32' | 'float32'; readonly value: number }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'array'; readonly of: WritableElement; readonly value: readonly (string | number)[] };

export interface GgufTensor {
  readonly name: string;
  /** ggml order: the fastest dimension first, so a row-major (out, in) matrix is [in, out]. */
  readonly shape: readonly number[];
  readonly dtype: 'f32' | 'f16';
  /** Little-endian, row-major. */
  readonly data: Uint8Array;
}

const ALIGNMENT = 32;
const padded = (length: number): number => Math.ceil(length / ALIGNMENT) * ALIGNMENT;

class Bytes {
  private readonly parts: Uint8Array[] = [];
  length = 0;
  raw(part: Uint8Array): this {
    this.parts.push(part);
    this.length += part.length;
    return this;
  }
  private fixed(size: number, write: (view: DataView) => void): this {
    const part = new Uint8Array(size);
    write(new DataView(part.buffer));
    return this.raw(part);
  }
  u32 = (value: number): this => this.fixed(4, (view) => view.setUint32(0, value, true));
  u64 = (value: number): this => this.fixed(8, (view) => view.setBigUint64(0, BigInt(value), true));
  i32 = (value: number): this => this.fixed(4, (view) => view.setInt32(0, value, true));
  f32 = (value: number): this => this.fixed(4, (view) => view.setFloat32(0, value, true));
  string(text: string): this {
    const bytes = new TextEncoder().encode(text);
    return this.u64(bytes.length).raw(bytes);
  }
  scalar(type: ScalarType, value: string | number | boolean): this {
    if (type === 'string') return this.string(String(value));
    if (type === 'bool') return this.raw(Uint8Array.of(value ? 1 : 0));
    if (type === 'int32') return this.i32(Number(value));
    if (type === 'float32') return this.f32(Number(value));
    return this.u32(Number(value));
  }
  pad(): this {
    return this.raw(new Uint8Array(padded(this.length) - this.length));
  }
  join(): Uint8Array {
    return Buffer.concat(this.parts);
  }
}

/** The whole file in memory: made for adapters and test models, megabytes rather than gigabytes. */
export function encodeGguf(fields: ReadonlyMap<string, GgufField>, tensors: readonly GgufTensor[]): Uint8Array {
  const out = new Bytes().raw(new TextEncoder().encode('GGUF')).u32(3).u64(tensors.length).u64(fields.size);
  for (const [key, field] of fields) {
    out.string(key);
    if (field.type === 'array') {
      out.u32(ARRAY).u32(SCALARS[field.of]).u64(field.value.length);
      for (const element of field.value) out.scalar(field.of, element);
    } else out.u32(SCALARS[field.type]).scalar(field.type, field.value);
  }
  let offset = 0;
  for (const tensor of tensors) {
    out.string(tensor.name).u32(tensor.shape.length);
    for (const dimension of tensor.shape) out.u64(dimension);
    out.u32(tensor.dtype === 'f32' ? 0 : 1).u64(offset);
    offset += padded(tensor.data.length);
  }
  out.pad();
  for (const tensor of tensors) out.raw(tensor.data).pad();
  return out.join();
}

export type GgufValue = string | number | boolean | readonly (string | number | boolean)[];

export interface GgufHeader {
  readonly version: number;
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly tensors: readonly { readonly name: string; readonly shape: readonly number[]; readonly type: number }[];
}

/** [elements a block, bytes a block] of the ggml types a file may hold (ggml.c, `type_traits`). */
const BLOCKS: Readonly<Record<number, readonly [number, number]>> = {
  0: [1, 4], 1: [1, 2], 2: [32, 18], 3: [32, 20], 6: [32, 22], 7: [32, 24], 8: [32, 34], 9: [32, 36],
  10: [256, 84], 11: [256, 110], 12: [256, 144], 13: [256, 176], 14: [256, 210], 15: [256, 292],
  16: [256, 66], 17: [256, 74], 18: [256, 98], 19: [256, 50], 20: [32, 18], 21: [256, 110], 22: [256, 82],
  23: [256, 136], 24: [1, 1], 25: [1, 2], 26: [1, 4], 27: [1, 8], 28: [1, 8], 29: [256, 56], 30: [1, 2],
}; // prettier-ignore

/** Reads forward through a file in chunks; a header with a large vocabulary is tens of megabytes. */
class Reader {
  private readonly file: FileHandle;
  private readonly path: string;
  private readonly size: number;
  private chunk = Buffer.alloc(0);
  private chunkStart = 0;
  position = 0;
  constructor(file: FileHandle, path: string, size: number) {
    this.file = file;
    this.path = path;
    this.size = size;
  }
  async take(length: number): Promise<Buffer> {
    if (this.position + length > this.size)
      throw new GgufError(
        'truncated',
        `${this.path} ends inside its header (${String(this.size)} bytes): download or write it again.`,
      );
    const at = this.position - this.chunkStart;
    if (at + length > this.chunk.length) {
      const chunk = Buffer.alloc(Math.min(Math.max(length, 1 << 20), this.size - this.position));
      await this.file.read(chunk, 0, chunk.length, this.position);
      this.chunk = chunk;
      this.chunkStart = this.position;
    }
    const start = this.position - this.chunkStart;
    this.position += length;
    return this.chunk.subarray(start, start + length);
  }
  async u32(): Promise<number> {
    return (await this.take(4)).readUInt32LE();
  }
  async u64(): Promise<number> {
    return Number((await this.take(8)).readBigUInt64LE());
  }
  async string(): Promise<string> {
    return (await this.take(await this.u64())).toString('utf8');
  }
  async value(type: number): Promise<GgufValue> {
    switch (type) {
      case SCALARS.uint8:
        return (await this.take(1)).readUInt8();
      case SCALARS.int8:
        return (await this.take(1)).readInt8();
      case SCALARS.uint16:
        return (await this.take(2)).readUInt16LE();
      case SCALARS.int16:
        return (await this.take(2)).readInt16LE();
      case SCALARS.uint32:
        return this.u32();
      case SCALARS.int32:
        return (await this.take(4)).readInt32LE();
      case SCALARS.float32:
        return (await this.take(4)).readFloatLE();
      case SCALARS.bool:
        return (await this.take(1)).readUInt8() !== 0;
      case SCALARS.string:
        return this.string();
      case SCALARS.uint64:
        return this.u64();
      case SCALARS.int64:
        return Number((await this.take(8)).readBigInt64LE());
      case SCALARS.float64:
        return (await this.take(8)).readDoubleLE();
      case ARRAY: {
        const of = await this.u32();
        const length = await this.u64();
        const elements: (string | number | boolean)[] = [];
        for (let i = 0; i < length; i++) elements.push((await this.value(of)) as string | number | boolean);
        return elements;
      } // prettier-ignore
      default:
        throw new GgufError(
          'corrupt',
          `${this.path} has a metadata value of unknown type ${String(type)}: the file is damaged.`,
        );
    }
  }
}

/**
 * Read metadata and tensor descriptions, and check that the file is as long as they say.
 * @throws GgufError; file system errors pass through.
 */
export async function readGgufHeader(path: string): Promise<GgufHeader> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const reader = new Reader(file, path, size);
    if (size < 24 || (await reader.take(4)).toString('latin1') !== 'GGUF')
      throw new GgufError(
        'not-gguf',
        `${path} is not a GGUF file (its first bytes are not "GGUF"): choose a .gguf model.`,
      );
    const version = await reader.u32();
    if (version < 2 || version > 3)
      throw new GgufError(
        'unsupported-version',
        `${path} is GGUF version ${String(version)}; versions 2 and 3 are supported: convert the model again.`,
      );
    const tensorCount = await reader.u64();
    const fieldCount = await reader.u64();
    const metadata = new Map<string, GgufValue>();
    for (let i = 0; i < fieldCount; i++) {
      const key = await reader.string();
      metadata.set(key, await reader.value(await reader.u32()));
    }
    const tensors: { name: string; shape: number[]; type: number }[] = [];
    let end = 0;
    for (let i = 0; i < tensorCount; i++) {
      const name = await reader.string();
      const shape: number[] = [];
      const dimensions = await reader.u32();
      if (dimensions > 4)
        throw new GgufError(
          'corrupt',
          `${path}: tensor ${name} has ${String(dimensions)} dimensions: the file is damaged.`,
        );
      for (let d = 0; d < dimensions; d++) shape.push(await reader.u64());
      const type = await reader.u32();
      const offset = await reader.u64();
      const [elements, bytes] = BLOCKS[type] ?? [1, 0];
      end = Math.max(end, offset + (shape.reduce((a, b) => a * b, 1) / elements) * bytes);
      tensors.push({ name, shape, type });
    }
    const alignment = metadata.get('general.alignment');
    const unit = typeof alignment === 'number' && alignment > 0 ? alignment : ALIGNMENT;
    const expected = Math.ceil(reader.position / unit) * unit + end;
    if (tensors.length > 0 && size < expected)
      throw new GgufError(
        'truncated',
        `${path} is truncated: ${String(size)} bytes, its header describes ${String(expected)}: download or write it again.`,
      );
    return { version, metadata, tensors };
  } finally {
    await file.close();
  }
}

/** Metadata only; the same checks as {@link readGgufHeader}. */
export async function readGgufMetadata(path: string): Promise<ReadonlyMap<string, GgufValue>> {
  return (await readGgufHeader(path)).metadata;
}
